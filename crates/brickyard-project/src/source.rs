//! Text read from disk with a bound, places in it, and errors that show the place.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file that is read as text, in bytes; the platform refuses larger ones too (platform §2.1).
pub const LARGEST_TEXT: u64 = 10_485_760;

/// A range of bytes in a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether the byte lies inside or at the end.
    pub const fn touches(self, offset: usize) -> bool {
        self.start <= offset && offset <= self.end
    }
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

impl From<ruff_text_size::TextRange> for Span {
    fn from(range: ruff_text_size::TextRange) -> Self {
        Self::new(range.start().to_usize(), range.end().to_usize())
    }
}

/// A line and a column, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The text of one file, cheap to clone.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it came from.
    pub path: PathBuf,
    text: Arc<str>,
    lines: Arc<[usize]>,
}

impl Source {
    /// Text that is already in memory.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { path: path.into(), text, lines: starts }
    }

    /// Reads a file of at most [`LARGEST_TEXT`] bytes of UTF-8; `None` where there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, ProjectError> {
        Self::read_up_to(path, LARGEST_TEXT)
    }

    /// Reads a regular file of at most `limit` bytes of UTF-8; `None` where there is no such file.
    pub fn read_up_to(path: &Path, limit: u64) -> Result<Option<Self>, ProjectError> {
        let failed = |source| ProjectError::Read { path: path.to_owned(), source };
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        if !metadata.is_file() {
            return Err(ProjectError::NotAFile { path: path.to_owned() });
        }
        let length = metadata.len().min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(ProjectError::TooLarge { path: path.to_owned(), limit });
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Self::new(path, text))),
            Err(error) => {
                Err(ProjectError::NotUtf8 { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })
            }
        }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty where the span does not fit.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// How many lines there are; at least one.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The line (from 0) a byte is on.
    pub fn line_index(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// The span of a line (from 0) without its line end.
    pub fn line_span(&self, index: usize) -> Span {
        let Some(&start) = self.lines.get(index) else {
            return Span::new(self.text.len(), self.text.len());
        };
        let end = self.lines.get(index + 1).map_or(self.text.len(), |&next| next - 1);
        let line = &self.text[start..end];
        Span::new(start, start + line.strip_suffix('\r').unwrap_or(line).len())
    }

    /// Line and column of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor(offset);
        let line = self.line_index(offset);
        let column = self.text[self.lines[line]..offset].chars().count() + 1;
        Position { line: line + 1, column }
    }

    /// The nearest start of a character at or before the offset.
    pub fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    /// An error at a place of this text.
    pub fn error(&self, span: Span, message: impl Into<String>, hint: Option<&str>) -> ProjectError {
        ProjectError::Invalid(Box::new(Invalid {
            path: self.path.clone(),
            position: self.position(span.start),
            excerpt: Excerpt::new(self, span),
            span,
            message: message.into(),
            hint: hint.map(ToOwned::to_owned),
        }))
    }
}

/// One line of text with the interesting part marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Line number, from 1.
    pub line: usize,
    /// The line, cut to [`Excerpt::WIDTH`] characters, tabs as spaces.
    pub text: String,
    /// Characters before the mark.
    pub indent: usize,
    /// Characters under the mark; at least 1.
    pub width: usize,
}

impl Excerpt {
    /// Longest line shown, in characters.
    pub const WIDTH: usize = 160;

    /// The line on which the span starts.
    pub fn new(source: &Source, span: Span) -> Self {
        let start = source.floor(span.start);
        let line = source.line_index(start);
        let whole = source.line_span(line);
        let end = source.floor(span.end.clamp(start, whole.end.max(start)));
        let shown: String = source
            .slice(whole)
            .chars()
            .take(Self::WIDTH)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let indent =
            source.slice(Span::new(whole.start, start.min(whole.end))).chars().count().min(Self::WIDTH);
        let width = source.slice(Span::new(start, end)).chars().count().clamp(1, Self::WIDTH);
        Self { line: line + 1, text: shown, indent, width }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(formatter, "{gutter} |")?;
        writeln!(formatter, "{number} | {}", self.text)?;
        write!(formatter, "{gutter} | {}{}", " ".repeat(self.indent), "^".repeat(self.width))
    }
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone)]
pub struct Invalid {
    /// The file.
    pub path: PathBuf,
    /// Line and column.
    pub position: Position,
    /// Bytes of the text.
    pub span: Span,
    /// One sentence.
    pub message: String,
    /// What to type instead.
    pub hint: Option<String>,
    /// The line itself.
    pub excerpt: Excerpt,
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        writeln!(formatter, "{}", self.message)?;
        writeln!(formatter, "  --> {}:{line}:{column}", self.path.display())?;
        write!(formatter, "{}", self.excerpt)
    }
}

/// Why a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The file system said no.
    #[error("Could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A directory, pipe or device where a file should be.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// More bytes than allowed.
    #[error("`{}` is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// Bytes that are not text.
    #[error("`{}` is not UTF-8 text: invalid byte at offset {offset}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where the first wrong byte stands.
        offset: usize,
    },
    /// Wrong content at a place that can be shown.
    #[error("{0}")]
    Invalid(Box<Invalid>),
    /// Nothing in the directory that could be an app.
    #[error("`{}` holds no app: neither `app.yaml` nor a Python file nor `package.json`", dir.display())]
    NoApp {
        /// The directory.
        dir: PathBuf,
    },
    /// The bundle has more than one app and none was named.
    #[error("`{}` has several apps: {}", path.display(), names.join(", "))]
    SeveralApps {
        /// The bundle file.
        path: PathBuf,
        /// Source directories of the apps.
        names: Vec<String>,
    },
    /// `command` is there but empty; the platform's own text (platform §1).
    #[error("No command to run. Please check your `{}` file", path.display())]
    NoCommand {
        /// The `app.yaml`.
        path: PathBuf,
    },
}

impl ProjectError {
    /// What the user can type or change.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(invalid) => invalid.hint.clone(),
            Self::NoApp { .. } => Some("run `brickyard new NAME` to create an app".to_owned()),
            Self::SeveralApps { names, .. } => {
                names.first().map(|name| format!("name the directory of one, such as `{name}`"))
            }
            Self::NoCommand { .. } => {
                Some("write for example `command: [\"python\", \"app.py\"]`, or remove the key".to_owned())
            }
            Self::NotUtf8 { .. } => Some("save the file as UTF-8".to_owned()),
            Self::Read { .. } | Self::NotAFile { .. } | Self::TooLarge { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_end_before_carriage_returns() {
        let source = Source::new("a.txt", "zwölf\r\nx\n");
        assert_eq!(source.position(4), Position { line: 1, column: 4 });
        assert_eq!(source.slice(source.line_span(0)), "zwölf");
        assert_eq!(source.position(8), Position { line: 2, column: 1 });
        assert_eq!(source.line_count(), 3);
        assert_eq!(source.position(900), Position { line: 3, column: 1 });
    }

    #[test]
    fn a_binary_file_and_a_directory_are_clear_errors() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.yaml");
        std::fs::write(&path, b"ab\xff").unwrap();
        assert!(matches!(Source::read(&path), Err(ProjectError::NotUtf8 { offset: 2, .. })));
        assert!(matches!(Source::read(dir.path()), Err(ProjectError::NotAFile { .. })));
        assert!(matches!(Source::read_up_to(&path, 2), Err(ProjectError::TooLarge { .. })));
        assert!(Source::read(&dir.path().join("none")).unwrap().is_none());
    }
}
