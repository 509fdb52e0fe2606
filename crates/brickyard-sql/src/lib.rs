//! The Databricks SQL dialect: tokens, statements, types, and rewriting to what the engine runs. No I/O.
//!
//! [`bind`] puts parameters into a statement, [`parse`] says what it is, [`references`] what it touches, and [`plan`] what is to be
//! done for it. Whatever is not understood is refused: a table that was not seen is a grant that was not checked.

#![expect(
    clippy::needless_for_each,
    reason = "walkers pass one closure along; loops would hide that it is the same"
)]
#![expect(
    clippy::format_push_string,
    reason = "the rewritten text is short, and `write!` has an error to be dropped"
)]
#![expect(clippy::match_same_arms, reason = "tables of SQL's constructs are read by construct")]
#![expect(clippy::unused_self, reason = "parts of a parser or planner stay its methods")]
#![expect(clippy::unnecessary_wraps, reason = "rules of one table have one signature")]
#![expect(clippy::large_enum_variant, reason = "statements are few and short-lived")]
#![expect(clippy::items_after_statements, reason = "a table of words stands where it is used")]
#![expect(clippy::type_complexity, reason = "the parts of a clause are given as the grammar has them")]
#![expect(clippy::struct_excessive_bools, reason = "each is an optional word of the grammar")]

pub mod command;
mod data_type;
mod dml;
mod error;
mod function;
#[doc(hidden)]
pub mod fuzzing;
mod literal;
mod parameters;
mod parser;
mod plan;
pub mod query;
mod references;
mod rewrite;
mod room;
pub mod statement;
mod streams;
pub mod token;
mod type_name;

pub use command::{Command, Securable};
pub use data_type::{DataType, Field};
pub use error::SqlError;
pub use function::{builtins, is_builtin};
pub use literal::literal;
pub use parameters::{Marker, Parameter, Parameters, bind, bind_identifiers, markers};
pub use parser::{Ident, Name, Parser};
pub use plan::{
    Column, Context, EngineStatement, Files, ModelCall, OUTSIDE, Past, Plan, Recursion, Relation, Routine,
    Schemas, Variable, View, overflow, plan, plan_query, qualify,
};
pub use references::{Reference, ReferenceKind, commands_within, references};
pub use statement::{Body, Statement, parse, split};
pub use streams::{Stream, StreamSource, stream_words, streams};
pub use token::{Span, Token, TokenKind, quote_name, string_literal, tokenize};
