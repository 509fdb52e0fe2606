use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::harness::{Home, Running, get, text};

/// Trips of the sample table, the same on every machine.
const TRIPS: u64 = 21_932;

/// An example in a folder of its own, so that its state is nobody else's.
fn example(home: &Home, name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let to = home.path().join(name);
    let copied = Command::new("cp").arg("-r").arg(from).arg(&to).status().unwrap();
    assert!(copied.success());
    // What a run of the example itself may have left.
    let _ = std::fs::remove_dir_all(to.join(".brickyard"));
    to
}

/// The example with users who may ask SQL as themselves.
fn start(home: &Home, name: &str) -> Running {
    let folder = example(home, name);
    std::fs::write(folder.join("brickyard.toml"), "[app]\nuser-api-scopes = [\"sql\"]\n").unwrap();
    Running::start(home, &[folder.to_str().unwrap(), "--port", "0"])
}

#[test]
fn fastapi_answers_as_the_app_and_as_the_user() {
    let home = Home::new();
    let running = start(&home, "fastapi-taxi");
    let json = |path: &str| -> Value {
        let (status, body) = signed_in(&home, &running.url, path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    };
    let me = json("/api/me");
    assert_eq!(me["user"], "developer@example.com");
    assert_eq!(me["app"].as_str().unwrap().len(), 36, "the app is its service principal");
    let hours = json("/api/hours");
    let trips: u64 = hours.as_array().unwrap().iter().map(|hour| hour["trips"].as_u64().unwrap()).sum();
    assert_eq!(trips, TRIPS);
}

#[test]
fn flask_renders_figures_for_the_user() {
    let home = Home::new();
    let running = start(&home, "flask-taxi");
    let (status, body) = get(&running.url, &[]);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("developer@example.com") && body.contains("21,932"), "{body}");
}

#[test]
fn dash_calls_back_with_the_user() {
    let home = Home::new();
    let running = start(&home, "dash-taxi");
    assert!(get(&running.url, &[]).1.contains("_dash-config"));
    let question = r#"{"output":"user.children","outputs":{"id":"user","property":"children"},"inputs":[{"id":"user","property":"id","value":"user"}],"changedPropIds":["user.id"]}"#;
    let jar = sign_in(&home, &running.url);
    let answer = Command::new("curl")
        .args(["-s", "-b", &jar, "-H", "Content-Type: application/json", "--data", question])
        .arg(format!("{}/_dash-update-component", running.url))
        .output()
        .unwrap();
    assert!(text(&answer.stdout).contains("developer@example.com"), "{}", text(&answer.stdout));
}

#[test]
fn gradio_serves_its_page() {
    let home = Home::new();
    let running = start(&home, "gradio-taxi");
    let (status, body) = get(&running.url, &[]);
    assert!(status == 200 && body.contains("gradio"), "{status} {body}");
}

/// Signs in and gives the cookie jar.
fn sign_in(home: &Home, url: &str) -> String {
    let jar = home.path().join("cookies").to_str().unwrap().to_owned();
    let signed = Command::new("curl")
        .args(["-s", "-L", "-c", &jar, "-b", &jar, "-o", "/dev/null"])
        .arg(url)
        .status()
        .unwrap();
    assert!(signed.success());
    jar
}

fn signed_in(home: &Home, url: &str, path: &str) -> (u16, String) {
    let jar = sign_in(home, url);
    let answer = Command::new("curl")
        .args(["-s", "-b", &jar, "-w", "\n%{http_code}"])
        .arg(format!("{url}{path}"))
        .output()
        .unwrap();
    let all = text(&answer.stdout);
    let (body, code) = all.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), body.to_owned())
}
