//! `PIVOT` and `UNPIVOT`.

use crate::error::SqlError;
use crate::parser::{Ident, Name, Parser};
use crate::query::expression::Expr;
use crate::token::{Span, TokenKind};

/// `PIVOT (aggregates FOR columns IN (values))`.
#[derive(Debug, Clone)]
pub struct Pivot {
    /// Where it stands.
    pub span: Span,
    /// Aggregates with their aliases.
    pub aggregates: Vec<(Expr, Option<Ident>)>,
    /// The columns whose values become columns.
    pub columns: Vec<Ident>,
    /// The values with their aliases.
    pub values: Vec<(Expr, Option<Ident>)>,
}

/// `UNPIVOT (value FOR name IN (columns))`.
#[derive(Debug, Clone)]
pub struct Unpivot {
    /// Where it stands.
    pub span: Span,
    /// `INCLUDE NULLS`.
    pub include_nulls: bool,
    /// Names of the value columns.
    pub values: Vec<Ident>,
    /// Name of the column with the old names.
    pub name: Ident,
    /// Groups of columns with their aliases.
    pub columns: Vec<(Vec<Name>, Option<String>)>,
}

impl Parser<'_> {
    pub(super) fn pivot(&mut self) -> Result<Pivot, SqlError> {
        let start = self.here();
        self.expect_words("PIVOT")?;
        self.expect_symbol("(")?;
        let aggregates = self.list(|parser| {
            let aggregate = parser.expr()?;
            let alias = if parser.is_word_at(0, "FOR") { None } else { parser.simple_alias()? };
            Ok((aggregate, alias))
        })?;
        self.expect_words("FOR")?;
        let columns =
            if self.is_symbol("(") { self.parenthesized(Self::ident)? } else { vec![self.ident()?] };
        self.expect_words("IN")?;
        let values = self.parenthesized(|parser| {
            let value = parser.expr()?;
            Ok((value, parser.simple_alias()?))
        })?;
        self.expect_symbol(")")?;
        Ok(Pivot { span: self.since(start), aggregates, columns, values })
    }

    pub(super) fn unpivot(&mut self) -> Result<Unpivot, SqlError> {
        let start = self.here();
        self.expect_words("UNPIVOT")?;
        let include_nulls = self.words("INCLUDE NULLS");
        self.words("EXCLUDE NULLS");
        self.expect_symbol("(")?;
        let several = self.is_symbol("(");
        let values = if several { self.parenthesized(Self::ident)? } else { vec![self.ident()?] };
        self.expect_words("FOR")?;
        let name = self.ident()?;
        self.expect_words("IN")?;
        let columns = self.parenthesized(|parser| {
            let group =
                if parser.is_symbol("(") { parser.parenthesized(Self::name)? } else { vec![parser.name()?] };
            let alias = match parser.kind(0) {
                Some(TokenKind::String) => Some(parser.string()?),
                _ if parser.is_word_at(0, "AS") && parser.kind(1) == Some(TokenKind::String) => {
                    parser.advance();
                    Some(parser.string()?)
                }
                _ => parser.simple_alias()?.map(|ident| ident.value),
            };
            Ok((group, alias))
        })?;
        self.expect_symbol(")")?;
        Ok(Unpivot { span: self.since(start), include_nulls, values, name, columns })
    }
}
