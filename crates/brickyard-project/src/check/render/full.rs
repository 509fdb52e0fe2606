use std::fmt::Write;
use std::path::Path;

use crate::check::finding::Finding;
use crate::check::render::path;
use crate::source::Excerpt;

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let mut out = String::new();
    for finding in findings {
        let start = finding.start();
        let _ = writeln!(out, "{} {}: {}", finding.rule.code, finding.level, finding.message);
        let _ = writeln!(out, "  --> {}:{}:{}", path(finding, root), start.line, start.column);
        if !finding.source.text().is_empty() {
            let _ = writeln!(out, "{}", Excerpt::new(&finding.source, finding.span));
        }
        if let Some(hint) = &finding.hint {
            let _ = writeln!(out, "hint: {hint}");
        }
        if let Some(fix) = &finding.fix {
            let flag = if fix.safe { "--fix" } else { "--unsafe-fixes" };
            let _ = writeln!(out, "fix: {} (`{flag}`)", fix.title);
        }
        out.push('\n');
    }
    out
}
