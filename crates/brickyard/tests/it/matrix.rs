//! Every framework with every type of resource: one app a framework uses all of them as itself, through clients that are not
//! ours; when a resource is taken from the app, the same process is refused, and told which permission it lacks.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;

use brickyard_testing::python_environment;
use serde_json::{Value, json};

use super::harness::{Home, Running, Service, get, post, signed_in, text};

const PROBE: &str = include_str!("matrix/probe.py");

/// Keys of all types of resource, each with what a refusal names when it is taken from the app.
const KINDS: [(&str, &str); 14] = [
    ("sql-warehouse", "does not have CAN_USE permissions on warehouse"),
    ("serving-endpoint", "does not have CAN_QUERY permissions on serving endpoint 'echo'"),
    ("secret", "does not have READ permissions on secret"),
    ("volume", "does not have WRITE VOLUME on Volume"),
    ("table", "does not have SELECT on Table"),
    ("vector-search-index", "does not have SELECT on Table"),
    ("connection", "does not have USE CONNECTION on Connection"),
    ("function", "does not have EXECUTE on"),
    ("job", "does not have CAN_MANAGE_RUN permissions on job"),
    ("genie-space", "does not have CAN_RUN permissions on Genie space"),
    ("experiment", "does not have CAN_EDIT permissions on experiment"),
    ("database", "No Postgres role of this name was made"),
    ("postgres", "No Postgres role of this name was made"),
    ("app", "does not have CAN_USE permissions on app 'other'"),
];

const TOML: &str = r#"
[seed]
sql = ["seed.sql"]

[secrets.shop]
key = "s3cret"

[serving.echo]
task = "llm/v1/chat"
python = "echo.py"

[genie.facts]
title = "Facts"
tables = ["main.shop.facts"]
questions = [{ question = "How many facts?", sql = "SELECT count(*) AS n FROM main.shop.facts" }]

[connections.api]
host = "http://127.0.0.1"
port = PORT
bearer-token = "connection-token"

[vector-indexes."main.shop.things"]
vector-column = "v"
dimension = 2
schema = { id = "int", v = "array<float>" }

[resources.volume]
securable-full-name = "main.shop.files"
permission = "WRITE_VOLUME"

[resources.table]
securable-full-name = "main.shop.facts"

[resources.function]
securable-full-name = "main.shop.twice"

[resources.job]
python = "job.py"

[resources.experiment]
permission = "CAN_EDIT"

[resources.app]
name = "other"
"#;

/// In a schema of its own, which nobody was let into.
const SEED: &str = "CREATE SCHEMA main.shop;\nCREATE TABLE main.shop.facts (n INT);\nINSERT INTO main.shop.facts VALUES (7);\n\
    CREATE FUNCTION main.shop.twice(n INT) RETURNS INT RETURN n * 2;\nCREATE VOLUME main.shop.files;\n";

const CLIENTS: &str = "databricks-sdk==0.156.0\nopenai\npsycopg[binary]\ndatabricks-vectorsearch==0.81\n";

/// A service outside, for the connection: it answers with what it was asked, and as whom.
fn service_outside() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let asked = head.first().and_then(|line| line.rsplit_once(' ')).map_or("", |(asked, _)| asked);
            let bearer = head.iter().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("authorization").then_some(value)
            });
            let body = format!("{asked} {}", bearer.unwrap_or("-"));
            let length = body.len();
            let _gone = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

/// What the app's page says came of each kind.
fn outcomes(page: &str) -> Value {
    let hex = page.split_once("report-").and_then(|(_, rest)| rest.split_once("-end"));
    let hex = hex.unwrap_or_else(|| panic!("no report: {page}")).0;
    let byte = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    serde_json::from_slice(&bytes).unwrap()
}

/// Runs an app; all its resources work, then all but the warehouse are taken from it, then that one too.
fn every_resource(
    name: &str,
    command: &str,
    more: &str,
    source: &[(&str, &str)],
    page: impl Fn(&Home, &str) -> String,
) {
    let service = Service { home: Home::new() };
    let mut yaml = format!("command: {command}\nenv:\n");
    for (key, _) in KINDS {
        yaml.push_str(&format!("- {{name: {}, valueFrom: {key}}}\n", key.to_uppercase().replace('-', "_")));
    }
    let toml = TOML.replace("PORT", &service_outside().to_string());
    let requirements = format!("{CLIENTS}{more}");
    let mut files = vec![
        ("app.yaml", yaml.as_str()),
        ("brickyard.toml", toml.as_str()),
        ("seed.sql", SEED),
        ("echo.py", "def predict(request):\n    return 'you said ' + request['messages'][-1]['content']\n"),
        ("job.py", "print('ran')\n"),
        ("requirements.txt", requirements.as_str()),
    ];
    files.extend(source);
    let folder = service.home.app(name, &files);
    let (folder, state) = (folder.to_str().unwrap(), service.home.service());
    let arguments = [folder, "--port", "0", "--state-directory", state.to_str().unwrap()];
    let running = Running::start(&service.home, &arguments);
    let (status, other) = service.rest("POST", "/api/2.0/apps?no_compute=true", r#"{"name": "other"}"#);
    assert_eq!(status, 200, "{other}");
    let things = r#"{"inputs_json": "[{\"id\": 1, \"v\": [1.0, 0.0]}, {\"id\": 2, \"v\": [0.0, 1.0]}]"}"#;
    let (status, said) =
        service.rest("POST", "/api/2.0/vector-search/indexes/main.shop.things/upsert-data", things);
    assert_eq!(status, 200, "{said}");

    let works = outcomes(&page(&service.home, &running.url));
    let wrong: Vec<_> =
        works.as_object().unwrap().iter().filter(|(_, outcome)| *outcome != "works").collect();
    assert!(wrong.is_empty() && KINDS.iter().all(|(key, _)| works.get(key).is_some()), "{name}: {wrong:#?}");
    // The way to the schema goes with the last thing in it, and would be what is missing first.
    service.run(&["sql", "GRANT USE SCHEMA ON SCHEMA main.shop TO `users`"]);
    let path = format!("/api/2.0/apps/{name}");
    let (_, app) = service.rest("GET", &path, "");
    let all = app["resources"].as_array().unwrap().clone();
    assert_eq!(all.len(), KINDS.len(), "{app}");
    let keep = |kept: &[Value]| {
        let (status, said) = service.rest("PATCH", &path, &json!({ "resources": kept }).to_string());
        assert_eq!(status, 200, "{said}");
        outcomes(&page(&service.home, &running.url))
    };
    let warehouse: Vec<Value> =
        all.into_iter().filter(|resource| resource["name"] == "sql-warehouse").collect();
    // `run` lets everybody use the app's warehouse, and the app's principal is one of them.
    let list =
        format!("/api/2.0/permissions/warehouses/{}", warehouse[0]["sql_warehouse"]["id"].as_str().unwrap());
    let (status, said) = service.rest("PUT", &list, r#"{"access_control_list": []}"#);
    assert_eq!(status, 200, "{said}");
    let refused = keep(&warehouse);
    assert_eq!(refused["sql-warehouse"], "works", "{name}");
    let wrong: Vec<_> = KINDS[1..]
        .iter()
        .filter(|(key, permission)| !is_refusal(&refused[key], permission))
        .map(|(key, _)| (key, &refused[key]))
        .collect();
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    let (key, permission) = KINDS[0];
    let refused = keep(&[]);
    assert!(is_refusal(&refused[key], permission), "{name}, {key}: {refused}");
}

/// Whether a client was told that something is not allowed, and which permission is missing.
fn is_refusal(outcome: &Value, permission: &str) -> bool {
    const CODES: [&str; 4] =
        ["PermissionDenied", "PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS", "FATAL:  role"];
    let said = outcome.as_str().unwrap();
    said.contains(permission) && CODES.iter().any(|code| said.contains(code))
}

/// A page that a browser without scripts reads.
fn plain_page(home: &Home, url: &str) -> String {
    signed_in(home, url, "/", None).1
}

#[test]
fn flask_reaches_every_resource() {
    let app = "from flask import Flask\nimport probe\napp = Flask(__name__)\napp.get('/')(probe.report)\n";
    let command = "[gunicorn, \"app:app\", -w, \"2\", --timeout, \"300\"]";
    every_resource("flask-matrix", command, "", &[("app.py", app), ("probe.py", PROBE)], plain_page);
}

#[test]
fn fastapi_reaches_every_resource() {
    let app = "from fastapi import FastAPI\nimport probe\napp = FastAPI()\napp.get('/')(probe.report)\n";
    let command = "[uvicorn, \"app:app\"]";
    every_resource("fastapi-matrix", command, "", &[("app.py", app), ("probe.py", PROBE)], plain_page);
}

const DASH: &str = r#"
from dash import Dash, Input, Output, html
import probe
app = Dash(__name__)
app.layout = html.Div([html.Button("Ask", id="ask"), html.Pre(id="report")])
@app.callback(Output("report", "children"), Input("ask", "n_clicks"))
def show(_):
    return probe.report()
app.run(debug=False)
"#;

#[test]
fn dash_reaches_every_resource() {
    let press = json!({
        "output": "report.children",
        "outputs": { "id": "report", "property": "children" },
        "inputs": [{ "id": "ask", "property": "n_clicks", "value": 1 }],
        "changedPropIds": ["ask.n_clicks"],
    });
    let source = [("app.py", DASH), ("probe.py", PROBE)];
    every_resource("dash-matrix", "[python, app.py]", "", &source, |home, url| {
        signed_in(home, url, "/_dash-update-component", Some(&press)).1
    });
}

const GRADIO: &str = r#"
import gradio as gr
import probe
with gr.Blocks() as demo:
    shown = gr.Textbox()
    gr.Button("Ask").click(probe.report, None, shown)
demo.launch()
"#;

#[test]
fn gradio_reaches_every_resource() {
    let source = [("app.py", GRADIO), ("probe.py", PROBE)];
    let visits = std::cell::Cell::new(0);
    every_resource("gradio-matrix", "[python, app.py]", "", &source, |_, url| {
        visits.set(visits.get() + 1);
        let question = json!({ "data": [], "fn_index": 0, "session_hash": format!("visit{}", visits.get()) });
        let headers = [("Content-Type", "application/json")];
        post(&format!("{url}/queue/join"), &headers, &question.to_string());
        get(&format!("{url}/queue/data?session_hash=visit{}", visits.get()), &[]).1
    });
}

/// What a browser sends to Streamlit and reads from it.
const STREAMLIT_VISIT: &str = r#"
import sys
import requests
import websocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
url = sys.argv[1]
session = requests.Session()
session.get(url + "/").raise_for_status()
cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)
stream = websocket.create_connection(
    url.replace("http", "ws", 1) + "/_stcore/stream", subprotocols=["streamlit"], cookie=cookies, origin=url, timeout=600)
run = BackMsg()
run.rerun_script.query_string = ""
stream.send_binary(run.SerializeToString())
said = ForwardMsg()
while said.WhichOneof("type") != "script_finished":
    said.ParseFromString(stream.recv())
    if said.WhichOneof("type") == "delta":
        print(said.delta.new_element)
"#;

#[test]
fn streamlit_reaches_every_resource() {
    let app = "import streamlit as st\nimport probe\nst.text(probe.report())\n";
    let source = [("app.py", app), ("probe.py", PROBE)];
    every_resource("streamlit-matrix", "[streamlit, run, app.py]", "", &source, |_, url| {
        let environment = python_environment(&["streamlit==1.38.0", "websocket-client==1.8.0"]);
        let output = Command::new(environment.python()).args(["-c", STREAMLIT_VISIT, url]).output().unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    });
}

const REFLEX: &str = r#"
import reflex as rx
from fastapi import FastAPI
from . import probe
api = FastAPI()
api.get("/report")(probe.report)
app = rx.App(api_transformer=api)
app.add_page(lambda: rx.text("matrix"), route="/")
"#;

#[test]
fn reflex_reaches_every_resource() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/reflex-taxi");
    let config = std::fs::read_to_string(example.join("rxconfig.py")).unwrap();
    let config = config.replace("reflex_taxi", "matrix_app");
    let source = [
        ("rxconfig.py", config.as_str()),
        ("matrix_app/__init__.py", ""),
        ("matrix_app/matrix_app.py", REFLEX),
        ("matrix_app/probe.py", PROBE),
    ];
    let command = "[sh, -c, \"REFLEX_USE_NPM=1 REFLEX_TELEMETRY_ENABLED=false exec reflex run --env prod\"]";
    let more = "databricks-sql-connector==4.2.4\ngreenlet\nnodejs-wheel==22.*\nreflex==0.9.4\n";
    every_resource("reflex-matrix", command, more, &source, |home, url| {
        signed_in(home, url, "/report", None).1
    });
}
