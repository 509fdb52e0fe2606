//! `CREATE PROCEDURE` and `CALL`.

use super::Command;
use crate::command::create_column::ColumnDefinition;
use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::Expr;
use crate::token::{Span, TokenKind};

/// Which way the values of a parameter go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `IN`, also where nothing is written.
    In,
    /// `OUT`.
    Out,
    /// `INOUT`.
    InOut,
}

impl Mode {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "IN",
            Self::Out => "OUT",
            Self::InOut => "INOUT",
        }
    }
}

/// `CREATE PROCEDURE`.
#[derive(Debug, Clone)]
pub struct CreateProcedure {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Its name.
    pub name: Name,
    /// Parameters: the way they go, name, type, default as typed, comment.
    pub parameters: Vec<(Mode, ColumnDefinition)>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `BEGIN … END`, its text.
    pub body: String,
}

/// `CALL name(arguments)`.
#[derive(Debug, Clone)]
pub struct Call {
    /// The procedure.
    pub name: Name,
    /// The arguments; with a name for `name => value`.
    pub arguments: Vec<(Option<Ident>, Expr)>,
}

impl Parser<'_> {
    /// What follows `CREATE PROCEDURE`.
    pub(super) fn create_procedure(&mut self, or_replace: bool) -> Result<Command, SqlError> {
        let if_not_exists = self.if_not_exists();
        let name = self.object()?;
        let parameters = self.parenthesized(|parser| {
            let named = matches!(parser.kind(1), Some(TokenKind::Word | TokenKind::Quoted))
                && parser.kind(2) == Some(TokenKind::Word);
            let mode = match parser.one_of(if named { &["INOUT", "IN", "OUT"] } else { &[] }) {
                Some("OUT") => Mode::Out,
                Some("INOUT") => Mode::InOut,
                _ => Mode::In,
            };
            Ok((mode, parser.column()?))
        })?;
        let mut comment = None;
        loop {
            if self.words("COMMENT") {
                comment = Some(self.string()?);
            } else if self.words("LANGUAGE") {
                let language = self.ident()?.value;
                if !language.eq_ignore_ascii_case("SQL") {
                    return self.unsupported("procedures that are not written in SQL");
                }
            } else if self.words("SQL SECURITY DEFINER") {
                return self.unsupported("SQL SECURITY DEFINER of a procedure");
            } else if self.words("DEFAULT COLLATION") {
                self.collation()?;
            } else if self
                .one_of(&[
                    "SQL SECURITY INVOKER",
                    "NOT DETERMINISTIC",
                    "DETERMINISTIC",
                    "MODIFIES SQL DATA",
                    "READS SQL DATA",
                    "CONTAINS SQL",
                ])
                .is_none()
            {
                break;
            }
        }
        self.expect_words("AS")?;
        let start = self.here();
        if !self.is_word_at(0, "BEGIN") {
            return Err(self.error());
        }
        while self.advance().is_some() {}
        let end = self.sql.trim_end().trim_end_matches(';').len();
        let body = Span::new(start.start, end).of(self.sql).trim_end().to_owned();
        super::script(&body)?;
        let create = CreateProcedure { or_replace, if_not_exists, name, parameters, comment, body };
        Ok(Command::CreateProcedure(Box::new(create)))
    }

    /// `CALL name(…)`.
    pub(super) fn call_procedure(&mut self) -> Result<Command, SqlError> {
        self.expect_words("CALL")?;
        let name = self.object()?;
        let arguments = if self.is_symbol("(") && self.is_symbol_at(1, ")") {
            self.skip_brackets()?;
            Vec::new()
        } else {
            self.parenthesized(|parser| {
                let argument = parser.argument(&[])?;
                Ok((argument.name, argument.value))
            })?
        };
        Ok(Command::Call(Call { name, arguments }))
    }
}
