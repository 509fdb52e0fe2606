use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::check::Level;
use crate::check::finding::Finding;
use crate::check::render::path;

pub(super) fn render(findings: &[Finding], root: &Path) -> String {
    let mut seen: HashSet<u64> = HashSet::new();
    let list: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let shown = path(finding, root);
            // The same words at another line are the same problem to GitLab, so lines stay out of the fingerprint.
            let mut print = fingerprint(&[&shown, finding.rule.code, &finding.message]);
            while !seen.insert(print) {
                print = print.wrapping_add(1);
            }
            json!({
                "description": finding.message,
                "check_name": finding.rule.code,
                "fingerprint": format!("{print:016x}"),
                "severity": match finding.level {
                    Level::Error => "major",
                    Level::Warning => "minor",
                    Level::Info => "info",
                },
                "location": {"path": shown, "lines": {"begin": finding.start().line, "end": finding.end().line}},
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(list))
}

/// FNV-1a, which stays the same in every build.
fn fingerprint(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in parts.join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}
