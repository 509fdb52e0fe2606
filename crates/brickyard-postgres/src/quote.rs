/// A name as SQL identifier: `o"hara` becomes `"o""hara"`; NUL, which no name can hold, is dropped.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

/// A text as SQL literal that is read the same under any `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\0', "").replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(identifier("ada@example.com"), "\"ada@example.com\"");
        assert_eq!(identifier("x\" SUPERUSER; --"), "\"x\"\" SUPERUSER; --\"");
        assert_eq!(identifier("a\0b"), "\"ab\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\' OR 1=1"), "E'\\\\'' OR 1=1'");
    }
}
