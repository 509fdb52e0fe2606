//! Lossless tokens of Databricks SQL: every byte of the text belongs to exactly one token.

use crate::error::SqlError;

/// Longest statement that is looked at, in bytes (the platform's own bound is 16 MiB).
pub const MAXIMUM_LENGTH: usize = 16 * 1024 * 1024;

/// A range of bytes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// From `start` to before `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The text of `sql` here; empty when the span is not of `sql`.
    pub fn of(self, sql: &str) -> &str {
        sql.get(self.start..self.end).unwrap_or("")
    }

    /// From the start of this to the end of `other`.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start, other.end)
    }

    /// Whether `other` lies within.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// White space.
    Space,
    /// `-- …` or `/* … */`.
    Comment,
    /// `/*+ … */`.
    Hint,
    /// A keyword or name.
    Word,
    /// A name in back-ticks.
    Quoted,
    /// `'…'` or `"…"`, also with `r` before it.
    String,
    /// `$$…$$`.
    Dollar,
    /// `1`, `1.5`, `1e3`, `1L`, `1.5BD`.
    Number,
    /// An operator or a mark of punctuation.
    Symbol,
}

/// A piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// Splits `sql` into tokens that cover it without gaps.
///
/// Errors: a string, name or comment that does not end; a character that begins no token; a text longer than [`MAXIMUM_LENGTH`].
pub fn tokenize(sql: &str) -> Result<Vec<Token>, SqlError> {
    if sql.len() > MAXIMUM_LENGTH {
        return Err(SqlError::new("PARSE_SYNTAX_ERROR", "42601", "The statement is longer than 16 MiB."));
    }
    let mut tokens = Vec::with_capacity(sql.len() / 4 + 1);
    let mut at = 0;
    while at < sql.len() {
        let (kind, end) = next(sql, at)?;
        debug_assert!(end > at, "a token has at least one byte");
        tokens.push(Token { kind, span: Span::new(at, end) });
        at = end;
    }
    Ok(tokens)
}

/// Symbols of more than one character, longest first.
const SYMBOLS: [&str; 13] = ["<=>", "?::", "<=", ">=", "<>", "!=", "==", "||", "|>", "->", "=>", "::", "**"];

fn next(sql: &str, at: usize) -> Result<(TokenKind, usize), SqlError> {
    let bytes = sql.as_bytes();
    let rest = &sql[at..];
    let first = bytes[at];
    let Some(character) = rest.chars().next() else {
        return Err(SqlError::syntax(sql, Span::new(at, at)));
    };
    if character.is_whitespace() || character == '\u{feff}' {
        let end = rest.find(|c: char| !(c.is_whitespace() || c == '\u{feff}')).unwrap_or(rest.len());
        return Ok((TokenKind::Space, at + end));
    }
    if rest.starts_with("--") {
        return Ok((TokenKind::Comment, line_comment(bytes, at)));
    }
    if rest.starts_with("/*") {
        let kind = if rest.starts_with("/*+") { TokenKind::Hint } else { TokenKind::Comment };
        return Ok((kind, block_comment(sql, at)?));
    }
    match first {
        b'\'' | b'"' => return Ok((TokenKind::String, string(sql, at, false)?)),
        b'r' | b'R' if matches!(bytes.get(at + 1), Some(b'\'' | b'"')) => {
            return Ok((TokenKind::String, string(sql, at + 1, true)?));
        }
        b'`' => return Ok((TokenKind::Quoted, quoted(sql, at)?)),
        b'$' if rest.starts_with("$$") => {
            let end = rest[2..].find("$$").ok_or_else(|| SqlError::syntax(sql, Span::new(at, at + 2)))?;
            return Ok((TokenKind::Dollar, at + 4 + end));
        }
        _ => {}
    }
    if first.is_ascii_digit() || (first == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) {
        let after_dot = first == b'.' && at > 0 && is_word(sql, at);
        if !after_dot {
            return Ok(number(sql, at));
        }
    }
    if character == '_' || character.is_alphanumeric() {
        return Ok((TokenKind::Word, at + word_length(rest)));
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Ok((TokenKind::Symbol, at + symbol.len()));
    }
    if "()[]{}<>,;.+-*/%=!&|^~?:@#$\\".contains(character) {
        return Ok((TokenKind::Symbol, at + 1));
    }
    Err(SqlError::syntax(sql, Span::new(at, at + character.len_utf8())))
}

/// Whether a name ends right before `at`, so that `.1` there is a field and no number.
fn is_word(sql: &str, at: usize) -> bool {
    sql[..at].chars().next_back().is_some_and(|c| c == '_' || c.is_alphabetic() || c == '`' || c == ']')
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(rest.len())
}

fn line_comment(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'\n' {
        // A backslash before the end of the line continues the comment, as in Spark's lexer.
        at += if bytes[at] == b'\\' && bytes.get(at + 1) == Some(&b'\n') { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn block_comment(sql: &str, start: usize) -> Result<usize, SqlError> {
    let bytes = sql.as_bytes();
    let (mut at, mut depth) = (start + 2, 1_usize);
    while depth > 0 {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'*'), Some(b'/')) => {
                depth -= 1;
                at += 2;
            }
            (Some(b'/'), Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (Some(_), _) => at += 1,
            (None, _) => {
                let span = Span::new(start, start + 2);
                let text =
                    "Found an unclosed bracketed comment. Please, append */ at the end of the comment.";
                return Err(SqlError::parse(sql, span, "UNCLOSED_BRACKETED_COMMENT", "42601", text));
            }
        }
    }
    Ok(at)
}

fn string(sql: &str, start: usize, raw: bool) -> Result<usize, SqlError> {
    let bytes = sql.as_bytes();
    let quote = bytes[start];
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') if !raw => at += 2,
            Some(byte) if *byte == quote && !raw && bytes.get(at + 1) == Some(&quote) => at += 2,
            Some(byte) if *byte == quote => return Ok(at + 1),
            Some(_) => at += 1,
            None => return Err(SqlError::syntax(sql, Span::new(start, start + 1))),
        }
    }
}

fn quoted(sql: &str, start: usize) -> Result<usize, SqlError> {
    let bytes = sql.as_bytes();
    let mut at = start + 1;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'`'), Some(b'`')) => at += 2,
            (Some(b'`'), _) => return Ok(at + 1),
            (Some(_), _) => at += 1,
            (None, _) => return Err(SqlError::syntax(sql, Span::new(start, start + 1))),
        }
    }
}

fn number(sql: &str, start: usize) -> (TokenKind, usize) {
    let bytes = sql.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = digits(start);
    let whole = at;
    if bytes.get(at) == Some(&b'.') && !sql[at + 1..].starts_with('.') {
        let fraction = digits(at + 1);
        let word_follows = sql[at + 1..].chars().next().is_some_and(|c| c == '_' || c.is_alphabetic());
        let exponent_or_suffix = number_tail(bytes, fraction) > fraction || !word_follows;
        if fraction > at + 1 || exponent_or_suffix {
            at = fraction;
        }
    }
    let end = number_tail(bytes, at);
    // `1a` is a name in Spark's grammar, as are `2024_sales` and `1e3x`.
    let tail = word_length(&sql[end..]);
    if tail > 0 {
        return if at == whole {
            (TokenKind::Word, start + word_length(&sql[start..]).max(1))
        } else {
            (TokenKind::Number, at.max(start + 1))
        };
    }
    (TokenKind::Number, end.max(start + 1))
}

/// End of an exponent and a type suffix that begin at `at`.
fn number_tail(bytes: &[u8], mut at: usize) -> usize {
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let mut exponent = at + 1;
        if matches!(bytes.get(exponent), Some(b'+' | b'-')) {
            exponent += 1;
        }
        if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
            at = exponent;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
        }
    }
    match (bytes.get(at).map(u8::to_ascii_uppercase), bytes.get(at + 1).map(u8::to_ascii_uppercase)) {
        (Some(b'B'), Some(b'D')) => at + 2,
        (Some(b'L' | b'S' | b'Y' | b'D' | b'F'), _) => at + 1,
        _ => at,
    }
}

/// The value of a string token: escapes resolved, doubled quotes made one, raw strings as they stand.
pub fn string_value(text: &str) -> String {
    if let Some(raw) = text.strip_prefix(['r', 'R']) {
        return raw.get(1..raw.len().saturating_sub(1)).unwrap_or("").to_owned();
    }
    let quote = text.chars().next().unwrap_or('\'');
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner.chars().peekable();
    while let Some(character) = rest.next() {
        if character == quote && rest.peek() == Some(&quote) {
            rest.next();
            value.push(quote);
        } else if character == '\\' {
            escape(&mut rest, &mut value);
        } else {
            value.push(character);
        }
    }
    value
}

fn escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, value: &mut String) {
    let Some(character) = rest.next() else {
        value.push('\\');
        return;
    };
    let mut hexadecimal = |digits: usize, value: &mut String| {
        let ahead: String = rest.clone().take(digits).collect();
        let code = (ahead.len() == digits && ahead.chars().all(|c| c.is_ascii_hexdigit()))
            .then(|| u32::from_str_radix(&ahead, 16).ok().and_then(char::from_u32))
            .flatten();
        match code {
            Some(code) => {
                value.push(code);
                rest.nth(digits - 1);
            }
            None => value.push(character),
        }
    };
    match character {
        'n' => value.push('\n'),
        't' => value.push('\t'),
        'r' => value.push('\r'),
        'b' => value.push('\u{8}'),
        'Z' => value.push('\u{1a}'),
        // `\%` and `\_` keep their backslash: LIKE patterns need it.
        '%' | '_' => {
            value.push('\\');
            value.push(character);
        }
        'u' => hexadecimal(4, value),
        'U' => hexadecimal(8, value),
        '0'..='3' => {
            let octal: String = std::iter::once(character).chain(rest.clone().take(2)).collect();
            let code = (octal.len() == 3 && octal.chars().all(|c| ('0'..='7').contains(&c)))
                .then(|| u32::from_str_radix(&octal, 8).ok().and_then(char::from_u32))
                .flatten();
            match code {
                Some(code) => {
                    value.push(code);
                    rest.nth(1);
                }
                None => value.push(if character == '0' { '\0' } else { character }),
            }
        }
        other => value.push(other),
    }
}

/// `value` as a string literal every dialect reads alike: single quotes, backslash escapes, no doubled quotes.
pub fn string_literal(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('\'');
    for character in value.chars() {
        match character {
            '\'' => text.push_str("\\'"),
            '\\' => text.push_str("\\\\"),
            other => text.push(other),
        }
    }
    text.push('\'');
    text
}

/// `name` in back-ticks.
pub fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The value of a back-ticked name or a plain word.
pub fn name_value(text: &str) -> String {
    match text.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
        Some(inner) => inner.replace("``", "`"),
        None => text.to_owned(),
    }
}
