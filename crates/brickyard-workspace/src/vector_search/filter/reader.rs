//! A filter read from its text.

use brickyard_sql::TokenKind;
use brickyard_sql::token::{name_value, string_value};
use serde_json::Value;

use super::{Comparison, DEEPEST, Filter, negated};
use crate::error::ApiError;

pub(super) struct Reader<'a> {
    pub(super) tokens: Vec<(TokenKind, &'a str)>,
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn any(&mut self, depth: usize) -> Result<Filter, ApiError> {
        if depth > DEEPEST {
            return Err(ApiError::invalid("The filter is nested too deeply"));
        }
        let mut parts = vec![self.all(depth)?];
        while self.word("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    pub(super) fn all(&mut self, depth: usize) -> Result<Filter, ApiError> {
        let mut parts = vec![self.one(depth)?];
        while self.word("AND") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    pub(super) fn one(&mut self, depth: usize) -> Result<Filter, ApiError> {
        if depth > DEEPEST {
            return Err(ApiError::invalid("The filter is nested too deeply"));
        }
        if self.word("NOT") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.symbol("(") {
            let inner = self.any(depth + 1)?;
            return if self.symbol(")") { Ok(inner) } else { Err(self.unexpected()) };
        }
        let column = match self.next() {
            Some((TokenKind::Word, text)) => text.to_owned(),
            Some((TokenKind::Quoted, text)) => name_value(text),
            _ => return Err(self.before()),
        };
        if self.word("IS") {
            let not = self.word("NOT");
            if !self.word("NULL") {
                return Err(self.unexpected());
            }
            return Ok(negated(Filter::Null(column), not));
        }
        let not = self.word("NOT");
        if self.word("IN") {
            if !self.symbol("(") {
                return Err(self.unexpected());
            }
            let mut values = vec![self.literal()?];
            while self.symbol(",") {
                values.push(self.literal()?);
            }
            return if self.symbol(")") {
                Ok(negated(Filter::In(column, values), not))
            } else {
                Err(self.unexpected())
            };
        }
        if self.word("LIKE") {
            let Value::String(pattern) = self.literal()? else { return Err(self.before()) };
            return Ok(negated(Filter::Like(column, pattern), not));
        }
        if self.word("BETWEEN") {
            let least = self.literal()?;
            if !self.word("AND") {
                return Err(self.unexpected());
            }
            let most = self.literal()?;
            let both = vec![
                Filter::Compare(column.clone(), Comparison::GreaterOrEqual, least),
                Filter::Compare(column, Comparison::LessOrEqual, most),
            ];
            return Ok(negated(Filter::All(both), not));
        }
        if not {
            return Err(self.unexpected());
        }
        let comparison = match self.next() {
            Some((TokenKind::Symbol, "=" | "==")) => Comparison::Equal,
            Some((TokenKind::Symbol, "<>" | "!=")) => {
                let value = self.literal()?;
                return Ok(Filter::Not(Box::new(Filter::Compare(column, Comparison::Equal, value))));
            }
            Some((TokenKind::Symbol, "<")) => Comparison::Less,
            Some((TokenKind::Symbol, "<=")) => Comparison::LessOrEqual,
            Some((TokenKind::Symbol, ">")) => Comparison::Greater,
            Some((TokenKind::Symbol, ">=")) => Comparison::GreaterOrEqual,
            _ => return Err(self.before()),
        };
        Ok(Filter::Compare(column, comparison, self.literal()?))
    }

    pub(super) fn literal(&mut self) -> Result<Value, ApiError> {
        let minus = self.symbol("-");
        match self.next() {
            Some((TokenKind::String, text)) if !minus => Ok(Value::from(string_value(text))),
            Some((TokenKind::Number, text)) => {
                let sign = if minus { "-" } else { "" };
                let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
                let whole = format!("{sign}{digits}").parse::<i64>().ok().map(Value::from);
                let number = || format!("{sign}{text}").parse::<f64>().ok().map(Value::from);
                whole.or_else(number).ok_or_else(|| self.before())
            }
            Some((TokenKind::Word, text)) if !minus && text.eq_ignore_ascii_case("true") => {
                Ok(Value::from(true))
            }
            Some((TokenKind::Word, text)) if !minus && text.eq_ignore_ascii_case("false") => {
                Ok(Value::from(false))
            }
            // `TIMESTAMP '…'`, `DATE '…'`
            Some((TokenKind::Word, text))
                if !minus
                    && ["timestamp", "date"].iter().any(|name| text.eq_ignore_ascii_case(name))
                    && matches!(self.tokens.get(self.at), Some((TokenKind::String, _))) =>
            {
                self.literal()
            }
            _ => Err(self.before()),
        }
    }

    pub(super) fn next(&mut self) -> Option<(TokenKind, &'a str)> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        self.take(TokenKind::Word, |text| text.eq_ignore_ascii_case(word))
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        self.take(TokenKind::Symbol, |text| text == symbol)
    }

    pub(super) fn take(&mut self, kind: TokenKind, fits: impl Fn(&str) -> bool) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|(is, text)| *is == kind && fits(text));
        self.at += usize::from(found);
        found
    }

    pub(super) fn unexpected(&self) -> ApiError {
        let what = self.tokens.get(self.at).map_or("the end of the filter", |(_, text)| text);
        ApiError::invalid(format!("The filter is not understood at `{what}`"))
    }

    pub(super) fn before(&self) -> ApiError {
        let at = self.at.saturating_sub(1);
        Self { tokens: self.tokens.clone(), at }.unexpected()
    }
}
