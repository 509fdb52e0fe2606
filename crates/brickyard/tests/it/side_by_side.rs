//! Several workspaces and several apps at once.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::harness::{Home, Running, get, text};
use super::run::ECHO;

/// What `brickyard env` says of a variable.
fn variable(rows: &Value, name: &str) -> String {
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name);
    row.and_then(|row| row["value"].as_str()).unwrap_or_default().to_owned()
}

fn status(url: &str, token: &str) -> String {
    let bearer = format!("Authorization: Bearer {token}");
    let code = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &bearer];
    text(&Command::new("curl").args(code).arg(url).output().unwrap().stdout)
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let home = Home::new();
    let files = [("app.py", ECHO)];
    let (one, two) = (home.app("one", &files), home.app("two", &files));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let first = Running::start(&home, &[one]);
    let second = Running::start(&home, &[two]);
    assert_ne!(first.url, second.url);
    assert!(second.said.contains("Port 8001 is taken; the app's address has port "), "{}", second.said);

    // Each knows its own principal, and its own host.
    let seen = |running: &Running| -> Value { serde_json::from_str(&get(&running.url, &[]).1).unwrap() };
    let (of_first, of_second) = (seen(&first), seen(&second));
    assert_ne!(of_first["app"], of_second["app"]);
    let (env_one, env_two) = (home.json(&["env", one]), home.json(&["env", two]));
    for name in ["DATABRICKS_HOST", "DATABRICKS_WORKSPACE_ID", "DATABRICKS_APP_PORT", "HTTPS_PROXY"] {
        assert_ne!(variable(&env_one, name), variable(&env_two, name), "{name}");
    }

    // What one creates the other does not see.
    home.stdout(&["sql", "--app", one, "CREATE TABLE main.default.mine AS SELECT 1 AS n"]);
    let elsewhere = home.output(&["sql", "--app", two, "SELECT * FROM main.default.mine"]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(text(&elsewhere.stderr).contains("TABLE_OR_VIEW_NOT_FOUND"), "{}", text(&elsewhere.stderr));

    // A token of one is none of the other's, and the proxy of one does not know the host of the other.
    let running = |folder: &str| -> Value {
        let file = std::path::Path::new(folder).join(".brickyard/running.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    };
    let (run_one, run_two) = (running(one), running(two));
    let token = run_one["token"].as_str().unwrap();
    let me = |run: &Value| format!("{}/api/2.0/preview/scim/v2/Me", run["http_url"].as_str().unwrap());
    assert_eq!((status(&me(&run_one), token), status(&me(&run_two), token)), ("200".into(), "401".into()));
    let across = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_connect}", "--max-time", "60", "-k", "--proxy"])
        .arg(variable(&env_one, "HTTPS_PROXY"))
        .arg(format!("https://{}/", variable(&env_two, "DATABRICKS_HOST")))
        .output()
        .unwrap();
    assert_ne!(text(&across.stdout), "200");
    assert_eq!((first.end(Signal::SIGINT), second.end(Signal::SIGINT)), (Some(0), Some(0)));
}

#[test]
fn an_app_has_an_address_of_its_name() {
    let home = Home::new();
    let app = home.app("my-shop", &[("app.py", ECHO)]);
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let named = running.named_url.clone().unwrap();
    assert!(named.starts_with("http://my-shop.localhost:"), "{named}");
    let (status, body) = get(&named, &[]);
    assert_eq!(status, 200, "{body}");
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(seen["headers"]["x-forwarded-host"], named.trim_start_matches("http://"));
    let (_, port) = named.rsplit_once(':').unwrap();
    assert_eq!(get(&format!("http://other.localhost:{port}"), &[]).0, 404);
    let (status, list) = get(&format!("http://localhost:{port}"), &[]);
    assert!(status == 200 && list.contains(&named), "{list}");
}
