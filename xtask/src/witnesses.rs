//! Whether every witness that PARITY names really drove its endpoint: what it claims against what the tests noted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::command::{root, say};

/// One row of `docs/PARITY.md` with a witness.
struct Claim<'a> {
    method: &'a str,
    path: &'a str,
    witness: &'a str,
    /// Says that the endpoint always refuses, so a refusal is what it does.
    refuses: bool,
}

/// Looks at what the last runs of the tests noted; with `all`, a witness that did not run is wrong too.
pub(crate) fn run(all: bool) -> Result<(), String> {
    let page = std::fs::read_to_string(root().join("docs/PARITY.md"))
        .map_err(|error| format!("cannot read `docs/PARITY.md`: {error}"))?;
    let mut by_witness: BTreeMap<&str, Vec<Claim<'_>>> = BTreeMap::new();
    for claim in page.lines().filter_map(claim) {
        by_witness.entry(claim.witness).or_default().push(claim);
    }
    let (mut wrong, mut seen) = (0, 0);
    for (witness, claims) in by_witness {
        let Ok(noted) = std::fs::read_to_string(directory().join(witness.replace("::", "."))) else {
            if all {
                wrong += 1;
                say(&format!("witnesses: `{witness}` noted no request"));
            }
            continue;
        };
        for claim in claims {
            seen += 1;
            if let Some(reason) = refuted(&claim, &noted) {
                wrong += 1;
                say(&format!("witnesses: `{} {}`: `{witness}` {reason}", claim.method, claim.path));
            }
        }
    }
    if wrong > 0 {
        return Err(format!("{wrong} claims of `docs/PARITY.md` are not true"));
    }
    say(&format!("xtask: {seen} endpoints were driven by the witnesses they name"));
    Ok(())
}

/// Forgets what earlier runs noted.
pub(crate) fn forget() -> Result<(), String> {
    match std::fs::remove_dir_all(directory()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove `{}`: {error}", directory().display()))
        }
        _ => Ok(()),
    }
}

/// Where the tests note their requests, a file for each test.
fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("tmp/witnesses")
}

fn claim(row: &str) -> Option<Claim<'_>> {
    let mut parts = row.strip_prefix("| ✓ | `")?.split('`');
    let (method, path) = parts.next()?.split_once(' ')?;
    let witness = row.trim_end_matches(" |").rsplit('`').nth(1)?;
    Some(Claim {
        method,
        path,
        witness,
        refuses: row.contains("| Absent:") || row.contains("| Refused") || row.contains("| not implemented:"),
    })
}

/// What is wrong with a claim; a line of the log is method, path, status and client between tabs.
fn refuted(claim: &Claim<'_>, noted: &str) -> Option<&'static str> {
    let mut asked = false;
    for line in noted.lines() {
        let mut fields = line.split('\t');
        let (Some(method), Some(path), Some(status)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if path == claim.path && (method == claim.method || claim.method == "ANY") {
            asked = true;
            if status < "400" || claim.refuses {
                return None;
            }
        }
    }
    Some(if asked { "was only ever refused there" } else { "never calls it" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_needs_an_answer() {
        let row = "| ✓ | `GET /a/{id}` | as the platform | `file::test` |";
        let claim = claim(row).unwrap();
        assert_eq!((claim.method, claim.path, claim.witness), ("GET", "/a/{id}", "file::test"));
        assert_eq!(refuted(&claim, "GET\t/a/{id}\t404\tsdk\nGET\t/a/{id}\t200\tsdk\n"), None);
        assert_eq!(refuted(&claim, "POST\t/a/{id}\t200\tsdk\n"), Some("never calls it"));
        assert_eq!(refuted(&claim, "GET\t/a/{id}\t403\tsdk\n"), Some("was only ever refused there"));
        assert!(super::claim("| · | `GET /a` | as the platform | none |").is_none());
    }
}
