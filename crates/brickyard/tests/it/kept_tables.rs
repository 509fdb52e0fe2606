//! Materialized views and streaming tables when the power is cut while they are refreshed.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::harness::{Service, wait_for};

/// Directories of tables below the state directory.
fn tables(service: &Service) -> Vec<PathBuf> {
    let tables = std::fs::read_dir(service.home.service().join("tables")).unwrap();
    tables.flatten().map(|entry| entry.path()).collect()
}

/// Whether some table is being refreshed: its rows are written beside it.
fn is_written(tables: &[PathBuf]) -> bool {
    let rows = |table: &Path| {
        let rooms = std::fs::read_dir(table).into_iter().flatten().flatten();
        rooms.map(|room| room.path().join("rows")).any(|rows| rows.join("_delta_log").exists())
    };
    tables.iter().any(|table| rows(table))
}

fn commits(tables: &[PathBuf]) -> usize {
    let log =
        |table: &PathBuf| std::fs::read_dir(table.join("_delta_log")).into_iter().flatten().flatten().count();
    tables.iter().map(log).sum()
}

fn row(service: &Service, statement: &str) -> Value {
    service.json(&["sql", statement])[0].clone()
}

#[test]
fn every_row_is_taken_once_whenever_the_power_is_cut() {
    let service = Service::up();
    let run = |statement: &str| service.run(&["sql", statement]);
    run("CREATE TABLE main.default.source (id BIGINT)");
    run("INSERT INTO main.default.source SELECT id FROM range(1000)");
    run(
        "CREATE STREAMING TABLE main.default.taken AS SELECT id, sha2(repeat(CAST(id AS STRING), 200), 512) AS hash FROM STREAM main.default.source",
    );
    run(
        "CREATE MATERIALIZED VIEW main.default.counted AS SELECT count(*) AS n, count(DISTINCT id) AS ids FROM main.default.taken",
    );
    let mut expected = 1000;
    for round in 0..6 {
        run(&format!("INSERT INTO main.default.source SELECT id + {expected} FROM range(200000)"));
        expected += 200_000;
        let (tables, kept) =
            (tables(&service), ["STREAMING TABLE taken", "MATERIALIZED VIEW counted"][round % 2]);
        let before = commits(&tables);
        let refresh = format!(
            "REFRESH {}",
            kept.replace("taken", "main.default.taken").replace("counted", "main.default.counted")
        );
        let mut client = service.command(&["sql", &refresh]);
        let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if round < 4 {
            wait_for("rows beside the table", || is_written(&tables));
        } else {
            wait_for("the commit", || commits(&tables) > before);
        }
        service.cut_power();
        let _ended = client.wait().unwrap();
        service.run(&["up"]);
        // Whatever became of it, readers see one state or the other.
        let seen = row(&service, "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM main.default.taken");
        assert_eq!(seen["n"], seen["ids"], "round {round}: a row was taken twice");
        let run = |statement: &str| service.run(&["sql", statement]);
        run("REFRESH STREAMING TABLE main.default.taken");
        run("REFRESH MATERIALIZED VIEW main.default.counted");
        let counted = row(&service, "SELECT n, ids FROM main.default.counted");
        assert_eq!(
            (counted["n"].to_string(), counted["ids"].to_string()),
            (expected.to_string(), expected.to_string()),
            "round {round}"
        );
    }
}
