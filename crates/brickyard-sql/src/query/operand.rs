//! What stands between operators: literals, names, calls, `CASE`, intervals, lambdas.

use crate::error::SqlError;
use crate::parser::Parser;
use crate::query::expression::{Expr, ExprKind, STOP, When};
use crate::token::{Span, TokenKind};

impl Parser<'_> {
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
                    ExprKind::Star { qualifier: Vec::new(), except: self.except()?, set: self.column_set()? }
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
        let kind = match self.whole_query(&[")"])? {
            Some(query) => ExprKind::Subquery(Box::new(query)),
            None => ExprKind::Tuple(self.list(Self::named_expr)?),
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
