//! Transactions of several statements on the warehouse.

use crate::harness::{ADA, Running, environment, start};

/// The newest connector and a second reader of Delta tables.
const CLIENTS: &[&str] = &["databricks-sql-connector[pyarrow]==4.9.0", "deltalake==1.6.6"];

fn variables(running: &Running) -> Vec<(String, String)> {
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = running.people_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    let state = running.directory.path().join("state");
    variables.push(("STATE".to_owned(), state.to_string_lossy().into_owned()));
    variables
}

/// Isolation, conflicts, several tables at once, what is refused, atomic blocks, checks and replaced keys in one version, filters and
/// grants; over Thrift and the statements API.
#[tokio::test(flavor = "multi_thread")]
async fn the_connector_commits_and_rolls_back() {
    let running = start().await;
    let environment = environment(CLIENTS).await;
    let program = include_str!("clients/transactions.py");
    let printed = running.python_with(&environment, &variables(&running), program).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}
