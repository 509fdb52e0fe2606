//! `CREATE …`.

use super::Command;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::Query;
use crate::token::TokenKind;

/// `CREATE CATALOG`.
#[derive(Debug, Clone)]
pub struct CreateCatalog {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `MANAGED LOCATION`.
    pub location: Option<String>,
}

/// `CREATE SCHEMA`.
#[derive(Debug, Clone)]
pub struct CreateSchema {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `MANAGED LOCATION` or `LOCATION`.
    pub location: Option<String>,
    /// `WITH DBPROPERTIES`.
    pub properties: Vec<(String, String)>,
}

/// `CREATE TABLE`.
#[derive(Debug, Clone)]
pub struct CreateTable {
    /// `OR REPLACE`, also `REPLACE TABLE`.
    pub or_replace: bool,
    /// `EXTERNAL`.
    pub external: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// Columns.
    pub columns: Vec<ColumnDefinition>,
    /// Constraints of the table.
    pub constraints: Vec<Constraint>,
    /// `USING format`, upper case.
    pub format: Option<String>,
    /// `OPTIONS`.
    pub options: Vec<(String, String)>,
    /// `PARTITIONED BY`; new columns with a type are appended to `columns` too.
    pub partitioned_by: Vec<String>,
    /// `CLUSTER BY (…)`; `None` without it; `CLUSTER BY AUTO` and `NONE` give an empty list.
    pub cluster_by: Option<Vec<String>>,
    /// `CLUSTER BY AUTO`.
    pub cluster_auto: bool,
    /// `LOCATION`.
    pub location: Option<String>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`.
    pub properties: Vec<(String, String)>,
    /// `WITH ROW FILTER function ON (columns)`.
    pub row_filter: Option<(Name, Vec<String>)>,
    /// `AS query`.
    pub query: Option<Query>,
    /// `LIKE source`, `DEEP CLONE source`, `SHALLOW CLONE source`.
    pub like: Option<Like>,
}

/// The table that a new one is made from.
#[derive(Debug, Clone)]
pub enum Like {
    /// `LIKE`: its columns, no rows.
    Columns(Name),
    /// `[DEEP|SHALLOW] CLONE` with a version: `VERSION AS OF` or `TIMESTAMP AS OF`.
    Clone {
        /// The source.
        source: Name,
        /// `SHALLOW`.
        shallow: bool,
        /// `VERSION` or `TIMESTAMP` and the value.
        travel: Option<super::Moment>,
    },
}

/// A column of a new table.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type; `Unknown` when left out, as a view's columns do.
    pub data_type: DataType,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `DEFAULT expression`, as typed.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (expression)` or an identity.
    pub generated: Option<Generated>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `MASK function [USING COLUMNS (…)]`.
    pub mask: Option<(Name, Vec<String>)>,
    /// Constraints of the column.
    pub constraints: Vec<Constraint>,
}

/// Where the values of a column come from.
#[derive(Debug, Clone)]
pub enum Generated {
    /// An expression, as typed.
    Expression(String),
    /// A running number.
    Identity(Identity),
}

/// `GENERATED … AS IDENTITY (START WITH a INCREMENT BY b)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `ALWAYS`, else `BY DEFAULT`.
    pub always: bool,
    /// First value.
    pub start: i64,
    /// Step.
    pub step: i64,
}

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// `PRIMARY KEY`.
    PrimaryKey {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The columns.
        columns: Vec<String>,
    },
    /// `FOREIGN KEY … REFERENCES`.
    ForeignKey {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The columns.
        columns: Vec<String>,
        /// The table they point to.
        table: Vec<String>,
        /// Its columns; empty for its primary key.
        references: Vec<String>,
    },
    /// `CHECK (expression)`, as typed.
    Check {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The expression.
        expression: String,
    },
    /// `UNIQUE`, informational.
    Unique {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The columns.
        columns: Vec<String>,
    },
}

/// The kinds of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// In the catalog.
    Plain,
    /// Of the session.
    Temporary,
    /// Rows are kept.
    Materialized,
    /// `STREAMING TABLE`.
    Streaming,
}

/// `CREATE VIEW`.
#[derive(Debug, Clone)]
pub struct CreateView {
    /// `OR REPLACE`, `OR REFRESH`.
    pub or_replace: bool,
    /// What kind.
    pub kind: ViewKind,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// Names and comments of the columns.
    pub columns: Vec<ColumnDefinition>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`.
    pub properties: Vec<(String, String)>,
    /// The query.
    pub query: Query,
    /// The query's text.
    pub text: String,
    /// `USING format OPTIONS (…)` of a temporary view, instead of a query.
    pub source: Option<(String, Vec<(String, String)>)>,
}

/// `CREATE FUNCTION`.
#[derive(Debug, Clone)]
pub struct CreateFunction {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// Parameters: name, type, default as typed, comment.
    pub parameters: Vec<ColumnDefinition>,
    /// `RETURNS type`.
    pub returns: Option<DataType>,
    /// `RETURNS TABLE (columns)`; with no columns they are those of the query.
    pub returns_table: Option<Vec<ColumnDefinition>>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `DETERMINISTIC`, else `NOT DETERMINISTIC`; `None` when unsaid.
    pub deterministic: Option<bool>,
    /// `ENVIRONMENT (dependencies = '[…]', …)`.
    pub environment: Vec<(String, String)>,
    /// What it does.
    pub body: RoutineBody,
}

/// What a function does.
#[derive(Debug, Clone)]
pub enum RoutineBody {
    /// `RETURN expression`, its text.
    Expression(String),
    /// `RETURN query`, its text.
    Query(String),
    /// `LANGUAGE PYTHON … AS $$ … $$`.
    Python {
        /// The source text.
        source: String,
        /// `HANDLER`.
        handler: Option<String>,
    },
}

/// `CREATE CONNECTION`.
#[derive(Debug, Clone)]
pub struct CreateConnection {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// Such as `HTTP`.
    pub connection_type: String,
    /// Options; secrets among them.
    pub options: Vec<(String, ConnectionOption)>,
    /// `COMMENT`.
    pub comment: Option<String>,
}

/// The value of an option of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionOption {
    /// As it stands.
    Text(String),
    /// `secret('scope', 'key')`.
    Secret {
        /// Scope.
        scope: String,
        /// Key within.
        key: String,
    },
}

/// `CREATE VOLUME`.
#[derive(Debug, Clone)]
pub struct CreateVolume {
    /// `EXTERNAL`.
    pub external: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// `LOCATION`.
    pub location: Option<String>,
    /// `COMMENT`.
    pub comment: Option<String>,
}

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Command, SqlError> {
        let replaces = self.words("REPLACE");
        let mut or_replace = replaces;
        if !replaces {
            self.expect_words("CREATE")?;
            or_replace = self.words("OR REPLACE") || self.words("OR REFRESH");
        }
        self.words("GLOBAL");
        let temporary = self.words("TEMPORARY") || self.words("TEMP");
        let private = self.words("PRIVATE");
        if private {
            return self.unsupported("PRIVATE tables and views");
        }
        if self.words("FOREIGN CATALOG") {
            return self.unsupported("CREATE FOREIGN CATALOG");
        }
        if self.words("CATALOG") {
            return self.create_catalog();
        }
        if self.words("SCHEMA") || self.words("DATABASE") {
            return self.create_schema();
        }
        if self.is_words("EXTERNAL VOLUME") || self.is_word_at(0, "VOLUME") {
            return self.create_volume();
        }
        if self.words("CONNECTION") || self.words("SERVER") {
            return self.create_connection();
        }
        if self.words("TABLE") || self.words("EXTERNAL TABLE") {
            let external = self.last_before_table("EXTERNAL");
            return self.create_table(or_replace, external, temporary);
        }
        if self.words("FUNCTION") {
            return self.create_function(or_replace, temporary);
        }
        let kind = if self.words("MATERIALIZED VIEW") {
            ViewKind::Materialized
        } else if self.words("STREAMING TABLE") || self.words("STREAMING LIVE TABLE") {
            ViewKind::Streaming
        } else if self.words("VIEW") {
            if temporary { ViewKind::Temporary } else { ViewKind::Plain }
        } else {
            let construct = format!("CREATE {}", self.construct());
            return self.unsupported_or_error(&construct);
        };
        self.create_view(or_replace, kind)
    }

    pub(super) fn last_before_table(&self, word: &str) -> bool {
        let before = self.sql[..self.last().start].trim_end();
        before.len() >= word.len() && before[before.len() - word.len()..].eq_ignore_ascii_case(word)
    }

    pub(super) fn construct(&self) -> String {
        const KNOWN: [&str; 16] = [
            "EXTERNAL LOCATION",
            "STORAGE CREDENTIAL",
            "SERVICE CREDENTIAL",
            "CONNECTION",
            "SHARE",
            "RECIPIENT",
            "POLICY",
            "PROCEDURE",
            "FLOW",
            "BLOOMFILTER INDEX",
            "METRIC VIEW",
            "PROVIDER",
            "SERVER",
            "MODEL",
            "AGGREGATE FUNCTION",
            "CLEAN ROOM",
        ];
        KNOWN.iter().find(|words| self.is_words(words)).map_or(String::new(), |words| (*words).to_owned())
    }

    pub(super) fn unsupported_or_error(&mut self, construct: &str) -> Result<Command, SqlError> {
        if construct.trim_end() == "CREATE" {
            return Err(self.error());
        }
        self.unsupported(construct)
    }

    pub(super) fn create_catalog(&mut self) -> Result<Command, SqlError> {
        let if_not_exists = self.if_not_exists();
        let mut create = CreateCatalog { if_not_exists, name: self.object()?, comment: None, location: None };
        loop {
            if self.words("COMMENT") {
                create.comment = Some(self.string()?);
            } else if self.words("MANAGED LOCATION") {
                create.location = Some(self.string()?);
            } else if self.words("DEFAULT COLLATION") {
                self.ident()?;
            } else if self.words("OPTIONS") {
                self.properties()?;
            } else if self.is_words("USING SHARE") {
                return self.unsupported("CREATE CATALOG USING SHARE");
            } else {
                return Ok(Command::CreateCatalog(create));
            }
        }
    }

    pub(super) fn create_schema(&mut self) -> Result<Command, SqlError> {
        let if_not_exists = self.if_not_exists();
        let name = self.object()?;
        let mut create =
            CreateSchema { if_not_exists, name, comment: None, location: None, properties: Vec::new() };
        loop {
            if self.words("COMMENT") {
                create.comment = Some(self.string()?);
            } else if self.words("MANAGED LOCATION") || self.words("LOCATION") {
                create.location = Some(self.string()?);
            } else if self.words("DEFAULT COLLATION") {
                self.ident()?;
            } else if self.words("WITH DBPROPERTIES") {
                create.properties = self.properties()?;
            } else {
                return Ok(Command::CreateSchema(create));
            }
        }
    }

    pub(super) fn create_volume(&mut self) -> Result<Command, SqlError> {
        let external = self.words("EXTERNAL");
        self.expect_words("VOLUME")?;
        let if_not_exists = self.if_not_exists();
        let name = self.object()?;
        let mut create = CreateVolume { external, if_not_exists, name, location: None, comment: None };
        loop {
            if self.words("LOCATION") {
                create.location = Some(self.string()?);
            } else if self.words("COMMENT") {
                create.comment = Some(self.string()?);
            } else {
                return Ok(Command::CreateVolume(create));
            }
        }
    }

    fn create_connection(&mut self) -> Result<Command, SqlError> {
        let if_not_exists = self.if_not_exists();
        let name = self.object()?;
        self.expect_words("TYPE")?;
        let connection_type = self.ident()?.value.to_uppercase();
        self.expect_words("OPTIONS")?;
        let options = self.parenthesized(|parser| {
            let key = parser.property_key()?;
            parser.symbol("=");
            if !parser.words("SECRET") {
                return Ok((key, ConnectionOption::Text(parser.property_value()?)));
            }
            let words = parser.parenthesized(Self::string)?;
            match <[String; 2]>::try_from(words) {
                Ok([scope, name]) => Ok((key, ConnectionOption::Secret { scope, key: name })),
                Err(_) => Err(parser.error()),
            }
        })?;
        let mut comment = None;
        while self.is_word_at(0, "COMMENT") || self.is_words("READ ONLY") {
            if self.words("COMMENT") {
                comment = Some(self.string()?);
            } else {
                self.words("READ ONLY");
            }
        }
        let create = CreateConnection { if_not_exists, name, connection_type, options, comment };
        Ok(Command::CreateConnection(Box::new(create)))
    }

    pub(super) fn create_table(
        &mut self,
        or_replace: bool,
        external: bool,
        temporary: bool,
    ) -> Result<Command, SqlError> {
        let if_not_exists = self.if_not_exists();
        let mut table = CreateTable {
            or_replace,
            external,
            temporary,
            if_not_exists,
            name: self.object()?,
            columns: Vec::new(),
            constraints: Vec::new(),
            format: None,
            options: Vec::new(),
            partitioned_by: Vec::new(),
            cluster_by: None,
            cluster_auto: false,
            location: None,
            comment: None,
            properties: Vec::new(),
            row_filter: None,
            query: None,
            like: None,
        };
        if self.words("LIKE") {
            table.like = Some(Like::Columns(self.object()?));
        } else if let Some(words) = self.one_of(&["DEEP CLONE", "SHALLOW CLONE", "CLONE"]) {
            let source = self.object()?;
            let travel = self.moment()?;
            table.like = Some(Like::Clone { source, shallow: words.starts_with("SHALLOW"), travel });
        } else if self.is_symbol("(") && !self.is_query() {
            self.table_columns(&mut table)?;
        }
        while self.table_clause(&mut table)? {}
        if self.words("AS") || self.is_query() {
            table.query = Some(self.query()?);
        }
        Ok(Command::CreateTable(Box::new(table)))
    }

    pub(super) fn table_columns(&mut self, table: &mut CreateTable) -> Result<(), SqlError> {
        self.expect_symbol("(")?;
        loop {
            if let Some(constraint) = self.constraint()? {
                table.constraints.push(constraint);
            } else {
                table.columns.push(self.column()?);
            }
            if !self.symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")
    }

    pub(super) fn table_clause(&mut self, table: &mut CreateTable) -> Result<bool, SqlError> {
        if self.words("USING") {
            table.format = Some(self.name()?.values().join(".").to_uppercase());
        } else if self.words("OPTIONS") {
            table.options = self.properties()?;
        } else if self.words("PARTITIONED BY") {
            for column in self.parenthesized(Self::partition_column)? {
                table.partitioned_by.push(column.name.clone());
                if column.data_type != DataType::Unknown {
                    table.columns.push(column);
                }
            }
        } else if self.words("CLUSTER BY") {
            if self.words("AUTO") {
                (table.cluster_by, table.cluster_auto) = (Some(Vec::new()), true);
            } else if self.words("NONE") {
                table.cluster_by = Some(Vec::new());
            } else {
                table.cluster_by = Some(self.parenthesized(|p| Ok(p.name()?.values().join(".")))?);
            }
        } else if self.words("LOCATION") {
            table.location = Some(self.string()?);
            if self.words("WITH") {
                self.skip_brackets()?;
            }
        } else if self.words("COMMENT") {
            table.comment = Some(self.string()?);
        } else if self.words("TBLPROPERTIES") {
            table.properties.extend(self.properties()?);
        } else if self.words("WITH ROW FILTER") {
            table.row_filter = Some(self.row_filter()?);
        } else if self.words("DEFAULT COLLATION") {
            self.ident()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `function ON (columns)` after `ROW FILTER`.
    pub(super) fn row_filter(&mut self) -> Result<(Name, Vec<String>), SqlError> {
        let function = self.object()?;
        self.expect_words("ON")?;
        let columns = self.parenthesized(|parser| {
            Ok(if parser.kind(0) == Some(TokenKind::Word) || parser.kind(0) == Some(TokenKind::Quoted) {
                parser.name()?.values().join(".")
            } else {
                parser.expr()?.span.of(parser.sql).to_owned()
            })
        })?;
        Ok((function, columns))
    }

    pub(super) fn partition_column(&mut self) -> Result<ColumnDefinition, SqlError> {
        if self.is_symbol_at(1, ",") || self.is_symbol_at(1, ")") {
            let name = self.ident()?.value;
            return Ok(ColumnDefinition { name, ..ColumnDefinition::untyped() });
        }
        self.column()
    }

    /// A column with its options.
    pub(super) fn column(&mut self) -> Result<ColumnDefinition, SqlError> {
        let name = self.ident()?.value;
        self.symbol(":");
        let data_type = self.data_type()?;
        let mut column = ColumnDefinition { name, data_type, ..ColumnDefinition::untyped() };
        self.column_options(&mut column)?;
        Ok(column)
    }

    pub(super) fn column_options(&mut self, column: &mut ColumnDefinition) -> Result<(), SqlError> {
        loop {
            if self.words("NOT NULL") {
                column.not_null = true;
            } else if self.words("NULL") {
            } else if self.words("DEFAULT") {
                column.default = Some(self.expr()?.span.of(self.sql).to_owned());
            } else if self.words("COMMENT") {
                column.comment = Some(self.string()?);
            } else if self.words("COLLATE") {
                self.ident()?;
            } else if self.is_words("GENERATED") {
                column.generated = Some(self.generated()?);
            } else if self.words("MASK") {
                column.mask = Some(self.mask()?);
            } else if let Some(constraint) = self.column_constraint(&column.name)? {
                column.constraints.push(constraint);
            } else {
                return Ok(());
            }
        }
    }

    /// `function [USING COLUMNS (a, b)]` after `MASK`.
    pub(super) fn mask(&mut self) -> Result<(Name, Vec<String>), SqlError> {
        let function = self.object()?;
        let columns = if self.words("USING COLUMNS") {
            self.parenthesized(|parser| Ok(parser.expr()?.span.of(parser.sql).to_owned()))?
        } else {
            Vec::new()
        };
        Ok((function, columns))
    }

    pub(super) fn generated(&mut self) -> Result<Generated, SqlError> {
        self.expect_words("GENERATED")?;
        let always = self.words("ALWAYS");
        if !always {
            self.expect_words("BY DEFAULT")?;
        }
        self.expect_words("AS")?;
        if !self.words("IDENTITY") {
            self.expect_symbol("(")?;
            let text = self.expr()?.span.of(self.sql).to_owned();
            self.expect_symbol(")")?;
            return Ok(Generated::Expression(text));
        }
        let mut identity = Identity { always, start: 1, step: 1 };
        if self.symbol("(") {
            while !self.symbol(")") {
                if self.words("START WITH") || self.words("START") {
                    identity.start = self.signed()?;
                } else if self.words("INCREMENT BY") || self.words("INCREMENT") {
                    identity.step = self.signed()?;
                } else if !self.symbol(",") {
                    return Err(self.error());
                }
            }
        }
        Ok(Generated::Identity(identity))
    }

    pub(super) fn signed(&mut self) -> Result<i64, SqlError> {
        let negative = self.symbol("-");
        let number = i64::try_from(self.integer()?).map_err(|_| self.error())?;
        Ok(if negative { -number } else { number })
    }

    pub(super) fn column_constraint(&mut self, column: &str) -> Result<Option<Constraint>, SqlError> {
        let mark = self.mark();
        let name = if self.words("CONSTRAINT") { Some(self.ident()?.value) } else { None };
        let columns = vec![column.to_owned()];
        let constraint = if self.words("PRIMARY KEY") {
            Constraint::PrimaryKey { name, columns }
        } else if self.words("UNIQUE") {
            Constraint::Unique { name, columns }
        } else if self.words("FOREIGN KEY") || self.is_word_at(0, "REFERENCES") {
            self.foreign_key(name, columns)?
        } else if self.words("CHECK") {
            self.check(name)?
        } else {
            self.reset(mark);
            return Ok(None);
        };
        self.constraint_options();
        Ok(Some(constraint))
    }

    /// A constraint of a table, when one is next.
    pub(super) fn constraint(&mut self) -> Result<Option<Constraint>, SqlError> {
        let mark = self.mark();
        let name = if self.is_word_at(0, "CONSTRAINT") && self.peek(2).is_some() && !self.is_symbol_at(1, ",")
        {
            self.advance();
            Some(self.ident()?.value)
        } else {
            None
        };
        let columns = |parser: &mut Self| {
            parser.parenthesized(|parser| {
                let column = parser.ident()?.value;
                parser.words("TIMESERIES");
                Ok(column)
            })
        };
        let constraint = if self.is_words("PRIMARY KEY") && self.words("PRIMARY KEY") {
            Constraint::PrimaryKey { name, columns: columns(self)? }
        } else if self.is_word_at(0, "UNIQUE") && self.is_symbol_at(1, "(") {
            self.advance();
            Constraint::Unique { name, columns: columns(self)? }
        } else if self.words("FOREIGN KEY") {
            let columns = columns(self)?;
            self.foreign_key(name, columns)?
        } else if self.is_word_at(0, "CHECK") && self.is_symbol_at(1, "(") {
            self.advance();
            self.check(name)?
        } else {
            self.reset(mark);
            return Ok(None);
        };
        self.constraint_options();
        Ok(Some(constraint))
    }

    pub(super) fn foreign_key(
        &mut self,
        name: Option<String>,
        columns: Vec<String>,
    ) -> Result<Constraint, SqlError> {
        self.expect_words("REFERENCES")?;
        let table = self.object()?.values();
        let references = if self.is_symbol("(") {
            self.parenthesized(|parser| Ok(parser.ident()?.value))?
        } else {
            Vec::new()
        };
        Ok(Constraint::ForeignKey { name, columns, table, references })
    }

    pub(super) fn check(&mut self, name: Option<String>) -> Result<Constraint, SqlError> {
        self.expect_symbol("(")?;
        let expression = self.expr()?.span.of(self.sql).to_owned();
        self.expect_symbol(")")?;
        Ok(Constraint::Check { name, expression })
    }

    pub(super) fn constraint_options(&mut self) {
        const OPTIONS: [&str; 15] = [
            "NOT ENFORCED",
            "ENFORCED",
            "NOT DEFERRABLE",
            "DEFERRABLE",
            "INITIALLY DEFERRED",
            "INITIALLY IMMEDIATE",
            "NORELY",
            "RELY",
            "MATCH FULL",
            "ON UPDATE NO ACTION",
            "ON DELETE NO ACTION",
            "ON UPDATE CASCADE",
            "ON DELETE CASCADE",
            "DISABLE",
            "NOVALIDATE",
        ];
        while self.one_of(&OPTIONS).is_some() {}
    }
}

impl ColumnDefinition {
    /// A column without type or options.
    pub(super) fn untyped() -> Self {
        Self {
            name: String::new(),
            data_type: DataType::Unknown,
            not_null: false,
            default: None,
            generated: None,
            comment: None,
            mask: None,
            constraints: Vec::new(),
        }
    }
}
