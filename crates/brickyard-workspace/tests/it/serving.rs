use axum::extract::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use brickyard_workspace::{ServingBackend, ServingEndpoint};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, Running, TODAY, environment, start};

fn put(running: &Running, name: &str, task: Option<&str>, backend: ServingBackend) {
    let endpoint = ServingEndpoint { name: name.to_owned(), task: task.map(str::to_owned), backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    running.handle.grant_object(CLIENT_ID, "serving-endpoints", name, "CAN_QUERY").unwrap();
}

fn python(running: &Running, name: &str, source: &str) -> ServingBackend {
    let file = running.directory.path().join(name);
    std::fs::write(&file, source).unwrap();
    ServingBackend::Python { file, requirements: Vec::new() }
}

/// The SDK lists, gets and queries a Python function: chat, data frames, errors, and a changed file.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_finds_and_queries_a_python_function() {
    let running = start().await;
    let chat = r#"
print("a model may print")
def predict(request):
    last = request["messages"][-1]["content"]
    if last == "fail":
        raise ValueError("no such thing")
    if request.get("stream"):
        return (word for word in ("you ", "said ", last))
    return "you said " + last
"#;
    put(&running, "echo", Some("llm/v1/chat"), python(&running, "echo.py", chat));
    let table = "def predict(request):\n    return [row['x'] * 2 for row in request['dataframe_records']]\n";
    put(&running, "double", None, python(&running, "double.py", table));
    put(&running, "broken", None, python(&running, "broken.py", "import not_there\n"));
    put(&running, "unset", None, ServingBackend::Unset);
    let hidden = ServingEndpoint { name: "hidden".to_owned(), task: None, backend: ServingBackend::Unset };
    running.handle.put_serving_endpoint(hidden).unwrap();
    let script = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole
w = WorkspaceClient()
def ask(text):
    return w.serving_endpoints.query("echo", messages=[ChatMessage(role=ChatMessageRole.USER, content=text)])
def refused(call):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, str(error).split(". Config")[0].split(". Name one")[0].split("; it")[0])
print([e.name for e in w.serving_endpoints.list()])
found = w.serving_endpoints.get("echo")
print(found.task, found.config.served_entities[0].name, found.state.ready.value, found.permission_level.value)
print(ask("hello").choices[0].message.content)
print(w.serving_endpoints.query("double", dataframe_records=[{"x": 2}, {"x": 3}]).predictions)
print(w.api_client.do("POST", "/api/2.0/serving-endpoints/double/invocations", body={"dataframe_records": [{"x": 5}]}))
refused(lambda: ask("fail"))
refused(lambda: w.serving_endpoints.query("broken", inputs=[1]))
refused(lambda: w.serving_endpoints.query("unset", inputs=[1]))
refused(lambda: w.serving_endpoints.query("absent", inputs=[1]))
refused(lambda: w.serving_endpoints.query("hidden", inputs=[1]))
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    let expected = format!(
        "['broken', 'double', 'echo', 'unset']\n\
        llm/v1/chat echo READY CAN_QUERY\n\
        you said hello\n\
        [4, 6]\n\
        {{'predictions': [10]}}\n\
        BadRequest The function of the endpoint 'echo' failed: ValueError: no such thing\n\
        BadRequest The model of the endpoint 'broken' does not load: ModuleNotFoundError: No module named 'not_there'\n\
        BadRequest The endpoint 'unset' has no model behind it here\n\
        ResourceDoesNotExist Endpoint with name 'absent' does not exist\n\
        PermissionDenied {CLIENT_ID} does not have CAN_QUERY permissions on serving endpoint 'hidden'\n"
    );
    assert_eq!(printed, expected);
    let openai = r#"
from databricks.sdk import WorkspaceClient
client = WorkspaceClient().serving_endpoints.get_open_ai_client()
stream = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "hi"}], stream=True)
print([c.choices[0].delta.content for c in stream])
"#;
    let printed = running.python(&environment(TODAY).await, openai).await;
    assert_eq!(printed, "['you ', 'said ', 'hi', None]\n");
}

/// `openai` talks through us to a compatible service: plain, streamed, with tools and embeddings; the key is ours to send.
#[tokio::test(flavor = "multi_thread")]
async fn openai_talks_to_a_compatible_service() {
    let running = start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let service = axum::Router::new()
        .route("/v1/chat/completions", post(fake_chat))
        .route("/v1/embeddings", post(fake_embeddings));
    tokio::spawn(async move { axum::serve(listener, service).await });
    running.handle.put_secret("models", "key", "sk-test").unwrap();
    let backend = ServingBackend::OpenAi {
        base_url,
        model: Some("small".to_owned()),
        key: Some(("models".to_owned(), "key".to_owned())),
        headers: Vec::new(),
    };
    put(&running, "databricks-*", None, backend.clone());
    for name in ["databricks-claude", "databricks-gte-large-en"] {
        running.handle.grant_object(CLIENT_ID, "serving-endpoints", name, "CAN_QUERY").unwrap();
    }
    let nowhere = ServingBackend::OpenAi {
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        model: None,
        key: None,
        headers: Vec::new(),
    };
    put(&running, "nowhere", None, nowhere);
    let script = r#"
import openai
from databricks.sdk import WorkspaceClient
client = WorkspaceClient().serving_endpoints.get_open_ai_client()
client = client.with_options(max_retries=0)
ask = [{"role": "user", "content": "hi"}]
print(client.chat.completions.create(model="databricks-claude", messages=ask).choices[0].message.content)
tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
answer = client.chat.completions.create(model="databricks-claude", messages=ask, tools=tools)
print(answer.choices[0].message.tool_calls[0].function.name)
print([c.choices[0].delta.content for c in client.chat.completions.create(model="databricks-claude", messages=ask, stream=True)])
print(client.embeddings.create(model="databricks-gte-large-en", input=["a", "b"], encoding_format="float").data[1].embedding)
for model in ("nowhere", "databricks-other"):
    try:
        client.chat.completions.create(model=model, messages=ask)
    except openai.APIStatusError as error:
        print(error.status_code, error.body["error_code"] if "error_code" in error.body else error.body)
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    let expected = "small says hi\nf\n['one', 'two']\n[1.0, 2.0]\n502 BAD_GATEWAY\n403 PERMISSION_DENIED\n";
    assert_eq!(printed, expected);
}

async fn fake_chat(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(headers["authorization"], "Bearer sk-test");
    let chunk = |text: &str| {
        let delta = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
        let piece = json!({ "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "small", "choices": [delta] });
        format!("data: {piece}\n\n")
    };
    if body["stream"] == true {
        let text = format!("{}{}data: [DONE]\n\n", chunk("one"), chunk("two"));
        return ([("content-type", "text/event-stream")], text).into_response();
    }
    let mut message =
        json!({ "role": "assistant", "content": format!("{} says hi", body["model"].as_str().unwrap()) });
    if body["tools"].is_array() {
        message["tool_calls"] =
            json!([{ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } }]);
    }
    let choice = json!({ "index": 0, "finish_reason": "stop", "message": message });
    Json(json!({ "id": "1", "object": "chat.completion", "created": 1, "model": "small", "choices": [choice] }))
        .into_response()
}

async fn fake_embeddings(Json(body): Json<Value>) -> Json<Value> {
    let count = body["input"].as_array().unwrap().len();
    let data: Vec<Value> = (0..count)
        .map(|index| json!({ "object": "embedding", "index": index, "embedding": [1.0, 2.0] }))
        .collect();
    Json(
        json!({ "object": "list", "model": "small", "data": data, "usage": { "prompt_tokens": 1, "total_tokens": 1 } }),
    )
}

/// Recorded answers are given for recorded questions and for no other.
#[tokio::test(flavor = "multi_thread")]
async fn recorded_answers_are_replayed() {
    let running = start().await;
    let file = running.directory.path().join("answers.jsonl");
    let lines = [
        json!({ "request": { "messages": [{ "role": "user", "content": "hi" }] }, "response": { "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "recorded" } }], "id": "1", "object": "chat.completion", "created": 1, "model": "m" } }),
        json!({ "request": { "messages": [{ "role": "user", "content": "hi" }] }, "chunks": [{ "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{ "index": 0, "delta": { "content": "rec" }, "finish_reason": null }] }] }),
    ];
    std::fs::write(&file, lines.map(|line| line.to_string()).join("\n")).unwrap();
    put(&running, "taped", None, ServingBackend::Replay { file });
    let script = r#"
import openai
from databricks.sdk import WorkspaceClient
client = WorkspaceClient().serving_endpoints.get_open_ai_client()
def ask(text, **more):
    return client.chat.completions.create(model="taped", messages=[{"role": "user", "content": text}], **more)
print(ask("hi").choices[0].message.content, [c.choices[0].delta.content for c in ask("hi", stream=True)])
try:
    ask("something else")
except openai.NotFoundError as error:
    print(error.body["message"].startswith("None of the 2 recorded answers in "))
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    assert_eq!(printed, "recorded ['rec']\nTrue\n");
}
