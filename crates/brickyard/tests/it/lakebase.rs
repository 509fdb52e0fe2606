//! `brickyard reset lakebase` and what `brickyard.toml` says about Lakebase, through the binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn brickyard(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brickyard"))
        .current_dir(dir)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reset_is_not_done_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let output = brickyard(dir.path(), &["reset", "lakebase"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("hint: say `--yes`"), "{}", stderr(&output));
    let output = brickyard(dir.path(), &["reset", "lakebase", "--yes"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "There were no databases\n");
    assert!(!dir.path().join(".brickyard").exists(), "nothing is made only to be thrown away");
}

#[test]
fn another_server_is_refused_rather_than_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.py"), "").unwrap();
    let settings =
        "[lakebase]\nurl = \"postgres://admin@host/\"\n[resources.database]\ntype = \"database\"\n";
    std::fs::write(dir.path().join("brickyard.toml"), settings).unwrap();
    let output = brickyard(dir.path(), &["env"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("`[lakebase] url` is not implemented"), "{}", stderr(&output));
}
