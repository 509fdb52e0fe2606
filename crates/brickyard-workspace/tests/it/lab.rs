use crate::harness::{DEVELOPER, Running, TODAY, environment, start};

fn developer(running: &Running) -> Vec<(String, String)> {
    let mut variables = running.handle.client_environment();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    variables.push(("DATABRICKS_TOKEN".to_owned(), token));
    variables
}

/// A service principal's token is over when the clock says so, and only an admin moves the clock.
#[tokio::test(flavor = "multi_thread")]
async fn the_clock_moves() {
    let running = start().await;
    let script = r#"
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
before = w.api_client.do("GET", "/api/brickyard/clock")
after = w.api_client.do("POST", "/api/brickyard/clock", body={"advance_seconds": 7200})
print(before["offset_seconds"], after["offset_seconds"], after["now"] > before["now"])
"#;
    let python = environment(TODAY).await;
    let printed = running.python_with(&python, &developer(&running), script).await;
    assert_eq!(printed, "0 7200 True\n");
    let denied = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
try:
    WorkspaceClient().api_client.do("POST", "/api/brickyard/clock", body={"advance_seconds": 1})
except PermissionDenied as error:
    print("denied")
"#;
    assert_eq!(running.python(&python, denied).await, "denied\n");
}

/// The SDK rides out a busy workspace, and sees an error after an effect that took place.
#[tokio::test(flavor = "multi_thread")]
async fn faults_happen_as_ordered() {
    let running = start().await;
    let script = r#"
import time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InternalError
w = WorkspaceClient()
def order(**fault):
    w.api_client.do("POST", "/api/brickyard/faults", body=fault)
order(path="/api/2.0/preview/scim/v2/Me", status=429, retry_after=0, count=2)
print(w.current_user.me().user_name)
order(path="/api/2.0/secrets/scopes/create", status=500, after_effect=True, count=1)
try:
    w.secrets.create_scope("made")
except InternalError as error:
    print("failed", [s.name for s in w.secrets.list_scopes()])
order(path="/api/2.0/secrets", delay_milliseconds=300)
begin = time.monotonic()
w.secrets.list_scopes() and list(w.secrets.list_scopes())
print(time.monotonic() - begin >= 0.3, len(w.api_client.do("GET", "/api/brickyard/faults")["faults"]))
w.api_client.do("DELETE", "/api/brickyard/faults")
print(w.api_client.do("GET", "/api/brickyard/faults"))
"#;
    let printed = running.python_with(&environment(TODAY).await, &developer(&running), script).await;
    let expected = "developer@example.com\nfailed ['made']\nTrue 1\n{'faults': []}\n";
    assert_eq!(printed, expected);
}

/// A family that is not here says so and names itself.
#[tokio::test(flavor = "multi_thread")]
async fn absent_families_name_themselves() {
    let running = start().await;
    let script = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotImplemented
w = WorkspaceClient()
for call in (lambda: list(w.instance_pools.list()), lambda: list(w.cluster_policies.list())):
    try:
        call()
    except NotImplemented as error:
        print(str(error).split(" (")[0])
"#;
    let printed = running.python_with(&environment(TODAY).await, &developer(&running), script).await;
    let expected = "The local workspace does not implement Instance pools\n\
        The local workspace does not implement GET /api/2.0/policies/clusters/list\n";
    assert_eq!(printed, expected);
}
