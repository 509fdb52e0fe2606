use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use brickyard_workspace::{GenieSpace, ServingBackend, ServingEndpoint};
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, DEVELOPER, Running, environment, start};

/// The platform's client over the newest protocol library, and the library of the generation before.
const NEW: &[&str] = &["databricks-mcp==0.9.2", "mcp==2.3.0", "databricks-sdk==0.156.0"];
const OLD: &[&str] = &["databricks-mcp==0.9.2", "mcp==1.28.0", "databricks-sdk==0.156.0"];

fn variables(running: &Running) -> Vec<(String, String)> {
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(CLIENT_ID, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = running.app_environment();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token));
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    variables
}

const BEGIN: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
from databricks_mcp import DatabricksMCPClient
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
dev = WorkspaceClient(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat")
app = WorkspaceClient()
def server(path, w=app):
    return DatabricksMCPClient(f"{url}/api/2.0/mcp/{path}", w)
def text(result):
    return result.content[0].text
def failed(result):
    return getattr(result, "is_error", None) or getattr(result, "isError", None) or False
def sql(statement):
    done = dev.statement_execution.execute_statement(statement, os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
    assert done.status.state.value == "SUCCEEDED", done
def grant(kind, name, privilege):
    dev.api_client.do("PATCH", f"/api/2.1/unity-catalog/permissions/{kind}/{name}",
        body={"changes": [{"principal": os.environ["DATABRICKS_CLIENT_ID"], "add": [privilege]}]})
def refused(call):
    try:
        print("allowed", call())
    except BaseException as error:
        while getattr(error, "exceptions", None):
            error = error.exceptions[0]
        print("refused", type(error).__name__)
"#;

/// Functions and SQL as tools, by two generations of the protocol's library; only what is granted is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_clients_call_functions_and_sql() {
    let running = start().await;
    let variables = variables(&running);
    let setup = r#"
sql("CREATE FUNCTION main.default.twice(x INT COMMENT 'a number') RETURNS INT COMMENT 'Doubles' RETURN x * 2")
sql("CREATE FUNCTION main.default.hidden(x INT) RETURNS INT RETURN x")
sql("CREATE FUNCTION main.default.greet(name STRING, mark STRING DEFAULT '!') RETURNS STRING RETURN concat('hi ', name, mark)")
grant("catalog", "main", "USE_CATALOG"); grant("schema", "main.default", "USE_SCHEMA")
grant("function", "main.default.twice", "EXECUTE"); grant("function", "main.default.greet", "EXECUTE")
"#;
    let script = r#"
functions = server("functions/main/default")
tools = {t.name: t for t in functions.list_tools()}
print(sorted(tools))
schema = getattr(tools["main__default__twice"], "input_schema", None) or tools["main__default__twice"].inputSchema
print(tools["main__default__twice"].description, schema["properties"]["x"], schema["required"])
print(text(functions.call_tool("main__default__twice", {"x": 21})))
print(text(functions.call_tool("main__default__greet", {"name": "it's me"})))
wrong = functions.call_tool("main__default__twice", {"y": 1})
print(failed(wrong), text(wrong))
refused(lambda: functions.call_tool("main__default__hidden", {"x": 1}))
print(json.loads(text(server("sql").call_tool("execute_sql_read_only", {"query": "SELECT 1 AS one"})))["result"]["data_array"])
made = server("sql").call_tool("execute_sql_read_only", {"query": "CREATE TABLE main.default.x (a INT)"})
print(failed(made), text(made))
refused(lambda: server("functions/main/absent").list_tools())
print([type(r).__name__ for r in functions.get_databricks_resources()])
one = server("functions/main/default/greet")
print([t.name for t in one.list_tools()], text(one.call_tool("main__default__greet", {"name": "you", "mark": "?"})))
refused(lambda: one.call_tool("main__default__twice", {"x": 1}))
refused(lambda: server("functions/main/default/hidden").call_tool("main__default__hidden", {"x": 1}))
"#;
    let expected = "['main__default__greet', 'main__default__twice']\n\
        Doubles {'type': 'integer', 'description': 'a number'} ['x']\n\
        {\"is_truncated\":false,\"columns\":[\"output\"],\"rows\":[[42]]}\n\
        {\"is_truncated\":false,\"columns\":[\"output\"],\"rows\":[[\"hi it's me!\"]]}\n\
        True The function has no parameter 'y'\n\
        [['1']]\n\
        True The statement does not only read; use execute_sql\n\
        ['DatabricksFunction', 'DatabricksFunction']\n\
        ['main__default__greet'] {\"is_truncated\":false,\"columns\":[\"output\"],\"rows\":[[\"hi you?\"]]}\n";
    let answers = |text: &str| {
        assert_eq!(text.lines().filter(|line| line.starts_with("refused")).count(), 4, "{text}");
        let answers = text.lines().filter(|line| !line.starts_with("refused"));
        answers.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    let new = environment(NEW).await;
    let first = format!("{BEGIN}{setup}{script}");
    assert_eq!(answers(&running.python_with(&new, &variables, &first).await), expected);
    let old = environment(OLD).await;
    let printed = running.python_with(&old, &variables, &format!("{BEGIN}{script}")).await;
    assert_eq!(answers(&printed), expected);
}

/// An index and a Genie space as tools.
#[tokio::test(flavor = "multi_thread")]
async fn the_clients_search_and_ask() {
    let running = start().await;
    let file = running.directory.path().join("embed.py");
    let source = "def predict(request):\n    texts = request['input']\n    texts = [texts] if isinstance(texts, str) \
        else texts\n    return {'data': [{'embedding': [float('cat' in t), float('dog' in t)]} for t in texts]}\n";
    std::fs::write(&file, source).unwrap();
    let backend = ServingBackend::Python { file, requirements: Vec::new() };
    let task = Some("llm/v1/embeddings".to_owned());
    running.handle.put_serving_endpoint(ServingEndpoint { name: "embed".to_owned(), task, backend }).unwrap();
    let space = GenieSpace {
        id: "one".to_owned(),
        title: "One".to_owned(),
        questions: vec![("What is one?".to_owned(), "SELECT 1 AS one".to_owned())],
        ..GenieSpace::default()
    };
    running.handle.put_genie_space(space).unwrap();
    running.handle.grant_object(CLIENT_ID, "genie", "one", "CAN_RUN").unwrap();
    let script = r#"
import time
dev.api_client.do("POST", "/api/2.0/vector-search/endpoints", body={"name": "e", "endpoint_type": "STANDARD"})
dev.api_client.do("POST", "/api/2.0/vector-search/indexes", body={
    "name": "main.default.pets", "endpoint_name": "e", "primary_key": "id", "index_type": "DIRECT_ACCESS",
    "direct_access_index_spec": {"embedding_source_columns": [{"name": "body", "embedding_model_endpoint_name": "embed"}],
        "schema_json": '{"id": "int", "body": "string"}'}})
dev.api_client.do("POST", "/api/2.0/vector-search/indexes/main.default.pets/upsert-data",
    body={"inputs_json": json.dumps([{"id": 1, "body": "a cat"}, {"id": 2, "body": "a dog"}])})
print([t.name for t in server("vector-search/main/default", dev).list_tools()])
print([t.name for t in server("vector-search/main/default").list_tools()])
grant("catalog", "main", "USE_CATALOG"); grant("schema", "main.default", "USE_SCHEMA")
grant("table", "main.default.pets", "SELECT")
found = server("vector-search/main/default").call_tool("main__default__pets", {"query": "dog"})
print(json.loads(text(found))[0])
one = server("vector-search/main/default/pets")
print([t.name for t in one.list_tools()], json.loads(text(one.call_tool("main__default__pets", {"query": "cat"})))[0]["body"])
refused(lambda: server("vector-search/main/default/absent").call_tool("main__default__pets", {"query": "cat"}))
genie = server("genie/one")
print([t.name for t in genie.list_tools()])
answer = json.loads(text(genie.call_tool("query_space_one", {"query": "what is one"})))
deadline = time.monotonic() + 60
while answer["status"] not in ("COMPLETED", "FAILED"):
    assert time.monotonic() < deadline, answer
    time.sleep(0.1)
    answer = json.loads(text(genie.call_tool("poll_response_one",
        {"conversation_id": answer["conversationId"], "message_id": answer["messageId"]})))
print(answer["status"], answer["content"]["queryAttachments"][0]["statement_response"]["result"]["data_array"])
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(NEW).await, &variables(&running), &script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "['main__default__pets']");
    assert_eq!(lines[1], "[]", "what is not granted is not there");
    assert_eq!(lines[2], "{'body': 'a dog', 'id': 2.0, 'score': 1.0}");
    assert_eq!(lines[3], "['main__default__pets'] a cat");
    assert!(lines[4].starts_with("refused"), "{printed}");
    assert_eq!(lines[5], "['query_space_one', 'poll_response_one']");
    assert_eq!(lines[6], "COMPLETED [['1']]");
}

/// A server behind a connection, whose credential the workspace adds.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_leads_to_another_server() {
    let running = start().await;
    let router = Router::new().route("/mcp", any(outside));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut variables = variables(&running);
    variables.push(("PORT".to_owned(), listener.local_addr().unwrap().port().to_string()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let script = r#"
from databricks.sdk.service.catalog import ConnectionType
dev.connections.create("tools", ConnectionType.HTTP, {"host": "http://127.0.0.1", "port": os.environ["PORT"],
    "base_path": "/mcp", "bearer_token": "outside-token", "is_mcp_connection": "true"})
refused(lambda: server("external/tools").list_tools())
grant("connection", "tools", "USE_CONNECTION")
print([t.name for t in server("external/tools").list_tools()])
print(text(server("external/tools").call_tool("echo", {"a": 1})))
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(NEW).await, &variables, &script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("refused"), "{printed}");
    assert_eq!(&lines[1..], ["['echo']", "Bearer outside-token {\"a\":1}"]);
}

async fn outside(request: Request) -> Response {
    let token =
        request.headers().get("authorization").map_or("-", |value| value.to_str().unwrap()).to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": {} }, "serverInfo": { "name": "outside", "version": "1" } }),
        Some("tools/list") => json!({ "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] }),
        Some("tools/call") => {
            let text = format!("{token} {}", message["params"]["arguments"]);
            json!({ "content": [{ "type": "text", "text": text }] })
        }
        Some(_) if message.get("id").is_some() => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }))
                .into_response();
        }
        _ => return http::StatusCode::ACCEPTED.into_response(),
    };
    axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}
