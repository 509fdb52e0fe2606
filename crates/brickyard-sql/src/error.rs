//! What is wrong with a statement, in the words and classes of Databricks SQL.

use crate::token::Span;

/// Why a statement was refused; `message` starts with `[CLASS]` and ends with `SQLSTATE: xxxxx` as the platform's does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// Error class such as `PARSE_SYNTAX_ERROR`.
    pub class: String,
    /// Five characters, such as `42601`.
    pub sql_state: String,
    /// What a user reads.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the statement, in bytes, when known.
    pub span: Option<Span>,
}

impl SqlError {
    /// An error of `class`: `[class] text SQLSTATE: state`.
    pub fn new(class: &str, sql_state: &str, text: impl AsRef<str>) -> Self {
        Self {
            class: class.to_owned(),
            sql_state: sql_state.to_owned(),
            message: format!("[{class}] {} SQLSTATE: {sql_state}", text.as_ref()),
            hint: None,
            span: None,
        }
    }

    /// The same error with a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same error with advice.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `PARSE_SYNTAX_ERROR` (42601) near `span` of `sql`, in Spark's text shape with the line and a marker.
    pub fn syntax(sql: &str, span: Span) -> Self {
        let near = if span.start >= sql.len() {
            "end of input".to_owned()
        } else {
            format!("'{}'", excerpt(span.of(sql)))
        };
        Self::parse(sql, span, "PARSE_SYNTAX_ERROR", "42601", &format!("Syntax error at or near {near}."))
    }

    /// An error of the parser with line, position and the marked statement below it.
    pub fn parse(sql: &str, span: Span, class: &str, sql_state: &str, text: &str) -> Self {
        let start = floor_boundary(sql, span.start.min(sql.len()));
        let before = &sql[..start];
        let line = before.matches('\n').count();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let position = before[line_start..].chars().count();
        let mut marked = String::new();
        for (index, text) in sql.lines().enumerate() {
            marked.push_str(text);
            marked.push('\n');
            if index == line {
                marked.push_str(&"-".repeat(position));
                marked.push_str("^^^\n");
            }
        }
        let mut error = Self::new(class, sql_state, text);
        error.message =
            format!("{} (line {}, pos {position})\n\n== SQL ==\n{marked}", error.message, line + 1);
        error.at(span)
    }

    /// `UNSUPPORTED_FEATURE` (0A000): a construct the local warehouse cannot run, with advice.
    pub fn unsupported(construct: impl AsRef<str>, hint: impl Into<String>) -> Self {
        Self::new(
            "UNSUPPORTED_FEATURE",
            "0A000",
            format!("The local warehouse does not support {}.", construct.as_ref()),
        )
        .hinted(hint)
    }
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
