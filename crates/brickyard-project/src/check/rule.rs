use std::fmt;

use crate::check::{Context, Findings};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Fails on the platform.
    Error,
    /// Fails sometimes, or is not what was meant.
    Warning,
    /// Could be better.
    Info,
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// A rule.
pub struct Rule {
    /// Code, such as `BY101`; the first digit is the family.
    pub code: &'static str,
    /// Name, such as `invalid-app-yaml`.
    pub name: &'static str,
    /// Usual level.
    pub level: Level,
    /// Its text in Markdown: what it does, why, an example.
    pub docs: &'static str,
    /// Finds.
    pub check: fn(&Context, &mut Findings),
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.code, self.name)
    }
}

impl Rule {
    /// The family of a code.
    pub fn family(&self) -> &'static str {
        match self.code.as_bytes().get(2) {
            Some(b'0') => "Files and comments",
            Some(b'1') => "`app.yaml`",
            Some(b'2') => "Starting and serving",
            Some(b'3') => "Packages and Python",
            Some(b'4') => "Identity and secrets",
            Some(b'5') => "Data",
            Some(b'6') => "Frameworks",
            Some(b'7') => "Upload",
            _ => "Bundles",
        }
    }

    /// The rule's page in Markdown.
    pub fn page(&self) -> String {
        let lines: Vec<&str> = self.docs.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let text = lines.join("\n");
        format!(
            "# {} ({})\n\n{} · {}\n\n{}",
            self.name,
            self.code,
            self.family(),
            self.level,
            text.trim_end()
        )
    }
}

/// Declares a rule: its doc comment is its page.
macro_rules! declare_rule {
    (
        $(#[doc = $doc:literal])*
        $visibility:vis static $name:ident = {
            code: $code:literal, name: $title:literal, level: $level:ident, check: $check:path $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $visibility static $name: $crate::check::Rule = $crate::check::Rule {
            code: $code,
            name: $title,
            level: $crate::check::Level::$level,
            docs: concat!($($doc, "\n"),*),
            check: $check,
        };
    };
}
pub(crate) use declare_rule;
