//! Files on volumes and `COPY INTO`.

use super::Command;
use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::{Item, Query};
use crate::token::TokenKind;

/// `COPY INTO table [(columns)] FROM path …`.
#[derive(Debug, Clone)]
pub struct CopyInto {
    /// The table.
    pub table: Name,
    /// The column list.
    pub columns: Vec<String>,
    /// Where the files are.
    pub path: String,
    /// `(SELECT items FROM path)`.
    pub items: Vec<Item>,
    /// `FILEFORMAT`, upper case.
    pub format: String,
    /// `FILES = (…)`.
    pub files: Vec<String>,
    /// `PATTERN = '…'`.
    pub pattern: Option<String>,
    /// `FORMAT_OPTIONS`.
    pub format_options: Vec<(String, String)>,
    /// `COPY_OPTIONS`.
    pub copy_options: Vec<(String, String)>,
    /// `VALIDATE [ALL | n ROWS]`.
    pub validate: bool,
}

/// `INSERT OVERWRITE [LOCAL] DIRECTORY path USING format query`.
#[derive(Debug, Clone)]
pub struct InsertDirectory {
    /// Where the files go.
    pub path: String,
    /// The format, upper case.
    pub format: String,
    /// `OPTIONS`.
    pub options: Vec<(String, String)>,
    /// The rows.
    pub query: Query,
}

impl Parser<'_> {
    pub(super) fn files(&mut self) -> Result<Command, SqlError> {
        let word = self.text(0).to_uppercase();
        if word == "COPY" {
            return self.copy_into();
        }
        self.advance();
        if self.kind(0) != Some(TokenKind::String) {
            return Err(self.error());
        }
        let first = self.string()?;
        Ok(match word.as_str() {
            "PUT" => {
                self.expect_words("INTO")?;
                let path = self.string()?;
                Command::Put { file: first, path, overwrite: self.words("OVERWRITE") }
            }
            "GET" => {
                self.expect_words("TO")?;
                Command::Get { path: first, file: self.string()? }
            }
            "REMOVE" => Command::Remove { path: first },
            _ => {
                let limit = if self.words("LIMIT") { Some(self.integer()?) } else { None };
                Command::List { path: first, limit }
            }
        })
    }

    fn copy_into(&mut self) -> Result<Command, SqlError> {
        self.expect_words("COPY INTO")?;
        let mut copy = CopyInto {
            table: self.object()?,
            columns: Vec::new(),
            path: String::new(),
            items: Vec::new(),
            format: String::new(),
            files: Vec::new(),
            pattern: None,
            format_options: Vec::new(),
            copy_options: Vec::new(),
            validate: false,
        };
        if self.words("BY POSITION") {
        } else if self.is_symbol("(") {
            copy.columns =
                self.parenthesized(Self::ident)?.into_iter().map(|Ident { value, .. }| value).collect();
        }
        self.expect_words("FROM")?;
        if self.symbol("(") {
            self.expect_words("SELECT")?;
            copy.items = self.list(Self::item)?;
            self.expect_words("FROM")?;
            copy.path = self.string()?;
            self.expect_symbol(")")?;
        } else {
            copy.path = self.string()?;
        }
        if self.words("WITH") {
            self.skip_brackets()?;
        }
        self.expect_words("FILEFORMAT")?;
        self.expect_symbol("=")?;
        copy.format = self.ident()?.value.to_uppercase();
        loop {
            if self.words("VALIDATE") {
                copy.validate = true;
                if !self.words("ALL") && self.kind(0) == Some(TokenKind::Number) {
                    self.integer()?;
                    self.expect_words("ROWS")?;
                }
            } else if self.words("FILES") {
                self.expect_symbol("=")?;
                copy.files = self.parenthesized(Self::string)?;
            } else if self.words("PATTERN") {
                self.expect_symbol("=")?;
                copy.pattern = Some(self.string()?);
            } else if self.words("FORMAT_OPTIONS") {
                copy.format_options = self.properties()?;
            } else if self.words("COPY_OPTIONS") {
                copy.copy_options = self.properties()?;
            } else {
                return Ok(Command::CopyInto(Box::new(copy)));
            }
        }
    }

    pub(crate) fn insert_directory(&mut self) -> Result<Command, SqlError> {
        self.expect_words("INSERT OVERWRITE")?;
        self.words("LOCAL");
        self.expect_words("DIRECTORY")?;
        let mut path = if self.kind(0) == Some(TokenKind::String) { self.string()? } else { String::new() };
        self.expect_words("USING")?;
        let format = self.ident()?.value.to_uppercase();
        let options = if self.words("OPTIONS") { self.properties()? } else { Vec::new() };
        if let Some((_, value)) = options.iter().find(|(key, _)| key.eq_ignore_ascii_case("path")) {
            path.clone_from(value);
        }
        self.words("AS");
        let query = self.query()?;
        Ok(Command::InsertDirectory(Box::new(InsertDirectory { path, format, options, query })))
    }
}
