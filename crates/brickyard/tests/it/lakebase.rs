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
fn a_url_that_names_no_server_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.py"), "").unwrap();
    let settings =
        "[lakebase]\nurl = \"mysql://admin:sesame@host/\"\n[resources.database]\ntype = \"database\"\n";
    std::fs::write(dir.path().join("brickyard.toml"), settings).unwrap();
    let output = brickyard(dir.path(), &["env"]);
    assert_ne!(output.status.code(), Some(0));
    let told = stderr(&output);
    assert!(
        told.contains("`[lakebase] url` names no PostgreSQL server") && !told.contains("sesame"),
        "{told}"
    );
}

#[test]
fn the_usual_errors_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let message = "psycopg.OperationalError: connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" failed";
    let output = brickyard(dir.path(), &["doctor", "--explain", message]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("`PGHOST` is empty") && told.contains("hint:"), "{told}");
    let output = brickyard(dir.path(), &["doctor", "--explain", "something else"]);
    assert_eq!(output.status.code(), Some(2));

    let logs = dir.path().join(".brickyard/logs");
    std::fs::create_dir_all(&logs).unwrap();
    let line = r#"{"source":"APP","timestamp":1.0,"message":"permission denied for table todo"}"#;
    std::fs::write(logs.join("shop.log"), format!("{line}\n{line}\n")).unwrap();
    let output = brickyard(dir.path(), &["doctor"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.matches("the log of `shop` holds an error (not the owner)").count(), 1, "{told}");
    assert!(told.contains("PostgreSQL"), "{told}");
}

#[test]
fn psql_opens_sessions_as_whom_it_is_told() {
    let home = crate::harness::Home::new();
    let dir = home.path().join("todo");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("app.py"), "").unwrap();
    let settings = "[[users]]\nemail = \"dev@example.com\"\n[[users]]\nemail = \"ada@example.com\"\n\
                    [resources.database]\ntype = \"database\"\n\
                    [[lakebase.seed]]\nsql = \"seed.sql\"\nrole = \"app\"\n";
    std::fs::write(dir.join("brickyard.toml"), settings).unwrap();
    std::fs::write(dir.join("seed.sql"), "CREATE SCHEMA app; CREATE TABLE app.todo AS SELECT 7 AS id;")
        .unwrap();
    let psql = |who: &[&str], sql: &str| {
        let mut arguments = vec!["psql", "--app", dir.to_str().unwrap()];
        arguments.extend(who);
        arguments.extend(["--", "-tAX", "-c", sql]);
        home.output(&arguments)
    };
    let output = psql(&[], "SELECT current_user || ' ' || (SELECT id FROM app.todo)");
    if stderr(&output).contains("There is no `psql` on this machine") {
        return assert!(stderr(&output).contains("hint: install"));
    }
    // The developer owns the instance, and reads everything as `databricks_superuser`.
    assert_eq!(String::from_utf8_lossy(&output.stdout), "dev@example.com 7\n", "{}", stderr(&output));
    let output = psql(&["--as", "app"], "SELECT current_user || ' ' || count(*) FROM app.todo");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.len() == 39 && told.ends_with(" 1\n"), "{told}{}", stderr(&output));
    // A user has no role before somebody makes one, as on the platform.
    let output = psql(&["--as", "ada@example.com"], "SELECT 1");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("role \"ada@example.com\" does not exist"), "{}", stderr(&output));
}
