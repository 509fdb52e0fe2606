use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use crate::check::finding::{Edit, Finding};
use crate::source::Source;

/// A file after its fixes.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The file as it was read.
    pub before: Source,
    /// Its new text.
    pub after: String,
    /// How many findings were mended.
    pub count: usize,
    edits: Vec<Edit>,
}

/// Applies the fixes of findings, safe ones alone unless `with_unsafe`; of fixes that overlap the first is taken.
pub fn apply(findings: &[Finding], with_unsafe: bool) -> Vec<Fixed> {
    let mut files: BTreeMap<PathBuf, Fixed> = BTreeMap::new();
    for finding in findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe || with_unsafe) else { continue };
        let path = &finding.source.path;
        if fix.edits.iter().any(|edit| edit.path != *path || edit.span.end > finding.source.text().len()) {
            continue;
        }
        let file = files.entry(path.clone()).or_insert_with(|| Fixed {
            before: finding.source.clone(),
            after: String::new(),
            count: 0,
            edits: Vec::new(),
        });
        let fresh: Vec<Edit> = fix.edits.iter().filter(|edit| !file.edits.contains(edit)).cloned().collect();
        let clash = fresh.iter().any(|edit| {
            file.edits
                .iter()
                .any(|known| edit.span.start < known.span.end && known.span.start < edit.span.end)
        });
        if !clash {
            file.edits.extend(fresh);
            file.count += 1;
        }
    }
    files.into_values().map(rewrite).collect()
}

fn rewrite(mut file: Fixed) -> Fixed {
    file.edits.sort_by_key(|edit| edit.span);
    let text = file.before.text();
    let mut at = 0;
    for edit in &file.edits {
        file.after.push_str(text.get(at..edit.span.start).unwrap_or_default());
        file.after.push_str(&edit.text);
        at = edit.span.end;
    }
    file.after.push_str(text.get(at..).unwrap_or_default());
    file
}

/// Most pairs of lines that are compared to find those that stay.
const MOST_PAIRS: usize = 4_000_000;

/// The lines of two texts in order, marked as gone, new or the same, with as many the same as there can be.
fn steps<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    if old.len().saturating_mul(new.len()) > MOST_PAIRS {
        return old.iter().map(|line| ('-', *line)).chain(new.iter().map(|line| ('+', *line))).collect();
    }
    // same[i][j]: how many lines of old[i..] and new[j..] can be kept.
    let width = new.len() + 1;
    let mut same = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            same[i * width + j] = if old[i] == new[j] {
                same[(i + 1) * width + j + 1] + 1
            } else {
                same[(i + 1) * width + j].max(same[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            steps.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && same[(i + 1) * width + j] >= same[i * width + j + 1]) {
            steps.push(('-', old[i]));
            i += 1;
        } else {
            steps.push(('+', new[j]));
            j += 1;
        }
    }
    steps
}

/// The change as a unified diff.
pub fn diff(file: &Fixed) -> String {
    let before: Vec<&str> = file.before.text().lines().collect();
    let after: Vec<&str> = file.after.lines().collect();
    let path = file.before.path.display();
    let mut out = format!("--- {path}\n+++ {path}\n");
    let head = before.iter().zip(&after).take_while(|(left, right)| left == right).count();
    let limit = before.len().min(after.len()) - head;
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(limit)
        .take_while(|(left, right)| left == right)
        .count();
    let (old, new) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let context = head.saturating_sub(3);
    let after_end = (before.len() - tail + 3).min(before.len());
    let extra = after_end - (before.len() - tail);
    let _ = writeln!(
        out,
        "@@ -{},{} +{},{} @@",
        context + 1,
        after_end - context,
        context + 1,
        head - context + new.len() + extra
    );
    for line in &before[context..head] {
        let _ = writeln!(out, " {line}");
    }
    for (mark, line) in steps(old, new) {
        let _ = writeln!(out, "{mark}{line}");
    }
    for line in &before[before.len() - tail..after_end] {
        let _ = writeln!(out, " {line}");
    }
    out
}
