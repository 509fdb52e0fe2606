use std::path::Path;

use serde_json::{Value, json};

use crate::check::finding::Finding;
use crate::check::render::path;

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let list: Vec<Value> = findings.iter().map(|finding| one(finding, root)).collect();
    format!("{:#}\n", Value::Array(list))
}

fn one(finding: &Finding, root: &Path) -> Value {
    let (start, end) = (finding.start(), finding.end());
    let fix = finding.fix.as_ref().map(|fix| {
        let edits: Vec<Value> = fix
            .edits
            .iter()
            .map(|edit| {
                let (start, end) =
                    (finding.source.position(edit.span.start), finding.source.position(edit.span.end));
                json!({
                    "start": {"line": start.line, "column": start.column},
                    "end": {"line": end.line, "column": end.column},
                    "text": edit.text,
                })
            })
            .collect();
        json!({"title": fix.title, "safe": fix.safe, "edits": edits})
    });
    json!({
        "code": finding.rule.code,
        "name": finding.rule.name,
        "level": finding.level.to_string(),
        "message": finding.message,
        "hint": finding.hint,
        "path": path(finding, root),
        "start": {"line": start.line, "column": start.column},
        "end": {"line": end.line, "column": end.column},
        "fix": fix,
    })
}
