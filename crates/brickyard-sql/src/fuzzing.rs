//! Entry points for fuzzers: any bytes in, no panic, and what always holds is asserted.
//!
//! `fuzz/` drives them with a fuzzer, `tests/it/corpus.rs` with a few thousand mutations of the same corpus.

use crate::{markers, parse, references, split, tokenize};

/// The name of a corpus and what its inputs are given to.
pub type Target = (&'static str, fn(&[u8]));

/// Every entry point.
pub const TARGETS: &[Target] = &[("sql", sql)];

/// A statement: its tokens are its whole text, and what is understood has references.
pub fn sql(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(tokens) = tokenize(&text) {
        let joined: String = tokens.iter().map(|token| token.span.of(&text)).collect();
        assert_eq!(joined, text);
    }
    if let Ok(statement) = parse(&text) {
        let _ = references(&statement);
    }
    let _ = split(&text);
    let _ = markers(&text);
}
