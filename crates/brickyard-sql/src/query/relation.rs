//! What stands in `FROM`: tables, functions, subqueries, joins, pivots.

use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::alias::Alias;
use crate::query::expression::{Call, Expr, ExprKind};
use crate::query::pivot::{Pivot, Unpivot};
use crate::query::select::Query;
use crate::token::{Span, TokenKind};

/// One comma-separated entry of `FROM`: a factor and the joins after it.
#[derive(Debug, Clone)]
pub struct From {
    /// Where it stands.
    pub span: Span,
    /// The first factor.
    pub first: Factor,
    /// What is joined to it, from left to right.
    pub joins: Vec<Join>,
}

/// A join.
#[derive(Debug, Clone)]
pub struct Join {
    /// Where it stands, from its first word.
    pub span: Span,
    /// Upper-case words before `JOIN`, such as `LEFT SEMI`; empty for a plain join.
    pub kind: String,
    /// The right side.
    pub right: Factor,
    /// How rows are matched.
    pub rule: JoinRule,
}

/// How the rows of a join are matched.
#[derive(Debug, Clone)]
pub enum JoinRule {
    /// Nothing.
    None,
    /// `ON condition`.
    On(Expr),
    /// `USING (columns)`.
    Using(Vec<Ident>),
}

/// A single source of rows.
#[derive(Debug, Clone)]
pub struct Factor {
    /// Where it stands, with everything after it.
    pub span: Span,
    /// What it is.
    pub kind: FactorKind,
    /// Where the source itself stands, without alias, sample, pivot.
    pub source: Span,
    /// `LATERAL` before it.
    pub lateral: bool,
    /// `STREAM` before it.
    pub stream: Option<Streamed>,
    /// `PIVOT (…)`.
    pub pivot: Option<Pivot>,
    /// `UNPIVOT (…)`.
    pub unpivot: Option<Unpivot>,
    /// `TABLESAMPLE …`.
    pub sample: Option<Span>,
    /// Alias before `PIVOT`/`UNPIVOT`.
    pub inner_alias: Option<Alias>,
    /// The alias.
    pub alias: Option<Alias>,
}

/// `STREAM source [WITH (options)]`.
#[derive(Debug, Clone)]
pub struct Streamed {
    /// Where it stands, from its first word, without an alias.
    pub span: Span,
    /// What `WITH` says; an option that is only named has an empty value.
    pub options: Vec<(String, String)>,
}

/// The kinds of sources.
#[derive(Debug, Clone)]
pub enum FactorKind {
    /// A table, view or CTE, or a path after a format (`delta.` and a path in back-ticks); time travel after it.
    Table { name: Name, travel: Option<Travel> },
    /// `IDENTIFIER(expression)`.
    Identifier { expr: Expr, travel: Option<Travel> },
    /// A table-valued function.
    Function(Call),
    /// `(query)`.
    Subquery(Box<Query>),
    /// `VALUES …` without parentheses around it.
    Values(Vec<Expr>),
    /// `(a JOIN b …)`.
    Nested(Box<From>),
}

/// `VERSION AS OF n`, `TIMESTAMP AS OF t`, `@v1`, `@20240101000000000`.
#[derive(Debug, Clone)]
pub struct Travel {
    /// Where it stands.
    pub span: Span,
    /// `VERSION` or `TIMESTAMP`.
    pub what: String,
    /// The version or the time.
    pub value: Expr,
    /// Whether it was written with `@`.
    pub at: bool,
}

impl Parser<'_> {
    /// Reads `a, b JOIN c …`.
    pub(crate) fn sources(&mut self) -> Result<Vec<From>, SqlError> {
        self.list(Self::from)
    }

    fn from(&mut self) -> Result<From, SqlError> {
        let start = self.here();
        let first = self.factor()?;
        let mut joins = Vec::new();
        while let Some(join) = self.join()? {
            joins.push(join);
        }
        Ok(From { span: self.since(start), first, joins })
    }

    /// Reads a join when one is next.
    pub(crate) fn join(&mut self) -> Result<Option<Join>, SqlError> {
        const KINDS: [&str; 16] = [
            "NATURAL LEFT OUTER",
            "NATURAL LEFT",
            "NATURAL INNER",
            "NATURAL",
            "INNER",
            "CROSS",
            "LEFT OUTER",
            "LEFT SEMI",
            "LEFT ANTI",
            "LEFT",
            "RIGHT OUTER",
            "RIGHT",
            "FULL OUTER",
            "FULL",
            "SEMI",
            "ANTI",
        ];
        let start = self.here();
        let mark = self.mark();
        let kind = self.one_of(&KINDS).unwrap_or_default();
        if !self.words("JOIN") {
            self.reset(mark);
            return Ok(None);
        }
        let right = self.factor()?;
        let rule = if self.words("ON") {
            JoinRule::On(self.expr()?)
        } else if self.words("USING") {
            JoinRule::Using(self.parenthesized(Self::ident)?)
        } else {
            JoinRule::None
        };
        Ok(Some(Join { span: self.since(start), kind: kind.to_owned(), right, rule }))
    }

    /// Reads one source of rows with alias, sample, pivot.
    pub(crate) fn factor(&mut self) -> Result<Factor, SqlError> {
        self.deeper(Self::factor_inner)
    }

    fn factor_inner(&mut self) -> Result<Factor, SqlError> {
        let start = self.here();
        let lateral = self.words("LATERAL");
        let stream_start = self.here();
        let streams = self.is_word_at(0, "STREAM")
            && !self.is_symbol_at(1, ".")
            && {
                let next = self.kind(1);
                matches!(next, Some(TokenKind::Word | TokenKind::Quoted)) || self.is_symbol_at(1, "(")
            }
            && self.words("STREAM");
        let source_start = self.here();
        let kind = self.source()?;
        let source = self.since(source_start);
        let stream = if streams {
            let options = if self.is_word_at(0, "WITH") && self.is_symbol_at(1, "(") {
                self.advance();
                self.properties()?
            } else {
                Vec::new()
            };
            Some(Streamed { span: self.since(stream_start), options })
        } else {
            None
        };
        let mut factor = Factor {
            span: source,
            kind,
            source,
            lateral,
            stream,
            pivot: None,
            unpivot: None,
            sample: None,
            inner_alias: None,
            alias: None,
        };
        factor.sample = self.sample()?;
        factor.alias = self.alias()?;
        if factor.sample.is_none() {
            factor.sample = self.sample()?;
        }
        if self.is_word_at(0, "PIVOT") && self.is_symbol_at(1, "(") {
            factor.inner_alias = factor.alias.take();
            factor.pivot = Some(self.pivot()?);
            factor.alias = self.alias()?;
        } else if self.is_word_at(0, "UNPIVOT") && (self.is_symbol_at(1, "(") || self.is_word_at(2, "NULLS"))
        {
            factor.inner_alias = factor.alias.take();
            factor.unpivot = Some(self.unpivot()?);
            factor.alias = self.alias()?;
        }
        factor.span = self.since(start);
        Ok(factor)
    }

    /// `TABLE t`, `TABLE (query)` as an argument, after the word `TABLE`.
    pub(crate) fn table_argument(&mut self) -> Result<Factor, SqlError> {
        let start = self.here();
        let parenthesis = self.is_symbol("(") && !self.is_select_after_parenthesis() && self.symbol("(");
        let mut factor = self.factor()?;
        if parenthesis {
            self.expect_symbol(")")?;
        }
        if self.words("PARTITION BY") {
            return Err(SqlError::unsupported(
                "PARTITION BY of a table argument",
                "Group the rows before the call",
            ));
        }
        factor.span = self.since(start);
        Ok(factor)
    }

    fn is_select_after_parenthesis(&self) -> bool {
        ["SELECT", "WITH", "VALUES", "FROM"].iter().any(|word| self.is_word_at(1, word))
    }

    fn source(&mut self) -> Result<FactorKind, SqlError> {
        if self.is_symbol("(") {
            let mark = self.mark();
            self.advance();
            if self.is_query() {
                let query = self.query()?;
                // `((query) JOIN …)` begins like a query in parentheses.
                if self.symbol(")") {
                    return Ok(FactorKind::Subquery(Box::new(query)));
                }
                self.reset(mark);
                self.advance();
            }
            let nested = self.from()?;
            self.expect_symbol(")")?;
            return Ok(FactorKind::Nested(Box::new(nested)));
        }
        if self.is_word_at(0, "VALUES") && !self.is_symbol_at(1, ".") {
            self.advance();
            return Ok(FactorKind::Values(self.list(Self::expr)?));
        }
        if self.is_word_at(0, "IDENTIFIER") && self.is_symbol_at(1, "(") {
            self.advance();
            self.advance();
            let expr = self.expr()?;
            self.expect_symbol(")")?;
            let travel = self.travel()?;
            return Ok(FactorKind::Identifier { expr, travel });
        }
        if self.kind(0) == Some(TokenKind::Word)
            && ["SELECT", "WHERE", "ON", "JOIN", "GROUP", "ORDER", "FROM", "TABLE"]
                .iter()
                .any(|w| self.is_word_at(0, w))
            && !self.is_symbol_at(1, ".")
        {
            return Err(self.error());
        }
        let name = self.name()?;
        if self.is_symbol("(") {
            return Ok(FactorKind::Function(self.call(name)?));
        }
        let travel = self.travel()?;
        Ok(FactorKind::Table { name, travel })
    }

    pub(super) fn travel(&mut self) -> Result<Option<Travel>, SqlError> {
        let start = self.here();
        if self.is_symbol("@") {
            self.advance();
            let token = self.here();
            let text = self.text(0);
            let version = text.strip_prefix(['v', 'V']).filter(|rest| !rest.is_empty()).map(str::to_owned);
            let digits = version.clone().unwrap_or_else(|| text.to_owned());
            if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
                return Err(self.error());
            }
            self.advance();
            let kind = if version.is_some() { ExprKind::Number(digits) } else { ExprKind::String(digits) };
            let what = if version.is_some() { "VERSION" } else { "TIMESTAMP" };
            let value = Expr { span: token, kind };
            return Ok(Some(Travel { span: self.since(start), what: what.to_owned(), value, at: true }));
        }
        const FORMS: [&str; 6] = [
            "FOR SYSTEM_VERSION AS OF",
            "FOR VERSION AS OF",
            "VERSION AS OF",
            "FOR SYSTEM_TIME AS OF",
            "FOR TIMESTAMP AS OF",
            "TIMESTAMP AS OF",
        ];
        let Some(form) = self.one_of(&FORMS) else { return Ok(None) };
        let what = if form.contains("VERSION") { "VERSION" } else { "TIMESTAMP" };
        let value = self.expr()?;
        Ok(Some(Travel { span: self.since(start), what: what.to_owned(), value, at: false }))
    }

    pub(super) fn sample(&mut self) -> Result<Option<Span>, SqlError> {
        let start = self.here();
        if !(self.is_word_at(0, "TABLESAMPLE") && self.is_symbol_at(1, "(")) {
            return Ok(None);
        }
        self.advance();
        self.skip_brackets()?;
        if self.words("REPEATABLE") {
            self.skip_brackets()?;
        }
        Ok(Some(self.since(start)))
    }
}
