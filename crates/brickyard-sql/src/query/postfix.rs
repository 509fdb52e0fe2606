//! What follows an operand: fields, indexes, casts, paths into JSON.

use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::expression::{Expr, ExprKind, PathStep};
use crate::token::{Span, TokenKind};

impl Parser<'_> {
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
                    ExprKind::Name(name) => {
                        ExprKind::Star { qualifier: name.parts, except: self.except()?, set: None }
                    }
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
}
