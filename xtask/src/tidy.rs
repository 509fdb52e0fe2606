use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::{output, root, say};

/// Every edge between our crates that is allowed; `brickyard-testing` may be a dev-dependency anywhere.
const EDGES: &[(&str, &[&str])] = &[
    ("brickyard", &["brickyard-api", "brickyard-project", "brickyard-runner", "brickyard-workspace"]),
    ("brickyard-workspace", &["brickyard-api", "brickyard-engine", "brickyard-postgres", "brickyard-sql"]),
];

/// Dev-dependencies between our crates beside `brickyard-testing`.
const TEST_EDGES: &[(&str, &str)] = &[("brickyard-sql", "brickyard-engine")];

const LONGEST_FILE: usize = 800;
const LONG_FILE: usize = 400;
const BANNED_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "types", "misc"];

/// Words that say where the repository was made or whence packages come.
const BANNED_WORDS: &[&str] = &[
    "/work/",
    "pypi.org",
    "files.pythonhosted",
    "registry.npmjs",
    "static.crates.io",
    "index.crates.io",
    "deb.debian.org",
];

/// Runs every layout rule and tells all that is wrong.
pub(crate) fn run() -> Result<(), String> {
    let files = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    let files: Vec<&str> = files.lines().filter(|file| root().join(file).is_file()).collect();
    let mut wrong = Vec::new();
    edges(&mut wrong)?;
    for file in &files {
        file_rules(file, &mut wrong);
    }
    map(&files, &mut wrong)?;
    witnesses(&files, &mut wrong)?;
    for line in &wrong {
        say(&format!("tidy: {line}"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} layout rules are broken", wrong.len())) }
}

fn edges(wrong: &mut Vec<String>) -> Result<(), String> {
    let metadata: Value =
        serde_json::from_str(&output("cargo", &["metadata", "--no-deps", "--format-version", "1"])?)
            .map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let allowed = EDGES.iter().find(|(from, _)| *from == name).map_or(&[][..], |(_, to)| to);
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let fine = !to.starts_with("brickyard")
                || allowed.contains(&to)
                || dependency["kind"] == "dev"
                    && (to == "brickyard-testing" || TEST_EDGES.contains(&(name, to)));
            if !fine {
                wrong.push(format!("`{name}` must not depend on `{to}` (docs/ARCHITECTURE.md, invariants)"));
            }
        }
    }
    Ok(())
}

fn file_rules(file: &str, wrong: &mut Vec<String>) {
    let stem = file.rsplit('/').next().unwrap_or(file).split('.').next().unwrap_or_default();
    if is_rust(file) && BANNED_NAMES.contains(&stem) {
        wrong.push(format!("`{file}`: name a file after what it holds, not `{stem}`"));
    }
    let Ok(text) = std::fs::read_to_string(root().join(file)) else { return };
    if is_rust(file) {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!(
                "`{file}` has {lines} lines; split it (aim 100, split at {LONG_FILE}, stop at {LONGEST_FILE})"
            ));
        }
    }
    if file != "xtask/src/tidy.rs" && !file.ends_with("Cargo.lock") {
        for word in BANNED_WORDS.iter().filter(|word| text.contains(**word)) {
            wrong.push(format!("`{file}` names `{word}`"));
        }
    }
}

/// Every crate and every folder of a crate's source stands in the code map.
fn map(files: &[&str], wrong: &mut Vec<String>) -> Result<(), String> {
    let page = root().join("docs/ARCHITECTURE.md");
    let text = std::fs::read_to_string(&page)
        .map_err(|error| format!("cannot read `docs/ARCHITECTURE.md`: {error}"))?;
    let mut places = BTreeSet::new();
    for file in files.iter().filter(|file| file.starts_with("crates/")) {
        let mut parts = file.split('/').skip(1);
        let (Some(name), Some("src"), Some(folder), rest) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        places.insert(name.to_owned());
        if rest.is_some() {
            places.insert(format!("{name}/src/{folder}"));
        }
    }
    for place in places.iter().filter(|place| !text.contains(&format!("`{place}`"))) {
        wrong.push(format!("`docs/ARCHITECTURE.md` does not map `{place}`"));
    }
    Ok(())
}

/// Every witness that PARITY names is a test that exists.
fn witnesses(files: &[&str], wrong: &mut Vec<String>) -> Result<(), String> {
    let page = std::fs::read_to_string(root().join("docs/PARITY.md"))
        .map_err(|error| format!("cannot read `docs/PARITY.md`: {error}"))?;
    let tests: Vec<String> = files
        .iter()
        .filter(|file| is_rust(file))
        .filter_map(|file| std::fs::read_to_string(root().join(file)).ok())
        .collect();
    let named: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.starts_with("| ✓"))
        .filter_map(|line| line.trim_end_matches(" |").rsplit('`').nth(1))
        .collect();
    for witness in named {
        let function = format!("fn {}(", witness.rsplit("::").next().unwrap_or(witness));
        if !tests.iter().any(|text| text.contains(&function)) {
            wrong.push(format!("`docs/PARITY.md` names the witness `{witness}`, which is no test"));
        }
    }
    Ok(())
}

fn is_rust(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|extension| extension == "rs")
}
