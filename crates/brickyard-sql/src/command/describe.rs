//! `DESCRIBE …`.

use super::Command;
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::Query;

/// The questions.
#[derive(Debug, Clone)]
pub enum Describe {
    /// `DESCRIBE [TABLE] [EXTENDED] name [column] [AS JSON]`.
    Table {
        /// The table or view.
        name: Name,
        /// `EXTENDED`, `FORMATTED`.
        extended: bool,
        /// One column's path.
        column: Option<Vec<String>>,
        /// `AS JSON`.
        json: bool,
    },
    /// `DESCRIBE DETAIL name`; a path when `delta.` stands before it.
    Detail(Name),
    /// `DESCRIBE HISTORY name`.
    History {
        /// The table.
        name: Name,
        /// `LIMIT n`: only the latest commits.
        limit: Option<u64>,
    },
    /// `DESCRIBE SCHEMA [EXTENDED] name`.
    Schema(Name, bool),
    /// `DESCRIBE CATALOG [EXTENDED] name`.
    Catalog(Name, bool),
    /// `DESCRIBE QUERY query`.
    Query(Box<Query>),
    /// `DESCRIBE FUNCTION [EXTENDED] name`.
    Function(Name, bool),
    /// `DESCRIBE VOLUME name`.
    Volume(Name),
    /// `DESCRIBE EXTERNAL LOCATION`, `CONNECTION`, `SHARE` …: words and name.
    Other(String, Name),
}

impl Parser<'_> {
    pub(super) fn describe(&mut self) -> Result<Command, SqlError> {
        self.advance();
        let describe = if self.words("HISTORY") {
            let name = self.table_or_path()?;
            let limit = if self.words("LIMIT") { Some(self.integer()?) } else { None };
            Describe::History { name, limit }
        } else if self.words("DETAIL") {
            Describe::Detail(self.table_or_path()?)
        } else if self.words("SCHEMA") || self.words("DATABASE") {
            let extended = self.words("EXTENDED");
            Describe::Schema(self.object()?, extended)
        } else if self.is_word_at(0, "CATALOG") && !self.is_symbol_at(1, ".") && self.peek(1).is_some() {
            self.advance();
            let extended = self.words("EXTENDED");
            Describe::Catalog(self.object()?, extended)
        } else if self.words("FUNCTION") {
            let extended = self.words("EXTENDED");
            self.describe_function(extended)?
        } else if self.is_word_at(0, "VOLUME") && !self.is_symbol_at(1, ".") && self.peek(1).is_some() {
            self.advance();
            Describe::Volume(self.object()?)
        } else if let Some(words) = self.one_of(&[
            "EXTERNAL LOCATION",
            "STORAGE CREDENTIAL",
            "CREDENTIAL",
            "CONNECTION",
            "SHARE",
            "RECIPIENT",
            "PROVIDER",
        ]) {
            Describe::Other(words.to_owned(), self.object()?)
        } else if self.words("QUERY") || (self.is_query() && !self.is_word_at(0, "TABLE")) {
            Describe::Query(Box::new(self.query()?))
        } else {
            let table = self.is_word_at(0, "TABLE") && !self.is_symbol_at(1, ".") && self.peek(1).is_some();
            if table {
                self.advance();
            }
            let extended = self.peek(1).is_some()
                && !self.is_symbol_at(1, ".")
                && (self.words("EXTENDED") || self.words("FORMATTED"));
            let name = self.table_or_path()?;
            let mut column = None;
            if self.is_ident() && !self.is_words("AS JSON") {
                if self.words("PARTITION") {
                    self.skip_brackets()?;
                } else {
                    column = Some(self.name()?.values());
                }
            }
            let json = self.words("AS JSON");
            Describe::Table { name, extended, column, json }
        };
        Ok(Command::Describe(describe))
    }

    /// A name, a path after `delta.`, or a path as a string, which is given as `delta` and the path.
    pub(super) fn table_or_path(&mut self) -> Result<Name, SqlError> {
        if self.kind(0) == Some(crate::token::TokenKind::String) {
            let span = self.here();
            let path = self.string()?;
            let ident = |value: String| crate::parser::Ident { value, span };
            return Ok(Name { parts: vec![ident("delta".to_owned()), ident(path)], span });
        }
        self.object()
    }

    /// The name of a function may be an operator or a string.
    fn describe_function(&mut self, extended: bool) -> Result<Describe, SqlError> {
        if self.is_ident() {
            return Ok(Describe::Function(self.object()?, extended));
        }
        let span = self.here();
        let value = match self.kind(0) {
            Some(crate::token::TokenKind::String) => self.string()?,
            Some(_) => {
                let text = self.text(0).to_owned();
                self.advance();
                text
            }
            None => return Err(self.error()),
        };
        let name = Name { parts: vec![crate::parser::Ident { value, span }], span };
        Ok(Describe::Function(name, extended))
    }
}
