//! Parameter markers: found by token, bound as literals of their exact type.

use crate::error::SqlError;
use crate::literal::literal;
use crate::token::{Span, Token, TokenKind, tokenize};
use std::collections::BTreeMap;

/// A value bound to a marker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameter {
    /// SQL type, such as `DECIMAL(10,2)`, `VOID`, `ARRAY<INT>`; empty or `STRING` is a string.
    pub sql_type: String,
    /// The value as text; `None` is NULL, unless `arguments` holds the parts.
    pub value: Option<String>,
    /// Parts of an `ARRAY` (elements), `MAP` (keys and values in turn, or entries of two) or `STRUCT` (fields).
    pub arguments: Option<Vec<Parameter>>,
}

/// Values for the markers of a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Parameters {
    /// No markers.
    #[default]
    None,
    /// `?` in order.
    Positional(Vec<Parameter>),
    /// `:name`; names are compared without regard to case.
    Named(BTreeMap<String, Parameter>),
}

/// A marker in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// `?`.
    Positional(Span),
    /// `:name`.
    Named(Span, String),
}

/// Words after which an operand begins, so that a `:` there begins a marker and no JSON path.
const BEFORE_OPERAND: [&str; 56] = [
    "SELECT",
    "DISTINCT",
    "ALL",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "REGEXP",
    "BETWEEN",
    "LIMIT",
    "OFFSET",
    "VALUES",
    "SET",
    "ON",
    "THEN",
    "ELSE",
    "WHEN",
    "CASE",
    "BY",
    "HAVING",
    "INTERVAL",
    "RETURN",
    "DEFAULT",
    "QUALIFY",
    "USING",
    "IS",
    "DIV",
    "ESCAPE",
    "OF",
    "AS",
    "TO",
    "INTO",
    "ROWS",
    "RANGE",
    "IDENTIFIER",
    "FOR",
    "PERCENT",
    "TABLE",
    "CATALOG",
    "SCHEMA",
    "DATABASE",
    "RETAIN",
    "COMMENT",
    "LOCATION",
    "IMMEDIATE",
    "UPDATE",
    "INSERT",
    "USE",
    "TAGS",
    "JOIN",
    "ANY",
];

impl Marker {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Positional(span) | Self::Named(span, _) => *span,
        }
    }
}

/// The markers of a statement in the order of its text.
pub fn markers(sql: &str) -> Result<Vec<Marker>, SqlError> {
    let tokens: Vec<Token> = tokenize(sql)?
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Hint))
        .collect();
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = token.span.of(sql);
        if token.kind != TokenKind::Symbol {
            continue;
        }
        if text == "?" {
            found.push(Marker::Positional(token.span));
        } else if text == ":" {
            let Some(next) = tokens.get(index + 1) else { continue };
            let named = matches!(next.kind, TokenKind::Word | TokenKind::Quoted);
            let adjacent = next.span.start == token.span.end && named;
            let before = index.checked_sub(1).map(|before| tokens[before]);
            if adjacent && before.is_none_or(|before| operand_follows(sql, before)) {
                // SQLAlchemy writes the name in back-ticks.
                let name = next.span.of(sql).trim_matches('`').replace("``", "`");
                found.push(Marker::Named(token.span.to(next.span), name));
            }
        }
    }
    Ok(found)
}

fn operand_follows(sql: &str, before: Token) -> bool {
    let text = before.span.of(sql);
    match before.kind {
        TokenKind::Symbol => !matches!(text, ")" | "]" | "?"),
        TokenKind::Word => BEFORE_OPERAND.iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// The statement with variables within `IDENTIFIER(…)` replaced by their values, so that what it names can be seen.
pub fn bind_identifiers(sql: &str, variables: &[crate::plan::Variable]) -> Result<String, SqlError> {
    if variables.is_empty() {
        return Ok(sql.to_owned());
    }
    let tokens: Vec<Token> = tokenize(sql)?
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Hint))
        .collect();
    let is = |at: usize, symbol: &str| tokens.get(at).is_some_and(|token| token.span.of(sql) == symbol);
    let (mut text, mut copied, mut depth, mut at) = (String::new(), 0, 0_usize, 0);
    while at < tokens.len() {
        let word = tokens[at].span.of(sql);
        if depth == 0
            && tokens[at].kind == TokenKind::Word
            && word.eq_ignore_ascii_case("IDENTIFIER")
            && is(at + 1, "(")
        {
            (depth, at) = (1, at + 2);
            continue;
        }
        if depth > 0 {
            match word {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ if tokens[at].kind == TokenKind::Word && !is(at + 1, "(") && !is(at + 1, ".") => {
                    // `session.v` and `label.v` too.
                    let qualified = at >= 2 && is(at - 1, ".") && tokens[at - 2].kind == TokenKind::Word;
                    let owner = qualified.then(|| tokens[at - 2].span.of(sql));
                    let fits = |variable: &&crate::plan::Variable| {
                        variable.name.eq_ignore_ascii_case(word)
                            && owner.is_none_or(|owner| {
                                variable.qualifier.as_deref().unwrap_or("session").eq_ignore_ascii_case(owner)
                            })
                    };
                    if let Some(variable) = variables.iter().find(fits) {
                        let start = if qualified { tokens[at - 2].span.start } else { tokens[at].span.start };
                        text.push_str(&sql[copied..start]);
                        text.push_str(&variable.literal);
                        copied = tokens[at].span.end;
                    }
                }
                _ => {}
            }
        }
        at += 1;
    }
    text.push_str(&sql[copied..]);
    Ok(text)
}

/// The statement with every marker replaced by a literal of the parameter's exact type.
///
/// Errors: `UNBOUND_SQL_PARAMETER` (42P02) for a marker without a value; `INVALID_PARAMETER_MARKER_VALUE` (22023) for a value that
/// is none of its type. Values without a marker are passed over, as the platform does with named ones.
pub fn bind(sql: &str, parameters: &Parameters) -> Result<String, SqlError> {
    let markers = markers(sql)?;
    let mut text = String::with_capacity(sql.len());
    let (mut copied, mut position) = (0, 0);
    for marker in &markers {
        let span = marker.span();
        let (name, parameter) = match (marker, parameters) {
            (Marker::Positional(span), Parameters::Positional(values)) => {
                position += 1;
                (format!("_{}", span.start), values.get(position - 1))
            }
            (Marker::Named(_, name), Parameters::Named(values)) => {
                let exact = values.get(name);
                let found = exact.or_else(|| {
                    values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
                });
                (name.clone(), found)
            }
            (Marker::Positional(span), _) => (format!("_{}", span.start), None),
            (Marker::Named(_, name), _) => (name.clone(), None),
        };
        let Some(parameter) = parameter else {
            let message = format!(
                "Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`."
            );
            return Err(SqlError::parse(sql, span, "UNBOUND_SQL_PARAMETER", "42P02", &message));
        };
        text.push_str(&sql[copied..span.start]);
        let literal = literal(parameter, 0).map_err(|error| error.at(span))?;
        // A space keeps `a=:p` from growing together with a neighbour, as in `LIMIT:n`.
        if text.chars().next_back().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            text.push(' ');
        }
        text.push_str(&literal);
        if sql[span.end..].chars().next().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            text.push(' ');
        }
        copied = span.end;
    }
    text.push_str(&sql[copied..]);
    Ok(text)
}
