//! Expressions.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::call::Over;
use crate::query::relation::Factor;
use crate::query::select::{OrderItem, Query};
use crate::token::{Span, TokenKind};

/// An expression with its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expressions.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A number with its suffix.
    Number(String),
    /// A string, escapes resolved.
    String(String),
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// `NULL`.
    Null,
    /// `DATE'…'`, `TIMESTAMP'…'`, `X'…'` and the like: upper-case word and value.
    Typed(String, String),
    /// `INTERVAL …`: the value and the unit words after it; several for `INTERVAL 1 DAY 2 HOURS`.
    Interval(Vec<(Expr, String)>),
    /// A column, variable, or a function without parentheses such as `current_date`.
    Name(Name),
    /// `*`, `t.*`, with `EXCEPT (…)` and `REPLACE`.
    Star {
        /// What stands before the dot.
        qualifier: Vec<Ident>,
        /// Columns that are left out.
        except: Vec<Name>,
        /// A column that has another value in its place: what `|> SET` becomes.
        set: Option<Box<(Ident, Expr)>>,
    },
    /// `base.*` of a struct that is not a plain name.
    Call(Box<Call>),
    /// `NOT`, `-`, `+`, `~`, `!`, `PRIOR`.
    Unary(String, Box<Expr>),
    /// Arithmetic, comparison, bits, `IS DISTINCT FROM`: upper-case operator.
    Binary(Box<Expr>, String, Box<Expr>),
    /// Two or more operands joined by the same one of `AND`, `OR`, `||`.
    Chain(String, Vec<Expr>),
    /// `x [NOT] BETWEEN low AND high`.
    Between { not: bool, value: Box<Expr>, low: Box<Expr>, high: Box<Expr> },
    /// `x [NOT] IN (a, b)`.
    InList { not: bool, value: Box<Expr>, list: Vec<Expr> },
    /// `x [NOT] IN (query)`.
    InQuery { not: bool, value: Box<Expr>, query: Box<Query> },
    /// `x [NOT] LIKE|ILIKE|RLIKE|REGEXP pattern [ESCAPE c]`, with `ANY`, `SOME` or `ALL` and several patterns.
    Like {
        not: bool,
        operator: String,
        quantifier: Option<String>,
        value: Box<Expr>,
        patterns: Vec<Expr>,
        escape: Option<Box<Expr>>,
    },
    /// `x IS [NOT] NULL|TRUE|FALSE|UNKNOWN`.
    Is { not: bool, what: String, value: Box<Expr> },
    /// `CASE`.
    Case { operand: Option<Box<Expr>>, whens: Vec<When>, otherwise: Option<Box<Expr>> },
    /// `CAST(x AS t)`, `TRY_CAST`, `x::t`, `x?::t`.
    Cast { value: Box<Expr>, data_type: DataType, type_span: Span, attempt: bool, infix: bool },
    /// `base[index]`.
    Subscript(Box<Expr>, Box<Expr>),
    /// `base.field` of something that is not a plain name.
    Field(Box<Expr>, Ident),
    /// `base.*` of something that is not a plain name.
    FieldStar(Box<Expr>),
    /// `base:a.b[0]`.
    Path(Box<Expr>, Vec<PathStep>),
    /// `x -> …`, `(x, y) -> …`.
    Lambda(Vec<Ident>, Box<Expr>),
    /// `(query)` as a value.
    Subquery(Box<Query>),
    /// `EXISTS (query)`.
    Exists(Box<Query>),
    /// `(a)` or `(a, b)`.
    Tuple(Vec<Expr>),
    /// `:name`.
    Named(String),
    /// `?`.
    Positional,
    /// `TABLE t`, `TABLE (query)` as an argument.
    Table(Box<Factor>),
    /// `x COLLATE name`.
    Collate(Box<Expr>, Name),
    /// `x AT TIME ZONE …` is not of the dialect; `DEFAULT` as a value of INSERT, UPDATE and EXECUTE.
    Default,
}

/// A function call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The function.
    pub name: Name,
    /// `DISTINCT` before the arguments.
    pub distinct: bool,
    /// Arguments in order.
    pub arguments: Vec<Argument>,
    /// Words within the parentheses that are no expressions (`FROM`, `FOR`, `IN`, `PLACING`, `BOTH`, …), upper case.
    pub marks: Vec<String>,
    /// `ORDER BY` within the parentheses.
    pub order_by: Vec<OrderItem>,
    /// `WITHIN GROUP (ORDER BY …)`.
    pub within_group: Vec<OrderItem>,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Expr>,
    /// `IGNORE` or `RESPECT` (NULLS).
    pub nulls: Option<String>,
    /// `OVER …`.
    pub over: Option<Over>,
}

/// An argument of a call.
#[derive(Debug, Clone)]
pub struct Argument {
    /// `name => value`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// `WHEN condition THEN result`.
#[derive(Debug, Clone)]
pub struct When {
    /// The condition, or the value compared with.
    pub condition: Expr,
    /// The result.
    pub result: Expr,
}

/// A step of `base:path`.
#[derive(Debug, Clone)]
pub enum PathStep {
    /// `.name` or `['name']`; whether it was quoted, and so is case-sensitive.
    Key(String, bool),
    /// `[3]`.
    Index(u64),
    /// `[*]`.
    Every,
}

/// Words that begin no operand and end an expression.
pub(super) const STOP: [&str; 44] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "SORT",
    "LIMIT",
    "OFFSET",
    "UNION",
    "EXCEPT",
    "MINUS",
    "INTERSECT",
    "JOIN",
    "LATERAL",
    "QUALIFY",
    "ON",
    "USING",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "AS",
    "AND",
    "OR",
    "IN",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "REGEXP",
    "BETWEEN",
    "IS",
    "SELECT",
    "INTO",
    "BY",
    "DISTRIBUTE",
    "CLUSTER",
    "PIVOT",
    "UNPIVOT",
    "TABLESAMPLE",
    "CROSS",
    "INNER",
    "NATURAL",
    "SET",
    "DIV",
];

impl Parser<'_> {
    /// Reads an expression.
    pub(crate) fn expr(&mut self) -> Result<Expr, SqlError> {
        self.deeper(|parser| parser.binary(0))
    }

    /// Reads operators that bind more tightly than `minimum`.
    pub(super) fn binary(&mut self, minimum: u8) -> Result<Expr, SqlError> {
        let start = self.here();
        let mut left = if self.is_word_at(0, "NOT") { self.prefix_not()? } else { self.unary()? };
        let mut length = 0;
        while let Some((operator, binding, words)) = self.operator() {
            if binding <= minimum {
                break;
            }
            length += 1;
            if length > 400 && !matches!(operator.as_str(), "AND" | "OR" | "||") {
                return self.deeper_error();
            }
            let operator_mark = self.mark();
            for _ in 0..words {
                self.advance();
            }
            left = match operator.as_str() {
                "AND" | "OR" | "||" => {
                    let mut operands = vec![left];
                    operands.push(self.deeper(|parser| parser.binary(binding))?);
                    while let Some((next, _, words)) = self.operator() {
                        if next != operator {
                            break;
                        }
                        for _ in 0..words {
                            self.advance();
                        }
                        operands.push(self.deeper(|parser| parser.binary(binding))?);
                    }
                    Expr { span: self.since(start), kind: ExprKind::Chain(operator, operands) }
                }
                "PREDICATE" => {
                    self.reset(operator_mark);
                    match self.predicate(start, left, binding)? {
                        Ok(done) => done,
                        Err(unchanged) => return Ok(unchanged),
                    }
                }
                _ => {
                    let right = self.deeper(|parser| parser.binary(binding))?;
                    let kind = ExprKind::Binary(Box::new(left), operator, Box::new(right));
                    Expr { span: self.since(start), kind }
                }
            };
        }
        Ok(left)
    }

    pub(super) fn deeper_error<T>(&mut self) -> Result<T, SqlError> {
        let text = "The statement is nested too deeply.";
        Err(SqlError::parse(self.sql, self.here(), "FAILED_TO_PARSE_TOO_COMPLEX", "54001", text))
    }

    pub(super) fn prefix_not(&mut self) -> Result<Expr, SqlError> {
        let start = self.here();
        self.advance();
        let operand = self.deeper(|parser| parser.binary(3))?;
        Ok(Expr { span: self.since(start), kind: ExprKind::Unary("NOT".to_owned(), Box::new(operand)) })
    }

    /// The operator that is next: its upper-case text, how tightly it binds, and of how many tokens it is.
    pub(super) fn operator(&self) -> Option<(String, u8, usize)> {
        let token = self.peek(0)?;
        let text = self.text(0);
        if token.kind == TokenKind::Word {
            let word = text.to_uppercase();
            return match word.as_str() {
                "OR" => Some((word, 1, 1)),
                "AND" => Some((word, 2, 1)),
                "IS" if self.is_word_at(1, "DISTINCT")
                    || (self.is_word_at(1, "NOT") && self.is_word_at(2, "DISTINCT")) =>
                {
                    let not = self.is_word_at(1, "NOT");
                    let operator = if not { "IS NOT DISTINCT FROM" } else { "IS DISTINCT FROM" };
                    Some((operator.to_owned(), 5, 3 + usize::from(not)))
                }
                "IS" | "IN" | "LIKE" | "ILIKE" | "RLIKE" | "REGEXP" | "BETWEEN" => {
                    Some(("PREDICATE".to_owned(), 4, 0))
                }
                "NOT"
                    if ["IN", "LIKE", "ILIKE", "RLIKE", "REGEXP", "BETWEEN"]
                        .iter()
                        .any(|w| self.is_word_at(1, w)) =>
                {
                    Some(("PREDICATE".to_owned(), 4, 0))
                }
                "DIV" => Some((word, 11, 1)),
                _ => None,
            };
        }
        if token.kind != TokenKind::Symbol {
            return None;
        }
        let adjacent = |ahead: usize| {
            self.is_symbol_at(ahead, ">")
                && self.peek(ahead).map(|t| t.span.start) == self.peek(ahead - 1).map(|t| t.span.end)
        };
        match text {
            "=" | "==" | "<=>" | "<>" | "!=" | "<=" | ">=" => Some((text.to_owned(), 5, 1)),
            "<" if self.is_symbol_at(1, "<") => Some(("<<".to_owned(), 9, 2)),
            ">" if adjacent(1) && adjacent(2) => Some((">>>".to_owned(), 9, 3)),
            ">" if adjacent(1) => Some((">>".to_owned(), 9, 2)),
            "<" | ">" => Some((text.to_owned(), 5, 1)),
            "|" => Some((text.to_owned(), 6, 1)),
            "^" => Some((text.to_owned(), 7, 1)),
            "&" => Some((text.to_owned(), 8, 1)),
            "+" | "-" | "||" => Some((text.to_owned(), 10, 1)),
            "*" | "/" | "%" => Some((text.to_owned(), 11, 1)),
            _ => None,
        }
    }

    /// Reads `[NOT] IN|LIKE|BETWEEN …` or `IS …` after `value`; gives `value` back when it is none of them.
    pub(super) fn predicate(
        &mut self,
        start: Span,
        value: Expr,
        binding: u8,
    ) -> Result<Result<Expr, Expr>, SqlError> {
        let mark = self.mark();
        let value = Box::new(value);
        if self.words("IS") {
            let not = self.words("NOT");
            let what =
                self.one_of(&["NULL", "TRUE", "FALSE", "UNKNOWN"]).ok_or_else(|| self.error())?.to_owned();
            return Ok(Ok(Expr { span: self.since(start), kind: ExprKind::Is { not, what, value } }));
        }
        let not = self.words("NOT");
        let kind = if self.words("BETWEEN") {
            self.one_of(&["SYMMETRIC", "ASYMMETRIC"]);
            let low = Box::new(self.deeper(|parser| parser.binary(binding))?);
            self.expect_words("AND")?;
            let high = Box::new(self.deeper(|parser| parser.binary(binding))?);
            ExprKind::Between { not, value, low, high }
        } else if self.words("IN") {
            self.expect_symbol("(")?;
            if let Some(query) = self.whole_query(&[")"])? {
                self.expect_symbol(")")?;
                ExprKind::InQuery { not, value, query: Box::new(query) }
            } else {
                let list = self.list(Self::expr)?;
                self.expect_symbol(")")?;
                ExprKind::InList { not, value, list }
            }
        } else if let Some(operator) = self.one_of(&["LIKE", "ILIKE", "RLIKE", "REGEXP"]) {
            let quantifier =
                if self.is_symbol_at(1, "(") { self.one_of(&["ANY", "SOME", "ALL"]) } else { None };
            let patterns = match quantifier {
                Some(_) => self.parenthesized(Self::expr)?,
                None => vec![self.deeper(|parser| parser.binary(binding))?],
            };
            let escape = if self.words("ESCAPE") { Some(Box::new(self.unary()?)) } else { None };
            let quantifier = quantifier.map(str::to_owned);
            ExprKind::Like { not, operator: operator.to_owned(), quantifier, value, patterns, escape }
        } else {
            self.reset(mark);
            return Ok(Err(*value));
        };
        Ok(Ok(Expr { span: self.since(start), kind }))
    }

    pub(super) fn unary(&mut self) -> Result<Expr, SqlError> {
        let start = self.here();
        for operator in ["-", "+", "~", "!"] {
            if self.symbol(operator) {
                let operand = match operator {
                    "!" => self.deeper(|parser| parser.binary(3))?,
                    _ => self.deeper(Self::unary)?,
                };
                let kind = ExprKind::Unary(operator.to_owned(), Box::new(operand));
                return Ok(Expr { span: self.since(start), kind });
            }
        }
        let primary = self.primary()?;
        self.postfix(start, primary)
    }
}
