use brickyard_workspace::{ServingBackend, ServingEndpoint};

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, environment, start};

/// The platform's own client and the SDK.
const CLIENTS: &[&str] = &["databricks-vectorsearch==0.81", "databricks-sdk==0.156.0"];

/// Tokens of the developer and of Ada beside the service principal's credentials.
fn variables(running: &Running) -> Vec<(String, String)> {
    let mut variables = running.app_environment();
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    variables
}

/// What both scripts begin with: a client of each library for the developer, and one that is refused.
const BEGIN: &str = r#"
import os, time
from databricks.vector_search.client import VectorSearchClient
from databricks.sdk import WorkspaceClient
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
def client(token):
    return VectorSearchClient(workspace_url=url, personal_access_token=token, disable_notice=True)
dev = client(os.environ["DEVELOPER_TOKEN"])
w = WorkspaceClient(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat")
app = VectorSearchClient(
    workspace_url=url, service_principal_client_id=os.environ["DATABRICKS_CLIENT_ID"],
    service_principal_client_secret=os.environ["DATABRICKS_CLIENT_SECRET"], disable_notice=True)
def refused(call):
    try:
        print("allowed", call())
    except Exception as error:
        print(type(error).__name__, str(error).split("message")[0][:160])
def ids(found):
    return [row[0] for row in found["result"]["data_array"]]
"#;

/// Endpoint, direct access index, upsert, search with both filter dialects, words, delete, scan; and who may not.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_writes_and_searches() {
    let running = start().await;
    let script = format!("{BEGIN}{}", include_str!("clients/vector_direct.py"));
    let printed = running.python_with(&environment(CLIENTS).await, &variables(&running), &script).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// The same index through the SDK's own client.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_queries_and_scans() {
    let running = start().await;
    let script = format!("{BEGIN}{}", include_str!("clients/vector_sdk.py"));
    let printed = running.python_with(&environment(CLIENTS).await, &variables(&running), &script).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}

/// An index over a Delta table whose texts a serving endpoint makes vectors of; new rows come with a sync, and at once
/// where the index follows continuously.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_follows_its_table() {
    let running = start().await;
    let file = running.directory.path().join("embed.py");
    let source = r#"
def predict(request):
    texts = request["input"]
    texts = [texts] if isinstance(texts, str) else texts
    vector = lambda text: [float(text.count("red")), float(text.count("blue")), 1.0]
    return {"object": "list", "data": [{"index": i, "embedding": vector(t)} for i, t in enumerate(texts)]}
"#;
    std::fs::write(&file, source).unwrap();
    let backend = ServingBackend::Python { file, requirements: Vec::new() };
    let endpoint =
        ServingEndpoint { name: "embed".to_owned(), task: Some("llm/v1/embeddings".to_owned()), backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    running.handle.grant_object(CLIENT_ID, "serving-endpoints", "embed", "CAN_QUERY").unwrap();
    let script = format!("{BEGIN}{}", include_str!("clients/vector_delta.py"));
    let printed = running.python_with(&environment(CLIENTS).await, &variables(&running), &script).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}
