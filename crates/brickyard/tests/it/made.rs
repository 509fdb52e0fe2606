//! The apps that `brickyard new` makes, run: every framework with every source of data, against the local workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use brickyard_testing::python_environment;
use serde_json::{Value, json};

use super::browser::CHROMIUM;
use super::harness::{Home, Running, sign_in, signed_in, text};

const FRAMEWORKS: [&str; 6] = ["streamlit", "dash", "gradio", "flask", "fastapi", "reflex"];
const DATA: [&str; 5] = ["warehouse", "lakebase", "sdk", "serving", "functions"];
const EVERYTHING: &str = "warehouse,lakebase,sdk,serving,functions";

/// Trips of the sample table, the same on every machine.
const TRIPS: u64 = 21_932;

fn make(home: &Home, framework: &str, data: &str) -> PathBuf {
    let arguments = ["new", "demo", "--framework", framework, "--data", data, "--auth", "both"];
    home.stdout(&arguments);
    home.path().join("demo")
}

fn run(home: &Home, app: &Path) -> Running {
    Running::start(home, &[app.to_str().unwrap(), "--port", "0", "--as", "ada@example.com"])
}

/// Starts an app as it was made, asks its pages in a browser and, where it has one, its API.
fn goes_through(framework: &str, data: &str) {
    let home = Home::new();
    let app = make(&home, framework, data);
    let running = run(&home, &app);
    if matches!(framework, "flask" | "fastapi") {
        api(&home, &running.url, data);
    }
    if framework != "streamlit" {
        let (status, body) = signed_in(&home, &running.url, "/api/health", None);
        assert!(status == 200 && body.contains("\"ok\""), "{framework}: {status} {body}");
    }
    browse(&home, &running.url, framework, data);
}

fn browse(home: &Home, url: &str, framework: &str, data: &str) {
    if !Path::new(CHROMIUM).exists() {
        assert!(std::env::var_os("CI").is_none(), "CI brings Chromium");
        return; // a developer's machine may have no Chromium: CI tells
    }
    let pictures = std::env::var_os("BRICKYARD_SCREENSHOTS")
        .map_or_else(|| "-".to_owned(), |path| path.display().to_string());
    let output = Command::new(python_environment(&["playwright==1.65.2"]).python())
        .args(["-c", include_str!("visit.py"), url, CHROMIUM, framework, data, &pictures])
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{framework} with {data}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

fn api(home: &Home, url: &str, data: &str) {
    sign_in(home, url);
    let ask = |path: &str, body: Option<Value>| -> Value {
        let (status, answer) = signed_in(home, url, path, body.as_ref());
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap()
    };
    assert_eq!(ask("/api/user", None)["name"], "Ada Lovelace");
    for part in data.split(',') {
        match part {
            "warehouse" => {
                let trips = ask("/api/trips", None);
                assert_eq!(trips["summary"]["trips"], TRIPS);
                let hours = trips["hours"].as_array().unwrap();
                let sum: u64 = hours.iter().map(|hour| hour["trips"].as_u64().unwrap()).sum();
                assert_eq!((hours.len(), sum), (24, TRIPS));
            }
            "lakebase" => {
                ask("/api/notes", Some(json!({ "text": "From the API" })));
                let notes = ask("/api/notes", None);
                assert_eq!(
                    (&notes[0]["text"], &notes[0]["author"]),
                    (&json!("From the API"), &json!("Ada Lovelace"))
                );
                assert_eq!(notes.as_array().unwrap().len(), 3, "two were planted");
            }
            "sdk" => {
                // With user authorization the app acts as the user.
                let overview = ask("/api/workspace", None);
                assert_eq!(overview["identity"], "ada@example.com");
                assert_eq!(overview["warehouses"][0]["state"], "RUNNING");
            }
            "serving" => {
                let answer = ask("/api/chat", Some(json!({ "question": "How many bricks?" })));
                assert!(
                    answer["answer"].as_str().unwrap().starts_with("You asked: How many bricks?"),
                    "{answer}"
                );
            }
            "functions" => {
                let answer = ask("/api/greet", Some(json!({ "name": "Grace" })));
                assert_eq!(answer["answer"], "Hello, Grace!");
            }
            other => panic!("{other}"),
        }
    }
}

/// The tests an app is made with pass, in an environment that has what they need.
fn tests_pass(framework: &str, data: &str) {
    let home = Home::new();
    let app = make(&home, framework, data);
    let mut command = home.brickyard(&["exec", "--", "pytest", "-q", "-p", "no:cacheprovider"]);
    let output = command.current_dir(&app).output().unwrap();
    assert!(
        output.status.success(),
        "{framework} with {data}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn a_new_streamlit_app_shows_its_data() {
    goes_through("streamlit", EVERYTHING);
}

#[test]
fn a_new_dash_app_shows_its_data() {
    goes_through("dash", EVERYTHING);
}

#[test]
fn a_new_gradio_app_shows_its_data() {
    goes_through("gradio", EVERYTHING);
}

#[test]
fn a_new_flask_app_shows_its_data() {
    goes_through("flask", EVERYTHING);
}

#[test]
fn a_new_fastapi_app_shows_its_data() {
    goes_through("fastapi", EVERYTHING);
}

#[test]
fn a_new_reflex_app_shows_its_data() {
    goes_through("reflex", EVERYTHING);
}

#[test]
fn the_tests_of_a_new_app_pass() {
    tests_pass("flask", EVERYTHING);
}

/// Each framework with each source of data alone, and the tests of each: half an hour, so by hand:
/// `cargo test -p brickyard --test it every_framework -- --ignored`. `BRICKYARD_MATRIX=dash` takes one framework.
#[test]
#[ignore = "the whole matrix takes half an hour; the tests above run every framework and every source of data"]
fn every_framework_with_every_source_of_data_alone() {
    let wanted = std::env::var_os("BRICKYARD_MATRIX").unwrap_or_default().display().to_string();
    for framework in FRAMEWORKS
        .iter()
        .filter(|framework| wanted.is_empty() || wanted.split(',').any(|word| word == **framework))
    {
        for data in DATA {
            goes_through(framework, data);
            tests_pass(framework, data);
        }
        tests_pass(framework, EVERYTHING);
    }
}
