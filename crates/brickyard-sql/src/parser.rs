//! A cursor over the significant tokens of a statement, with what every grammar needs: words, names, types, errors.

use crate::error::SqlError;
use crate::token::{Span, Token, TokenKind, name_value, string_value, tokenize};

/// Deepest nesting of expressions, queries and types that is followed.
const MAXIMUM_DEPTH: usize = 96;

/// A name with its place; `value` is without back-ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name, as typed.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// One to many names with dots between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its parts.
    pub parts: Vec<Ident>,
    /// Where it stands.
    pub span: Span,
}

/// Reads tokens from left to right.
#[derive(Debug)]
pub struct Parser<'a> {
    /// The whole text.
    pub sql: &'a str,
    /// Tokens without white space, comments and hints.
    tokens: Vec<Token>,
    pub(super) at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Tokens of `sql`.
    pub fn new(sql: &'a str) -> Result<Self, SqlError> {
        let tokens = tokenize(sql)?;
        let significant =
            |token: &Token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Hint);
        Ok(Self { sql, tokens: tokens.into_iter().filter(significant).collect(), at: 0, depth: 0 })
    }

    /// The token `ahead` places on.
    pub(crate) fn peek(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at + ahead).copied()
    }

    /// Text of the token `ahead` places on; empty at the end.
    pub(crate) fn text(&self, ahead: usize) -> &'a str {
        self.peek(ahead).map_or("", |token| token.span.of(self.sql))
    }

    /// Kind of the token `ahead` places on.
    pub(crate) fn kind(&self, ahead: usize) -> Option<TokenKind> {
        self.peek(ahead).map(|token| token.kind)
    }

    /// Where the next token stands; an empty span at the end of the text.
    pub(crate) fn here(&self) -> Span {
        self.peek(0).map_or(Span::new(self.sql.len(), self.sql.len()), |token| token.span)
    }

    /// Where the last token that was read stands.
    pub(crate) fn last(&self) -> Span {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(Span::new(0, 0), |token| token.span)
    }

    /// From `start` to the last token that was read.
    pub(crate) fn since(&self, start: Span) -> Span {
        Span::new(start.start, self.last().end.max(start.start))
    }

    /// A place to come back to.
    pub(crate) fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a mark.
    pub(crate) fn reset(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Reads one token of any kind.
    pub(crate) fn advance(&mut self) -> Option<Token> {
        let token = self.peek(0);
        self.at += usize::from(token.is_some());
        token
    }

    /// Whether no token is left.
    pub fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// A syntax error at the next token.
    pub(crate) fn error(&self) -> SqlError {
        SqlError::syntax(self.sql, self.here())
    }

    /// Fails unless no token is left.
    pub(crate) fn expect_end(&mut self) -> Result<(), SqlError> {
        while self.symbol(";") {}
        if self.at_end() { Ok(()) } else { Err(self.error()) }
    }

    /// Runs `inner` one level deeper; fails beyond a bound that keeps the stack safe.
    pub(crate) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.deeper_by(1, inner)
    }

    /// Runs `inner` as many levels deeper as its frames are heavy.
    pub(crate) fn deeper_by<T>(
        &mut self,
        levels: usize,
        inner: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        if self.depth + levels > MAXIMUM_DEPTH {
            let text = "The statement is nested too deeply.";
            return Err(SqlError::parse(self.sql, self.here(), "FAILED_TO_PARSE_TOO_COMPLEX", "54001", text));
        }
        self.depth += levels;
        let result = inner(self);
        self.depth -= levels;
        result
    }

    /// Whether the token `ahead` places on is the word `word` (upper case), not in back-ticks.
    pub(crate) fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        self.kind(ahead) == Some(TokenKind::Word) && self.text(ahead).eq_ignore_ascii_case(word)
    }

    /// Whether the next tokens are these words, given with blanks between.
    pub(crate) fn is_words(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(ahead, word)| self.is_word_at(ahead, word))
    }

    /// Reads these words if they are next.
    pub(crate) fn words(&mut self, words: &str) -> bool {
        let found = self.is_words(words);
        if found {
            self.at += words.split(' ').count();
        }
        found
    }

    /// Reads the first of `choices` that is next.
    pub(crate) fn one_of(&mut self, choices: &[&'static str]) -> Option<&'static str> {
        choices.iter().copied().find(|words| self.words(words))
    }

    /// Reads these words or fails.
    pub(crate) fn expect_words(&mut self, words: &str) -> Result<(), SqlError> {
        if self.words(words) { Ok(()) } else { Err(self.error()) }
    }

    /// Whether the next token is the symbol.
    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.is_symbol_at(0, symbol)
    }

    /// Whether the token `ahead` places on is the symbol.
    pub(crate) fn is_symbol_at(&self, ahead: usize, symbol: &str) -> bool {
        self.kind(ahead) == Some(TokenKind::Symbol) && self.text(ahead) == symbol
    }

    /// Reads the symbol if it is next.
    pub(crate) fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// Reads the symbol or fails.
    pub(crate) fn expect_symbol(&mut self, symbol: &str) -> Result<(), SqlError> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.error()) }
    }

    /// Reads a name: a word or something in back-ticks.
    pub(crate) fn ident(&mut self) -> Result<Ident, SqlError> {
        match self.peek(0) {
            Some(token) if matches!(token.kind, TokenKind::Word | TokenKind::Quoted) => {
                self.at += 1;
                Ok(Ident { value: name_value(token.span.of(self.sql)), span: token.span })
            }
            _ => Err(self.error()),
        }
    }

    /// Whether a name is next.
    pub(crate) fn is_ident(&self) -> bool {
        matches!(self.kind(0), Some(TokenKind::Word | TokenKind::Quoted))
    }

    /// Reads names with dots between, and `-` within unquoted catalog names is an error as on the platform.
    pub(crate) fn name(&mut self) -> Result<Name, SqlError> {
        let mut parts = vec![self.ident()?];
        while self.is_symbol(".") && matches!(self.kind(1), Some(TokenKind::Word | TokenKind::Quoted)) {
            self.at += 1;
            parts.push(self.ident()?);
        }
        let span = parts[0].span.to(self.last());
        Ok(Name { parts, span })
    }

    /// Reads a string, also several in a row, which are one.
    pub(crate) fn string(&mut self) -> Result<String, SqlError> {
        if self.kind(0) != Some(TokenKind::String) {
            return Err(self.error());
        }
        let mut value = String::new();
        while self.kind(0) == Some(TokenKind::String) {
            value.push_str(&string_value(self.text(0)));
            self.at += 1;
        }
        Ok(value)
    }

    /// Reads a whole number.
    pub(crate) fn integer(&mut self) -> Result<u64, SqlError> {
        let number = match self.kind(0) {
            Some(TokenKind::Number | TokenKind::Word) => {
                self.text(0).trim_end_matches(['L', 'l']).parse().ok()
            }
            _ => None,
        };
        let number = number.ok_or_else(|| self.error())?;
        self.at += 1;
        Ok(number)
    }

    /// Reads `item` once or more, with commas between.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut items = vec![item(self)?];
        while self.symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Reads `( item, … )`.
    pub(crate) fn parenthesized<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        self.expect_symbol("(")?;
        if self.symbol(")") {
            return Ok(Vec::new());
        }
        let items = self.list(item)?;
        self.expect_symbol(")")?;
        Ok(items)
    }

    /// Skips from an opening bracket over everything up to its closing one.
    pub(crate) fn skip_brackets(&mut self) -> Result<Span, SqlError> {
        let start = self.here();
        let mut open = 0_usize;
        loop {
            match self.text(0) {
                "(" | "[" => open += 1,
                ")" | "]" => open = open.saturating_sub(1),
                "" if self.at_end() => return Err(self.error()),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(self.since(start));
            }
        }
    }
}

impl Name {
    /// The parts as text.
    pub fn values(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.value.clone()).collect()
    }

    /// The one part in upper case, when it is just one.
    pub fn single(&self) -> Option<String> {
        match self.parts.as_slice() {
            [part] => Some(part.value.to_uppercase()),
            _ => None,
        }
    }
}
