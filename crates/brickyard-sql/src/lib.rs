//! The Databricks SQL dialect: tokens, statements, types, and rewriting to what the engine runs. No I/O.
//!
//! [`bind`] puts parameters into a statement, [`parse`] says what it is, [`references`] what it touches, and [`plan`] what is to be
//! done for it. Whatever is not understood is refused: a table that was not seen is a grant that was not checked.

pub mod command;
mod data_type;
mod error;
mod function;
mod parameters;
mod parser;
mod plan;
pub mod query;
mod references;
mod rewrite;
mod room;
pub mod statement;
pub mod token;

pub use command::{Command, Securable};
pub use data_type::{DataType, Field};
pub use error::SqlError;
pub use function::is_builtin;
pub use parameters::{Marker, Parameter, Parameters, bind, literal, markers};
pub use parser::{Ident, Name, Parser};
pub use plan::{
    Column, Context, EngineStatement, Plan, Relation, Routine, Schemas, Variable, View, plan, plan_query,
    qualify,
};
pub use references::{Reference, ReferenceKind, references};
pub use statement::{Body, Statement, parse, split};
pub use token::{Span, Token, TokenKind, quote_name, string_literal, tokenize};
