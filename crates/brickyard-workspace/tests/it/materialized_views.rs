use brickyard_workspace::Clock;
use jiff::SignedDuration;

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, environment, start, start_with};

/// The newest connector and SDK.
const CLIENTS: &[&str] = &["databricks-sql-connector[pyarrow]==4.9.0", "databricks-sdk==0.156.0"];

/// Materialized views through the connector and the SDK: filled, refreshed with their owners' rights, listed, described,
/// read by grant, written by nobody; what their pipelines tell.
#[tokio::test(flavor = "multi_thread")]
async fn the_pipeline_of_a_view_tells_how_it_went() {
    let running = start().await;
    let printed = people(&running, include_str!("clients/materialized_views.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Streaming tables take what has come to tables and files, once; sources that lose rows, queries that need more than
/// new rows and flows are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_streaming_table_takes_every_row_once() {
    let running = start().await;
    let printed = people(&running, include_str!("clients/streaming_tables.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Runs a program that speaks for the developer and for Ada.
async fn people(running: &Running, script: &str) -> String {
    let environment = environment(CLIENTS).await;
    let id = running.handle.starter_warehouse_id();
    for principal in [ADA, CLIENT_ID] {
        running.handle.grant_object(principal, "warehouses", &id, "CAN_USE").unwrap();
    }
    let mut variables = running.handle.client_environment();
    for (name, owner) in [("DEVELOPER_TOKEN", DEVELOPER), ("ADA_TOKEN", ADA)] {
        variables.push((name.to_owned(), running.handle.create_personal_access_token(owner).unwrap()));
    }
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    running.python_with(&environment, &variables, &format!("{OPEN}{script}")).await
}

/// After the workspace's end and start tables are refreshed from where they were.
#[tokio::test(flavor = "multi_thread")]
async fn tables_are_kept_over_a_restart() {
    let running = start().await;
    let prepare = r#"
rows("CREATE TABLE main.default.source (id INT)")
rows("INSERT INTO main.default.source VALUES (1), (2)")
rows("CREATE STREAMING TABLE main.default.taken AS SELECT id FROM STREAM main.default.source")
rows("CREATE MATERIALIZED VIEW main.default.most AS SELECT max(id) AS id FROM main.default.taken")
rows("INSERT INTO main.default.source VALUES (3)")
"#;
    assert!(people(&running, &format!("{prepare}{OK}")).await.ends_with("ok\n"));
    let running = running.again().await;
    let refresh = r#"
assert rows("SELECT count(*) FROM main.default.taken") == [(2,)]
rows("REFRESH STREAMING TABLE main.default.taken")
assert rows("SELECT id FROM main.default.taken ORDER BY id") == [(1,), (2,), (3,)]
assert rows("SELECT id FROM main.default.most") == [(2,)]
rows("REFRESH MATERIALIZED VIEW main.default.most")
assert rows("SELECT id FROM main.default.most") == [(3,)]
"#;
    assert!(people(&running, &format!("{refresh}{OK}")).await.ends_with("ok\n"));
}

/// Schedules are kept by the workspace's clock; what has none stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_kept_by_the_clock() {
    let clock = Clock::default();
    let running = start_with(|config| config.clock = clock.clone()).await;
    let prepare = r#"
rows("CREATE TABLE main.default.source (id INT)")
rows("INSERT INTO main.default.source VALUES (1), (2)")
rows("CREATE STREAMING TABLE main.default.taken SCHEDULE EVERY 1 HOUR AS SELECT id FROM STREAM main.default.source")
rows("CREATE MATERIALIZED VIEW main.default.most SCHEDULE CRON '0 0 * * * ?' AT TIME ZONE 'Etc/UTC' AS SELECT max(id) AS id FROM main.default.source")
rows("CREATE VIEW main.default.looked AS SELECT id FROM main.default.source")
rows("CREATE MATERIALIZED VIEW main.default.followed TRIGGER ON UPDATE AS SELECT count(*) AS n FROM main.default.looked")
rows("CREATE MATERIALIZED VIEW main.default.alone AS SELECT count(*) AS n FROM main.default.source")
rows("INSERT INTO main.default.source VALUES (3)")
"#;
    assert!(people(&running, &format!("{prepare}{OK}")).await.ends_with("ok\n"));
    clock.advance(SignedDuration::from_hours(2));
    let look = r#"
import time
limit = time.time() + 120
wanted = {"SELECT max(id) FROM main.default.taken": 3, "SELECT id FROM main.default.most": 3, "SELECT n FROM main.default.followed": 3}
while any(rows(statement) != [(value,)] for statement, value in wanted.items()):
    assert time.time() < limit, "a schedule was not kept"
assert rows("SELECT id FROM main.default.taken ORDER BY id") == [(1,), (2,), (3,)]
assert rows("SELECT n FROM main.default.alone") == [(2,)]
"#;
    assert!(people(&running, &format!("{look}{OK}")).await.ends_with("ok\n"));
}

/// What every client here begins with.
const OPEN: &str = concat!(include_str!("clients/kept.py"), "\n");
const OK: &str = "\nprint('ok')\n";

/// An engine that dies while a table is refreshed leaves the rows that it had, and nothing is taken twice.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_in_a_refresh_leaves_the_table_whole() {
    let running = start().await;
    let state = running.directory.path().canonicalize().unwrap();
    let script = format!(
        r#"
import glob, signal
state = {state:?}

def kill():
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            place = os.readlink(f"/proc/{{process}}/cwd")
            words = open(f"/proc/{{process}}/cmdline").read().split("\0")
        except OSError:
            continue
        if place.startswith(state) and "server" in words:
            os.kill(int(process), signal.SIGKILL)
            return
    raise AssertionError("no engine runs")

rows("CREATE TABLE main.default.source (id BIGINT)")
rows("INSERT INTO main.default.source VALUES (0)")
rows("CREATE STREAMING TABLE main.default.taken AS SELECT id, sha2(repeat(CAST(id AS STRING), 500), 512) AS h FROM STREAM main.default.source")
rows("CREATE MATERIALIZED VIEW main.default.most AS SELECT max(h) AS h, count(*) AS n FROM (SELECT sha2(repeat(CAST(id AS STRING), 500), 512) AS h FROM main.default.source)")
rows("INSERT INTO main.default.source SELECT id + 1 FROM range(1000000)")
for kind, name in (("STREAMING TABLE", "taken"), ("MATERIALIZED VIEW", "most")):
    before = rows(f"SELECT * FROM main.default.{{name}}")
    cursor = developer.cursor()
    cursor.execute_async(f"REFRESH {{kind}} main.default.{{name}}")
    while not glob.glob(state + "/**/_refresh-*/rows/_delta_log", recursive=True):
        assert cursor.is_query_pending(), "it was too fast"
    kill()
    try:
        cursor.get_async_execution_result()
        raise AssertionError("a refresh outlived its engine")
    except sql.exc.Error as error:
        assert "TEMPORARILY_UNAVAILABLE" in str(error), error
    assert rows(f"SELECT * FROM main.default.{{name}}") == before
    rows(f"REFRESH {{kind}} main.default.{{name}}")
assert rows("SELECT count(*), count(DISTINCT id) FROM main.default.taken") == [(1000001, 1000001)]
assert rows("SELECT n FROM main.default.most") == [(1000001,)]
assert not glob.glob(state + "/**/_refresh-*", recursive=True)
{OK}"#
    );
    assert!(people(&running, &script).await.ends_with("ok\n"));
}
