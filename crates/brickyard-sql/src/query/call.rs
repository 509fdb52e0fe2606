//! Calls and windows.

use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::expression::{Argument, Call, Expr, ExprKind};
use crate::query::select::OrderItem;
use crate::token::Span;

/// Names whose parentheses hold words between the arguments.
const MARKED: [(&str, &[&str]); 8] = [
    ("EXTRACT", &["FROM"]),
    ("SUBSTRING", &["FROM", "FOR"]),
    ("SUBSTR", &["FROM", "FOR"]),
    ("POSITION", &["IN"]),
    ("OVERLAY", &["PLACING", "FROM", "FOR"]),
    ("TRIM", &["FROM", "BOTH", "LEADING", "TRAILING"]),
    ("CEIL", &["TO"]),
    ("FLOOR", &["TO"]),
];

/// A window.
#[derive(Debug, Clone)]
pub struct Over {
    /// Where the part after `OVER` stands.
    pub span: Span,
    /// A window of the `WINDOW` clause.
    pub name: Option<Ident>,
    /// `PARTITION BY`.
    pub partition_by: Vec<Expr>,
    /// `ORDER BY`.
    pub order_by: Vec<OrderItem>,
    /// Expressions of the frame's bounds.
    pub bounds: Vec<Expr>,
    /// Whether the bounds are distances of values (`RANGE`), not of rows.
    pub range: bool,
}

impl Parser<'_> {
    /// The parentheses of a call and what may follow them.
    pub(crate) fn call(&mut self, name: Name) -> Result<Call, SqlError> {
        let upper = name.single().unwrap_or_default();
        let words = MARKED.iter().find(|(known, _)| *known == upper).map_or(&[][..], |(_, words)| words);
        let mut call = Call {
            name,
            distinct: false,
            arguments: Vec::new(),
            marks: Vec::new(),
            order_by: Vec::new(),
            within_group: Vec::new(),
            filter: None,
            nulls: None,
            over: None,
        };
        self.expect_symbol("(")?;
        if self.words("DISTINCT") {
            call.distinct = true;
        } else if self.is_word_at(0, "ALL") && !self.is_symbol_at(1, ")") && !self.is_symbol_at(1, ",") {
            self.advance();
        }
        while !self.symbol(")") {
            if let Some(word) = words.iter().find(|word| {
                self.is_word_at(0, word) && !self.is_symbol_at(1, ",") && !self.is_symbol_at(1, ")")
            }) {
                self.advance();
                call.marks.push((*word).to_owned());
                continue;
            }
            if self.words("ORDER BY") {
                call.order_by = self.list(Self::order_item)?;
                continue;
            }
            if let Some(word) = self.nulls() {
                call.nulls = Some(word);
                continue;
            }
            if !call.arguments.is_empty() && call.marks.is_empty() && words.is_empty() {
                self.expect_symbol(",")?;
            } else if !call.arguments.is_empty() {
                self.symbol(",");
            }
            let argument = self.argument(words)?;
            call.arguments.push(argument);
        }
        if self.words("WITHIN GROUP") {
            self.expect_symbol("(")?;
            self.expect_words("ORDER BY")?;
            call.within_group = self.list(Self::order_item)?;
            self.expect_symbol(")")?;
        }
        if self.is_word_at(0, "FILTER") && self.is_symbol_at(1, "(") {
            self.advance();
            self.advance();
            self.expect_words("WHERE")?;
            call.filter = Some(self.expr()?);
            self.expect_symbol(")")?;
        }
        if let Some(word) = self.nulls() {
            call.nulls = Some(word);
        }
        if self.words("OVER") {
            call.over = Some(self.over()?);
        }
        Ok(call)
    }

    pub(crate) fn nulls(&mut self) -> Option<String> {
        self.one_of(&["IGNORE NULLS", "RESPECT NULLS"]).map(|words| words[..words.len() - 6].to_owned())
    }

    pub(crate) fn argument(&mut self, marks: &[&str]) -> Result<Argument, SqlError> {
        let name = if self.is_ident() && self.is_symbol_at(1, "=>") {
            let name = self.ident()?;
            self.advance();
            Some(name)
        } else {
            None
        };
        let start = self.here();
        if self.is_word_at(0, "TABLE") && !self.is_symbol_at(1, ",") && !self.is_symbol_at(1, ")") {
            self.advance();
            let factor = self.table_argument()?;
            let value = Expr { span: self.since(start), kind: ExprKind::Table(Box::new(factor)) };
            return Ok(Argument { name, value });
        }
        let value = if let Some(query) = self.whole_query(&[")", ","])? {
            Expr { span: self.since(start), kind: ExprKind::Subquery(Box::new(query)) }
        } else if marks.contains(&"IN") {
            // `position(a IN b)`: the first operand must not swallow the IN.
            self.deeper(|parser| parser.binary(4))?
        } else {
            self.named_expr()?
        };
        Ok(Argument { name, value })
    }

    pub(crate) fn over(&mut self) -> Result<Over, SqlError> {
        let start = self.here();
        let mut over = Over {
            span: start,
            name: None,
            partition_by: Vec::new(),
            order_by: Vec::new(),
            bounds: Vec::new(),
            range: false,
        };
        if !self.symbol("(") {
            over.name = Some(self.ident()?);
            return Ok(over);
        }
        let clause = |parser: &Self| {
            parser.is_symbol(")")
                || ["PARTITION", "DISTRIBUTE", "ORDER", "SORT", "ROWS", "RANGE"]
                    .iter()
                    .any(|w| parser.is_word_at(0, w))
        };
        if !clause(self) {
            over.name = Some(self.ident()?);
        }
        if self.words("PARTITION BY") || self.words("DISTRIBUTE BY") {
            over.partition_by = self.list(Self::expr)?;
        }
        if self.words("ORDER BY") || self.words("SORT BY") {
            over.order_by = self.list(Self::order_item)?;
        }
        over.range = self.is_word_at(0, "RANGE");
        if self.words("ROWS") || self.words("RANGE") {
            if self.words("BETWEEN") {
                self.bound(&mut over)?;
                self.expect_words("AND")?;
            }
            self.bound(&mut over)?;
        }
        self.expect_symbol(")")?;
        over.span = self.since(start);
        Ok(over)
    }

    pub(crate) fn bound(&mut self, over: &mut Over) -> Result<(), SqlError> {
        if self.words("CURRENT ROW") || self.words("UNBOUNDED PRECEDING") || self.words("UNBOUNDED FOLLOWING")
        {
            return Ok(());
        }
        over.bounds.push(self.deeper(|parser| parser.binary(5))?);
        if self.words("PRECEDING") || self.words("FOLLOWING") { Ok(()) } else { Err(self.error()) }
    }
}
