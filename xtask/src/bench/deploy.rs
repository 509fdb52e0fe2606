use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, family, median};

pub(crate) const DEPLOY: Row = Row {
    name: "deploy",
    about: "an app of 1,000 files to the local workspace, against the SDK's upload in a loop",
    by_name: false,
    measure: deploy,
};

pub(crate) const LOGS: Row = Row {
    name: "logs",
    about: "`logs --follow` of an app that writes as fast as it can",
    by_name: false,
    measure: logs,
};

pub(crate) const TWENTY: Row = Row {
    name: "twenty-apps",
    about: "memory of brickyard beside 20 apps that run at once",
    by_name: true,
    measure: twenty,
};

/// Files beside the app's own three.
const FILES: usize = 997;

/// Folders each side uploads to, one after the other.
const ROUNDS: usize = 3;

const LINES: usize = 300_000;

const UPLOAD: &str = r#"
import json, pathlib, statistics, sys, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat
folder, host, token, rounds = sys.argv[1:]
w = WorkspaceClient(host=host, token=token, auth_type="pat")
home = pathlib.PurePosixPath(f"/Workspace/Users/{w.current_user.me().user_name}")
files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
rates = []
for number in range(int(rounds)):
    target = home / f"peer-{number}"
    for parent in {path.parent.relative_to(folder) for path in files}:
        w.workspace.mkdirs(str(target / parent))
    start = time.perf_counter()
    for path in files:
        w.workspace.upload(str(target / path.relative_to(folder)), path.read_bytes(), format=ImportFormat.AUTO, overwrite=True)
    rates.append(len(files) / (time.perf_counter() - start))
print(json.dumps(statistics.median(rates)))
"#;

const WRITER: &str = r#"
import os, pathlib, sys, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
def write():
    while not pathlib.Path("GO").exists():
        time.sleep(0.01)
    for number in range(LINES):
        sys.stdout.write(f"line {number} of a log that is as long as such lines are\n")
    sys.stdout.flush()
threading.Thread(target=write, daemon=True).start()
HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), BaseHTTPRequestHandler).serve_forever()
"#;

/// The background service of this run; stopped with its owner.
struct Service<'a> {
    rig: &'a Rig,
    state: PathBuf,
}

impl<'a> Service<'a> {
    fn up(rig: &'a Rig, name: &str) -> Result<Self, String> {
        let service = Self { rig, state: rig.folder().join(name) };
        Rig::output(&mut service.command(&["up"]))?;
        Ok(service)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.rig.brickyard(arguments);
        command.arg("--state-directory").arg(&self.state);
        command
    }

    fn announced(&self) -> Result<Value, String> {
        let text = std::fs::read(self.state.join("running.json")).map_err(|error| error.to_string())?;
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.command(&["down"]).output();
    }
}

fn app(rig: &Rig, name: &str, more: usize) -> Result<PathBuf, String> {
    let folder = rig.app(
        name,
        &[
            ("app.yaml", "command: [\"python\", \"app.py\"]\n"),
            ("requirements.txt", ""),
            ("app.py", include_str!("clients/flask_app.py")),
        ],
    )?;
    for number in 0..more {
        let path = folder.join(format!("data/{}/file{number}.txt", number % 20));
        write(&path, &format!("{name} {number} ").repeat(200))?;
    }
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

fn deploy(rig: &Rig) -> Result<Vec<Measured>, String> {
    let service = Service::up(rig, "deploy-state")?;
    let folder = app(rig, "thousand", FILES)?;
    // The environment is built by another app, so that what is measured is the deployment.
    let warm = app(rig, "warm", 0)?;
    Rig::output(service.command(&["deploy", "--no-check"]).arg(&warm))?;
    let running = service.announced()?;
    let text = |name: &str| running[name].as_str().unwrap_or_default().to_owned();
    let mut uploads = Vec::new();
    for number in 0..ROUNDS {
        let fresh = format!("/Workspace/Users/{}/ours-{number}", text("developer"));
        let arguments = ["deploy", "--no-check", "-o", "json", "--source-code-path", &fresh];
        let said = Rig::output(service.command(&arguments).arg(&folder))?;
        let deployed: Value = serde_json::from_str(&said).map_err(|error| error.to_string())?;
        let took = |part: &str| deployed["took"][part].as_f64().unwrap_or(f64::NAN);
        uploads.push(1e6 / (took("compare_milliseconds") + took("upload_milliseconds")));
    }
    let mut unchanged = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let fresh = format!("/Workspace/Users/{}/ours-{}", text("developer"), ROUNDS - 1);
        Rig::output(service.command(&["deploy", "--source-code-path", &fresh]).arg(&folder))?;
        unchanged.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let folder_text = folder.display().to_string();
    let rounds = ROUNDS.to_string();
    let peer = rig.python(&warm, UPLOAD, &[&folder_text, &text("http_url"), &text("token"), &rounds])?;
    Ok(vec![
        Measured {
            what: "upload of 1,000 files to a fresh folder by a deployment, comparison included".to_owned(),
            unit: "files/s",
            ours: median(uploads),
            peer: Some(("upload in a loop (SDK)", peer.as_f64().unwrap_or(f64::NAN))),
            aim: Aim::RatioAtLeast(10.0),
        },
        Measured {
            what: "deployment of 1,000 files that did not change".to_owned(),
            unit: "ms",
            ours: median(unchanged),
            peer: None,
            aim: Aim::AtMost(1000.0),
        },
    ])
}

fn logs(rig: &Rig) -> Result<Vec<Measured>, String> {
    let service = Service::up(rig, "logs-state")?;
    let go = rig.folder().join("go");
    let source = WRITER.replace("GO", &go.display().to_string()).replace("LINES", &LINES.to_string());
    let folder =
        rig.app("writer", &[("app.yaml", "command: [\"python\", \"app.py\"]\n"), ("app.py", &source)])?;
    Rig::output(service.command(&["deploy", "--no-check"]).arg(&folder))?;
    let mut command = service.command(&["logs", "writer", "--follow", "--tail", "0", "--source", "APP"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run `brickyard`: {error}"))?;
    let stdout = child.stdout.take().ok_or("no stdout")?;
    std::thread::sleep(std::time::Duration::from_secs(1)); // it follows by then
    let start = Instant::now();
    write(&go, "")?;
    let last = format!("line {} ", LINES - 1);
    let mut seen = 0;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if line.contains("] line ") {
            seen += 1;
        }
        if line.contains(&last) {
            break;
        }
    }
    let took = start.elapsed().as_secs_f64() * 1e3;
    let _ = child.kill();
    let _ = child.wait();
    #[expect(clippy::cast_precision_loss, reason = "a count of lines")]
    let lost = (LINES - seen) as f64;
    Ok(vec![
        Measured {
            what: "lines lost of 300,000 that an app writes at once, followed".to_owned(),
            unit: "lines",
            ours: lost,
            peer: None,
            aim: Aim::AtMost(0.0),
        },
        Measured {
            what: "until the last of 300,000 lines is seen".to_owned(),
            unit: "ms",
            ours: took,
            peer: None,
            aim: Aim::AtMost(3000.0),
        },
    ])
}

fn twenty(rig: &Rig) -> Result<Vec<Measured>, String> {
    let service = Service::up(rig, "twenty-state")?;
    let folder = app(rig, "one-of-twenty", 0)?;
    for number in 0..20 {
        let name = format!("app-{number}");
        Rig::output(service.command(&["deploy", "--no-check", "--name", &name]).arg(&folder))?;
    }
    let id = service.announced()?["pid"].as_u64().and_then(|id| u32::try_from(id).ok());
    Ok(vec![Measured {
        what: "memory of brickyard beside 20 apps that run: the service, and what watches each app"
            .to_owned(),
        unit: "MB",
        ours: family(id.ok_or("no process id")?)? / 1024.0,
        peer: None,
        aim: Aim::AtMost(100.0),
    }])
}
