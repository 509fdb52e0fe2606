use std::fmt::Write;
use std::path::Path;

use crate::check::Level;
use crate::check::finding::Finding;
use crate::check::render::path;

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let mut out = String::new();
    for finding in findings {
        let (start, end) = (finding.start(), finding.end());
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "notice",
        };
        let message = match &finding.hint {
            Some(hint) => format!("{} (hint: {hint})", finding.message),
            None => finding.message.clone(),
        };
        let _ = writeln!(
            out,
            "::{level} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            escape(&path(finding, root)).replace(',', "%2C").replace(':', "%3A"),
            start.line,
            start.column,
            end.line,
            end.column,
            finding.rule.code,
            escape(&message)
        );
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
