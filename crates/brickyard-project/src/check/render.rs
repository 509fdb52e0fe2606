//! Findings as text for people and for machines.

use std::path::Path;

use crate::check::finding::Finding;

mod concise;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
mod sarif;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// With the line of code, hint and fix.
    #[default]
    Full,
    /// One line each.
    Concise,
    /// A JSON list.
    Json,
    /// Commands GitHub shows as annotations.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML.
    Junit,
}

impl Format {
    /// All formats with their names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Full, "full"),
        (Self::Concise, "concise"),
        (Self::Json, "json"),
        (Self::Github, "github"),
        (Self::Gitlab, "gitlab"),
        (Self::Sarif, "sarif"),
        (Self::Junit, "junit"),
    ];

    /// The format with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(format, _)| *format)
    }
}

/// Writes findings; paths are shown relative to `root`. The text ends with a line break unless it is empty.
pub fn render(findings: &[Finding], format: Format, root: &Path) -> String {
    match format {
        Format::Full => full::render(findings, root),
        Format::Concise => concise::render(findings, root),
        Format::Json => json::render(findings, root),
        Format::Github => github::render(findings, root),
        Format::Gitlab => gitlab::render(findings, root),
        Format::Sarif => sarif::render(findings, root),
        Format::Junit => junit::render(findings, root),
    }
}

/// The path as shown: relative to the root where it lies below it, with `/`.
pub(crate) fn path(finding: &Finding, root: &Path) -> String {
    let path = &finding.source.path;
    let shown = path.strip_prefix(root).unwrap_or(path);
    let shown = shown.strip_prefix(".").unwrap_or(shown);
    shown.to_string_lossy().replace('\\', "/")
}
