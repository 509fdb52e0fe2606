//! Jobs, functions and models run in families of processes of their own; none outlives the workspace.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::harness::{Home, Running, descendants, lives, text, wait_for};

const APP: &str = "import http.server, os\nhttp.server.HTTPServer(('0.0.0.0', int(os.environ['DATABRICKS_APP_PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n";

/// Starts a child in a session of its own that does not listen to SIGTERM, and that child one of its own.
const STUBBORN: &str = r#"
import subprocess, sys
source = "import signal, sys, subprocess, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nif sys.argv[2] == '1': subprocess.Popen([sys.executable, '-c', sys.orig_argv[2], sys.argv[1], '2'], start_new_session=True)\ntime.sleep(600)"
subprocess.Popen([sys.executable, "-c", source, "WHOSE", "1"], start_new_session=True)
"#;

/// An app's run with a job, a function and a model that are in the midst of something.
struct Families {
    _home: Home,
    running: Running,
    workspace: Value,
}

impl Families {
    fn start() -> Self {
        let home = Home::new();
        let stubborn = |whose: &str| STUBBORN.replace("WHOSE", whose);
        let model = format!("{}\ndef predict(request):\n    return 'here'\n", stubborn("of-the-model"));
        let files = [
            ("app.py", APP),
            ("model.py", &model),
            ("brickyard.toml", "[serving.model]\npython = \"model.py\"\n"),
        ];
        let app = home.app("family", &files);
        let running = Running::start(&home, &[app.to_str().unwrap(), "--port", "0"]);
        let workspace =
            serde_json::from_slice(&std::fs::read(app.join(".brickyard/running.json")).unwrap()).unwrap();
        let families = Self { _home: home, running, workspace };
        families.busy(&format!("{}\nimport time\ntime.sleep(600)\n", stubborn("of-the-job")));
        families
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(path, &["--data", &body.to_string()])
    }

    fn ask(&self, path: &str, more: &[&str]) -> Value {
        let of = |name: &str| self.workspace[name].as_str().unwrap();
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--max-time", "300"])
            .args(["--header", "Content-Type: application/json"])
            .args(["--header", &format!("Authorization: Bearer {}", of("token"))])
            .args(more)
            .arg(format!("{}{path}", of("http_url")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{path}: {}{}", text(&output.stdout), text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn busy(&self, job: &str) {
        let answer = self.post("/serving-endpoints/model/invocations", &json!({ "inputs": [1] }));
        assert!(answer.to_string().contains("here"), "{answer}");
        let developer = self.workspace["developer"].as_str().unwrap();
        let file = format!("/Users/{developer}/job.py");
        let encoded = base64(job);
        self.post(
            "/api/2.0/workspace/import",
            &json!({ "path": file, "format": "AUTO", "content": encoded }),
        );
        let task =
            json!({ "task_key": "t", "spark_python_task": { "python_file": format!("/Workspace{file}") } });
        let job = self.post("/api/2.2/jobs/create", &json!({ "name": "j", "tasks": [task] }));
        self.post("/api/2.2/jobs/run-now", &job);
        let warehouse = self.ask("/api/2.0/sql/warehouses", &[])["warehouses"][0]["id"].clone();
        let ask = |statement: &str, wait: &str| {
            let asked = json!({ "statement": statement, "warehouse_id": warehouse, "wait_timeout": wait });
            self.post("/api/2.0/sql/statements", &asked)
        };
        let body = "import time\ntime.sleep(600)\nreturn n";
        let made = ask(
            &format!(
                "CREATE FUNCTION main.default.waits(n INT) RETURNS INT LANGUAGE PYTHON AS $$\n{body}\n$$"
            ),
            "50s",
        );
        assert_eq!(made["status"]["state"], "SUCCEEDED", "{made}");
        ask("SELECT main.default.waits(1)", "0s");
        wait_for("all three families", || {
            let lines: Vec<String> = self.members().into_iter().map(command_line).collect();
            let all = ["of-the-model 1", "of-the-model 2", "of-the-job 1", "of-the-job 2", "-I -c"];
            all.iter().all(|mark| lines.iter().any(|line| line.contains(mark)))
        });
    }

    /// Everything below brickyard.
    fn members(&self) -> Vec<u32> {
        descendants(self.running.child.id())
    }
}

fn command_line(pid: u32) -> String {
    text(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ")
}

fn base64(plain: &str) -> String {
    let mut encoded = Command::new("base64");
    let mut child = encoded
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), plain.as_bytes()).unwrap();
    text(&child.wait_with_output().unwrap().stdout)
}

#[test]
fn no_family_of_a_job_a_function_or_a_model_outlives_a_killed_brickyard() {
    let mut families = Families::start();
    let members = families.members();
    families.running.child.kill().unwrap();
    families.running.child.wait().unwrap();
    let left = || members.iter().copied().filter(|pid| lives(*pid)).map(command_line).collect::<Vec<_>>();
    wait_for("the end of every process", || left().is_empty());
}

#[test]
fn no_family_of_a_job_a_function_or_a_model_is_left_when_brickyard_has_stopped() {
    let families = Families::start();
    let members = families.members();
    let ended = families.running.told(Signal::SIGINT);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    // A warden whose function has ended may be about to end too.
    wait_for("the end of every process", || !members.iter().any(|pid| lives(*pid)));
}

#[test]
fn nothing_of_a_build_is_left_when_it_was_broken_off() {
    let home = Home::new();
    let manifest =
        r#"{"name": "a", "version": "1.0.0", "scripts": {"build": "sh build.sh", "start": "true"}}"#;
    // Two of them: one in a session of its own, and neither listens to SIGTERM.
    let build = "trap '' TERM\nsetsid sh -c 'trap \"\" TERM; echo $$ > away; sleep 600' &\necho $$ > here\nsleep 600\n";
    let app = home.app("node", &[("package.json", manifest), ("build.sh", build)]);
    let mut command = home.brickyard(&["run", app.to_str().unwrap(), "--port", "0"]);
    let mut path = brickyard_testing::node_environment(&[]).programs().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut running = command.env("PATH", path).spawn().unwrap();
    let pid = |name: &str| std::fs::read_to_string(app.join(name)).ok()?.trim().parse::<u32>().ok();
    wait_for("the build", || pid("here").is_some() && pid("away").is_some());
    let pids = ["here", "away"].map(|name| pid(name).unwrap());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(running.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0));
    assert!(!pids.iter().any(|pid| lives(*pid)), "{pids:?}");
}
