//! The linter: what would fail on the platform, found in files.
//!
//! A rule is one file under `check/rules`: its text, its level and a function from a [`Context`] to findings. The list
//! in `check/rules.rs` names them all. [`check`] reads a directory, finds its apps, and runs every rule on each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::settings::{CheckSettings, Settings};
use crate::source::{ProjectError, Source, Span};

mod checklist;
mod context;
mod finding;
mod fix;
mod load;
pub mod render;
mod rule;
mod rules;
mod serving;
mod suppress;
mod tree;

pub use checklist::{Step, checklist};
pub use context::{Command, Context, Packages, Word};
pub use finding::{Edit, Finding, Findings, Fix};
pub use fix::{Fixed, apply, diff};
pub use rule::{Level, Rule};
pub use rules::all as rules;

/// What to look at and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Texts that stand for files on disk: an editor's unsaved buffers, by path.
    pub overlay: HashMap<PathBuf, String>,
    /// Codes or prefixes to use alone, besides those of `brickyard.toml`.
    pub select: Vec<String>,
    /// Codes or prefixes to leave out, besides those of `brickyard.toml`.
    pub ignore: Vec<String>,
    /// Threads that read Python files; 0 takes as many as the machine has.
    pub threads: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Findings by file and place.
    pub findings: Vec<Finding>,
    /// The apps looked at.
    pub apps: Vec<App>,
    /// Files read.
    pub files: usize,
}

/// One app that was looked at.
#[derive(Debug)]
pub struct App {
    /// Its directory.
    pub dir: PathBuf,
    /// The five steps of a finished app.
    pub checklist: Vec<Step>,
}

/// The rule with a code, in any case.
pub fn rule(code: &str) -> Option<&'static Rule> {
    rules().iter().copied().find(|rule| rule.code.eq_ignore_ascii_case(code) || rule.name == code)
}

/// Checks the app in a directory, or every app below it.
///
/// Content that is wrong gives findings; an error is returned only where the directory cannot be read or
/// `brickyard.toml` names a rule that does not exist.
pub fn check(root: &Path, options: &Options) -> Result<Report, ProjectError> {
    let metadata = std::fs::metadata(root);
    if let Err(source) = metadata {
        return Err(ProjectError::Read { path: root.to_owned(), source });
    }
    let root = if metadata.is_ok_and(|data| data.is_file()) {
        root.parent().unwrap_or(Path::new("."))
    } else {
        root
    };
    let mut report = Report::default();
    for mut context in load::apps(root, options) {
        let mut findings = Findings::new(std::mem::take(&mut context.problems));
        for rule in rules() {
            findings.start(rule);
            (rule.check)(&context, &mut findings);
        }
        let settings = &context.settings.check;
        let mut found = suppress::apply(&context, findings.finish());
        found.retain_mut(|finding| keep(finding, &context.dir, settings, options));
        report.files += context.file_count();
        report.findings.extend(found);
        report.apps.push(App { checklist: checklist(&context), dir: context.dir });
    }
    report.findings.sort_by(|left, right| {
        (&left.source.path, left.span, left.rule.code).cmp(&(&right.source.path, right.span, right.rule.code))
    });
    // Apps of one bundle share its file, so the same finding may be made twice.
    report.findings.dedup_by(|left, right| {
        left.source.path == right.source.path
            && left.span == right.span
            && left.rule.code == right.rule.code
            && left.message == right.message
    });
    Ok(report)
}

/// Reads the context of the single app in a directory, for editors and tests.
pub fn context(dir: &Path, options: &Options) -> Option<Context> {
    load::apps(dir, options).into_iter().next()
}

fn keep(finding: &mut Finding, dir: &Path, settings: &CheckSettings, options: &Options) -> bool {
    let code = finding.rule.code;
    let matches = |list: &[String]| list.iter().any(|entry| covers(entry, finding.rule));
    if matches(&settings.ignore) || matches(&options.ignore) {
        return false;
    }
    let selected = |list: &[String]| list.is_empty() || matches(list);
    if !selected(&settings.select) || !selected(&options.select) {
        return false;
    }
    let path = finding.source.path.strip_prefix(dir).unwrap_or(&finding.source.path).to_owned();
    for (pattern, codes) in &settings.per_file_ignores {
        let hit = globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(&path));
        if hit && codes.iter().any(|entry| covers(entry, finding.rule)) {
            return false;
        }
    }
    match settings.severity.get(code).map(String::as_str) {
        Some("off") => return false,
        Some("error") => finding.level = Level::Error,
        Some("warning") => finding.level = Level::Warning,
        Some("info") => finding.level = Level::Info,
        _ => {}
    }
    true
}

/// Whether an entry of a list (`BY101`, `BY1`, `missing-command`, `ALL`) means a rule.
pub(crate) fn covers(entry: &str, rule: &Rule) -> bool {
    entry == "ALL" || (entry.starts_with("BY") && rule.code.starts_with(entry)) || entry == rule.name
}

/// An error of reading as a finding's place and words.
pub(crate) fn place(error: &ProjectError) -> (Source, Span, String, Option<String>) {
    let empty = |path: &Path| Source::new(path, "");
    match error {
        ProjectError::Invalid(invalid) => {
            let source = Source::read(&invalid.path).ok().flatten().unwrap_or_else(|| empty(&invalid.path));
            (source, invalid.span, invalid.message.clone(), invalid.hint.clone())
        }
        ProjectError::Read { path, source } => {
            (empty(path), Span::default(), format!("{error}: {source}"), None)
        }
        ProjectError::NotAFile { path }
        | ProjectError::TooLarge { path, .. }
        | ProjectError::NotUtf8 { path, .. }
        | ProjectError::NoCommand { path } => (empty(path), Span::default(), error.to_string(), error.hint()),
        ProjectError::NoApp { dir } => (empty(dir), Span::default(), error.to_string(), error.hint()),
        ProjectError::SeveralApps { path, .. } => {
            (empty(path), Span::default(), error.to_string(), error.hint())
        }
    }
}

/// Settings of a directory, or the error as a finding for [`rules::unreadable_file`].
pub(crate) fn settings(dir: &Path, problems: &mut Vec<ProjectError>) -> Settings {
    Settings::load(dir).unwrap_or_else(|error| {
        problems.push(error);
        Settings::default()
    })
}
