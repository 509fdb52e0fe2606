//! The user's token that an app is given, as time goes by.

use std::process::Command;

use brickyard_testing::python_environment;

use super::harness::{Home, Running, Service, text};

const APP: &str = r#"
from fastapi import FastAPI, Request, WebSocket

app = FastAPI()


@app.get("/token")
def token(request: Request):
    return request.headers["x-forwarded-access-token"]


@app.websocket("/talk")
async def talk(socket: WebSocket):
    await socket.accept()
    async for said in socket.iter_text():
        await socket.send_text(said + " " + socket.headers["x-forwarded-access-token"])
"#;

/// A browser with a `WebSocket` that stays open, and time that passes.
const VISIT: &str = r#"
import subprocess
import sys

import requests
import websocket

url, workspace, *advance = sys.argv[1:]
browser = requests.Session()
token = lambda: browser.get(url + "/token").json()
who = lambda token: requests.get(workspace + "/api/2.0/sql/warehouses", headers={"Authorization": "Bearer " + token}).status_code
early = token()
assert (who(early), token()) == (200, early), who(early)
cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
stream = websocket.create_connection(url.replace("http", "ws", 1) + "/talk", cookie=cookies, origin=url, timeout=300)
def talk(word):
    stream.send(word)
    return stream.recv()
assert talk("one") == "one " + early
subprocess.run(advance, check=True, stdout=subprocess.DEVNULL)
late = token()
assert late != early and (who(late), who(early)) == (200, 401), (who(late), who(early))
assert talk("two") == "two " + early
print("done")
"#;

#[test]
fn a_websocket_keeps_the_token_it_came_with_and_requests_get_a_fresh_one() {
    let service = Service { home: Home::new() };
    let toml = "[app]\nuser-api-scopes = [\"sql\"]\n";
    let yaml = "command: [uvicorn, \"app:app\"]\n";
    let folder = service.home.app("talk", &[("app.py", APP), ("app.yaml", yaml), ("brickyard.toml", toml)]);
    let state = service.home.service();
    let state = ["--state-directory", state.to_str().unwrap()];
    let running =
        Running::start(&service.home, &[&[folder.to_str().unwrap(), "--port", "0"], &state[..]].concat());
    let workspace = service.announced()["http_url"].as_str().unwrap().to_owned();
    let environment = python_environment(&["requests==2.32.5", "websocket-client==1.8.0"]);
    let output = Command::new(environment.python())
        .args([
            "-c",
            VISIT,
            &running.url,
            &workspace,
            env!("CARGO_BIN_EXE_brickyard"),
            "clock",
            "advance",
            "2h",
        ])
        .args(state)
        .env("HOME", service.home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
