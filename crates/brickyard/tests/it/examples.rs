use nix::sys::signal::Signal;
use serde_json::Value;

use super::browser::visit;
use super::harness::{Home, Running, get, post, signed_in, wait_for};

/// Trips of the sample table, the same on every machine.
const TRIPS: u64 = 21_932;

/// Users may ask SQL as themselves.
const TOML: &str = "[app]\nuser-api-scopes = [\"sql\"]\n";

fn start(home: &Home, name: &str) -> Running {
    let folder = home.example(name, TOML);
    Running::start(home, &[folder.to_str().unwrap(), "--port", "0"])
}

/// The same with the command of older guides, which pins port 8080: one app of this machine at a time.
fn start_pinned(home: &Home, name: &str, command: &str) -> Running {
    let folder = home.example(name, TOML);
    let yaml = folder.join("app.yaml");
    let before = std::fs::read_to_string(&yaml).unwrap();
    let rest = before.split_once('\n').unwrap().1;
    std::fs::write(&yaml, format!("command: {command}\n{rest}")).unwrap();
    wait_for("port 8080", || std::net::TcpListener::bind(("0.0.0.0", 8080)).is_ok());
    let running = Running::start(home, &[folder.to_str().unwrap(), "--port", "0"]);
    assert!(running.said.contains("warning: The app insists on port 8080"), "{}", running.said);
    running
}

#[test]
fn fastapi_answers_as_the_app_and_as_the_user() {
    let home = Home::new();
    let running = start(&home, "fastapi-taxi");
    let json = |path: &str| -> Value {
        let (status, body) = signed_in(&home, &running.url, path, None);
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

/// `["python", "app.py"]` is the command of older guides too.
#[test]
fn dash_calls_back_with_figures_and_the_user() {
    let home = Home::new();
    let running = start(&home, "dash-taxi");
    assert!(get(&running.url, &[]).1.contains("_dash-config"));
    let ask = |question: &str| {
        let headers = [("Content-Type", "application/json")];
        post(&format!("{}/_dash-update-component", running.url), &headers, question)
    };
    let user = r#"{"output":"user.children","outputs":{"id":"user","property":"children"},"inputs":[{"id":"user","property":"id","value":"user"}],"changedPropIds":["user.id"]}"#;
    let said = ask(user);
    assert!(said.contains("developer@example.com"), "{said}");
    let trips = r#"{"output":"..summary.children...hours.figure..","outputs":[{"id":"summary","property":"children"},{"id":"hours","property":"figure"}],"inputs":[{"id":"least","property":"value","value":0}],"changedPropIds":["least.value"]}"#;
    let said = ask(trips);
    assert!(said.contains("21,932"), "{said}");
}

/// `["python", "app.py"]` is the command of older guides too; answers come as server-sent events.
#[test]
fn gradio_answers_with_figures() {
    let home = Home::new();
    let running = start(&home, "gradio-taxi");
    let (status, body) = get(&running.url, &[]);
    assert!(status == 200 && body.contains("gradio"), "{status} {body}");
    let join = |function: u8, data: &str| {
        let question =
            format!(r#"{{"data":[{data}],"fn_index":{function},"session_hash":"visit{function}"}}"#);
        let headers = [("Content-Type", "application/json")];
        post(&format!("{}/queue/join", running.url), &headers, &question);
        get(&format!("{}/queue/data?session_hash=visit{function}", running.url), &[]).1
    };
    let said = join(0, "");
    assert!(said.contains("developer@example.com"), "{said}");
    let said = join(1, "0");
    assert!(said.contains("process_completed") && said.contains("21,932 trips"), "{said}");
}

/// `["reflex", "run", "--env", "prod"]` is the command of older guides too. Pages and events come through one door, events as a
/// `WebSocket` with the user's token.
#[test]
fn reflex_shows_figures_for_the_user() {
    let home = Home::new();
    let running = start(&home, "reflex-taxi");
    let look = r##"
page.goto(url)
page.locator("#count", has_text="21,932").wait_for()
page.locator("#user", has_text="developer@example.com").wait_for()
"##;
    visit(&home, &running.url, look);
}

#[test]
fn commands_of_older_guides_run_with_a_warning() {
    let home = Home::new();
    let flask =
        start_pinned(&home, "flask-taxi", r#"["gunicorn", "app:app", "-w", "4", "-b", "0.0.0.0:8080"]"#);
    let (status, body) = get(&flask.url, &[]);
    assert!(status == 200 && body.contains("21,932"), "{status} {body}");
    assert_eq!(flask.end(Signal::SIGINT), Some(0));

    let command = r#"["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8080"]"#;
    let fastapi = start_pinned(&home, "fastapi-taxi", command);
    let (status, body) = get(&format!("{}/api/hours", fastapi.url), &[]);
    assert!(status == 200 && body.contains("trips"), "{status} {body}");
    assert_eq!(fastapi.end(Signal::SIGINT), Some(0));

    let command = r#"["streamlit", "run", "app.py", "--server.port", "8080", "--server.address", "0.0.0.0", "--server.headless", "true"]"#;
    let streamlit = start_pinned(&home, "streamlit-taxi", command);
    let look = r#"
page.goto(url)
page.locator("[data-testid=stMetricValue]", has_text="21,932").first.wait_for()
"#;
    visit(&home, &streamlit.url, look);
}
