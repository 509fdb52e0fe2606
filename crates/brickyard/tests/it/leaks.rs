//! Secrets are for the app's environment alone: not for command lines, logs, errors or files that others read.

use std::path::Path;

use super::harness::{Home, Running, get, text, wait_for};

const SECRET: &str = "sup3r-s3cret-value";

const APP: &str = r#"
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{len(os.environ['SECRET'])} {len(os.environ['DATABRICKS_CLIENT_SECRET'])}".encode())
HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Page).serve_forever()
"#;

const TOML: &str = r#"
[secrets.shop]
key = "sup3r-s3cret-value"

[serving.away]
url = "http://127.0.0.1:1/v1"
api-key = "shop/key"

[resources.secret]
type = "secret"
scope = "shop"
key = "key"

[resources.serving-endpoint]
type = "serving-endpoint"
name = "away"
"#;

/// Command lines of every process of ours.
fn command_lines() -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        all.push_str(&text(&line).replace('\0', " "));
        all.push('\n');
    }
    all
}

/// Files below a folder that hold a text.
fn holding(folder: &Path, what: &[u8], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            holding(&path, what, found);
        } else if kind.is_file()
            && std::fs::read(&path).is_ok_and(|bytes| bytes.windows(what.len()).any(|part| part == what))
        {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn secrets_stay_out_of_command_lines_logs_and_files() {
    let home = Home::new();
    let yaml = "command: [python, app.py]\nenv:\n- {name: SECRET, valueFrom: secret}\n- {name: MODEL, valueFrom: serving-endpoint}\n";
    let app = home.app("shop", &[("app.py", APP), ("app.yaml", yaml), ("brickyard.toml", TOML)]);
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let mut page = (0, String::new());
    wait_for("the page", || {
        page = get(&running.url, &[]);
        page.0 == 200
    });
    assert!(page.1.starts_with("18 "), "{}", page.1);
    let shown = home.output(&["env", app.to_str().unwrap()]);
    let ask = "from databricks.sdk import WorkspaceClient\nWorkspaceClient().serving_endpoints.query('away', messages=[])";
    let failed = home.output(&["exec", "--app", app.to_str().unwrap(), "--", "python", "-c", ask]);
    assert!(!failed.status.success());
    for said in [
        &running.said,
        &text(&shown.stdout),
        &text(&shown.stderr),
        &text(&failed.stdout),
        &text(&failed.stderr),
    ] {
        assert!(!said.contains(SECRET), "{said}");
    }
    assert!(text(&failed.stderr).contains("does not answer"), "{}", text(&failed.stderr));
    let lines = command_lines();
    assert!(lines.contains("app.py") && !lines.contains(SECRET), "{lines}");
    let mut found = Vec::new();
    holding(&app.join(".brickyard"), SECRET.as_bytes(), &mut found);
    // What a second terminal needs to run a command in the app's environment, for its owner alone.
    found.retain(|path| !path.ends_with("running.json"));
    assert!(found.is_empty(), "{found:?}");
    let file = std::fs::metadata(app.join(".brickyard/running.json")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
    assert_eq!(mode & 0o077, 0);
}
