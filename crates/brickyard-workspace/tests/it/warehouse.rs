use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, environment, start};

/// The newest connector and SDK.
const NEW: &[&str] = &["databricks-sql-connector[pyarrow]==4.9.0", "databricks-sdk==0.156.0"];
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

/// The app's environment, with the starter warehouse granted to it.
fn variables(running: &Running) -> Vec<(String, String)> {
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(CLIENT_ID, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = running.app_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    variables
}

/// DDL, changes, views, functions, volumes, time travel; grants, row filters and masks against a user without them.
#[tokio::test(flavor = "multi_thread")]
async fn statements_are_governed() {
    let running = start().await;
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &id, "CAN_USE").unwrap();
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    let mut variables = running.handle.client_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    let environment = environment(NEW).await;
    let printed = running.python_with(&environment, &variables, include_str!("clients/governed.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}
