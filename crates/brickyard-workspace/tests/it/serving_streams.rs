use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use brickyard_workspace::{ServingBackend, ServingEndpoint, ServingOptions};
use futures_util::StreamExt;
use futures_util::stream::{once, pending};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::harness::{CLIENT_ID, TODAY, environment, start};

/// What a model says passes at once, with and without limits and a log: it says its second word when the client has told
/// it that the first has come, and the client reads both before the model ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_passes_before_the_next_is_said() {
    let running = start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Router::new()
        .route("/v1/chat/completions", post(slow_chat))
        .route("/wait", get(wait))
        .route("/heard", post(hear))
        .with_state(Heard::new(Semaphore::new(0)));
    tokio::spawn(async move { axum::serve(listener, service).await });
    let backend = ServingBackend::OpenAi {
        base_url: format!("http://{address}/v1"),
        model: None,
        key: None,
        headers: Vec::new(),
    };
    let file = running.directory.path().join("words.py");
    let source = format!(
        "import urllib.request\ndef predict(request):\n    yield 'one'\n    urllib.request.urlopen('http://{address}/wait')\n    yield 'two'\n"
    );
    std::fs::write(&file, source).unwrap();
    let function = ServingBackend::Python { file, requirements: Vec::new() };
    let logged = ServingOptions {
        concurrency: Some(2),
        log_table: Some("main.default.words".to_owned()),
        ..ServingOptions::default()
    };
    for (name, backend, options) in [
        ("service", backend.clone(), ServingOptions::default()),
        ("logged", backend, logged),
        ("function", function, ServingOptions::default()),
    ] {
        let task = Some("llm/v1/chat".to_owned());
        running
            .handle
            .put_serving_endpoint(ServingEndpoint { name: name.to_owned(), task, backend })
            .unwrap();
        running.handle.set_serving_options(name, options);
        running.handle.grant_object(CLIENT_ID, "serving-endpoints", name, "CAN_QUERY").unwrap();
    }
    let script = r#"
import json, os, requests
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
client = w.serving_endpoints.get_open_ai_client().with_options(max_retries=0, timeout=60)
ask = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
def first_two(words):
    first = next(words)
    requests.post(os.environ["BACKEND"] + "/heard")
    return first, next(words)
def invoked(name):
    url = f"{w.config.host}/serving-endpoints/{name}/invocations"
    with requests.post(url, headers=w.config.authenticate(), json=ask, stream=True, timeout=60) as answer:
        for line in answer.iter_lines():
            if line:
                yield json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"]["content"]
for name in ("service", "logged", "function"):
    with client.chat.completions.create(model=name, **ask) as pieces:
        print(name, *first_two(piece.choices[0].delta.content for piece in pieces))
    print(name, *first_two(invoked(name)))
"#;
    let mut variables = running.app_environment();
    variables.push(("BACKEND".to_owned(), format!("http://{address}")));
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected =
        ["service", "logged", "function"].map(|name| format!("{name} one two\n").repeat(2)).concat();
    assert_eq!(printed, expected);
}

/// How many first words were heard of which the second was not said.
type Heard = Arc<Semaphore>;

async fn hear(State(heard): State<Heard>) {
    heard.add_permits(1);
}

async fn wait(State(heard): State<Heard>) {
    heard.acquire().await.unwrap().forget();
}

/// A chat that says its second word when the first was heard, and does not end.
async fn slow_chat(State(heard): State<Heard>) -> Response {
    let piece = |word: &str| {
        let delta = json!({ "index": 0, "delta": { "content": word }, "finish_reason": null });
        let piece = json!({ "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta] });
        Ok::<_, std::convert::Infallible>(format!("data: {piece}\n\n"))
    };
    let second = async move {
        wait(State(heard)).await;
        piece("two")
    };
    let words = once(async move { piece("one") }).chain(once(second)).chain(pending());
    ([("content-type", "text/event-stream")], Body::from_stream(words)).into_response()
}
