//! `GROUP BY` and the sets of expressions that it makes.

use crate::query::expression::Expr;
use crate::token::Span;

/// `GROUP BY`.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where the clause stands.
    pub span: Span,
    /// `GROUP BY ALL`.
    pub all: bool,
    /// The expressions; within `ROLLUP`, `CUBE` and `GROUPING SETS` too.
    pub items: Vec<Expr>,
    /// Whether `ROLLUP`, `CUBE` or `GROUPING SETS` stand in it.
    pub sets: bool,
    /// What the entries make of the expressions.
    pub parts: Vec<Grouping>,
}

/// How an entry of `GROUP BY` makes sets of expressions; numbers are places in [`Group::items`].
#[derive(Debug, Clone)]
pub enum Grouping {
    /// The empty set.
    Nothing,
    /// One expression, or the expressions of a tuple.
    One(usize),
    /// `ROLLUP`: all, then one less at a time.
    Rollup(Vec<Self>),
    /// `CUBE`: all combinations.
    Cube(Vec<Self>),
    /// `GROUPING SETS`: each by itself.
    Sets(Vec<Self>),
}
