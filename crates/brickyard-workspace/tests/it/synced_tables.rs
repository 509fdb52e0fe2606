//! Tables that cross between Unity Catalog and Lakebase, as the SDK, SQL and psycopg see them.

use crate::harness::{ADA, environment, start};
use crate::lakebase::{CLIENTS, developer_environment};

async fn run(script: &str) {
    let running = start().await;
    let mut variables = developer_environment(&running);
    let token = running.handle.create_personal_access_token(ADA).unwrap();
    variables.push(("ADA_TOKEN".to_owned(), token));
    let shared = include_str!("clients/lakebase_tables.py");
    let script = format!("{shared}\n{script}");
    let output = running.python_with(&environment(CLIENTS).await, &variables, &script).await;
    assert_eq!(output.trim(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_table_is_copied_into_postgres_and_refreshed() {
    run(include_str!("clients/synced_tables.py")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_database_is_read_from_sql() {
    run(include_str!("clients/registered_catalogs.py")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn autoscaling_has_catalogs_and_synced_tables_too() {
    run(include_str!("clients/autoscaling_tables.py")).await;
}
