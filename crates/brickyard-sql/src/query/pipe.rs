//! Pipes: `|>` and what follows.

use crate::error::SqlError;
use crate::parser::{Ident, Parser};
use crate::query::expression::Expr;
use crate::query::pivot::{Pivot, Unpivot};
use crate::query::relation::Join;
use crate::query::select::{Item, LateralView, OrderItem, SetBody};
use crate::token::Span;

/// `|> OPERATOR …`.
#[derive(Debug, Clone)]
pub struct Pipe {
    /// Where it stands, with the `|>`.
    pub span: Span,
    /// What it does.
    pub kind: PipeKind,
}

/// The operators after `|>`.
#[derive(Debug, Clone)]
pub enum PipeKind {
    /// `SELECT [DISTINCT] items`.
    Select(bool, Vec<Item>),
    /// `EXTEND items`.
    Extend(Vec<Item>),
    /// `SET column = expr, …`.
    Set(Vec<(Ident, Expr)>),
    /// `DROP columns`.
    Drop(Vec<Ident>),
    /// `AS name`.
    As(Ident),
    /// `WHERE condition`.
    Where(Expr),
    /// `AGGREGATE items GROUP BY items`.
    Aggregate(Vec<Item>, Vec<Item>),
    /// A join.
    Join(Box<Join>),
    /// `UNION …` and the like.
    Set2(String, SetBody),
    /// `ORDER BY`, and `LIMIT`, `OFFSET`.
    Order(Vec<OrderItem>),
    /// `LIMIT n [OFFSET m]`.
    Limit(Option<Expr>, Option<Expr>),
    /// `PIVOT (…)`.
    Pivot(Box<Pivot>),
    /// `UNPIVOT (…)`.
    Unpivot(Box<Unpivot>),
    /// `TABLESAMPLE …`.
    Sample(Span),
    /// `LATERAL VIEW …`.
    View(Box<LateralView>),
}

/// The word between `*` and a column's new value, which no statement has by itself.
pub(crate) const SET_WORD: &str = "__SET";

impl Parser<'_> {
    /// What `|> SET` was made into: `* __SET (column = value)`.
    pub(super) fn column_set(&mut self) -> Result<Option<Box<(Ident, Expr)>>, SqlError> {
        if !(self.is_word_at(0, SET_WORD) && self.is_symbol_at(1, "(")) {
            return Ok(None);
        }
        self.advance();
        self.expect_symbol("(")?;
        let column = self.ident()?;
        self.expect_symbol("=")?;
        let value = self.expr()?;
        self.expect_symbol(")")?;
        Ok(Some(Box::new((column, value))))
    }

    pub(super) fn pipe(&mut self) -> Result<Pipe, SqlError> {
        let start = self.here();
        self.expect_symbol("|>")?;
        let kind = if self.words("SELECT") {
            let distinct = self.words("DISTINCT");
            PipeKind::Select(distinct, self.list(Self::item)?)
        } else if self.words("EXTEND") {
            PipeKind::Extend(self.list(Self::item)?)
        } else if self.words("SET") {
            PipeKind::Set(self.list(|parser| {
                let column = parser.ident()?;
                parser.expect_symbol("=")?;
                Ok((column, parser.expr()?))
            })?)
        } else if self.words("DROP") {
            PipeKind::Drop(self.list(Self::ident)?)
        } else if self.words("AS") {
            PipeKind::As(self.ident()?)
        } else if self.words("WHERE") {
            PipeKind::Where(self.expr()?)
        } else if self.words("AGGREGATE") {
            let items = if self.is_words("GROUP BY") { Vec::new() } else { self.list(Self::item)? };
            let groups = if self.words("GROUP BY") { self.list(Self::item)? } else { Vec::new() };
            PipeKind::Aggregate(items, groups)
        } else if self.words("ORDER BY") {
            PipeKind::Order(self.list(Self::order_item)?)
        } else if self.words("LIMIT") {
            let limit = Some(self.expr()?);
            let offset = if self.words("OFFSET") { Some(self.expr()?) } else { None };
            PipeKind::Limit(limit, offset)
        } else if self.words("OFFSET") {
            PipeKind::Limit(None, Some(self.expr()?))
        } else if self.is_words("LATERAL VIEW") {
            PipeKind::View(Box::new(self.lateral_view()?))
        } else if self.is_words("PIVOT") {
            PipeKind::Pivot(Box::new(self.pivot()?))
        } else if self.is_words("UNPIVOT") {
            PipeKind::Unpivot(Box::new(self.unpivot()?))
        } else if let Some(operator) = self.set_operator(&["UNION", "EXCEPT", "MINUS", "INTERSECT"]) {
            PipeKind::Set2(operator, self.set_primary()?)
        } else if self.is_word_at(0, "TABLESAMPLE") {
            let sample = self.sample()?.ok_or_else(|| self.error())?;
            PipeKind::Sample(sample)
        } else if let Some(join) = self.join()? {
            PipeKind::Join(Box::new(join))
        } else {
            return Err(SqlError::unsupported("this pipe operator", "Write it as a subquery"));
        };
        Ok(Pipe { span: self.since(start), kind })
    }
}
