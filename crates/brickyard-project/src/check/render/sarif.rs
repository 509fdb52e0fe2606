use std::path::Path;

use serde_json::{Value, json};

use crate::check::finding::Finding;
use crate::check::render::path;
use crate::check::{Level, rules};

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let level = |level: Level| match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    };
    let rules: Vec<Value> = rules()
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "name": rule.name,
                "fullDescription": {"text": rule.name},
                "help": {"text": rule.page(), "markdown": rule.page()},
                "defaultConfiguration": {"level": level(rule.level)},
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let (start, end) = (finding.start(), finding.end());
            json!({
                "ruleId": finding.rule.code,
                "level": level(finding.level),
                "message": {"text": finding.message},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": path(finding, root)},
                    "region": {
                        "startLine": start.line,
                        "startColumn": start.column,
                        "endLine": end.line,
                        "endColumn": end.column,
                    },
                }}],
            })
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "brickyard", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results,
        }],
    });
    format!("{document:#}\n")
}
