//! What a statement is: a query, a change of rows, or a command that is ours to answer.

pub use crate::dml::{Dml, DmlKind, Insert, Merge, MergeAction, MergeClause, Target, TargetName};

use crate::command::Command;
use crate::error::SqlError;
use crate::parser::Parser;
use crate::query::Query;
use crate::token::{Span, TokenKind, tokenize};

/// A parsed statement with its text.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The text all spans are of.
    pub sql: String,
    /// What it is.
    pub body: Body,
}

/// The kinds of statements.
#[derive(Debug, Clone)]
pub enum Body {
    /// Reads rows.
    Query(Query),
    /// Changes rows.
    Dml(Box<Dml>),
    /// Anything else.
    Command(Box<Command>),
}

impl Parser<'_> {
    /// Reads a statement of any kind.
    pub(crate) fn statement(&mut self) -> Result<Body, SqlError> {
        let start = self.here();
        if self.is_word_at(0, "WITH") {
            let with = self.with()?;
            if self.is_word_at(0, "INSERT") {
                let mut dml = self.insert()?;
                dml.with = Some(with);
                return Ok(Body::Dml(Box::new(dml)));
            }
            if ["MERGE", "UPDATE", "DELETE"].iter().any(|word| self.is_word_at(0, word)) {
                return Err(self.error());
            }
            return self.query_after(start, Some(with)).map(Body::Query);
        }
        let first = self.text(0).to_uppercase();
        match first.as_str() {
            "SELECT" | "VALUES" | "FROM" | "TABLE" | "(" => self.query().map(Body::Query),
            "INSERT" if self.is_word_at(1, "OVERWRITE") && self.directory_follows() => {
                self.insert_directory().map(|command| Body::Command(Box::new(command)))
            }
            "INSERT" => self.insert().map(|dml| Body::Dml(Box::new(dml))),
            "UPDATE" => self.update().map(|dml| Body::Dml(Box::new(dml))),
            "DELETE" => self.delete().map(|dml| Body::Dml(Box::new(dml))),
            "MERGE" => self.merge().map(|dml| Body::Dml(Box::new(dml))),
            _ => self.command().map(|command| Body::Command(Box::new(command))),
        }
    }

    fn directory_follows(&self) -> bool {
        self.is_word_at(2, "DIRECTORY") || (self.is_word_at(2, "LOCAL") && self.is_word_at(3, "DIRECTORY"))
    }
}

/// Reads one statement; a single `;` at its end is passed over.
///
/// Errors: `PARSE_SYNTAX_ERROR` (42601) with line and position; `PARSE_EMPTY_STATEMENT` (42617) for nothing at all.
pub fn parse(sql: &str) -> Result<Statement, SqlError> {
    crate::room::with_room(sql, || parse_here(sql))
}

fn parse_here(sql: &str) -> Result<Statement, SqlError> {
    let mut parser = Parser::new(sql)?;
    if parser.at_end() || (parser.is_symbol(";") && parser.peek(1).is_none()) {
        let text = "Syntax error, unexpected empty statement.";
        return Err(SqlError::parse(sql, Span::new(0, 0), "PARSE_EMPTY_STATEMENT", "42617", text));
    }
    let body = parser.statement()?;
    if !matches!(&body, Body::Command(command) if matches!(**command, Command::Script { .. })) {
        parser.expect_end()?;
    }
    Ok(Statement { sql: sql.to_owned(), body })
}

/// Splits a script at each `;` that is not within a string, a comment, or a `BEGIN … END` block; pieces without tokens are left out.
pub fn split(sql: &str) -> Result<Vec<&str>, SqlError> {
    let tokens = tokenize(sql)?;
    let (mut pieces, mut start, mut blocks, mut significant, mut first) =
        (Vec::new(), 0, 0_usize, 0_usize, String::new());
    for token in &tokens {
        let text = token.span.of(sql);
        match token.kind {
            TokenKind::Space | TokenKind::Comment | TokenKind::Hint => continue,
            TokenKind::Symbol if text == ";" && blocks == 0 => {
                if significant > 0 {
                    pieces.push(sql[start..token.span.start].trim());
                }
                (start, significant) = (token.span.end, 0);
                continue;
            }
            TokenKind::Word => {
                let word = text.to_uppercase();
                if significant == 0 {
                    first.clone_from(&word);
                }
                let compound = first == "BEGIN"
                    || (first == "CREATE" && blocks > 0)
                    || (first == "CREATE" && word == "BEGIN");
                if compound {
                    match word.as_str() {
                        "BEGIN" | "CASE" => blocks += 1,
                        "END" => {
                            let closes = !follows_end(sql, &tokens, token.span.end);
                            blocks -= usize::from(closes && blocks > 0);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        significant += 1;
    }
    if significant > 0 {
        pieces.push(sql[start..].trim());
    }
    Ok(pieces)
}

/// Whether `END` is that of `END IF`, `END FOR`, `END WHILE`, `END LOOP`, `END REPEAT`, which close no block that is counted.
fn follows_end(sql: &str, tokens: &[crate::token::Token], end: usize) -> bool {
    let next = tokens.iter().find(|token| token.span.start >= end && token.kind != TokenKind::Space);
    next.is_some_and(|token| {
        ["IF", "FOR", "WHILE", "LOOP", "REPEAT"]
            .iter()
            .any(|word| token.span.of(sql).eq_ignore_ascii_case(word))
    })
}

impl Statement {
    /// Whether it is a query whose select list holds aggregates or other calls of `name`; for tests and hints.
    pub fn query(&self) -> Option<&Query> {
        match &self.body {
            Body::Query(query) => Some(query),
            _ => None,
        }
    }
}
