//! Names that relations are given.

use crate::error::SqlError;
use crate::parser::{Ident, Parser};
use crate::token::{Span, TokenKind};

/// `AS name (columns)`.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The name; an alias of columns alone has none.
    pub name: Option<Ident>,
    /// Names of the columns.
    pub columns: Vec<Ident>,
    /// Where it stands.
    pub span: Span,
}

/// Words that cannot be an alias without `AS`.
const NO_ALIAS: [&str; 51] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "SORT",
    "CLUSTER",
    "DISTRIBUTE",
    "LIMIT",
    "OFFSET",
    "UNION",
    "EXCEPT",
    "MINUS",
    "SETMINUS",
    "INTERSECT",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "SEMI",
    "ANTI",
    "NATURAL",
    "LATERAL",
    "WINDOW",
    "QUALIFY",
    "PIVOT",
    "UNPIVOT",
    "TABLESAMPLE",
    "ON",
    "USING",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "AS",
    "SET",
    "VALUES",
    "SELECT",
    "WITH",
    "INTO",
    "DO",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "BETWEEN",
    "IS",
    "REPLACE",
];

impl Parser<'_> {
    /// Reads an alias when one is next.
    pub(crate) fn alias(&mut self) -> Result<Option<Alias>, SqlError> {
        let start = self.here();
        let explicit = self.words("AS");
        let unquoted = self.kind(0) == Some(TokenKind::Word);
        let reserved = unquoted && NO_ALIAS.iter().any(|word| self.is_word_at(0, word));
        let travel = self.is_word_at(1, "AS") && self.is_word_at(2, "OF");
        let named = self.is_ident() && (explicit || (!reserved && !travel));
        let name = if named { Some(self.ident()?) } else { None };
        let columns = if self.is_symbol("(") && (named || explicit) {
            self.parenthesized(Self::ident)?
        } else {
            Vec::new()
        };
        if name.is_none() && columns.is_empty() {
            return if explicit { Err(self.error()) } else { Ok(None) };
        }
        Ok(Some(Alias { name, columns, span: self.since(start) }))
    }

    /// Reads `AS name` or `name`.
    pub(crate) fn simple_alias(&mut self) -> Result<Option<Ident>, SqlError> {
        let explicit = self.words("AS");
        let unquoted = self.kind(0) == Some(TokenKind::Word);
        let reserved = unquoted && NO_ALIAS.iter().any(|word| self.is_word_at(0, word));
        if self.is_ident() && (explicit || !reserved) {
            return self.ident().map(Some);
        }
        if explicit { Err(self.error()) } else { Ok(None) }
    }
}
