//! `brickyard new`, through the binary.

use std::path::Path;
use std::process::{Command, Output};

fn brickyard(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brickyard")).current_dir(dir).args(args).output().unwrap()
}

#[test]
fn an_app_is_made_and_passes_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let output = brickyard(
        dir.path(),
        &[
            "new",
            "shop",
            "--framework",
            "dash",
            "--data",
            "warehouse,lakebase",
            "--auth",
            "both",
            "--deploy",
            "bundle",
        ],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("[x] data: SQL warehouse, Lakebase"), "{text}");
    assert!(text.contains("brickyard run shop"), "{text}");
    assert!(dir.path().join("shop/databricks.yml").is_file());
    let output = brickyard(dir.path(), &["check", "shop"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
}

#[test]
fn nothing_is_overwritten_and_names_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("shop")).unwrap();
    std::fs::write(dir.path().join("shop/mine.txt"), "x").unwrap();
    let output = brickyard(dir.path(), &["new", "shop"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("exists and is not empty") && text.contains("hint:"), "{text}");
    let output = brickyard(dir.path(), &["new", "My_Shop"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hint: use `my-shop`"));
    assert!(!dir.path().join("My_Shop").exists());
    assert_eq!(brickyard(dir.path(), &["new", "x", "--framework", "django"]).status.code(), Some(2));
    assert_eq!(brickyard(dir.path(), &["new"]).status.code(), Some(2));
}

#[test]
fn the_list_says_what_each_choice_is_for() {
    let dir = tempfile::tempdir().unwrap();
    let output = brickyard(dir.path(), &["new", "--list"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in
        ["streamlit", "dash", "gradio", "flask", "fastapi", "reflex", "lakebase", "functions", "bundle"]
    {
        assert!(text.contains(word), "{text}");
    }
    let output = brickyard(dir.path(), &["new", "--list", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[0]["option"], "--framework");
}
