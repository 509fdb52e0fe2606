//! Expressions.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
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
    Star { qualifier: Vec<Ident>, except: Vec<Name> },
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
const STOP: [&str; 44] = [
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
            if self.is_query() {
                let query = Box::new(self.query()?);
                self.expect_symbol(")")?;
                ExprKind::InQuery { not, value, query }
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

    pub(super) fn postfix(&mut self, start: Span, mut base: Expr) -> Result<Expr, SqlError> {
        let mut length = 0;
        loop {
            length += 1;
            if length > 200 {
                return self.deeper_error();
            }
            let kind = if self.is_symbol(".") && self.is_symbol_at(1, "*") {
                self.advance();
                self.advance();
                match base.kind {
                    ExprKind::Name(name) => ExprKind::Star { qualifier: name.parts, except: self.except()? },
                    _ => ExprKind::FieldStar(Box::new(base)),
                }
            } else if self.is_symbol(".") && matches!(self.kind(1), Some(TokenKind::Word | TokenKind::Quoted))
            {
                self.advance();
                let field = self.ident()?;
                ExprKind::Field(Box::new(base), field)
            } else if self.symbol("[") {
                let index = self.expr()?;
                self.expect_symbol("]")?;
                ExprKind::Subscript(Box::new(base), Box::new(index))
            } else if self.is_symbol("::") || self.is_symbol("?::") {
                let attempt = self.is_symbol("?::");
                self.advance();
                let type_start = self.here();
                let data_type = self.data_type()?;
                let type_span = self.since(type_start);
                ExprKind::Cast { value: Box::new(base), data_type, type_span, attempt, infix: true }
            } else if self.is_symbol(":") && self.starts_path() {
                self.advance();
                ExprKind::Path(Box::new(base), self.path()?)
            } else if self.words("COLLATE") {
                ExprKind::Collate(Box::new(base), self.name()?)
            } else {
                return Ok(base);
            };
            base = Expr { span: self.since(start), kind };
        }
    }

    pub(super) fn starts_path(&self) -> bool {
        matches!(self.kind(1), Some(TokenKind::Word | TokenKind::Quoted)) || self.is_symbol_at(1, "[")
    }

    pub(super) fn path(&mut self) -> Result<Vec<PathStep>, SqlError> {
        let mut steps = Vec::new();
        if !self.is_symbol("[") {
            steps.push(self.path_key()?);
        }
        loop {
            if self.is_symbol(".") && matches!(self.kind(1), Some(TokenKind::Word | TokenKind::Quoted)) {
                self.advance();
                steps.push(self.path_key()?);
            } else if self.symbol("[") {
                steps.push(match self.kind(0) {
                    Some(TokenKind::String) => PathStep::Key(self.string()?, true),
                    Some(TokenKind::Quoted) => PathStep::Key(self.ident()?.value, true),
                    Some(TokenKind::Number) => PathStep::Index(self.integer()?),
                    _ if self.symbol("*") => PathStep::Every,
                    _ => return Err(self.error()),
                });
                self.expect_symbol("]")?;
            } else {
                return Ok(steps);
            }
        }
    }

    pub(super) fn path_key(&mut self) -> Result<PathStep, SqlError> {
        let quoted = self.kind(0) == Some(TokenKind::Quoted);
        Ok(PathStep::Key(self.ident()?.value, quoted))
    }

    pub(super) fn except(&mut self) -> Result<Vec<Name>, SqlError> {
        if self.is_word_at(0, "EXCEPT") && self.is_symbol_at(1, "(") && !self.is_select_at(2) {
            self.advance();
            return self.parenthesized(Self::name);
        }
        Ok(Vec::new())
    }

    pub(super) fn is_select_at(&self, ahead: usize) -> bool {
        ["SELECT", "WITH", "VALUES", "TABLE"].iter().any(|word| self.is_word_at(ahead, word))
            && !self.is_symbol_at(ahead + 1, ",")
            && !self.is_symbol_at(ahead + 1, ")")
    }

    pub(super) fn primary(&mut self) -> Result<Expr, SqlError> {
        let start = self.here();
        let Some(token) = self.peek(0) else { return Err(self.error()) };
        let kind = match token.kind {
            TokenKind::Number => {
                self.advance();
                ExprKind::Number(token.span.of(self.sql).to_owned())
            }
            TokenKind::String => ExprKind::String(self.string()?),
            TokenKind::Quoted => return self.named(start),
            TokenKind::Word => return self.word(start),
            TokenKind::Symbol => match token.span.of(self.sql) {
                "(" => return self.parenthesis(start),
                "*" => {
                    self.advance();
                    ExprKind::Star { qualifier: Vec::new(), except: self.except()? }
                }
                "?" => {
                    self.advance();
                    ExprKind::Positional
                }
                ":" if self.kind(1) == Some(TokenKind::Word) => {
                    self.advance();
                    ExprKind::Named(self.ident()?.value)
                }
                _ => return Err(self.error()),
            },
            _ => return Err(self.error()),
        };
        Ok(Expr { span: self.since(start), kind })
    }

    pub(super) fn parenthesis(&mut self, start: Span) -> Result<Expr, SqlError> {
        if self.is_lambda() {
            let parameters = self.parenthesized(Self::ident)?;
            self.expect_symbol("->")?;
            let body = self.expr()?;
            return Ok(Expr { span: self.since(start), kind: ExprKind::Lambda(parameters, Box::new(body)) });
        }
        self.advance();
        let kind = if self.is_query() {
            ExprKind::Subquery(Box::new(self.query()?))
        } else {
            ExprKind::Tuple(self.list(Self::named_expr)?)
        };
        self.expect_symbol(")")?;
        Ok(Expr { span: self.since(start), kind })
    }

    /// `(a, b) ->` is ahead.
    pub(super) fn is_lambda(&self) -> bool {
        let mut ahead = 1;
        while matches!(self.kind(ahead), Some(TokenKind::Word | TokenKind::Quoted)) {
            ahead += 1;
            if self.is_symbol_at(ahead, ")") {
                return self.is_symbol_at(ahead + 1, "->");
            }
            if !self.is_symbol_at(ahead, ",") {
                return false;
            }
            ahead += 1;
        }
        false
    }

    /// An expression that may have a name, as in `struct(1 AS a)`; the name is passed over.
    pub(super) fn named_expr(&mut self) -> Result<Expr, SqlError> {
        let expr = self.expr()?;
        if self.words("AS") {
            self.ident()?;
        }
        Ok(expr)
    }

    pub(super) fn word(&mut self, start: Span) -> Result<Expr, SqlError> {
        let word = self.text(0).to_uppercase();
        let called = self.is_symbol_at(1, "(");
        let kind = match word.as_str() {
            "TRUE" | "FALSE" if !called => {
                self.advance();
                ExprKind::Boolean(word == "TRUE")
            }
            "NULL" if !called => {
                self.advance();
                ExprKind::Null
            }
            "DEFAULT" if !called && !self.is_symbol_at(1, ".") => {
                self.advance();
                ExprKind::Default
            }
            "DATE" | "TIMESTAMP" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIME" | "X"
                if self.kind(1) == Some(TokenKind::String) =>
            {
                self.advance();
                ExprKind::Typed(word, self.string()?)
            }
            "INTERVAL" if (!called || self.interval_follows()) && self.interval_follows() => {
                self.advance();
                self.interval()?
            }
            "CASE" => {
                self.advance();
                self.case()?
            }
            "CAST" | "TRY_CAST" if called => {
                self.advance();
                self.advance();
                let value = Box::new(self.expr()?);
                self.expect_words("AS")?;
                let type_start = self.here();
                let data_type = self.data_type()?;
                let type_span = self.since(type_start);
                self.expect_symbol(")")?;
                ExprKind::Cast { value, data_type, type_span, attempt: word == "TRY_CAST", infix: false }
            }
            "EXISTS" if called && self.is_select_at(2) => {
                self.advance();
                self.advance();
                let query = Box::new(self.query()?);
                self.expect_symbol(")")?;
                ExprKind::Exists(query)
            }
            "NOT" => return self.prefix_not(),
            _ if self.is_symbol_at(1, "->") => {
                let parameter = self.ident()?;
                self.advance();
                let body = self.expr()?;
                ExprKind::Lambda(vec![parameter], Box::new(body))
            }
            _ if STOP.contains(&word.as_str()) && !called && !self.is_symbol_at(1, ".") => {
                return Err(self.error());
            }
            _ => return self.named(start),
        };
        Ok(Expr { span: self.since(start), kind })
    }

    /// After `INTERVAL` comes a value.
    pub(super) fn interval_follows(&self) -> bool {
        match self.kind(1) {
            Some(TokenKind::String | TokenKind::Number) => true,
            Some(TokenKind::Symbol) => {
                matches!(self.text(1), "-" | "(" | "?" | "+")
                    || (self.text(1) == ":" && self.kind(2) == Some(TokenKind::Word))
            }
            Some(TokenKind::Word | TokenKind::Quoted) => self.unit_at(2),
            _ => false,
        }
    }

    pub(super) fn unit_at(&self, ahead: usize) -> bool {
        const UNITS: [&str; 11] = [
            "YEAR",
            "QUARTER",
            "MONTH",
            "WEEK",
            "DAY",
            "HOUR",
            "MINUTE",
            "SECOND",
            "MILLISECOND",
            "MICROSECOND",
            "NANOSECOND",
        ];
        let text = self.text(ahead).to_uppercase();
        self.kind(ahead) == Some(TokenKind::Word) && UNITS.contains(&text.strip_suffix('S').unwrap_or(&text))
    }

    pub(super) fn interval(&mut self) -> Result<ExprKind, SqlError> {
        let mut parts = Vec::new();
        loop {
            let value = self.unary()?;
            let mut unit = String::new();
            if self.unit_at(0) {
                unit = self.ident()?.value.to_uppercase();
                if self.is_word_at(0, "TO") && self.unit_at(1) {
                    self.advance();
                    unit = format!("{unit} TO {}", self.ident()?.value.to_uppercase());
                }
            } else if !matches!(value.kind, ExprKind::String(_)) {
                return Err(self.error());
            }
            parts.push((value, unit));
            let more = matches!(self.kind(0), Some(TokenKind::Number | TokenKind::String)) && self.unit_at(1);
            let negative = self.is_symbol("-") && self.kind(1) == Some(TokenKind::Number) && self.unit_at(2);
            if !(more || (negative && parts.len() > 1)) {
                return Ok(ExprKind::Interval(parts));
            }
        }
    }

    pub(super) fn case(&mut self) -> Result<ExprKind, SqlError> {
        let operand = if self.is_word_at(0, "WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut whens = Vec::new();
        while self.words("WHEN") {
            let condition = self.expr()?;
            self.expect_words("THEN")?;
            let result = self.expr()?;
            whens.push(When { condition, result });
        }
        let otherwise = if self.words("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_words("END")?;
        if whens.is_empty() {
            return Err(self.error());
        }
        Ok(ExprKind::Case { operand, whens, otherwise })
    }

    /// A name, or a call when parentheses follow.
    pub(super) fn named(&mut self, start: Span) -> Result<Expr, SqlError> {
        let name = self.name()?;
        if !self.is_symbol("(") {
            return Ok(Expr { span: self.since(start), kind: ExprKind::Name(name) });
        }
        let call = self.call(name)?;
        Ok(Expr { span: self.since(start), kind: ExprKind::Call(Box::new(call)) })
    }
}
