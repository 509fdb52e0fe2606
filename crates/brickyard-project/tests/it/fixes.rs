//! Every fix of every case of every rule: it mends what it says, keeps the file readable, and touches nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brickyard_project::check::{self, Finding, Options};
use brickyard_project::python::Module;
use brickyard_project::{Source, yaml};

use crate::rules::parse;

fn findings(dir: &Path) -> Vec<Finding> {
    check::check(dir, &Options::default()).unwrap().findings
}

/// How many findings of each rule each file has.
fn counted(findings: &[Finding]) -> BTreeMap<(PathBuf, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry((finding.source.path.clone(), finding.rule.code)).or_default() += 1;
    }
    counts
}

/// Whether a reader of the file's kind takes it.
fn is_readable(path: &Path, text: &str) -> bool {
    let source = Source::new(path, text);
    match path.extension().and_then(|suffix| suffix.to_str()) {
        Some("py") => Module::read(source, path.display().to_string()).errors.is_empty(),
        Some("yaml" | "yml") => yaml::parse(&source).is_ok(),
        _ => true,
    }
}

/// The text outside the edits, from the first to the last.
fn rest(text: &str, edits: &[(usize, usize)]) -> Vec<String> {
    let mut at = 0;
    let mut pieces = Vec::new();
    for (start, end) in edits {
        pieces.push(text[at..*start].to_owned());
        at = *end;
    }
    pieces.push(text[at..].to_owned());
    pieces
}

#[test]
fn fixes_mend_what_they_say_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut fixed = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let (_, cases) = parse(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for case in cases {
            for with_unsafe in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                case.write(dir.path());
                let before = findings(dir.path());
                let files = check::apply(&before, with_unsafe);
                if files.is_empty() {
                    continue;
                }
                for file in &files {
                    let path = &file.before.path;
                    let (old, new) = (file.before.text(), file.after.as_str());
                    let was = is_readable(path, old);
                    assert!(!was || is_readable(path, new), "{}: {}\n{new}", case.title, path.display());
                    let wanted = before.iter().filter(|finding| finding.source.path == *path);
                    let fixes = wanted
                        .filter_map(|finding| finding.fix.as_ref())
                        .filter(|fix| fix.safe || with_unsafe);
                    let mut spans: Vec<(usize, usize)> = fixes
                        .flat_map(|fix| &fix.edits)
                        .map(|edit| (edit.span.start, edit.span.end))
                        .collect();
                    spans.sort_unstable();
                    spans.dedup();
                    let mut from = 0;
                    for piece in rest(old, &spans) {
                        let at = new[from..].find(&piece);
                        let at =
                            at.unwrap_or_else(|| panic!("{}: `{piece}` is gone from\n{new}", case.title));
                        from += at + piece.len();
                    }
                    std::fs::write(path, new).unwrap();
                    fixed += 1;
                }
                let after = findings(dir.path());
                let left = after.iter().filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safe));
                let left: Vec<&str> = left.map(|finding| finding.rule.code).collect();
                assert!(left.is_empty(), "{}: {left:?} would be fixed again", case.title);
                let (old, new) = (counted(&before), counted(&after));
                // What a wrong fix would break; what could not be said before may be said now.
                let breaks = ["BY002", "BY101", "BY105", "BY109", "BY114", "BY301", "BY305", "BY411"];
                for (key, count) in new.iter().filter(|((_, code), _)| breaks.contains(code)) {
                    let more = *count > old.get(key).copied().unwrap_or_default();
                    assert!(!more, "{}: {key:?} is new after the fixes", case.title);
                }
            }
        }
    }
    assert!(fixed > 50, "{fixed} files were fixed");
}
