//! Lakebase as drivers and the SDK see it.
#![expect(clippy::unwrap_used, reason = "support code of tests may panic as the tests do")]

use std::time::Duration;

use brickyard_workspace::{Clock, DatabaseBinding, DatabaseTarget, Script};
use jiff::SignedDuration;

use crate::harness::{ADA, CLIENT_ID, Carried, DEVELOPER, Running, environment, start, start_with};

/// Every client of these tests, in one environment.
pub(crate) const CLIENTS: &[&str] = &[
    "databricks-sdk==0.162.0",
    "psycopg[binary,pool]==3.3.9",
    "psycopg2-binary==2.9.13",
    "asyncpg==0.32.0",
    "sqlalchemy[asyncio]==2.1.9",
    "sqlmodel==0.0.50",
    "alembic==1.20.1",
    "django==5.2.19",
    "langgraph-checkpoint-postgres==3.2.0",
];

pub(crate) const PROVISIONED: DatabaseTarget = DatabaseTarget::Provisioned { instance: None, database: None };
pub(crate) const AUTOSCALING: DatabaseTarget = DatabaseTarget::Autoscaling { branch: None, database: None };

/// The variables of an app with this database as its first resource.
pub(crate) fn postgres_environment(running: &Running, binding: &DatabaseBinding) -> Vec<(String, String)> {
    let mut environment = running.app_environment();
    for (name, value) in [
        ("PGHOST", binding.host.clone()),
        ("PGPORT", binding.port.to_string()),
        ("PGDATABASE", binding.database.clone()),
        ("PGUSER", binding.user.clone()),
        ("PGSSLMODE", "require".to_owned()),
        ("PGAPPNAME", "todo".to_owned()),
    ] {
        environment.push((name.to_owned(), value));
    }
    environment
}

/// What a program of the developer finds: an access token of their own.
pub(crate) fn developer_environment(running: &Running) -> Vec<(String, String)> {
    let mut environment = running.handle.client_environment();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    environment.push(("DATABRICKS_TOKEN".to_owned(), token));
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn drivers_connect_unmodified() {
    let running = start().await;
    let binding = running.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    let python = environment(CLIENTS).await;
    let variables = postgres_environment(&running, &binding);
    let output = running.python_with(&python, &variables, include_str!("clients/lakebase_drivers.py")).await;
    assert_eq!(output.matches(" ok").count(), 8, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_drives_provisioned_instances() {
    let running = start().await;
    let python = environment(CLIENTS).await;
    let variables = developer_environment(&running);
    let output =
        running.python_with(&python, &variables, include_str!("clients/lakebase_instances.py")).await;
    assert_eq!(output.trim(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_drives_autoscaling_projects() {
    let running = start().await;
    let python = environment(CLIENTS).await;
    let variables = developer_environment(&running);
    let output = running.python_with(&python, &variables, include_str!("clients/lakebase_projects.py")).await;
    assert_eq!(output.trim(), "ok");
}

/// Runs statements one by one as some identity, and returns what the last of them answered.
pub(crate) async fn sql(
    running: &Running,
    target: &DatabaseTarget,
    identity: &str,
    statements: &[&str],
) -> String {
    let binding = running.handle.bind_database(target, identity).await.unwrap();
    let mut variables = postgres_environment(running, &binding);
    let password = running.handle.database_password(target, identity).await.unwrap();
    variables.push(("PGPASSWORD".to_owned(), password));
    variables.push(("STATEMENTS".to_owned(), statements.join("\n")));
    let script = "
import os, psycopg
with psycopg.connect() as connection:
    for statement in os.environ['STATEMENTS'].split('\\n'):
        cursor = connection.execute(statement)
    print(cursor.fetchall() if cursor.description else cursor.rowcount)
";
    running.python_with(&environment(CLIENTS).await, &variables, script).await.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pgvector_is_there_where_the_server_has_it() {
    let running = start_with(|config| config.provision = std::sync::Arc::new(Carried)).await;
    let statements = [
        "CREATE EXTENSION IF NOT EXISTS vector",
        "CREATE SCHEMA app",
        "CREATE TABLE app.item (id int, embedding vector(3))",
        "INSERT INTO app.item VALUES (1, '[1,0,0]'), (2, '[0,1,0]')",
        "CREATE INDEX ON app.item USING hnsw (embedding vector_l2_ops)",
        "SELECT id FROM app.item ORDER BY embedding <-> '[0,0.9,0]' LIMIT 1",
    ];
    assert_eq!(sql(&running, &AUTOSCALING, CLIENT_ID, &statements).await, "[(2,)]");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_and_addresses_survive_a_restart_of_the_workspace() {
    let kept = tempfile::tempdir().unwrap();
    let state = kept.path().join("state");
    let first = start_with(|config| config.state_directory = state.clone()).await;
    let before = first.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    sql(&first, &PROVISIONED, CLIENT_ID, &["CREATE SCHEMA app", "CREATE TABLE app.kept AS SELECT 7 AS x"])
        .await;
    first.handle.stop().await;
    drop(first); // lets go of the state directory

    let second = start_with(|config| config.state_directory = state.clone()).await;
    let after = second.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    assert_eq!((before.user, before.database), (after.user, after.database));
    assert_eq!(sql(&second, &PROVISIONED, CLIENT_ID, &["SELECT x FROM app.kept"]).await, "[(7,)]");
    second.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_run_once_as_the_role_they_name() {
    let running = start().await;
    let script = |name: &str, sql: &str, role: &str| Script {
        path: name.into(),
        sql: sql.to_owned(),
        role: role.to_owned(),
    };
    running.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    let scripts = [
        script(
            "1.sql",
            "CREATE SCHEMA app; CREATE TABLE app.item (id int); INSERT INTO app.item VALUES (1)",
            CLIENT_ID,
        ),
        script("2.sql", "CREATE TABLE public.shared AS SELECT 2 AS id", DEVELOPER),
    ];
    let ran = running.handle.seed_database(&PROVISIONED, &scripts).await.unwrap();
    assert_eq!(ran.len(), 2);
    assert!(running.handle.seed_database(&PROVISIONED, &scripts).await.unwrap().is_empty());
    let owners = "SELECT tableowner FROM pg_tables WHERE tablename IN ('item', 'shared') ORDER BY tablename";
    let owners = sql(&running, &PROVISIONED, CLIENT_ID, &[owners]).await;
    assert_eq!(owners, format!("[('{CLIENT_ID}',), ('{DEVELOPER}',)]"));
    assert_eq!(sql(&running, &PROVISIONED, CLIENT_ID, &["SELECT count(*) FROM app.item"]).await, "[(1,)]");

    let broken = [script("3.sql", "CREATE TABLE app.half (id int); SELECT * FROM nowhere", CLIENT_ID)];
    let error = running.handle.seed_database(&PROVISIONED, &broken).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    let half = sql(&running, &PROVISIONED, CLIENT_ID, &["SELECT to_regclass('app.half')"]).await;
    assert_eq!(half, "[(None,)]", "a script that fails leaves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_branches_are_suspended_by_the_clock_and_wake_for_a_login() {
    let clock = Clock::default();
    let running = start_with(|config| config.clock = clock.clone()).await;
    let statements = ["CREATE SCHEMA app", "CREATE TABLE app.kept AS SELECT 7 AS x"];
    sql(&running, &AUTOSCALING, CLIENT_ID, &statements).await;
    assert!(running.handle.lakebase_servers().unwrap()[0].1, "it runs");
    clock.advance(SignedDuration::from_hours(48));
    let suspended = async {
        while running.handle.lakebase_servers().unwrap()[0].1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), suspended).await.expect("it is suspended");
    assert_eq!(sql(&running, &AUTOSCALING, CLIENT_ID, &["SELECT x FROM app.kept"]).await, "[(7,)]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_removes_everything_and_the_next_app_begins_afresh() {
    let running = start().await;
    sql(&running, &PROVISIONED, CLIENT_ID, &["CREATE SCHEMA app"]).await;
    sql(&running, &AUTOSCALING, ADA, &["CREATE SCHEMA app"]).await;
    let removed = running.handle.lakebase_reset().await.unwrap();
    assert_eq!(removed, ["local", "projects/local"]);
    assert!(running.handle.lakebase_servers().unwrap().is_empty());
    let asked = "SELECT count(*) FROM pg_namespace WHERE nspname = 'app'";
    assert_eq!(sql(&running, &PROVISIONED, CLIENT_ID, &[asked]).await, "[(0,)]");
}
