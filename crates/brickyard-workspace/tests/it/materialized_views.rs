use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, environment, start};

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
    running.python_with(&environment, &variables, script).await
}
