//! Edits by span that nest: an edit may show pieces of the old text, which are rendered with the edits within them.

use crate::error::SqlError;
use crate::token::{Span, TokenKind, quote_name, string_literal, string_value, tokenize};

/// A piece of new text.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// As it stands.
    Text(String),
    /// The old text there, with its own edits.
    Source(Span),
    /// The same without the name that [`Edits::name`] has put after it.
    Bare(Span),
}

/// Builds the pieces of an edit: `pieces![ "CAST(", span, " AS INT)" ]`.
macro_rules! pieces {
    ($($piece:expr),* $(,)?) => { vec![$($crate::rewrite::edits::Piece::from($piece)),*] };
}
pub(crate) use pieces;

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Span> for Piece {
    fn from(span: Span) -> Self {
        Self::Source(span)
    }
}

#[derive(Debug)]
struct Edit {
    span: Span,
    pieces: Vec<Piece>,
    /// Whether it puts a column's name after what stands there.
    name: bool,
}

/// The edits of one text.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    edits: Vec<Edit>,
}

impl Edits {
    /// Replaces what stands at `span`. Of two edits of the same span, the later one is around the earlier one.
    pub(crate) fn replace(&mut self, span: Span, pieces: Vec<Piece>) {
        self.edits.push(Edit { span, pieces, name: false });
    }

    /// Puts the name of a column after the expression at `span`.
    pub(crate) fn name(&mut self, span: Span, name: &str) {
        let pieces = pieces![span, format!(" AS {}", quote_name(name))];
        self.edits.push(Edit { span, pieces, name: true });
    }

    /// How many edits there are; with [`Edits::touched`], whether something was edited in between.
    pub(crate) fn len(&self) -> usize {
        self.edits.len()
    }

    /// Whether an edit after the first `since` ones lies within `span` and changes more than names.
    pub(crate) fn touched(&self, since: usize, span: Span) -> bool {
        self.edits[since..].iter().any(|edit| span.contains(edit.span))
    }

    /// The text at `span` with all edits, in tokens that every dialect reads alike.
    pub(crate) fn render(&self, sql: &str, span: Span) -> Result<String, SqlError> {
        let order = self.order();
        let mut out = String::with_capacity(span.end - span.start + 64);
        self.range(sql, span, &order, &mut out, 0)?;
        Ok(out)
    }

    /// The text at `span` with all edits but the name of a column that it may have been given.
    pub(crate) fn bare(&self, sql: &str, span: Span) -> Result<String, SqlError> {
        let mut out = String::new();
        self.range(sql, span, &self.without_name(self.order(), span), &mut out, 0)?;
        Ok(out)
    }

    /// The edits, those around others first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.edits.len()).collect();
        order.sort_by_key(|index| {
            let span = self.edits[*index].span;
            (span.start, std::cmp::Reverse(span.end), std::cmp::Reverse(*index))
        });
        order
    }

    fn without_name(&self, mut order: Vec<usize>, span: Span) -> Vec<usize> {
        order.retain(|index| !(self.edits[*index].name && self.edits[*index].span == span));
        order
    }

    /// The text of pieces.
    pub(crate) fn of(&self, sql: &str, pieces: &[Piece]) -> Result<String, SqlError> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Source(span) => out.push_str(&self.render(sql, *span)?),
                Piece::Bare(span) => out.push_str(&self.bare(sql, *span)?),
            }
        }
        Ok(out)
    }

    fn range(
        &self,
        sql: &str,
        span: Span,
        order: &[usize],
        out: &mut String,
        depth: usize,
    ) -> Result<(), SqlError> {
        if out.len() > 4 * crate::token::MAXIMUM_LENGTH || depth > 400 {
            return Err(SqlError::unsupported(
                "a statement this long once rewritten",
                "Split it into views or steps",
            ));
        }
        let mut at = span.start;
        let mut rest = order
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, index)| span.contains(self.edits[*index].span))
            .peekable();
        while let Some((_, index)) = rest.next() {
            let edit = &self.edits[index];
            if edit.span.start < at {
                // Edits that overlap without nesting would lose text.
                let inside = edit.span.end <= at;
                if inside {
                    continue;
                }
                return Err(SqlError::new(
                    "INTERNAL_ERROR",
                    "XX000",
                    "Two rewritings of the statement overlap.",
                ));
            }
            canonical(Span::new(at, edit.span.start).of(sql), out)?;
            let mut inner = Vec::new();
            while let Some((_, next)) = rest.peek() {
                if !edit.span.contains(self.edits[*next].span) {
                    break;
                }
                inner.push(*next);
                rest.next();
            }
            for piece in &edit.pieces {
                let (source, bare) = match piece {
                    Piece::Text(text) => {
                        out.push_str(text);
                        continue;
                    }
                    Piece::Source(source) => (*source, false),
                    Piece::Bare(source) => (*source, true),
                };
                // Pieces from elsewhere in the text see all edits there, pieces from within see those below this edit.
                let mut seen = if edit.span.contains(source) {
                    inner.clone()
                } else {
                    let mut all = self.order();
                    all.retain(|other| *other != index);
                    all
                };
                if bare {
                    seen = self.without_name(seen, source);
                }
                self.range(sql, source, &seen, out, depth + 1)?;
            }
            at = edit.span.end;
        }
        canonical(Span::new(at, span.end).of(sql), out)
    }
}

/// Appends `text` with comments left out and strings in the one form all dialects agree on.
pub(crate) fn canonical(text: &str, out: &mut String) -> Result<(), SqlError> {
    for token in tokenize(text)? {
        let piece = token.span.of(text);
        match token.kind {
            TokenKind::Comment | TokenKind::Hint => out.push(' '),
            TokenKind::String => out.push_str(&string_literal(&string_value(piece))),
            TokenKind::Dollar => {
                out.push_str(&string_literal(piece.trim_start_matches("$$").trim_end_matches("$$")));
            }
            _ => out.push_str(piece),
        }
    }
    Ok(())
}
