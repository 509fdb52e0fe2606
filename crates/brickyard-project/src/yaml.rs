//! YAML as a tree with places, bounded in size, depth and expansion.

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};

use crate::source::{ProjectError, Source, Span};

/// Deepest nesting that is read.
const DEEPEST: usize = 64;
/// Most nodes in one file, aliases expanded; the bound on "billion laughs".
const MOST_NODES: usize = 50_000;
/// Most bytes in one file.
pub const LARGEST: u64 = 1 << 20;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Its bytes in the source.
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// Text; `quoted` tells `"8"` from `8`.
    Scalar {
        /// The text without its quotes.
        text: String,
        /// Whether it stood in quotes or as a block.
        quoted: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order written.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether this is `null` or absent.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The pairs of a mapping; none for anything else.
    pub fn pairs(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Mapping(pairs) => pairs,
            _ => &[],
        }
    }

    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value of a mapping.
    pub fn entry(&self, key: &str) -> Option<&(Self, Self)> {
        self.pairs().iter().find(|(name, _)| name.text() == Some(key))
    }

    /// The value found by following keys.
    pub fn path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// `a mapping`, `a list`, `text` or `nothing`, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar { quoted: true, .. } => "a string",
            Value::Scalar { .. } => "a scalar",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Reads the first document of a text; an empty text is [`Value::Null`].
///
/// YAML 1.2 wants a closing bracket indented deeper than the key it belongs to; the platform's reader does not, and
/// apps are written that way. So a text that fails is read again with its bracketed parts on one line.
pub fn parse(source: &Source) -> Result<Node, ProjectError> {
    let whole = source.text();
    if whole.len() as u64 > LARGEST {
        return Err(ProjectError::TooLarge { path: source.path.clone(), limit: LARGEST });
    }
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    parse_text(source, text).or_else(|error| match flatten(text) {
        Some(flat) => parse_text(source, &flat).map_err(|_| error),
        None => Err(error),
    })
}

/// Reads a text that has as many characters as the source, each at its place.
fn parse_text(source: &Source, text: &str) -> Result<Node, ProjectError> {
    let original = source.text().strip_prefix('\u{feff}').unwrap_or(source.text());
    let mut builder = Builder {
        source,
        offsets: offsets(original, source.text().len() - original.len()),
        open: Vec::new(),
        anchors: Vec::new(),
        nodes: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, marks)) => {
                if builder.take(event, marks)? {
                    break;
                }
            }
            Err(error) => {
                let found = builder.byte(error.marker().index());
                // What was opened and not closed is noticed at the end, where there is nothing to see.
                let (before, after) = source.text().split_at_checked(found).unwrap_or((source.text(), ""));
                let open = after.trim().is_empty();
                let last = before.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
                let start = if open { last } else { found };
                return Err(source.error(
                    Span::new(start, start + 1),
                    format!("Invalid YAML: {}", error.info()),
                    tab_hint(source, start)
                        .or(open.then_some("close the bracket, brace or quote that is open here")),
                ));
            }
        }
    }
    let end = source.text().len();
    Ok(builder.root.unwrap_or(Node { value: Value::Null, span: Span::new(end, end) }))
}

/// The text with line breaks, tabs and comments inside brackets as blanks, one for each character; `None` where no
/// bracket spans lines.
fn flatten(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut quote, mut changed) = (0usize, None, false);
    // Indentation of the key whose text block we are in.
    let mut block: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|block| indent > block || line.trim().is_empty()) {
            out.push_str(line);
            continue;
        }
        block = (depth == 0 && quote.is_none() && opens_block(line)).then_some(indent);
        let mut comment = false;
        // The last character that is no blank on this line, and whether a blank stands before the next.
        let (mut last, mut blank) = ('\n', true);
        for character in line.chars() {
            if let Some(mark) = quote {
                if character == mark && last != '\\' {
                    quote = None;
                }
                out.push(character);
            } else {
                let begins = depth > 0 || last == '\n' || (blank && matches!(last, ':' | '-' | '?'));
                match character {
                    _ if comment => {}
                    '#' if blank => comment = true,
                    '"' | '\'' if begins => quote = Some(character),
                    '[' | '{' if begins => depth += 1,
                    ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                let gone = depth > 0 && (comment || matches!(character, '\n' | '\r' | '\t'));
                changed |= gone;
                out.push(if gone { ' ' } else { character });
            }
            blank = character.is_whitespace();
            if !blank {
                last = character;
            }
        }
    }
    changed.then_some(out)
}

/// Whether a line ends with the mark of a text block: `key: |`, `- >-`.
fn opens_block(line: &str) -> bool {
    let line = line.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
    line.strip_suffix(['|', '>']).is_some_and(|rest| rest.ends_with(": ") || rest.trim_start() == "- ")
}

fn tab_hint(source: &Source, offset: usize) -> Option<&'static str> {
    let line = source.slice(source.line_span(source.line_index(offset)));
    let indent = &line[..line.len() - line.trim_start().len()];
    indent.contains('\t').then_some("indent with spaces; YAML does not allow tabs")
}

/// Byte of each character, or `None` where they are the same.
fn offsets(text: &str, before: usize) -> (Option<Vec<usize>>, usize) {
    let table = (!text.is_ascii())
        .then(|| text.char_indices().map(|(at, _)| at + before).chain([text.len() + before]).collect());
    (table, before)
}

struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

struct Builder<'a> {
    source: &'a Source,
    offsets: (Option<Vec<usize>>, usize),
    open: Vec<Open>,
    anchors: Vec<(usize, Node, usize)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn byte(&self, index: usize) -> usize {
        match &self.offsets {
            (Some(table), _) => table.get(index).or(table.last()).copied().unwrap_or_default(),
            (None, before) => (index + before).min(self.source.text().len()),
        }
    }

    fn span(&self, marks: Marks) -> Span {
        let start = self.byte(marks.start.index());
        Span::new(start, self.byte(marks.end.index()).max(start))
    }

    /// Takes one event; true when the first document is complete.
    fn take(&mut self, event: Event<'_>, marks: Marks) -> Result<bool, ProjectError> {
        let mut span = self.span(marks);
        // A scalar's mark may reach over the blanks behind it.
        span.end = self.source.text()[..span.end].trim_end().len().max(span.start);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.count(1, span)?;
                let quoted = style != ScalarStyle::Plain;
                let value = match text.as_ref() {
                    "" | "~" | "null" | "Null" | "NULL" if !quoted => Value::Null,
                    _ => Value::Scalar { text: text.into_owned(), quoted },
                };
                self.put(Node { value, span }, anchor);
            }
            Event::SequenceStart(anchor, _) => self.push(Value::Sequence(Vec::new()), span, anchor)?,
            Event::MappingStart(anchor, _) => self.push(Value::Mapping(Vec::new()), span, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(mut done) = self.open.pop() {
                    done.node.span.end = span.end.max(done.node.span.start);
                    self.put(done.node, done.anchor);
                }
            }
            Event::Alias(id) => {
                let Some((_, node, size)) = self.anchors.iter().rev().find(|(anchor, ..)| *anchor == id)
                else {
                    return Err(self.source.error(span, "Alias of a value that contains it", None));
                };
                let (mut node, size) = (node.clone(), *size);
                self.count(size, span)?;
                node.span = span;
                self.put(node, 0);
            }
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn push(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), ProjectError> {
        self.count(1, span)?;
        if self.open.len() >= DEEPEST {
            return Err(self.source.error(
                span,
                format!("YAML is nested deeper than {DEEPEST} levels"),
                None,
            ));
        }
        self.open.push(Open { node: Node { value, span }, anchor, key: None });
        Ok(())
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), ProjectError> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MOST_NODES {
            return Err(self.source.error(span, format!("YAML has more than {MOST_NODES} values"), None));
        }
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.push((anchor, node.clone(), size(&node)));
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut open.node.value {
            Value::Sequence(items) => items.push(node),
            Value::Mapping(pairs) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => pairs.push((key, node)),
            },
            Value::Null | Value::Scalar { .. } => {}
        }
    }
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>()
        + node.pairs().iter().map(|(key, value)| size(key) + size(value)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, ProjectError> {
        parse(&Source::new("t.yaml", text))
    }

    #[test]
    fn spans_are_bytes_also_behind_wide_characters_and_a_byte_order_mark() {
        let text = "\u{feff}a: zwölf\nb: [x, \"8\"]\n";
        let source = Source::new("t.yaml", text);
        let node = parse(&source).unwrap();
        assert_eq!(source.slice(node.get("a").unwrap().span), "zwölf");
        let list = node.get("b").unwrap();
        assert_eq!(source.slice(list.span), "[x, \"8\"]");
        assert_eq!(source.slice(list.items()[1].span), "\"8\"");
    }

    #[test]
    fn bombs_deep_nesting_and_tabs_are_errors_with_a_place() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(
                &["a", &level.to_string(), ": &a", &level.to_string(), " [", &before, "]\n"].concat(),
            );
        }
        assert!(read(&bomb).unwrap_err().to_string().contains("more than 50000 values"));
        assert!(read(&"[".repeat(100_000)).is_err());
        let error = read("a:\n\tb: 1\n").unwrap_err();
        assert!(error.to_string().contains("t.yaml:2:"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("indent with spaces; YAML does not allow tabs"));
        assert!(read("a: &a [*a]\n").is_err());
        for text in ["command: [python,\n  app.py\n\n\n", "a: 1\ncommand: [python,\n  \"é\"", "{"] {
            let error = read(text).unwrap_err();
            assert_eq!(error.hint().as_deref(), Some("close the bracket, brace or quote that is open here"));
            let line = text.trim_end().lines().count();
            assert!(error.to_string().contains(&format!("t.yaml:{line}:")), "{error}");
        }
    }

    #[test]
    fn brackets_may_close_at_the_margin() {
        let text = "command: [\n  \"a # b\",  # why\n\tc: d,\n  'é]'\n]\nenv:\n- {name: A,\nvalue: x\n}\ntext: |\n  [ not a list\n";
        let source = Source::new("t.yaml", text);
        let node = parse(&source).unwrap();
        let list = node.get("command").unwrap();
        assert_eq!(list.items()[0].text(), Some("a # b"));
        assert_eq!(source.slice(list.items()[2].span), "'é]'");
        assert_eq!(node.get("env").unwrap().items()[0].get("value").unwrap().text(), Some("x"));
        assert_eq!(node.get("text").unwrap().text(), Some("[ not a list\n"));
        assert!(read("a: [\n").is_err());
    }

    #[test]
    fn nothing_is_null() {
        assert!(read("").unwrap().is_null());
        assert!(read("# only a comment\n").unwrap().is_null());
        assert!(read("command:\n").unwrap().get("command").unwrap().is_null());
    }
}
