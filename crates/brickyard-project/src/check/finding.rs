use std::path::PathBuf;

use crate::check::rule::{Level, Rule};
use crate::source::{Position, Source, Span};

/// One thing that is wrong at one place.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad, after `brickyard.toml`.
    pub level: Level,
    /// The file.
    pub source: Source,
    /// The bytes.
    pub span: Span,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// A change that mends it.
    pub fix: Option<Fix>,
}

impl Finding {
    /// Line and column of the first byte.
    pub fn start(&self) -> Position {
        self.source.position(self.span.start)
    }

    /// Line and column after the last byte.
    pub fn end(&self) -> Position {
        self.source.position(self.span.end.max(self.span.start))
    }
}

/// A change that mends a finding.
#[derive(Debug, Clone)]
pub struct Fix {
    /// What it does, as a command: "Replace `8080` by `8000`".
    pub title: String,
    /// Whether it keeps the meaning of everything else.
    pub safe: bool,
    /// The changes, not overlapping.
    pub edits: Vec<Edit>,
}

/// Text put in place of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub path: PathBuf,
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

impl Finding {
    /// Adds what to do.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Reports at another level than the rule's own.
    pub(crate) fn level(&mut self, level: Level) -> &mut Self {
        self.level = level;
        self
    }

    /// Adds a fix that keeps the meaning of everything else.
    pub(crate) fn safe_fix(
        &mut self,
        title: impl Into<String>,
        span: Span,
        text: impl Into<String>,
    ) -> &mut Self {
        self.fix(title.into(), true, span, text.into())
    }

    /// Adds a fix that should be looked at.
    pub(crate) fn unsafe_fix(
        &mut self,
        title: impl Into<String>,
        span: Span,
        text: impl Into<String>,
    ) -> &mut Self {
        self.fix(title.into(), false, span, text.into())
    }

    fn fix(&mut self, title: String, safe: bool, span: Span, text: String) -> &mut Self {
        self.fix =
            Some(Fix { title, safe, edits: vec![Edit { path: self.source.path.clone(), span, text }] });
        self
    }
}

/// Collects what the rules find.
pub struct Findings {
    items: Vec<Finding>,
    rule: &'static Rule,
}

impl Findings {
    pub(crate) fn new(rule: &'static Rule) -> Self {
        Self { items: Vec::new(), rule }
    }

    /// Reports at a place, under the rule that is running.
    pub(crate) fn at(
        &mut self,
        source: &Source,
        span: impl Into<Span>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.items.push(Finding {
            rule: self.rule,
            level: self.rule.level,
            source: source.clone(),
            span: span.into(),
            message: message.into(),
            hint: None,
            fix: None,
        });
        let last = self.items.len() - 1;
        &mut self.items[last]
    }

    pub(crate) fn finish(self) -> Vec<Finding> {
        self.items
    }
}
