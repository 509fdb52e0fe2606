//! Materialized views and streaming tables when the power is cut while they are refreshed.

use std::path::{Path, PathBuf};
use std::process::Stdio;

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

/// Two numbers that a query gives.
fn two(service: &Service, query: &str) -> [u64; 2] {
    let answer = service.json(&["sql", query]);
    [0, 1].map(|at| answer["rows"][0][at].as_str().unwrap().parse().unwrap())
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
    let mut expected = 1000_u64;
    for round in 0..4 {
        run(&format!("INSERT INTO main.default.source SELECT id + {expected} FROM range(100000)"));
        expected += 100_000;
        let (tables, kept) =
            (tables(&service), ["STREAMING TABLE taken", "MATERIALIZED VIEW counted"][round % 2]);
        let before = commits(&tables);
        let refresh = format!(
            "REFRESH {}",
            kept.replace("taken", "main.default.taken").replace("counted", "main.default.counted")
        );
        let mut client = service.command(&["sql", &refresh]);
        let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if round < 2 {
            wait_for("rows beside the table", || is_written(&tables));
        } else {
            wait_for("the commit", || commits(&tables) > before);
        }
        service.cut_power();
        let _ended = client.wait().unwrap();
        service.run(&["up"]);
        // Whatever became of it, readers see one state or the other.
        let [rows, ids] = two(&service, "SELECT count(*), count(DISTINCT id) FROM main.default.taken");
        assert_eq!(rows, ids, "round {round}: a row was taken twice");
        let [rows, ids] = two(&service, "SELECT n, ids FROM main.default.counted");
        assert_eq!(rows, ids, "round {round}: a view is half made");
        let run = |statement: &str| service.run(&["sql", statement]);
        run("REFRESH STREAMING TABLE main.default.taken");
        run("REFRESH MATERIALIZED VIEW main.default.counted");
        let counted = two(&service, "SELECT n, ids FROM main.default.counted");
        assert_eq!(counted, [expected, expected], "round {round}");
    }
}
