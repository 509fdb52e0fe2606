use nix::sys::signal::Signal;
use serde_json::Value;

use super::harness::{Home, Running, get, lives, text, wait_for};

/// An app that tells who it is, who asks, and what it was sent.
pub(crate) const ECHO: &str = r#"
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        token = self.headers.get("X-Forwarded-Access-Token")
        client = WorkspaceClient()
        user = WorkspaceClient(host=client.config.host, token=token, auth_type="pat") if token else None
        body = json.dumps({
            "app": client.current_user.me().user_name,
            "client_id": os.environ["DATABRICKS_CLIENT_ID"],
            "user": user.current_user.me().user_name if user else None,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "version": os.environ.get("VERSION"),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

const PEOPLE: &str = r#"
[[users]]
email = "dora@example.com"
name = "Dora Developer"

[[users]]
email = "uma@example.com"
"#;

#[test]
fn an_unmodified_app_runs_as_itself_and_knows_its_user() {
    let home = Home::new();
    let app = home.app(
        "hello",
        &[("app.py", ECHO), ("app.yaml", "command: [python, app.py]\n"), ("brickyard.toml", PEOPLE)],
    );
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let spoofed = [("X-Forwarded-Email", "eve@example.com"), ("x_forwarded_access_token", "stolen")];
    let (status, body) = get(&running.url, &spoofed);
    assert_eq!(status, 200, "{body}");
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(seen["app"], seen["client_id"], "the app is its own service principal");
    assert_eq!(seen["user"], "dora@example.com");
    assert_eq!(seen["headers"]["x-forwarded-email"], "dora@example.com");
    assert_eq!(seen["headers"]["x-forwarded-preferred-username"], "Dora Developer");
    assert_eq!(seen["headers"].get("x_forwarded_access_token"), None);

    // A second terminal joins: the same variables, secrets as stars, and the command's own exit code.
    let variables = home.json(&["env", app.to_str().unwrap()]);
    let value = |name: &str| {
        variables
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == name)
            .map(|row| row["value"].clone())
            .unwrap()
    };
    assert_eq!(value("DATABRICKS_APP_NAME"), "hello");
    assert_eq!(value("DATABRICKS_CLIENT_ID"), seen["client_id"]);
    assert_eq!(value("DATABRICKS_CLIENT_SECRET"), "********");
    let script = "import sys; from databricks.sdk import WorkspaceClient; print(WorkspaceClient().current_user.me().user_name); sys.exit(7)";
    let joined = home.output(&["exec", "--app", app.to_str().unwrap(), "--", "python", "-c", script]);
    assert_eq!(
        (joined.status.code(), text(&joined.stdout).trim()),
        (Some(7), seen["client_id"].as_str().unwrap()),
        "{}",
        text(&joined.stderr)
    );

    let again = home.output(&["run", app.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "two at once in one state directory: {}", text(&again.stderr));
    assert_eq!(running.end(Signal::SIGINT), Some(0));
}

/// The developer lets the app's principal use the app.
const GRANT: &str = "
import os, sys
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.apps import AppAccessControlRequest, AppPermissionLevel
developer = WorkspaceClient(token=sys.argv[1], auth_type='pat')
entry = AppAccessControlRequest(
    service_principal_name=os.environ['DATABRICKS_CLIENT_ID'], permission_level=AppPermissionLevel.CAN_USE
)
developer.apps.update_permissions('hello', access_control_list=[entry])
";

/// Programs come below `/api/` with OAuth tokens; the app gets a token of its own scopes in place of theirs.
#[test]
fn programs_come_with_oauth_tokens_alone() {
    let home = Home::new();
    let app = home.app("hello", &[("app.py", ECHO)]);
    let folder = app.to_str().unwrap();
    let running = Running::start(&home, &[folder, "--port", "0", "--as", "none"]);
    let ask = |path: &str, bearer: &str| {
        get(&format!("{}{path}", running.url), &[("Authorization", &format!("Bearer {bearer}"))])
    };
    let script =
        "from databricks.sdk.core import Config; print(Config().authenticate()['Authorization'].split()[1])";
    let token = home.stdout(&["exec", "--app", folder, "--", "python", "-c", script]);
    // An app may not use itself until somebody says so.
    assert_eq!(ask("/api/me", token.trim()).0, 403);
    let file = std::fs::read(app.join(".brickyard/running.json")).unwrap();
    let personal = serde_json::from_slice::<Value>(&file).unwrap()["token"].as_str().unwrap().to_owned();
    home.stdout(&["exec", "--app", folder, "--", "python", "-c", GRANT, &personal]);
    let (status, body) = ask("/api/me", token.trim());
    assert_eq!(status, 200, "{body}");
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(seen["user"], seen["client_id"], "the token that was passed on is the caller's own");
    let headers = &seen["headers"];
    assert_ne!(headers["x-forwarded-access-token"], token.trim());
    assert_eq!((headers.get("authorization"), headers.get("x-forwarded-email")), (None, None));
    let id = headers["x-forwarded-user"].as_str().unwrap();
    assert!(id.split('@').all(|part| part.parse::<u64>().is_ok()) && id.contains('@'), "{id}");

    // A personal token, none, and any token outside `/api/`.
    assert_eq!(ask("/api/me", &personal).0, 401);
    assert_eq!(get(&format!("{}/api/me", running.url), &[]), (401, "{}".to_owned()));
    assert!(ask("/", token.trim()).1.contains("Sign in"), "a page is for browsers");
}

/// Tells the headers it got, and asks nobody.
const HEADERS: &str = r#"
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

/// Where the workspace does not pass user tokens on, the app still learns who asks, and no more.
#[test]
fn without_user_authorization_no_token_is_passed_on() {
    for (setting, passed) in [("true", true), ("false", false)] {
        let home = Home::new();
        let settings = format!("[app]\nuser-authorization = {setting}\n");
        let app = home.app("hello", &[("app.py", HEADERS), ("brickyard.toml", &settings)]);
        let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
        let (status, body) = get(&running.url, &[]);
        assert_eq!(status, 200, "{body}");
        let headers: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(headers["x-forwarded-email"], "developer@example.com");
        assert_eq!(headers.get("x-forwarded-access-token").is_some(), passed, "{headers}");
    }
}

#[test]
fn another_user_is_signed_in_by_name_and_strangers_are_refused() {
    let home = Home::new();
    let app = home.app("hello", &[("app.py", ECHO), ("brickyard.toml", PEOPLE)]);
    let folder = app.to_str().unwrap();
    let refused = home.output(&["run", folder, "--as", "eve@example.com"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("hint: the users are `dora@example.com`, `uma@example.com`"),
        "{}",
        text(&refused.stderr)
    );
    let running = Running::start(&home, &[folder, "--port", "0", "--as", "uma@example.com"]);
    let (_, body) = get(&running.url, &[]);
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&seen["user"], &seen["headers"]["x-forwarded-email"]),
        (&"uma@example.com".into(), &"uma@example.com".into())
    );
}

#[test]
fn an_app_that_pins_another_port_is_served_with_a_warning() {
    let home = Home::new();
    let command = "command: [python, -m, http.server, --bind, 0.0.0.0, '18473']\n";
    let app = home.app("pinned", &[("app.yaml", command), ("index.html", "<p>pinned</p>"), ("app.py", "")]);
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    assert!(running.said.contains("insists on port 18473"), "{}", running.said);
    assert!(get(&running.url, &[]).1.contains("pinned"));
}

#[test]
fn strict_is_as_unavailable_as_the_platform() {
    let home = Home::new();
    let command = "command: [python, -m, http.server, --bind, 0.0.0.0, '18475']\n";
    let app = home.app("pinned", &[("app.yaml", command), ("app.py", "")]);
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0", "--strict"]);
    let (status, body) = get(&running.url, &[("Accept", "text/html")]);
    assert!(status == 502 && body.contains("App Not Available") && body.contains("18475"), "{status} {body}");
    let ended = running.told(Signal::SIGINT);
    assert!(ended.stderr.contains("warning: The app listens on `0.0.0.0:18475`"), "{}", ended.stderr);
}

#[test]
fn a_crash_is_told_with_the_last_lines() {
    let home = Home::new();
    let app = home.app("broken", &[("app.py", "import sys\nprint('before the end')\nsys.exit(3)\n")]);
    let output = home.output(&["run", app.to_str().unwrap(), "--port", "0"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: The app crashed: exit code 3") && said.contains("| before the end"),
        "{said}"
    );
}

#[test]
fn nothing_outlives_a_killed_brickyard() {
    let home = Home::new();
    let source = "import os, subprocess, sys\nopen('pid', 'w').write(str(os.getpid()))\nsubprocess.Popen([sys.executable, '-c', \"import os, time; open('child', 'w').write(str(os.getpid())); time.sleep(600)\"])\n";
    let app = home.app("family", &[("app.py", &format!("{source}{ECHO}"))]);
    let mut running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    wait_for("the app's child", || {
        app.join("child").exists() && !std::fs::read_to_string(app.join("child")).unwrap().is_empty()
    });
    let pids = ["pid", "child"].map(|name| std::fs::read_to_string(app.join(name)).unwrap());
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    for pid in pids {
        wait_for("the end of the app's processes", || !lives(pid.parse().unwrap()));
    }
}

#[test]
fn wrong_input_is_refused_with_a_hint() {
    let home = Home::new();
    let missing = home.output(&["run", "nowhere"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("There is no folder") && text(&missing.stderr).contains("hint:"));
    let file = home.app("one", &[("app.py", "")]).join("app.py");
    let refused = home.output(&["run", file.to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("is a file, and an app is a folder"), "{}", text(&refused.stderr));
    let app = home.app("typo", &[("app.yaml", "command: streamlit run app.py\n"), ("app.py", "")]);
    let refused = home.output(&["run", app.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("app.yaml:1:10"), "{}", text(&refused.stderr));
    assert_eq!(home.output(&["sql"]).status.code(), Some(2));
}

#[test]
fn shells_complete_every_command() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.stdout(&["completions", shell]);
        assert!(["run", "exec", "doctor", "deploy"].iter().all(|name| script.contains(name)), "{shell}");
    }
    assert!(home.stdout(&["--version"]).starts_with("brickyard 0."));
}
