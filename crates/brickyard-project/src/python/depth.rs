//! Finds text that is nested too deeply to be parsed, before it is parsed.

use crate::source::Span;

/// Most open brackets `CPython` itself accepts.
const DEEPEST_BRACKETS: i32 = 200;
/// Longest line of operators and names without a comma; longer ones make trees too deep to walk.
const LONGEST_CHAIN: i32 = 3_000;

/// What a byte does to the two counts.
#[derive(Clone, Copy)]
struct Class {
    /// What it adds to the open brackets.
    depth: i32,
    /// 1 where it is part of a word.
    word: i32,
    /// 1 where it is an operator or a bracket.
    operator: i32,
    /// 0 where it ends a chain.
    keeps: i32,
}

const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class { depth: 0, word: 0, operator: 1, keeps: 1 }; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "`at` is below 256")]
        let byte = at as u8;
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let ends = matches!(byte, b',' | b';' | b'#' | b'"' | b'\'');
        classes[at] = Class {
            depth: match byte {
                b'(' | b'[' | b'{' => 1,
                b')' | b']' | b'}' => -1,
                _ => 0,
            },
            word: word as i32,
            operator: (!word && !ends && !byte.is_ascii_whitespace()) as i32,
            keeps: if ends { 0 } else { 1 },
        };
        at += 1;
    }
    classes
}

/// Where a text is nested so deeply that walking its tree could exhaust the stack.
pub(super) fn too_deep(text: &str) -> Option<Span> {
    // Every file is read byte by byte here, so nothing branches but the test for the end of a line.
    let (mut depth, mut chain) = (0i32, 0i32);
    let mut word = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let class = CLASSES[usize::from(byte)];
        depth = (depth + class.depth).max(0);
        let ends = byte == b'\n' && depth == 0;
        chain *= class.keeps & i32::from(!ends);
        chain += class.operator | (class.word & (word ^ 1));
        word = class.word;
        if depth > DEEPEST_BRACKETS || chain > LONGEST_CHAIN {
            return Some(Span::new(at, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_chains_are_bounded_and_lines_end_chains() {
        let open = "(".repeat(201);
        assert_eq!(too_deep(&open), Some(Span::new(200, 201)));
        assert_eq!(too_deep(&format!("{}{}", "(".repeat(200), ")".repeat(300))), None);
        assert!(too_deep(&"a+".repeat(1_501)).is_some());
        assert_eq!(too_deep(&"a+b\n".repeat(5_000)), None);
        assert_eq!(too_deep(&format!("[{}]", "a+b,\n".repeat(5_000))), None);
        assert!(too_deep(&format!("[{}]", "a+b\n".repeat(5_000))).is_some());
        assert_eq!(too_deep(&"word ".repeat(2_999)), None);
    }
}
