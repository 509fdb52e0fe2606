use std::fmt::Write;
use std::path::Path;

use crate::check::Level;
use crate::check::finding::Finding;
use crate::check::render::path;

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failures = findings.iter().filter(|finding| finding.level != Level::Info).count();
    let _ = writeln!(
        out,
        "<testsuites name=\"brickyard\" tests=\"{}\" failures=\"{failures}\" errors=\"0\">",
        findings.len().max(1)
    );
    let _ = writeln!(
        out,
        "  <testsuite name=\"brickyard check\" tests=\"{}\" failures=\"{failures}\" errors=\"0\">",
        findings.len().max(1)
    );
    if findings.is_empty() {
        out.push_str("    <testcase name=\"No findings\" classname=\"brickyard\"/>\n");
    }
    for finding in findings {
        let start = finding.start();
        let shown = path(finding, root);
        let name = format!("{} {}:{}:{}", finding.rule.code, shown, start.line, start.column);
        let _ = write!(
            out,
            "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\"",
            escape(&name),
            escape(&shown),
            escape(&shown),
            start.line
        );
        if finding.level == Level::Info {
            out.push_str("/>\n");
            continue;
        }
        let hint = finding.hint.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
            finding.rule.code,
            escape(&finding.message),
            escape(hint)
        );
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            // XML 1.0 has no way to write the other control characters.
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    out
}
