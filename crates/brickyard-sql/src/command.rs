//! Commands: statements that the workspace answers itself, with places in the text where they hold expressions or queries.

mod alter;
mod constraint;
mod create;
mod create_column;
mod create_table;
mod create_view;
mod describe;
mod files;
mod grant;
mod maintain;
mod procedure;
mod schedule;
mod script;
mod securable;
mod session;
mod show;

pub use alter::{Alter, AlterAction, ColumnChange, Position};
pub use constraint::Constraint;
pub use create::{
    ConnectionOption, CreateCatalog, CreateConnection, CreateFunction, CreateSchema, CreateView,
    CreateVolume, RoutineBody, ViewKind,
};
pub(crate) use create_column::is_closed;
pub use create_column::{ColumnDefinition, Generated, Identity};
pub use create_table::{CreateTable, Like};
pub use describe::Describe;
pub use files::{CopyInto, InsertDirectory};
pub use grant::{Grant, GrantAction};
pub use maintain::{Maintain, Moment};
pub use procedure::{Call, CreateProcedure, Mode};
pub use schedule::Schedule;
pub use script::{Block, Condition, Handler, Step, script};
pub use securable::Securable;
pub use session::{ExecuteImmediate, Setting};
pub use show::{Scope, Show};

use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::{Expr, ExprKind};
use crate::statement::Body;
use crate::token::Span;

/// A statement that is not run by the engine as it stands.
#[derive(Debug, Clone)]
pub enum Command {
    /// `USE CATALOG c`, `SET CATALOG c`.
    UseCatalog(Name),
    /// `USE [SCHEMA|DATABASE] [c.]s`.
    UseSchema(Name),
    /// `SET …`, `RESET …`.
    Setting(Setting),
    /// `EXECUTE IMMEDIATE`.
    ExecuteImmediate(ExecuteImmediate),
    /// `BEGIN … END`: the whole text is a script.
    Script {
        /// Where it stands.
        span: Span,
    },
    /// `BEGIN TRANSACTION`, `COMMIT`, `ROLLBACK`: the first word.
    Transaction(String),
    /// `EXPLAIN [mode] statement`.
    Explain {
        /// `EXTENDED`, `FORMATTED`, `CODEGEN`, `COST`; empty for none.
        mode: String,
        /// The statement that is explained.
        statement: Box<Body>,
        /// Where that statement stands.
        span: Span,
    },
    /// `CREATE CATALOG`.
    CreateCatalog(CreateCatalog),
    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `CREATE TABLE`, `CREATE OR REPLACE TABLE`, `REPLACE TABLE`.
    CreateTable(Box<CreateTable>),
    /// `CREATE VIEW`, temporary and materialized ones too.
    CreateView(Box<CreateView>),
    /// `CREATE FUNCTION`.
    CreateFunction(Box<CreateFunction>),
    /// `CREATE PROCEDURE`.
    CreateProcedure(Box<CreateProcedure>),
    /// `CALL procedure(…)`.
    Call(Call),
    /// `CREATE VOLUME`.
    CreateVolume(CreateVolume),
    /// `CREATE CONNECTION`.
    CreateConnection(Box<CreateConnection>),
    /// `DROP kind [IF EXISTS] name [CASCADE|RESTRICT]`.
    Drop {
        /// What is dropped.
        kind: Securable,
        /// `IF EXISTS`.
        if_exists: bool,
        /// `TEMPORARY`.
        temporary: bool,
        /// Its name.
        name: Name,
        /// `CASCADE`.
        cascade: bool,
    },
    /// `UNDROP kind name`.
    Undrop {
        /// What comes back.
        kind: Securable,
        /// Its name.
        name: Name,
    },
    /// `ALTER kind name …`.
    Alter(Box<Alter>),
    /// `COMMENT ON kind name IS …`.
    CommentOn {
        /// What is described.
        kind: Securable,
        /// Its name; of a column, the last part is the column.
        name: Name,
        /// The text; `None` for `NULL`.
        comment: Option<String>,
    },
    /// `SHOW …`.
    Show(Show),
    /// `DESCRIBE …`.
    Describe(Describe),
    /// `GRANT`, `REVOKE`, `DENY`.
    Grant(Grant),
    /// `OPTIMIZE`, `VACUUM`, `RESTORE` and the like.
    Maintain(Maintain),
    /// `PUT 'file' INTO 'path' [OVERWRITE]`.
    Put {
        /// File of the client; `__input_stream__` for a stream.
        file: String,
        /// Path on the volume.
        path: String,
        /// `OVERWRITE`.
        overwrite: bool,
    },
    /// `GET 'path' TO 'file'`.
    Get {
        /// Path on the volume.
        path: String,
        /// File of the client.
        file: String,
    },
    /// `REMOVE 'path'`.
    Remove {
        /// Path on the volume.
        path: String,
    },
    /// `LIST 'path' [LIMIT n]`.
    List {
        /// Path on the volume.
        path: String,
        /// `LIMIT`.
        limit: Option<u64>,
    },
    /// `COPY INTO`.
    CopyInto(Box<CopyInto>),
    /// `INSERT OVERWRITE DIRECTORY`.
    InsertDirectory(Box<InsertDirectory>),
    /// Recognised but not answered; names the construct.
    Unsupported {
        /// Such as `CREATE SHARE`.
        construct: String,
    },
}

impl Parser<'_> {
    /// Reads a command.
    pub(crate) fn command(&mut self) -> Result<Command, SqlError> {
        let start = self.here();
        let first = self.text(0).to_uppercase();
        match first.as_str() {
            _ if self.is_labelled_script() => {
                while self.advance().is_some() {}
                Ok(Command::Script { span: self.since(start) })
            }
            "USE" => self.use_command(),
            "SET" | "RESET" | "DECLARE" => self.setting(),
            "EXECUTE" => self.execute_immediate(),
            "BEGIN"
                if !self.is_word_at(1, "TRANSACTION")
                    && !self.is_word_at(1, "WORK")
                    && self.peek(1).is_some()
                    && !self.is_symbol_at(1, ";") =>
            {
                while self.advance().is_some() {}
                Ok(Command::Script { span: self.since(start) })
            }
            "BEGIN" | "COMMIT" | "ROLLBACK" => {
                self.advance();
                self.one_of(&["TRANSACTION", "WORK"]);
                Ok(Command::Transaction(first))
            }
            "EXPLAIN" => self.explain(),
            "CREATE" | "REPLACE" => self.create(),
            "DROP" => self.drop_command(),
            "UNDROP" => {
                self.advance();
                let kind = self.securable().ok_or_else(|| self.error())?;
                Ok(Command::Undrop { kind, name: self.object()? })
            }
            "ALTER" => self.alter(),
            "COMMENT" => self.comment_on(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "GRANT" | "REVOKE" | "DENY" => self.grant(),
            "OPTIMIZE" | "VACUUM" | "RESTORE" | "TRUNCATE" | "ANALYZE" | "REFRESH" | "CACHE" | "UNCACHE"
            | "CLEAR" | "REORG" | "FSCK" | "MSCK" | "CONVERT" | "GENERATE" | "SYNC" => self.maintain(),
            "PUT" | "GET" | "REMOVE" | "LIST" | "LS" | "COPY" => self.files(),
            "CALL" => self.call_procedure(),
            "ADD" | "DELETE" if self.is_word_at(1, "JAR") => self.unsupported("ADD JAR"),
            "LOAD" => self.unsupported("LOAD DATA"),
            _ => Err(self.error()),
        }
    }

    /// Passes over the rest and gives [`Command::Unsupported`].
    pub(crate) fn unsupported(&mut self, construct: &str) -> Result<Command, SqlError> {
        while self.advance().is_some() {}
        Ok(Command::Unsupported { construct: construct.to_owned() })
    }

    /// Reads the name of an object, or `IDENTIFIER('…')` with a constant.
    pub(crate) fn object(&mut self) -> Result<Name, SqlError> {
        if !(self.is_word_at(0, "IDENTIFIER") && self.is_symbol_at(1, "(")) {
            return self.name();
        }
        let start = self.here();
        self.advance();
        self.advance();
        let expr = self.expr()?;
        self.expect_symbol(")")?;
        let span = self.since(start);
        let text = constant_string(&expr).ok_or_else(|| SqlError::syntax(self.sql, span))?;
        identifier_name(&text, span)
    }

    /// Reads `IF NOT EXISTS`.
    pub(crate) fn if_not_exists(&mut self) -> bool {
        self.words("IF NOT EXISTS")
    }

    /// Reads a principal: a name in back-ticks, a word, or a string.
    pub(crate) fn principal(&mut self) -> Result<String, SqlError> {
        if self.kind(0) == Some(crate::token::TokenKind::String) {
            return self.string();
        }
        self.ident().map(|ident| ident.value)
    }

    /// Reads a key of properties: words with dots, or a string.
    pub(crate) fn property_key(&mut self) -> Result<String, SqlError> {
        if self.kind(0) == Some(crate::token::TokenKind::String) {
            return self.string();
        }
        Ok(self.name()?.values().join("."))
    }

    /// Reads a value of properties as text.
    pub(crate) fn property_value(&mut self) -> Result<String, SqlError> {
        match self.kind(0) {
            Some(crate::token::TokenKind::String) => self.string(),
            Some(crate::token::TokenKind::Number | crate::token::TokenKind::Word) => {
                let value = self.text(0).to_owned();
                self.advance();
                Ok(value)
            }
            _ if self.is_symbol("-") => {
                self.advance();
                Ok(format!("-{}", self.property_value()?))
            }
            _ => Err(self.error()),
        }
    }

    /// Reads `(key = value, …)`, also without `=`.
    pub(crate) fn properties(&mut self) -> Result<Vec<(String, String)>, SqlError> {
        self.parenthesized(|parser| {
            let key = parser.property_key()?;
            parser.symbol("=");
            if parser.is_symbol(",") || parser.is_symbol(")") {
                return Ok((key, String::new()));
            }
            Ok((key, parser.property_value()?))
        })
    }

    fn explain(&mut self) -> Result<Command, SqlError> {
        self.expect_words("EXPLAIN")?;
        let mode = self.one_of(&["EXTENDED", "FORMATTED", "CODEGEN", "COST"]).unwrap_or_default().to_owned();
        let start = self.here();
        let statement = self.deeper(Self::statement)?;
        Ok(Command::Explain { mode, statement: Box::new(statement), span: self.since(start) })
    }

    fn drop_command(&mut self) -> Result<Command, SqlError> {
        self.expect_words("DROP")?;
        let temporary = self.words("TEMPORARY") || self.words("TEMP");
        if self.words("POLICY") {
            return self.unsupported("DROP POLICY");
        }
        let kind = self.securable().ok_or_else(|| self.error())?;
        let if_exists = self.words("IF EXISTS");
        let name = self.object()?;
        if kind == Securable::Function && self.is_symbol("(") {
            self.skip_brackets()?;
        }
        let cascade = self
            .one_of(&["CASCADE", "RESTRICT", "FORCE", "PURGE"])
            .is_some_and(|word| word == "CASCADE" || word == "FORCE");
        Ok(Command::Drop { kind, if_exists, temporary, name, cascade })
    }

    fn comment_on(&mut self) -> Result<Command, SqlError> {
        self.expect_words("COMMENT ON")?;
        let kind = self.securable().ok_or_else(|| self.error())?;
        let name = self.object()?;
        self.expect_words("IS")?;
        let comment = if self.words("NULL") { None } else { Some(self.string()?) };
        Ok(Command::CommentOn { kind, name, comment })
    }
}

/// The value of an expression made of strings and `||` alone.
pub(crate) fn constant_string(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::String(value) => Some(value.clone()),
        ExprKind::Chain(operator, operands) if operator == "||" => {
            operands.iter().map(constant_string).collect()
        }
        ExprKind::Tuple(items) if items.len() == 1 => constant_string(&items[0]),
        ExprKind::Cast { value, data_type: crate::DataType::String, .. } => constant_string(value),
        ExprKind::Call(call) if call.name.single().as_deref() == Some("CONCAT") => {
            call.arguments.iter().map(|argument| constant_string(&argument.value)).collect()
        }
        _ => None,
    }
}

/// Reads the text of `IDENTIFIER('a.b')` as a name that stands at `span`.
pub(crate) fn identifier_name(text: &str, span: Span) -> Result<Name, SqlError> {
    let mut parser = Parser::new(text)?;
    let name = parser.name()?;
    parser.expect_end()?;
    let parts = name.parts.into_iter().map(|part| Ident { value: part.value, span }).collect();
    Ok(Name { parts, span })
}
