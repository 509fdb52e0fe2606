//! Roles that SQL makes, as psycopg and the SDK see them.

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, environment, start};
use crate::lakebase::{CLIENTS, developer_environment};

/// What agents keep their memory with.
const BRIDGE: &[&str] = &["databricks-ai-bridge[memory]==0.22.0", "databricks-sdk==0.162.0"];

async fn run(clients: &'static [&'static str], script: &str) {
    let running = start().await;
    let mut variables = developer_environment(&running);
    let scopes = ["all-apis".to_owned()];
    for (name, value) in [
        ("ADA_TOKEN", running.handle.issue_user_token(ADA, "databricks-cli", &scopes).unwrap()),
        ("APP_TOKEN", running.handle.issue_user_token(CLIENT_ID, "databricks-cli", &scopes).unwrap()),
        ("APP", CLIENT_ID.to_owned()),
    ] {
        variables.push((name.to_owned(), value));
    }
    let output = running.python_with(&environment(clients).await, &variables, script).await;
    assert_eq!(output.trim(), "ok", "as {DEVELOPER}");
}

async fn run_part(part: &str) {
    let parts = include_str!("clients/lakebase_sql_roles.py");
    let script =
        format!("{parts}\n\n{part}()\nw.postgres.delete_project('projects/shop').wait()\nprint('ok')\n");
    run(CLIENTS, &script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databricks_create_role_makes_roles_for_identities() {
    run_part("identities").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn native_roles_log_in_until_their_password_is_over() {
    run_part("passwords").await;
}

/// The developer prepares the memory of an agent, whose principal then uses it.
#[tokio::test(flavor = "multi_thread")]
async fn the_bridge_for_agents_makes_roles_and_grants() {
    run(BRIDGE, include_str!("clients/lakebase_bridge.py")).await;
}
