use super::harness::{Home, text};

const APP: &str = r#"
import os
from databricks.sdk import WorkspaceClient
from flask import Flask, request
app = Flask(__name__)
def me():
    host = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
    token = request.headers["X-Forwarded-Access-Token"]
    return WorkspaceClient(host=host, token=token, auth_type="pat").current_user.me()
@app.get("/")
def page():
    return {"me": me().user_name, "told": request.headers["X-Forwarded-Email"]}
"#;

const TESTS: &str = r#"
import pytest
from app import app
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import Unauthenticated

app.testing = True  # errors of the app are the test's

def test_everybody_is_themselves(as_user):
    client = app.test_client()
    for user in ("dora@example.com", "ada@example.com"):
        assert client.get("/", headers=as_user(user)).json == {"me": user, "told": user}

def test_tokens_end_after_an_hour(as_user, brickyard_clock):
    headers = as_user("ada@example.com")
    before = brickyard_clock.offset
    brickyard_clock.advance(hours=2)
    assert brickyard_clock.offset == before + 7200
    with pytest.raises(Unauthenticated):
        app.test_client().get("/", headers=headers)

def test_the_clock_is_put_back(brickyard_clock):
    assert brickyard_clock.offset == 3600

def test_a_fault_is_met_once(brickyard_fault):
    w = WorkspaceClient()
    brickyard_fault("/api/2.0/sql/warehouses", status=403, error_code="PERMISSION_DENIED", count=1)
    with pytest.raises(Exception, match="ordered in the local workspace"):
        list(w.warehouses.list())
    list(w.warehouses.list())

def test_a_fault_of_brickyard_toml_is_there_and_gone():
    with pytest.raises(Exception, match="ordered in the local workspace"):
        list(WorkspaceClient().secrets.list_scopes())
"#;

/// `pytest` in `brickyard exec` finds fixtures for the clock, for faults and for requests as a user; the clock and a fault
/// of `brickyard.toml` are there from the start.
#[test]
fn pytest_moves_the_clock_orders_faults_and_asks_as_users() {
    let home = Home::new();
    let toml = "[app]\nuser-api-scopes = [\"iam.current-user:read\"]\n\n[[users]]\nemail = \"dora@example.com\"\n\n[[users]]\nemail = \"ada@example.com\"\n\n[clock]\nadvance-seconds = 3600\n\n[[faults]]\npath = \"/api/2.0/secrets/scopes\"\nstatus = 400\n";
    let files = [
        ("app.py", APP),
        ("app.yaml", "command: [gunicorn, \"app:app\"]\n"),
        ("requirements.txt", "pytest==8.4.2\n"),
        ("brickyard.toml", toml),
        ("test_app.py", TESTS),
    ];
    let folder = home.app("shop", &files);
    let test = folder.join("test_app.py");
    let arguments = [
        "exec",
        "--app",
        folder.to_str().unwrap(),
        "--",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        test.to_str().unwrap(),
    ];
    let output = home.output(&arguments);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("5 passed"), "{}", text(&output.stdout));
}
