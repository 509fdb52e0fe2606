//! `CREATE …`.

use super::schedule::Schedule;
use super::{Command, Constraint};
use crate::command::create_column::ColumnDefinition;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::Query;

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
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `OR REFRESH`.
    pub or_refresh: bool,
    /// What kind.
    pub kind: ViewKind,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// Names and comments of the columns; their types where rows are kept.
    pub columns: Vec<ColumnDefinition>,
    /// Constraints beside the columns.
    pub constraints: Vec<Constraint>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES`.
    pub properties: Vec<(String, String)>,
    /// `PARTITIONED BY`.
    pub partitioned_by: Vec<String>,
    /// `CLUSTER BY (…)`; nothing where it is not said, or `NONE`.
    pub cluster_by: Vec<String>,
    /// `CLUSTER BY AUTO`.
    pub cluster_auto: bool,
    /// `SCHEDULE`, `TRIGGER`.
    pub schedule: Option<Schedule>,
    /// `WITH ROW FILTER`.
    pub row_filter: Option<(Name, Vec<String>)>,
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
        let (mut or_replace, mut or_refresh) = (replaces, false);
        if !replaces {
            self.expect_words("CREATE")?;
            or_replace = self.words("OR REPLACE");
            or_refresh = !or_replace && self.words("OR REFRESH");
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
        if !or_refresh && (self.words("TABLE") || self.words("EXTERNAL TABLE")) {
            let external = self.last_before_table("EXTERNAL");
            return self.create_table(or_replace, external, temporary);
        }
        if self.words("FUNCTION") {
            return self.create_function(or_replace, temporary);
        }
        if self.words("PROCEDURE") {
            return self.create_procedure(or_replace);
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
        if or_refresh && !matches!(kind, ViewKind::Materialized | ViewKind::Streaming) {
            return Err(self.error());
        }
        self.create_view(or_replace, or_refresh, kind)
    }

    pub(super) fn last_before_table(&self, word: &str) -> bool {
        let before = self.sql[..self.last().start].trim_end();
        before.len() >= word.len() && before[before.len() - word.len()..].eq_ignore_ascii_case(word)
    }

    pub(super) fn construct(&self) -> String {
        const KNOWN: [&str; 15] = [
            "EXTERNAL LOCATION",
            "STORAGE CREDENTIAL",
            "SERVICE CREDENTIAL",
            "CONNECTION",
            "SHARE",
            "RECIPIENT",
            "POLICY",
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
                self.collation()?;
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
                self.collation()?;
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
}
