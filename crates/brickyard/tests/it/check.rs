//! `brickyard check` and `brickyard rule`, through the binary.

use std::path::Path;
use std::process::{Command, Output};

fn brickyard(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brickyard")).current_dir(dir).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn broken() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("app.yaml", "command: [\"streamlit\", \"run\", \"app.py\", \"--server.port\", \"8080\"]\n");
    write("app.py", "import streamlit as st\nimport psycopg2\nst.title(\"x\")\n");
    dir
}

#[test]
fn findings_are_shown_with_place_and_hint_and_end_with_1() {
    let dir = broken();
    let output = brickyard(dir.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("BY301 error: `psycopg2` is neither pre-installed"), "{text}");
    assert!(text.contains("  --> app.py:2:8\n  |\n2 | import psycopg2\n  |        ^^^^^^^^\n"), "{text}");
    assert!(stderr(&output).contains("Found 2 errors; `--fix` mends 1"), "{}", stderr(&output));
}

#[test]
fn diff_changes_nothing_and_fix_mends_what_is_safe() {
    let dir = broken();
    let before = std::fs::read_to_string(dir.path().join("app.yaml")).unwrap();
    let output = brickyard(dir.path(), &["check", "--diff"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("\"--server.port\", \"$DATABRICKS_APP_PORT\"]"), "{}", stdout(&output));
    assert_eq!(std::fs::read_to_string(dir.path().join("app.yaml")).unwrap(), before);
    let output = brickyard(dir.path(), &["check", "--fix", "--ignore", "BY301"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(std::fs::read_to_string(dir.path().join("app.yaml")).unwrap().contains("$DATABRICKS_APP_PORT"));
}

#[test]
fn every_format_is_what_its_reader_expects() {
    let dir = broken();
    let run = |format: &str| stdout(&brickyard(dir.path(), &["check", "--output-format", format]));
    assert_eq!(run("concise").lines().count(), 2);
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(json[0]["code"], "BY301");
    assert_eq!(json[1]["fix"]["safe"], true);
    assert!(run("github").starts_with("::error file=app.py,line=2,col=8,"));
    let gitlab: serde_json::Value = serde_json::from_str(&run("gitlab")).unwrap();
    assert_eq!(gitlab[0]["location"]["lines"]["begin"], 2);
    let sarif: serde_json::Value = serde_json::from_str(&run("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][1]["ruleId"], "BY201");
    assert!(run("junit").contains("<failure type=\"BY201\""));
    let global: serde_json::Value =
        serde_json::from_str(&stdout(&brickyard(dir.path(), &["check", "-o", "json"]))).unwrap();
    assert_eq!(global, json);
}

#[test]
fn a_clean_app_ends_with_0_and_wrong_usage_with_2() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.yaml"), "command: [\"streamlit\", \"run\", \"app.py\"]\n").unwrap();
    std::fs::write(dir.path().join("app.py"), "import streamlit as st\nst.title(\"x\")\n").unwrap();
    let output = brickyard(dir.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("No problems found in 1 app"));
    assert_eq!(brickyard(dir.path(), &["check", "nowhere"]).status.code(), Some(2));
    assert_eq!(brickyard(dir.path(), &["check", "--select", "BOGUS"]).status.code(), Some(2));
    let output = brickyard(dir.path(), &["check", "--checklist"]);
    assert!(stdout(&output).contains("[x] Framework: Streamlit"), "{}", stdout(&output));
    assert!(stdout(&output).contains("[ ] Data:"));
}

#[test]
fn a_rule_explains_itself() {
    let dir = tempfile::tempdir().unwrap();
    let output = brickyard(dir.path(), &["rule", "by201"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).starts_with("# hard-coded-port (BY201)"));
    assert!(stdout(&brickyard(dir.path(), &["rule", "--all"])).lines().count() > 60);
    assert_eq!(brickyard(dir.path(), &["rule", "BY999"]).status.code(), Some(2));
}

#[test]
fn watching_checks_again_after_a_change() {
    use std::io::{BufRead, BufReader};
    let dir = broken();
    let mut child = Command::new(env!("CARGO_BIN_EXE_brickyard"))
        .current_dir(dir.path())
        .args(["check", "--watch", "--output-format", "concise"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("Waiting for changes")));
    std::fs::write(dir.path().join("app.py"), "import streamlit as st\nst.title(\"x\")\n").unwrap();
    assert!(lines.any(|line| line.starts_with("Found 1 error")));
    child.kill().unwrap();
    child.wait().unwrap();
}
