use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use http::StatusCode;

use crate::harness::{ADA, DEVELOPER, Running, TODAY, environment, start};

/// Requests that arrived: method, path with query, authorization.
type Seen = Arc<Mutex<Vec<String>>>;

/// A service outside, and where it listens.
async fn service() -> (u16, Seen) {
    let seen = Seen::default();
    let token = post(|request: Request| async move {
        let basic = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        if basic.as_deref() == Some("Basic bWU6aHVzaA==") {
            axum::Json(serde_json::json!({ "access_token": "machine-token", "expires_in": 3600 }))
                .into_response()
        } else {
            (StatusCode::UNAUTHORIZED, "{\"error\": \"invalid_client\"}").into_response()
        }
    });
    let router = Router::new()
        .route("/token", token)
        .route("/v1/nothing", any(|| async { (StatusCode::NOT_FOUND, "nothing here") }))
        .route("/v1/away", any(|| async { Redirect::temporary("http://127.0.0.1:1/secret") }))
        .route("/v1/{*rest}", any(answer))
        .with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (port, seen)
}

async fn answer(State(seen): State<Seen>, request: Request) -> Response {
    let authorization = request.headers().get("authorization").map_or("-", |value| value.to_str().unwrap());
    let extra = request.headers().get("x-extra").map_or("-", |value| value.to_str().unwrap());
    let line = format!("{} {} {authorization} {extra}", request.method(), request.uri());
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let line = format!("{line} {}", String::from_utf8_lossy(&body));
    seen.lock().unwrap().push(line.clone());
    ([("mcp-session-id", "session-7")], line).into_response()
}

fn variables(running: &Running, port: u16) -> Vec<(String, String)> {
    let mut variables = running.app_environment();
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    variables.push(("PORT".to_owned(), port.to_string()));
    variables
}

const BEGIN: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import ConnectionType
from databricks.sdk.service.serving import ExternalFunctionRequestHttpMethod as M
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
dev = WorkspaceClient(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat")
ada = WorkspaceClient(host=url, token=os.environ["ADA_TOKEN"], auth_type="pat")
app = WorkspaceClient()
here = {"host": "http://127.0.0.1", "port": os.environ["PORT"], "base_path": "/v1"}
def refused(call):
    try:
        print("allowed", call())
    except Exception as error:
        print(type(error).__name__, str(error).split(". Config")[0][:150])
def grant(name, principal):
    dev.api_client.do("PATCH", f"/api/2.1/unity-catalog/permissions/connection/{name}",
        body={"changes": [{"principal": principal, "add": ["USE_CONNECTION"]}]})
"#;

/// Connections are made, shown without secrets, granted and used through `http_request`; paths and headers of a caller
/// lead nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_calls_through_a_connection() {
    let running = start().await;
    let (port, seen) = service().await;
    let script = r#"
made = dev.connections.create("api", ConnectionType.HTTP, dict(here, bearer_token="hidden-token"), comment="c")
assert made.credential_type.value == "BEARER_TOKEN" and "bearer_token" not in made.options, made
assert "hidden-token" not in json.dumps([c.as_dict() for c in dev.connections.list()])
ask = lambda w, *a, **k: w.serving_endpoints.http_request(*a, **k)
answer = ask(dev, "api", M.POST, "things", headers={"X-Extra": "e", "Authorization": "Bearer mine"}, json={"a": 1}, params={"q": "x y"})
print(answer.text, answer.headers["mcp-session-id"])
refused(lambda: ask(app, "api", M.GET, "/things"))
grant("api", os.environ["DATABRICKS_CLIENT_ID"])
print(ask(app, "api", M.GET, "/things").text)
import requests
asked = {"connection_name": "api", "method": "GET", "path": "nothing"}
answer = requests.post(url + "/api/2.0/external-function", json=asked, headers=dev.config.authenticate())
print(answer.status_code, answer.headers["content-type"], answer.text)
for path in ("../token", "%2e%2e/token", "a/../../token", "..\\token"):
    refused(lambda: ask(app, "api", M.GET, path))
refused(lambda: ask(app, "api", M.GET, "away"))
refused(lambda: app.connections.delete("api"))
refused(lambda: dev.connections.create("clear", ConnectionType.HTTP, {"host": "http://example.com"}))
refused(lambda: dev.connections.update("api", dict(here, port="1")))
assert dev.connections.update("api", dict(here, bearer_token="later-token")).name == "api"
assert ask(app, "api", M.GET, "/things").text == "GET /v1/things Bearer later-token - "
assert dev.connections.get("api").options == here
machine = dict(here, client_id="me", token_endpoint=f"http://127.0.0.1:{os.environ['PORT']}/token")
dev.connections.create("machine", ConnectionType.HTTP, dict(machine, client_secret="hush"))
print(ask(dev, "machine", M.DELETE, "things/1").text)
dev.connections.create("wrong", ConnectionType.HTTP, dict(machine, client_secret="bad"))
refused(lambda: ask(dev, "wrong", M.GET, "things"))
dev.connections.delete("api")
refused(lambda: ask(app, "api", M.GET, "/things"))
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(TODAY).await, &variables(&running, port), &script).await;
    let expected = "POST /v1/things?q=x+y Bearer hidden-token e {\"a\": 1} session-7\n\
        PermissionDenied User does not have USE CONNECTION on Connection 'api'\n\
        GET /v1/things Bearer hidden-token - \n\
        404 text/plain; charset=utf-8 nothing here\n\
        InvalidParameterValue Path '../token' does not stay below the connection\n\
        InvalidParameterValue Path '%2e%2e/token' does not stay below the connection\n\
        InvalidParameterValue Path 'a/../../token' does not stay below the connection\n\
        InvalidParameterValue Path '..\\\\token' does not stay below the connection\n";
    assert!(printed.starts_with(expected), "{printed}");
    let rest: Vec<&str> = printed[expected.len()..].lines().collect();
    assert!(!rest[0].contains("secret"), "a redirect is not followed: {}", rest[0]);
    assert_eq!(rest[1], "PermissionDenied User is not an owner of Connection 'api'");
    assert!(rest[2].contains("must begin with https://"), "{}", rest[2]);
    assert!(rest[3].contains("credentials must be given again"), "{}", rest[3]);
    assert_eq!(rest[4], "DELETE /v1/things/1 Bearer machine-token - ");
    assert!(rest[5].contains("invalid_client"), "{}", rest[5]);
    assert!(rest[6].contains("does not exist"), "{}", rest[6]);
    assert!(seen.lock().unwrap().iter().all(|line| !line.contains("mine") && !line.contains("hush")));
}

const SQL: &str = r#"[] []
[RESOURCE_ALREADY_EXISTS] Conn []
BEARER_TOKEN ['base_path', 'host', 'port']
[['200', 'POST /v1/things?q=x+y Bearer kept-token e {"a":1}']]
[['GET /v1/things Bearer clear-token - ']]
[INSUFFICIENT_PERMISSIONS] Insufficient privileges:
User does not have USE CONNECTION on Connection 'kept'.
[['200']]
[INVALID_PARAMETER_VALUE] Path '../token' does not stay below the connection
[INVALID_PARAMETER_VALUE] Path '%2e%2e/token' does not stay below the connection
[INVALID_PARAMETER_VALUE] method TRACE is not known
[RESOURCE_DOES_NOT_EXIST] Connection 'nowhere' does not exist.
[UNSUPPORTED_FEATURE] The local warehouse does not support the function `http_request` of anything but constan
[REQUIRED_PARAMETER_NOT_FOUND] Cannot invoke `http_request` because the parameter named `path` is required.
[UNEXPECTED_POSITIONAL_ARGUMENT] The arguments of `http_request` are given by name, as in conn => 'api'.
[INVALID_PARAMETER_VALUE] The connection's host 169.254.169.254 is 169.254.169.254, an address of this machine
[INVALID_PARAMETER_VALUE] Connection host 'http://10.0.0.1' must begin with https://: credentials never travel
[INSUFFICIENT_PERMISSIONS] Insufficient privileges:
ada@example.com does not have READ permissions on secret s
[False, False, False, True]
[] []
"#;

/// SQL makes connections, with a secret where their credential is, and calls through them; nothing leads elsewhere, and no
/// list, history or error shows a credential.
#[tokio::test(flavor = "multi_thread")]
async fn sql_calls_through_a_connection() {
    let running = start().await;
    let (port, seen) = service().await;
    running.handle.put_secret("outside", "token", "kept-token").unwrap();
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = variables(&running, port);
    variables.push(("WAREHOUSE".to_owned(), id));
    let script = r#"
def call(text, w=dev):
    done = w.statement_execution.execute_statement(text, os.environ["WAREHOUSE"], wait_timeout="50s")
    if done.status.state.value == "SUCCEEDED":
        return done.result.data_array if done.result else None
    return done.status.error.message.split(" SQLSTATE")[0]
def create(name, *more, exists=""):
    return call(f"CREATE CONNECTION {exists} {name} TYPE HTTP OPTIONS (host 'http://127.0.0.1', port '{os.environ['PORT']}', base_path '/v1', {', '.join(more)})")
print(create("clear", "bearer_token 'clear-token'"), create("kept", "bearer_token secret('outside', 'token')"))
print(create("kept", "bearer_token 'x'")[:30], create("kept", "bearer_token 'x'", exists="IF NOT EXISTS"))
print(dev.connections.get("kept").credential_type.value, sorted(dev.connections.get("kept").options))
ask = "SELECT r.status_code, r.text FROM (SELECT http_request(conn => 'kept', method => 'POST', path => '/things', json => to_json(named_struct('a', 1)), headers => map('X-Extra', 'e', 'Authorization', 'mine'), params => map('q', 'x y')) AS r)"
print(call(ask))
print(call("SELECT http_request(conn => 'clear', method => 'GET', path => concat('th', 'ings')).text"))
def short(text, w=dev):
    print(call(text, w)[:110])
get = lambda path, conn="kept", method="GET": f"SELECT http_request(conn => '{conn}', method => '{method}', path => '{path}').status_code"
short(ask, ada)
grant("kept", "ada@example.com")
print(call(get("/things"), ada))
for path in ("../token", "%2e%2e/token"):
    short(get(path))
short(get("/things", method="TRACE"))
short(get("/x", conn="nowhere"))
short("SELECT http_request(conn => 'kept', method => 'GET', path => CAST(id AS STRING)) FROM range(2)")
short("SELECT http_request(conn => 'kept', method => 'GET')")
short("SELECT http_request('kept', 'GET', '/x')")
call("CREATE CONNECTION mdata TYPE HTTP OPTIONS (host 'https://169.254.169.254', bearer_token 'meta-token')")
short(get("/latest/meta-data", conn="mdata"))
short("CREATE CONNECTION plain TYPE HTTP OPTIONS (host 'http://10.0.0.1', bearer_token 'x')")
short("CREATE CONNECTION mine TYPE HTTP OPTIONS (host 'http://127.0.0.1', bearer_token secret('outside', 'token'))", ada)
history = json.dumps([q.as_dict() for q in dev.query_history.list().res])
print([word in history for word in ("clear-token", "meta-token", "kept-token", "REDACTED")])
print(call("DROP CONNECTION clear"), call("DROP CONNECTION IF EXISTS clear"))
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(TODAY).await, &variables, &script).await;
    let expected = SQL;
    assert_eq!(printed, expected);
    assert!(seen.lock().unwrap().iter().all(|line| !line.contains("mine")));
}

/// Where a connection asks for each person's own credential, one person's is never sent for another.
#[tokio::test(flavor = "multi_thread")]
async fn people_bring_their_own_credentials() {
    let running = start().await;
    let (port, _) = service().await;
    let script = r#"
dev.connections.create("personal", ConnectionType.HTTP, dict(here, client_id="x", client_secret="y",
    authorization_endpoint="https://example.com/authorize", token_endpoint="https://example.com/token"))
grant("personal", "ada@example.com")
refused(lambda: ada.serving_endpoints.http_request("personal", M.GET, "me"))
ada.api_client.do("POST", "/api/brickyard/connections/personal/login", body={"token": "adas-own"})
print(ada.serving_endpoints.http_request("personal", M.GET, "me").text)
refused(lambda: dev.serving_endpoints.http_request("personal", M.GET, "me"))
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(TODAY).await, &variables(&running, port), &script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].contains("Credential for user identity(ada@example.com) is not found"), "{printed}");
    assert_eq!(lines[1], "GET /v1/me Bearer adas-own - ");
    assert!(lines[2].contains("Please login first") || lines[2].contains("is not found"), "{printed}");
}
