use std::fmt::Write;
use std::path::Path;

use crate::check::finding::Finding;
use crate::check::render::path;

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let mut out = String::new();
    for finding in findings {
        let start = finding.start();
        let mark = match &finding.fix {
            Some(fix) if fix.safe => " [*]",
            _ => "",
        };
        let _ = writeln!(
            out,
            "{}:{}:{}: {}{mark} {}",
            path(finding, root),
            start.line,
            start.column,
            finding.rule.code,
            finding.message
        );
    }
    out
}
