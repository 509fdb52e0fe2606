use std::path::{Path, PathBuf};

use brickyard_project::Span;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

/// An open file as the editor has it.
#[derive(Debug, Clone)]
pub(super) struct Document {
    text: String,
}

impl Document {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Applies one change: a range and its new text, or the whole text.
    pub(super) fn change(&mut self, change: &Value) {
        let text = change["text"].as_str().unwrap_or_default();
        match change.get("range") {
            None | Some(Value::Null) => text.clone_into(&mut self.text),
            Some(range) => {
                let start = offset(&self.text, &range["start"]);
                let end = offset(&self.text, &range["end"]).max(start);
                self.text.replace_range(start..end, text);
            }
        }
    }
}

/// The byte of a position (line from 0, column in UTF-16 units); positions behind an end mean the end.
pub(super) fn offset(text: &str, position: &Value) -> usize {
    let number = |name: &str| usize::try_from(position[name].as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
    let (line, column) = (number("line"), number("character"));
    let start = match line {
        0 => 0,
        _ => match text.match_indices('\n').nth(line - 1) {
            Some((at, _)) => at + 1,
            None => return text.len(),
        },
    };
    let mut units = 0;
    for (at, character) in text[start..].char_indices() {
        if units >= column || character == '\n' {
            return start + at;
        }
        units += character.len_utf16();
    }
    text.len()
}

/// The position of a byte.
fn position(text: &str, byte: usize) -> Value {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    json!({"line": line, "character": before[start..].encode_utf16().count()})
}

/// The range of a span.
pub(super) fn range(text: &str, span: Span) -> Value {
    json!({"start": position(text, span.start), "end": position(text, span.end.max(span.start))})
}

/// The path of a `file:` URI.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = &path[path.find('/')?..];
    Some(PathBuf::from(percent_decode_str(path).decode_utf8().ok()?.into_owned()))
}

/// The `file:` URI of a path.
pub(super) fn uri_of(path: &Path) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    format!("file://{}", utf8_percent_encode(&path.to_string_lossy(), KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_utf16_units_and_changes_apply_in_order() {
        let mut document = Document::new("a😀b\nzwölf\n");
        assert_eq!(offset(document.text(), &json!({"line": 0, "character": 3})), 5);
        document.change(&json!({"range": {"start": {"line": 0, "character": 3}, "end": {"line": 1, "character": 2}}, "text": "X"}));
        assert_eq!(document.text(), "a😀Xölf\n");
        assert_eq!(offset(document.text(), &json!({"line": 9, "character": 0})), document.text().len());
        assert_eq!(position(document.text(), 6), json!({"line": 0, "character": 4}));
        document.change(&json!({"text": "new"}));
        assert_eq!(document.text(), "new");
    }

    #[test]
    fn uris_and_paths_go_both_ways() {
        let path = Path::new("/tmp/a b/ö.py");
        assert_eq!(uri_of(path), "file:///tmp/a%20b/%C3%B6.py");
        assert_eq!(path_of(&uri_of(path)).unwrap(), path);
        assert_eq!(path_of("untitled:1"), None);
    }
}
