//! Each rule has a Markdown file in `tests/check`: cases as headings, files as fenced blocks named by `path`, and a
//! block `findings` with one line per finding of that rule. `@large` stands for 11 MB. `fixed PATH` blocks show a file after its fixes.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use brickyard_project::check::{self, Finding, Options, rules};

pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) files: Vec<(String, String)>,
}

impl Case {
    /// Writes the files of the case into a folder.
    pub(crate) fn write(&self, dir: &Path) {
        for (name, content) in &self.files {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let content = match content.as_str() {
                "@large\n" => "x".repeat(11 << 20),
                text => text.to_owned(),
            };
            std::fs::write(path, content).unwrap();
        }
    }
}

#[test]
fn every_rule_does_what_its_cases_say() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check");
    std::fs::create_dir_all(&out).unwrap();
    let mut wrong: Vec<PathBuf> = Vec::new();
    for rule in rules() {
        let path = dir.join(format!("{}.md", rule.code));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("{} has no cases: {}", rule.code, path.display()));
        let actual = run(rule.code, &text);
        if actual != text {
            let path = out.join(format!("{}.md", rule.code));
            std::fs::write(&path, &actual).unwrap();
            wrong.push(path);
        }
        let positive = actual.contains(&format!(" {} ", rule.code));
        assert!(positive, "{} has no case in which it finds something", rule.code);
    }
    assert!(
        wrong.is_empty(),
        "these files differ from what was found; if it is right, copy them: {wrong:#?}"
    );
}

#[test]
fn every_rule_has_a_page_and_codes_are_in_order() {
    let mut last = "";
    for rule in rules() {
        assert!(rule.code > last, "{} stands after {last}", rule.code);
        last = rule.code;
        for heading in ["## What it does", "## Why is this bad?", "## Example"] {
            assert!(rule.page().contains(heading), "{} lacks {heading}", rule.code);
        }
        assert!(check::rule(rule.name).is_some() && check::rule(&rule.code.to_lowercase()).is_some());
    }
}

/// What no file shows stands in the page of rules too, each with what does show it.
#[test]
fn the_page_says_what_files_do_not_show() {
    let page = check::reference();
    let (_, section) = page.split_once("## What files do not show").unwrap();
    for unseen in &check::UNSEEN {
        assert!(section.contains(&format!("| {} | {} | {} |", unseen.symptom, unseen.why, unseen.shown_by)));
    }
}

/// Replaces the `findings` and `fixed` blocks of a file by what is really found.
fn run(code: &str, text: &str) -> String {
    let (head, cases) = parse(text);
    let mut out = head;
    for case in cases {
        let dir = tempfile::tempdir().unwrap();
        case.write(dir.path());
        let report = check::check(dir.path(), &Options::default()).unwrap();
        let found: Vec<Finding> =
            report.findings.into_iter().filter(|finding| finding.rule.code == code).collect();
        let _ = writeln!(out, "## {}\n", case.title);
        for (name, content) in &case.files {
            let fence = if content.contains("```") { "````" } else { "```" };
            let _ = writeln!(out, "{fence}text {name}\n{content}{fence}\n");
        }
        let _ = writeln!(out, "```findings");
        for finding in &found {
            let start = finding.start();
            let path = finding.source.path.strip_prefix(dir.path()).unwrap();
            let (path, line, column) = (path.display(), start.line, start.column);
            let _ = writeln!(out, "{path}:{line}:{column} {code} {}: {}", finding.level, finding.message);
            if let Some(hint) = &finding.hint {
                let _ = writeln!(out, "  hint: {hint}");
            }
        }
        let _ = writeln!(out, "```\n");
        for file in check::apply(&found, true) {
            let name = file.before.path.strip_prefix(dir.path()).unwrap().display().to_string();
            let _ = writeln!(out, "```fixed {name}\n{}```\n", file.after);
            std::fs::write(&file.before.path, &file.after).unwrap();
        }
        if found.iter().any(|finding| finding.fix.is_some()) {
            let again = check::check(dir.path(), &Options::default()).unwrap();
            let left = again
                .findings
                .iter()
                .filter(|finding| finding.rule.code == code && finding.fix.is_some())
                .count();
            assert_eq!(left, 0, "{code}, {}: a second run would fix again", case.title);
        }
    }
    format!("{}\n", out.trim_end())
}

/// The text above the first case, and the cases.
pub(crate) fn parse(text: &str) -> (String, Vec<Case>) {
    let mut head = String::new();
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case { title: title.to_owned(), files: Vec::new() });
        } else if line.starts_with("```") {
            let ticks: String = line.chars().take_while(|c| *c == '`').collect();
            let mut content = String::new();
            for line in lines.by_ref() {
                if line == ticks {
                    break;
                }
                content.push_str(line);
                content.push('\n');
            }
            let mut words = line.trim_start_matches('`').split_whitespace();
            if let (Some("text"), Some(name)) = (words.next(), words.next()) {
                cases.last_mut().unwrap().files.push((name.to_owned(), content));
            }
        } else if cases.is_empty() {
            head.push_str(line);
            head.push('\n');
        }
    }
    (head, cases)
}
