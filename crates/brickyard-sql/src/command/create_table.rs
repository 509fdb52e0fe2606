//! `CREATE TABLE`.

use super::Command;
use crate::command::constraint::Constraint;
use crate::command::create_column::ColumnDefinition;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::Query;
use crate::token::TokenKind;

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

impl Parser<'_> {
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
        // A table without columns gets them later, by `ALTER TABLE` or by what is written with another schema.
        if self.symbol(")") {
            return Ok(());
        }
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
            self.collation()?;
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
}
