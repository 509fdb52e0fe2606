//! `USE`, `SET`, `RESET`, `DECLARE`, `EXECUTE IMMEDIATE`.

use super::{Command, Securable};
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::{Expr, Query};
use crate::token::{Span, TokenKind};

/// A change or question of session state.
#[derive(Debug, Clone)]
pub enum Setting {
    /// `SET`, `SET -v`.
    ShowAll {
        /// `-v`.
        verbose: bool,
    },
    /// `SET key`.
    Show(String),
    /// `SET key = value`; the value as typed, strings without quotes.
    Set(String, String),
    /// `RESET`.
    ResetAll,
    /// `RESET key`.
    Reset(String),
    /// `SET TIME ZONE …`: `LOCAL`, a name, or an interval's text.
    TimeZone(String),
    /// `SET VAR a = expr, …`, also `SET VARIABLE`.
    Variables(Vec<(Name, Expr)>),
    /// `SET VAR (a, b) = (query)`.
    VariablesFrom(Vec<Name>, Box<Query>),
    /// `DECLARE [OR REPLACE] [VARIABLE] name [type] [DEFAULT expr]`.
    Declare {
        /// `OR REPLACE`.
        or_replace: bool,
        /// The names.
        names: Vec<Name>,
        /// The type; `None` takes the default's.
        data_type: Option<DataType>,
        /// The default.
        default: Option<Expr>,
    },
}

/// `EXECUTE IMMEDIATE text [INTO a, b] [USING x, y AS name]`.
#[derive(Debug, Clone)]
pub struct ExecuteImmediate {
    /// The text: a string or a variable.
    pub text: Expr,
    /// `INTO`.
    pub into: Vec<Name>,
    /// `USING` with names.
    pub using: Vec<(Expr, Option<Ident>)>,
    /// Where it stands.
    pub span: Span,
}

impl Parser<'_> {
    pub(super) fn use_command(&mut self) -> Result<Command, SqlError> {
        self.expect_words("USE")?;
        if self.words("CATALOG") {
            return self.catalog_name().map(Command::UseCatalog);
        }
        self.one_of(&["SCHEMA", "DATABASE", "NAMESPACE"]);
        self.catalog_name().map(Command::UseSchema)
    }

    /// A name, or a string as `USE CATALOG 'x'` allows.
    fn catalog_name(&mut self) -> Result<Name, SqlError> {
        if self.kind(0) == Some(TokenKind::String) {
            let span = self.here();
            let value = self.string()?;
            return Ok(Name { parts: vec![Ident { value, span }], span });
        }
        self.object()
    }

    pub(super) fn setting(&mut self) -> Result<Command, SqlError> {
        if self.words("DECLARE") {
            return self.declare();
        }
        if self.words("RESET") {
            if self.at_end() || self.is_symbol(";") {
                return Ok(Command::Setting(Setting::ResetAll));
            }
            return Ok(Command::Setting(Setting::Reset(self.setting_key()?)));
        }
        self.expect_words("SET")?;
        if self.at_end() || self.is_symbol(";") {
            return Ok(Command::Setting(Setting::ShowAll { verbose: false }));
        }
        if self.is_symbol("-") && self.is_word_at(1, "V") {
            self.advance();
            self.advance();
            return Ok(Command::Setting(Setting::ShowAll { verbose: true }));
        }
        if self.is_word_at(0, "CATALOG") && !self.is_symbol_at(1, "=") && self.words("CATALOG") {
            return self.catalog_name().map(Command::UseCatalog);
        }
        if self.words("TIME ZONE") {
            return self.time_zone();
        }
        if self.words("VAR") || self.words("VARIABLE") || self.words("VARIABLES") {
            return self.set_variables();
        }
        let key = self.setting_key()?;
        if self.symbol("=") {
            let value = self.setting_value()?;
            return Ok(Command::Setting(Setting::Set(key, value)));
        }
        if self.at_end() || self.is_symbol(";") {
            return Ok(Command::Setting(Setting::Show(key)));
        }
        Err(self.error())
    }

    fn setting_key(&mut self) -> Result<String, SqlError> {
        let start = self.here();
        if self.kind(0) == Some(TokenKind::Quoted) {
            return self.ident().map(|ident| ident.value);
        }
        while matches!(self.kind(0), Some(TokenKind::Word | TokenKind::Number))
            || self.is_symbol(".")
            || self.is_symbol("-")
            || self.is_symbol(":")
        {
            self.advance();
        }
        let key = self.since(start).of(self.sql).to_owned();
        if key.is_empty() || self.last().end <= start.start { Err(self.error()) } else { Ok(key) }
    }

    /// Everything up to the end, or one string.
    fn setting_value(&mut self) -> Result<String, SqlError> {
        let start = self.here();
        if self.kind(0) == Some(TokenKind::String) && (self.peek(1).is_none() || self.is_symbol_at(1, ";")) {
            return self.string();
        }
        while !self.at_end() && !self.is_symbol(";") {
            self.advance();
        }
        Ok(self.since(start).of(self.sql).to_owned())
    }

    fn time_zone(&mut self) -> Result<Command, SqlError> {
        let zone = if self.words("LOCAL") {
            "LOCAL".to_owned()
        } else if self.kind(0) == Some(TokenKind::String) {
            self.string()?
        } else {
            let start = self.here();
            self.expr()?;
            self.since(start).of(self.sql).to_owned()
        };
        Ok(Command::Setting(Setting::TimeZone(zone)))
    }

    fn set_variables(&mut self) -> Result<Command, SqlError> {
        if self.is_symbol("(") {
            let names = self.parenthesized(Self::object)?;
            self.expect_symbol("=")?;
            self.expect_symbol("(")?;
            let query = self.query()?;
            self.expect_symbol(")")?;
            return Ok(Command::Setting(Setting::VariablesFrom(names, Box::new(query))));
        }
        let assignments = self.list(|parser| {
            let name = parser.object()?;
            parser.expect_symbol("=")?;
            Ok((name, parser.expr()?))
        })?;
        Ok(Command::Setting(Setting::Variables(assignments)))
    }

    fn declare(&mut self) -> Result<Command, SqlError> {
        let or_replace = self.words("OR REPLACE");
        self.words("VARIABLE");
        let names = self.list(Self::object)?;
        let untyped =
            self.at_end() || self.is_symbol(";") || self.is_symbol("=") || self.is_word_at(0, "DEFAULT");
        let data_type = if untyped { None } else { Some(self.data_type()?) };
        let default = if self.words("DEFAULT") || self.symbol("=") { Some(self.expr()?) } else { None };
        if data_type.is_none() && default.is_none() {
            return Err(self.error());
        }
        Ok(Command::Setting(Setting::Declare { or_replace, names, data_type, default }))
    }

    pub(super) fn execute_immediate(&mut self) -> Result<Command, SqlError> {
        let start = self.here();
        self.expect_words("EXECUTE IMMEDIATE")?;
        let text = self.expr()?;
        let into = if self.words("INTO") { self.list(Self::object)? } else { Vec::new() };
        let mut using = Vec::new();
        if self.words("USING") {
            let parenthesis = self.is_symbol("(") && self.symbol("(");
            using = self.list(|parser| {
                let value = parser.expr()?;
                let name = if parser.words("AS") { Some(parser.ident()?) } else { None };
                Ok((value, name))
            })?;
            if parenthesis {
                self.expect_symbol(")")?;
            }
        }
        Ok(Command::ExecuteImmediate(ExecuteImmediate { text, into, using, span: self.since(start) }))
    }
}

impl Command {
    /// The kind and name of what the command creates, changes or drops, when it has one.
    pub fn subject(&self) -> Option<(Securable, &Name)> {
        match self {
            Self::UseCatalog(name) => Some((Securable::Catalog, name)),
            Self::UseSchema(name) => Some((Securable::Schema, name)),
            Self::CreateCatalog(create) => Some((Securable::Catalog, &create.name)),
            Self::CreateSchema(create) => Some((Securable::Schema, &create.name)),
            Self::CreateTable(create) => Some((Securable::Table, &create.name)),
            Self::CreateView(create) => Some((Securable::View, &create.name)),
            Self::CreateFunction(create) => Some((Securable::Function, &create.name)),
            Self::CreateProcedure(create) => Some((Securable::Procedure, &create.name)),
            Self::CreateVolume(create) => Some((Securable::Volume, &create.name)),
            Self::CreateConnection(create) => Some((Securable::Connection, &create.name)),
            Self::Drop { kind, name, .. }
            | Self::Undrop { kind, name }
            | Self::CommentOn { kind, name, .. } => Some((*kind, name)),
            Self::Alter(alter) => Some((alter.kind, &alter.name)),
            _ => None,
        }
    }
}
