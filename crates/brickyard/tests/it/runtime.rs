//! Apps of every kind, and what happens to them: changes of their files, ports that others take, the two ways to stop.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use brickyard_testing::{node_environment, python_environment};
use nix::sys::signal::Signal;

use super::harness::{Home, Running, get, lives, text, wait_for};

/// Serves what the function `answer` of the app gives.
const SERVE: &str = r#"
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = answer().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

fn served(answer: &str) -> String {
    format!("{answer}\n{SERVE}")
}

#[test]
fn a_node_app_is_installed_built_and_started() {
    const MANIFEST: &str = r#"{
        "name": "shop", "version": "1.0.0", "private": true,
        "dependencies": {"greeter": "file:./greeter"},
        "scripts": {"build": "node build.js", "start": "node server.js"}
    }"#;
    const SERVER: &str = r#"
const greeter = require("greeter");
const built = require("fs").readFileSync("built.txt", "utf8");
require("http").createServer((_, answer) => answer.end(`${greeter()} ${built}`)).listen(process.env.DATABRICKS_APP_PORT, "0.0.0.0");
"#;
    let home = Home::new();
    let files = [
        ("package.json", MANIFEST),
        ("greeter/package.json", r#"{"name": "greeter", "version": "1.0.0", "main": "index.js"}"#),
        ("greeter/index.js", "module.exports = () => 'hello'"),
        ("build.js", "require('fs').writeFileSync('built.txt', require('greeter')() + ' from the build')"),
        ("server.js", SERVER),
        // A package.json beats whatever Python there is.
        ("app.py", "raise SystemExit('not this one')"),
    ];
    let app = home.app("shop", &files);
    let mut command = home.brickyard(&["run", app.to_str().unwrap(), "--port", "0"]);
    let mut path = node_environment(&[]).programs().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    command.env("PATH", path);
    let running = Running::of(command);
    assert_eq!(get(&running.url, &[]), (200, "hello hello from the build".to_owned()));
}

#[test]
fn a_uv_app_has_what_its_lock_names_and_nothing_else() {
    const MANIFEST: &str = "[project]\nname = \"shop\"\nversion = \"0\"\nrequires-python = \">=3.11\"\ndependencies = [\"iniconfig==2.0.0\"]\n";
    let answer = served(
        "import importlib.metadata, importlib.util\ndef answer():\n    return importlib.metadata.version('iniconfig') + ' ' + str(importlib.util.find_spec('flask'))",
    );
    let home = Home::new();
    let app = home.app("shop", &[("pyproject.toml", MANIFEST), ("app.py", &answer)]);
    let uv = python_environment(&["uv"]).program("uv");
    let locked = Command::new(uv).args(["lock", "--quiet"]).current_dir(&app).output().unwrap();
    assert!(locked.status.success(), "{}", text(&locked.stderr));
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    assert_eq!(get(&running.url, &[]), (200, "2.0.0 None".to_owned()));
}

#[test]
fn a_changed_file_is_served() {
    let home = Home::new();
    let app = home.app("shop", &[("app.py", &served("def answer(): return 'before'"))]);
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0", "--reload"]);
    assert_eq!(get(&running.url, &[]).1, "before");
    std::fs::write(app.join("app.py"), served("def answer(): return 'after'")).unwrap();
    wait_for("the new version", || get(&running.url, &[]) == (200, "after".to_owned()));
    // A version that does not start is told, and the next one is served again.
    std::fs::write(app.join("app.py"), "raise SystemExit('broken')").unwrap();
    wait_for("the broken version", || get(&running.url, &[]).0 == 502);
    std::fs::write(app.join("app.py"), served("def answer(): return 'mended'")).unwrap();
    wait_for("the mended version", || get(&running.url, &[]) == (200, "mended".to_owned()));
    assert_eq!(running.end(Signal::SIGINT), Some(0));
}

/// The app waits between being told its port and listening on it, and meanwhile another program takes the port.
#[test]
fn a_port_that_is_taken_meanwhile_is_changed_for_another() {
    const WAIT: &str = "import os, time\nif not os.path.exists('taken'):\n    open('part', 'w').write(os.environ['DATABRICKS_APP_PORT'])\n    os.rename('part', 'port')\n    while not os.path.exists('taken'): time.sleep(0.02)\ndef answer(): return os.environ['DATABRICKS_APP_PORT']";
    let home = Home::new();
    let app = home.app("shop", &[("app.py", &served(WAIT))]);
    let taking = app.clone();
    let other = std::thread::spawn(move || {
        wait_for("the app's port", || taking.join("port").exists());
        let port: u16 = std::fs::read_to_string(taking.join("port")).unwrap().parse().unwrap();
        let listener = std::net::TcpListener::bind(("0.0.0.0", port)).unwrap();
        std::fs::write(taking.join("taken"), "").unwrap();
        (port, listener)
    });
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let (port, _listener) = other.join().unwrap();
    let now = get(&running.url, &[]).1;
    assert_ne!(now, port.to_string());
    assert!(running.said.contains(&format!("the app is told to listen on {now}")), "{}", running.said);
    let variables = home.json(&["env", app.to_str().unwrap()]);
    let told = variables.as_array().unwrap().iter().find(|row| row["name"] == "DATABRICKS_APP_PORT").unwrap();
    assert_eq!(told["value"], now.as_str(), "other terminals are told the new one");
}

/// An app that writes `term` when it is asked to stop, and stops or not.
fn stubborn(home: &Home, then: &str) -> std::path::PathBuf {
    let source = format!(
        "import os, signal, sys, time\ndef end(*_):\n    open('term', 'w').close()\n    {then}\nsignal.signal(signal.SIGTERM, end)\nopen('pid', 'w').write(str(os.getpid()))\ndef answer(): return 'up'"
    );
    home.app("shop", &[("app.py", &served(&source))])
}

fn pid(app: &Path) -> u32 {
    std::fs::read_to_string(app.join("pid")).unwrap().parse().unwrap()
}

#[test]
fn ctrl_c_lets_the_app_end_softly() {
    let home = Home::new();
    let app = stubborn(&home, "time.sleep(0.5); open('ended', 'w').close(); sys.exit(0)");
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let process = pid(&app);
    let ended = running.told(Signal::SIGINT);
    assert_eq!(ended.status.code(), Some(0));
    assert!(app.join("ended").exists(), "it had its time");
    assert!(ended.stderr.contains("Stopping; press Ctrl-C again to stop at once"), "{}", ended.stderr);
    assert!(!lives(process));
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let home = Home::new();
    let app = stubborn(&home, "pass");
    let mut running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let process = pid(&app);
    running.tell(Signal::SIGINT);
    wait_for("the soft end to be asked for", || app.join("term").exists());
    assert!(running.child.try_wait().unwrap().is_none() && lives(process), "the app has 15 seconds");
    assert_eq!(running.told(Signal::SIGINT).status.code(), Some(130));
    wait_for("the end of the app", || !lives(process));
}

#[test]
fn limits_of_the_front_door_are_settings() {
    let home = Home::new();
    let slow = "import time\ndef answer():\n    time.sleep(600)";
    let toml = "[ingress]\nrequest-timeout = 1\nbody-limit = 1000\n";
    let app = home.app("shop", &[("app.py", &served(slow)), ("brickyard.toml", toml)]);
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    let (status, body) = get(&running.url, &[]);
    assert!(status == 504 && body.contains("did not answer within 1 s"), "{status} {body}");
    let large = home.path().join("large");
    std::fs::File::create(&large).unwrap().write_all(&[b'x'; 2_000]).unwrap();
    let refused = super::harness::post(&running.url, &[], &format!("@{}", large.display()));
    assert!(refused.contains("larger than 1000 bytes"), "{refused}");
}

/// Sends a span as OpenTelemetry's own exporter does by its variables alone.
const EXPORT: &str = r#"
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
with trace.get_tracer("shop").start_as_current_span("checkout"):
    pass
provider.shutdown()
"#;

/// The bodies that a collector gets, from each request one.
fn collector() -> (String, std::sync::mpsc::Receiver<(String, Vec<u8>)>) {
    use std::io::{BufRead, BufReader, Read};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while reader.read_line(&mut head).unwrap() > 2 {
                let line = head.lines().last().unwrap().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    (url, receiver)
}

#[test]
fn telemetry_goes_to_the_collector_of_brickyard_toml_and_without_one_nowhere() {
    const BUNDLE: &str =
        "bundle: {name: shop}\nresources:\n  apps:\n    shop:\n      name: shop\n      source_code_path: .\n";
    const DESTINATIONS: &str =
        "      telemetry_export_destinations:\n        - unity_catalog: {traces_table: main.otel.spans}\n";
    let home = Home::new();
    let app =
        home.app("shop", &[("databricks.yml", BUNDLE), ("app.py", &served("def answer(): return 'ok'"))]);
    let variables = || -> Vec<(String, String)> {
        let all = home.json(&["env", app.to_str().unwrap()]);
        let all = all.as_array().unwrap().iter();
        let ours = all.filter(|variable| variable["name"].as_str().unwrap().starts_with("OTEL_"));
        ours.map(|variable| {
            assert_eq!(variable["origin"], "platform");
            (variable["name"].as_str().unwrap().to_owned(), variable["value"].as_str().unwrap().to_owned())
        })
        .collect()
    };
    assert_eq!(variables(), [], "nobody asked for telemetry");

    std::fs::write(app.join("databricks.yml"), format!("{BUNDLE}{DESTINATIONS}")).unwrap();
    let set = variables();
    let names: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_SERVICE_NAME",
    ];
    assert_eq!(names, expected);
    assert_eq!(set[0].1, "http://localhost:4314");
    assert_eq!(set[1].1, "grpc");
    assert!(set[2].1.starts_with("workspace.id=") && set[2].1.ends_with(",app.name=shop"), "{set:?}");
    let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
    assert!(running.said.contains("exports as telemetry goes nowhere"), "{}", running.said);
    drop(running);

    let (endpoint, received) = collector();
    let toml = format!("[telemetry]\nendpoint = \"{endpoint}\"\nprotocol = \"http/protobuf\"\n");
    std::fs::write(app.join("brickyard.toml"), toml).unwrap();
    std::fs::write(app.join("requirements.txt"), "opentelemetry-exporter-otlp-proto-http\n").unwrap();
    let output = home
        .brickyard(&["exec", "--app", app.to_str().unwrap(), "--", "python", "-c", EXPORT])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (head, body) = received.try_recv().unwrap();
    assert!(head.starts_with("POST /v1/traces "), "{head}");
    let body = String::from_utf8_lossy(&body);
    for word in ["checkout", "service.name", "shop", "workspace.id", "app.name"] {
        assert!(body.contains(word), "{word}: {body}");
    }
}
