//! Several people at once in one app, on one framework after the other: Chromium visits as two users, and each sees their own rows,
//! read as themselves, beside what the app reads as itself from the resources that are bound to it.

use std::path::Path;
use std::process::Command;

use brickyard_testing::python_environment;

use super::harness::{Home, Running, text};

const CHROMIUM: &str = "/usr/bin/chromium";

/// Rows of two owners behind a row filter, and one of every kind of thing an app can be given.
const SEED: &str = "CREATE TABLE main.default.orders (owner STRING, item STRING);
INSERT INTO main.default.orders VALUES ('ada@example.com', 'anchor'), ('bob@example.com', 'bell'), ('bob@example.com', 'boat');
CREATE FUNCTION main.default.own(owner STRING) RETURNS BOOLEAN RETURN owner = current_user();
ALTER TABLE main.default.orders SET ROW FILTER main.default.own ON (owner);
GRANT USE CATALOG ON CATALOG main TO `users`;
GRANT USE SCHEMA ON SCHEMA main.default TO `users`;
GRANT SELECT ON TABLE main.default.orders TO `users`;
CREATE TABLE main.default.facts (n INT);
INSERT INTO main.default.facts VALUES (7);
CREATE FUNCTION main.default.twice(n INT) RETURNS INT RETURN n * 2;
CREATE VOLUME IF NOT EXISTS main.default.files;
";

const TOML: &str = r#"
[app]
user-api-scopes = ["sql"]

[[users]]
email = "dora@example.com"

[[users]]
email = "ada@example.com"

[[users]]
email = "bob@example.com"

[seed]
sql = ["seed.sql"]

[secrets.shop]
key = "s3cret"

[serving.echo]
task = "llm/v1/chat"
python = "echo.py"

[resources.sql-warehouse]
type = "sql-warehouse"

[resources.secret]
type = "secret"
scope = "shop"
key = "key"

[resources.serving-endpoint]
type = "serving-endpoint"
name = "echo"

[resources.table]
type = "table"
securable-full-name = "main.default.facts"

[resources.volume]
type = "volume"
securable-full-name = "main.default.files"
permission = "WRITE_VOLUME"

[resources.function]
type = "function"
securable-full-name = "main.default.twice"

[[grants]]
to = "app"
privileges = ["SELECT"]
on = "TABLE main.default.facts"

[[grants]]
to = "app"
privileges = ["EXECUTE"]
on = "FUNCTION main.default.twice"

[[grants]]
to = "app"
privileges = ["READ VOLUME", "WRITE VOLUME"]
on = "VOLUME main.default.files"
"#;

/// What every app shares: the user's rows by the forwarded token, and each resource used as the app.
const SHOP: &str = r#"
import io
import os

from databricks import sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole

config = Config()


def rows(statement, token=None):
    who = {"access_token": token} if token else {"credentials_provider": lambda: config.authenticate}
    path = "/sql/1.0/warehouses/" + os.environ["WAREHOUSE"]
    with sql.connect(server_hostname=config.host, http_path=path, **who) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def mine(token):
    if not token:
        return "rows of nobody"
    return "rows " + "+".join(row[0] for row in rows("SELECT item FROM main.default.orders ORDER BY item", token))


def warehouse():
    return rows("SELECT current_user()")[0][0] == config.client_id


def secret():
    return os.environ["SECRET"] == "s3cret"


def table():
    return rows("SELECT n FROM " + os.environ["TABLE"])[0][0] == 7


def function():
    return rows("SELECT " + os.environ["FUNCTION"] + "(4)")[0][0] == 8


def volume():
    files = WorkspaceClient().files
    files.upload(os.environ["VOLUME"] + "/a.txt", io.BytesIO(b"kept"), overwrite=True)
    return files.download(os.environ["VOLUME"] + "/a.txt").contents.read() == b"kept"


def serving():
    asked = [ChatMessage(role=ChatMessageRole.USER, content="hi")]
    answer = WorkspaceClient().serving_endpoints.query(os.environ["SERVING"], messages=asked)
    return answer.choices[0].message.content == "you said hi"


def used():
    wanted = os.environ["USES"].split()
    return "app " + " ".join(name for name in wanted if globals()[name]())
"#;

const STREAMLIT: &str = r#"
import streamlit as st
import shop
st.write(shop.mine(st.context.headers.get("X-Forwarded-Access-Token")))
st.write(shop.used())
"#;

const DASH: &str = r#"
from dash import Dash, html
from flask import request
import shop
app = Dash(__name__, suppress_callback_exceptions=True)
app.layout = lambda: html.Div([html.P(shop.mine(request.headers.get("X-Forwarded-Access-Token"))), html.P(shop.used())])
app.run(debug=False)
"#;

const GRADIO: &str = r#"
import gradio as gr
import shop
def show(request: gr.Request):
    return shop.mine(request.headers.get("x-forwarded-access-token")), shop.used()
with gr.Blocks() as demo:
    mine, used = gr.Markdown(), gr.Markdown()
    demo.load(show, None, [mine, used])
demo.launch()
"#;

const FLASK: &str = r#"
from flask import Flask, request
import shop
app = Flask(__name__)
@app.get("/")
def page():
    return f"<p>{shop.mine(request.headers.get('X-Forwarded-Access-Token'))}</p><p>{shop.used()}</p>"
"#;

const FASTAPI: &str = r#"
from fastapi import FastAPI, Header
from fastapi.responses import HTMLResponse
import shop
app = FastAPI()
@app.get("/", response_class=HTMLResponse)
def page(x_forwarded_access_token: str = Header(None)):
    return f"<p>{shop.mine(x_forwarded_access_token)}</p><p>{shop.used()}</p>"
"#;

const REFLEX: &str = r#"
import asyncio
import reflex as rx
from . import shop
class State(rx.State):
    mine: str = ""
    used: str = ""
    @rx.event
    async def load(self):
        token = self.router.headers.raw_headers.get("x-forwarded-access-token")
        self.mine = await asyncio.to_thread(shop.mine, token)
        self.used = await asyncio.to_thread(shop.used)
app = rx.App()
app.add_page(lambda: rx.fragment(rx.text(State.mine), rx.text(State.used)), route="/", on_load=State.load)
"#;

/// Two people in two browser contexts, both in before either looks again.
const VISIT: &str = r#"
import sys
from playwright.sync_api import sync_playwright

url, chromium, used = sys.argv[1:]
quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
people = {"ada@example.com": "rows anchor", "bob@example.com": "rows bell+boat"}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
    pages = {}
    for user in people:
        page = browser.new_context().new_page()
        page.set_default_timeout(180_000)
        page.goto(url + "/")
        assert "/oidc/v1/authorize" in page.url, page.url
        page.check(f"input[name=user][value='{user}']", force=True)
        page.click("button[value=allow]")
        page.wait_for_url(url + "/**")
        pages[user] = page
    for _ in range(2):
        for user, page in pages.items():
            page.get_by_text(people[user], exact=True).first.wait_for()
            page.get_by_text("app " + used, exact=True).first.wait_for()
            others = [text for other, text in people.items() if other != user]
            assert not any(text in page.inner_text("body") for text in others), page.inner_text("body")
            page.reload()
    browser.close()
print("done")
"#;

/// Runs an app and visits it.
fn visit(name: &str, command: &str, uses: &str, source: &[(&str, &str)]) {
    if !Path::new(CHROMIUM).exists() {
        assert!(std::env::var_os("CI").is_none(), "CI brings Chromium");
        return; // a developer's machine may have no Chromium: CI tells
    }
    let home = Home::new();
    let names = [
        ("WAREHOUSE", "sql-warehouse"),
        ("SECRET", "secret"),
        ("SERVING", "serving-endpoint"),
        ("TABLE", "table"),
        ("VOLUME", "volume"),
        ("FUNCTION", "function"),
    ];
    let variables: Vec<String> =
        names.iter().map(|(name, key)| format!("- {{name: {name}, valueFrom: {key}}}\n")).collect();
    let variables = variables.concat();
    let yaml = format!("command: {command}\nenv:\n- {{name: USES, value: {uses}}}\n{variables}");
    let echo = "def predict(request):\n    return 'you said ' + request['messages'][-1]['content']\n";
    let mut files =
        vec![("app.yaml", yaml.as_str()), ("brickyard.toml", TOML), ("seed.sql", SEED), ("echo.py", echo)];
    files.extend(source);
    let folder = home.app(name, &files);
    let running = Running::start(&home, &[folder.to_str().unwrap(), "--port", "0", "--as", "none"]);
    let environment = python_environment(&["playwright==1.65.2"]);
    let output = Command::new(environment.python())
        .args(["-c", VISIT, &running.url, CHROMIUM, uses])
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn streamlit_shows_everybody_their_own() {
    let files = [("app.py", STREAMLIT), ("shop.py", SHOP)];
    visit("streamlit-shop", "[streamlit, run, app.py]", "volume serving", &files);
}

#[test]
fn dash_shows_everybody_their_own() {
    visit("dash-shop", "[python, app.py]", "secret table", &[("app.py", DASH), ("shop.py", SHOP)]);
}

#[test]
fn gradio_shows_everybody_their_own() {
    visit("gradio-shop", "[python, app.py]", "serving table", &[("app.py", GRADIO), ("shop.py", SHOP)]);
}

#[test]
fn flask_shows_everybody_their_own() {
    let command = "[gunicorn, \"app:app\", -w, \"2\"]";
    visit("flask-shop", command, "function secret", &[("app.py", FLASK), ("shop.py", SHOP)]);
}

#[test]
fn fastapi_shows_everybody_their_own() {
    let command = "[uvicorn, \"app:app\"]";
    visit("fastapi-shop", command, "serving volume", &[("app.py", FASTAPI), ("shop.py", SHOP)]);
}

#[test]
fn reflex_shows_everybody_their_own() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/reflex-taxi");
    let read = |name: &str| std::fs::read_to_string(example.join(name)).unwrap();
    let config = read("rxconfig.py").replace("reflex_taxi", "shop_app");
    let requirements = read("requirements.txt");
    let files = [
        ("rxconfig.py", config.as_str()),
        ("requirements.txt", requirements.as_str()),
        ("shop_app/__init__.py", ""),
        ("shop_app/shop_app.py", REFLEX),
        ("shop_app/shop.py", SHOP),
    ];
    let command = "[sh, -c, \"REFLEX_USE_NPM=1 REFLEX_TELEMETRY_ENABLED=false exec reflex run --env prod\"]";
    visit("reflex-shop", command, "warehouse", &files);
}
