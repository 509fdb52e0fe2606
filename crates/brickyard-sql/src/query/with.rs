//! Common table expressions.

use crate::error::SqlError;
use crate::parser::{Ident, Parser};
use crate::query::select::Query;
use crate::token::Span;

/// `WITH [RECURSIVE] …`.
#[derive(Debug, Clone)]
pub struct With {
    /// Where it stands.
    pub span: Span,
    /// `RECURSIVE`.
    pub recursive: bool,
    /// The common table expressions.
    pub ctes: Vec<Cte>,
}

/// `name (columns) AS (query)`.
#[derive(Debug, Clone)]
pub struct Cte {
    /// Where it stands.
    pub span: Span,
    /// Its name.
    pub name: Ident,
    /// Its columns, when named.
    pub columns: Vec<Ident>,
    /// `MAX RECURSION LEVEL n`: where it stands, and the number.
    pub levels: Option<(Span, u64)>,
    /// Its query.
    pub query: Query,
}

impl Parser<'_> {
    /// Reads `WITH …`.
    pub(crate) fn with(&mut self) -> Result<With, SqlError> {
        let start = self.here();
        self.expect_words("WITH")?;
        let recursive = self.words("RECURSIVE");
        let ctes = self.list(|parser| {
            let start = parser.here();
            let name = parser.ident()?;
            let columns = if parser.is_symbol("(") { parser.parenthesized(Self::ident)? } else { Vec::new() };
            let at = parser.here();
            let levels = match parser.words("MAX RECURSION LEVEL") {
                true if !recursive => return Err(parser.error()),
                true => {
                    let levels = parser.integer()?;
                    Some((parser.since(at), levels))
                }
                false => None,
            };
            parser.words("AS");
            parser.expect_symbol("(")?;
            let query = parser.query()?;
            parser.expect_symbol(")")?;
            Ok(Cte { span: parser.since(start), name, columns, levels, query })
        })?;
        Ok(With { span: self.since(start), recursive, ctes })
    }
}
