use brickyard_workspace::{ServingBackend, ServingEndpoint};

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, environment, start};

/// The newest connector and SDK.
const NEW: &[&str] = &["databricks-sql-connector[pyarrow]==4.9.0", "databricks-sdk==0.156.0"];
/// The newest connector and a second reader of Delta tables.
const WITH_DELTA: &[&str] = &["databricks-sql-connector[pyarrow]==4.9.0", "deltalake==1.6.6"];
/// The same without pyarrow, which makes the connector ask for columns of plain values.
const WITHOUT_ARROW: &[&str] = &["databricks-sql-connector==4.9.0", "databricks-sdk==0.156.0"];
/// What today's app templates pin.
const OLD: &[&str] = &["databricks-sql-connector==3.4.0", "databricks-sdk==0.33.0"];

/// Rows, types, parameters, errors, timeout and cancel through every generation of the connector, over the gateway, as
/// the app's own service principal.
#[tokio::test(flavor = "multi_thread")]
async fn connectors_of_every_generation_query() {
    let running = start().await;
    let variables = variables(&running);
    for requirements in [NEW, WITHOUT_ARROW, OLD] {
        let environment = environment(requirements).await;
        let printed =
            running.python_with(&environment, &variables, include_str!("clients/connector.py")).await;
        assert!(printed.ends_with("ok\n"), "{requirements:?}: {printed}");
    }
}

/// Warehouses, statements inline and behind links, limits, errors and cancel through the SDK, and the connector's
/// `use_sea=True`.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_manages_warehouses_and_runs_statements() {
    let running = start().await;
    let environment = environment(NEW).await;
    let variables = variables(&running);
    let printed = running.python_with(&environment, &variables, include_str!("clients/warehouses.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Results of many megabytes by link and in answers, compressed or not, old and new connector; links without their
/// signature or after their statement are refused.
#[tokio::test(flavor = "multi_thread")]
async fn large_results_come_by_links() {
    let running = start().await;
    let variables = variables(&running);
    for requirements in [NEW, OLD] {
        let environment = environment(requirements).await;
        let printed =
            running.python_with(&environment, &variables, include_str!("clients/cloud_fetch.py")).await;
        assert!(printed.starts_with("ok "), "{requirements:?}: {printed}");
    }
}

/// The app's environment, with the starter warehouse granted to it.
fn variables(running: &Running) -> Vec<(String, String)> {
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(CLIENT_ID, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = running.app_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    variables
}

/// Rows and tables that a user may not see stay unseen by every road: conditions that fail, views, functions, time travel, paths,
/// scripts, copies, parameters, `EXPLAIN`, `information_schema`.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_stays_hidden() {
    let printed = governed(include_str!("clients/attacks.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// DDL, changes, views, functions, volumes, time travel; grants, row filters and masks against a user without them.
#[tokio::test(flavor = "multi_thread")]
async fn statements_are_governed() {
    let printed = governed(include_str!("clients/governed.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Scripts, variables, COPY INTO, OPTIMIZE, clones, column mapping, constraints, tags, functions, files and models; a second reader
/// of Delta sees the same tables.
#[tokio::test(flavor = "multi_thread")]
async fn commands_do_what_they_say() {
    let running = start().await;
    let file = running.directory.path().join("model.py");
    std::fs::write(
        &file,
        "def predict(request):\n    return 'you said ' + request['messages'][-1]['content']\n",
    )
    .unwrap();
    let backend = ServingBackend::Python { file, requirements: Vec::new() };
    let endpoint = ServingEndpoint { name: "model".to_owned(), task: None, backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    let mut variables = running.handle.client_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token));
    let environment = environment(WITH_DELTA).await;
    let printed = running.python_with(&environment, &variables, include_str!("clients/commands.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Statistics of the files that OPTIMIZE writes and their order, through another reader of Delta; rows that are not as many as the
/// log tells are no reason to lose any.
#[tokio::test(flavor = "multi_thread")]
async fn optimized_files_tell_what_they_hold() {
    let running = start().await;
    let printed = running
        .python_with(
            &environment(WITH_DELTA).await,
            &developers(&running),
            include_str!("clients/optimized.py"),
        )
        .await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Runs a program with the tokens of the developer and of Ada, who has no grants; gives what it printed.
async fn governed(program: &str) -> String {
    let running = start().await;
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &id, "CAN_USE").unwrap();
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    let mut variables = running.handle.client_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    let environment = environment(NEW).await;
    running.python_with(&environment, &variables, program).await
}

/// The developer's environment, with a token of theirs and of Ada's.
fn developers(running: &Running) -> Vec<(String, String)> {
    let mut variables = running.people_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    variables
}

async fn passes(running: &Running, variables: &[(String, String)], script: &str) {
    let printed = running.python_with(&environment(NEW).await, variables, script).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// Made, changed, granted, stopped by idleness (the clock is moved) and by hand, started by a statement, deleted; fifty
/// statements at once; limits, waiting and error classes of the Statement Execution API.
#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_lives_and_queues() {
    let running = start().await;
    passes(&running, &developers(&running), include_str!("clients/warehouse_life.py")).await;
}

/// What JDBC and ODBC drivers ask for and the connector does not: type info, functions, keys, server info; protocol V1.
#[tokio::test(flavor = "multi_thread")]
async fn every_thrift_call_answers() {
    let running = start().await;
    passes(&running, &developers(&running), include_str!("clients/thrift_calls.py")).await;
}

/// Parameters of every type, arrays and maps; intervals, VARIANT, session zones; PUT, GET, LIST, REMOVE.
#[tokio::test(flavor = "multi_thread")]
async fn values_keep_their_meaning() {
    let running = start().await;
    passes(&running, &developers(&running), include_str!("clients/values.py")).await;
}

/// SQLAlchemy's dialect: DDL, typed inserts, the ORM, reflection, pandas.
#[tokio::test(flavor = "multi_thread")]
async fn sqlalchemy_works() {
    let running = start().await;
    let mut variables = developers(&running);
    let id = running.handle.starter_warehouse_id();
    variables.push(("DATABRICKS_SERVER_HOSTNAME".to_owned(), running.handle.host().to_owned()));
    variables.push(("DATABRICKS_HTTP_PATH".to_owned(), format!("/sql/1.0/warehouses/{id}")));
    let alchemy: &[&str] =
        &["databricks-sqlalchemy==2.0.10", "databricks-sql-connector[pyarrow]==4.9.0", "pandas==2.3.3"];
    let judge = include_str!("../../../../acceptance/judges/sqlalchemy/judge.py");
    let printed = running.python_with(&environment(alchemy).await, &variables, judge).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// The query history is there after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn the_history_outlives_the_workspace() {
    let running = start().await;
    let run = r#"
from databricks.sdk import WorkspaceClient
import os
w = WorkspaceClient()
for statement in ("SELECT id FROM range(3)", "SELECT * FROM nowhere"):
    w.statement_execution.execute_statement(statement, os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
print("ok")
"#;
    passes(&running, &developers(&running), run).await;
    let running = running.again().await;
    let look = r#"
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
seen = {one.query_text: one for one in w.query_history.list().res}
good, bad = seen["SELECT id FROM range(3)"], seen["SELECT * FROM nowhere"]
assert (good.status.value, good.rows_produced, good.user_name) == ("FINISHED", 3, "developer@example.com"), good
assert good.duration >= 0 and good.query_end_time_ms >= good.query_start_time_ms and good.is_final
assert bad.status.value == "FAILED" and "TABLE_OR_VIEW_NOT_FOUND" in bad.error_message, bad
print("ok")
"#;
    passes(&running, &developers(&running), look).await;
}

/// An engine that dies is started again: what ran fails with an error that says so, what was committed is there.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_engine_loses_nothing() {
    let running = start().await;
    let script = r#"
import os, signal, sys, time
from databricks import sql
connection = sql.connect(
    os.environ["DATABRICKS_HOST"], "/sql/1.0/warehouses/" + os.environ["DATABRICKS_WAREHOUSE_ID"],
    access_token=os.environ["DATABRICKS_TOKEN"],
)
cursor = connection.cursor()

def kill():
    killed = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            place = os.readlink(f"/proc/{process}/cwd")
            words = open(f"/proc/{process}/cmdline").read().split("\0")
        except OSError:
            continue
        if place.startswith(os.environ["STATE"]) and "server" in words:
            os.kill(int(process), signal.SIGKILL)
            killed += 1
    assert killed

cursor.execute("CREATE TABLE main.default.kept (id BIGINT)")
cursor.execute("INSERT INTO main.default.kept SELECT id FROM range(1000)")
for statement in ("SELECT sum(sin(id)) FROM range(1000000000000)",
                  "INSERT INTO main.default.kept SELECT CAST(sin(id) AS BIGINT) FROM range(1000000000000)"):
    cursor.execute_async(statement)
    while not cursor.is_query_pending():
        pass
    time.sleep(1)
    kill()
    try:
        cursor.get_async_execution_result()
        raise AssertionError("a statement outlived its engine")
    except sql.exc.Error as error:
        assert "TEMPORARILY_UNAVAILABLE" in str(error) and "08S01" in str(error), error
    cursor.execute("SELECT count(*), sum(id) FROM main.default.kept")
    assert tuple(cursor.fetchone()) == (1000, 499500)
cursor.execute("INSERT INTO main.default.kept VALUES (7)")
cursor.execute("SELECT count(*) FROM main.default.kept")
assert cursor.fetchone()[0] == 1001
print("ok")
"#;
    let mut variables = developers(&running);
    let state = running.directory.path().canonicalize().unwrap();
    variables.push(("STATE".to_owned(), state.to_string_lossy().into_owned()));
    passes(&running, &variables, script).await;
}

/// What drivers ask of whole catalogs by `SHOW`, with patterns: schemas, tables, columns, keys, functions; the connector's calls
/// over both protocols.
#[tokio::test(flavor = "multi_thread")]
async fn drivers_read_the_catalog_by_show() {
    let running = start().await;
    passes(&running, &developers(&running), include_str!("clients/catalog_questions.py")).await;
}
