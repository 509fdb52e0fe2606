//! A deployment is broken off at every step, and the next one completes it.

use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{Service, text, wait_for};

/// Starts slowly, so that there is a time to break in.
const SLOW: &str = r#"
import http.server, os, pathlib, time
time.sleep(float(pathlib.Path("seconds.txt").read_text()))
http.server.HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"#;

fn folder(service: &Service) -> String {
    let files = [
        ("app.py", SLOW),
        ("app.yaml", "command: [python, app.py]\n"),
        ("seconds.txt", "0"),
        ("a/one.txt", "1"),
        ("a/two.txt", "2"),
        ("b/three.txt", "3"),
    ];
    service.home.app("slow", &files).to_str().unwrap().to_owned()
}

fn start(service: &Service, folder: &str) -> Child {
    let mut command = service.command(&["deploy", folder]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill_hard(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The last ordered fault has been met: somebody waits in it.
fn met(service: &Service) {
    wait_for("the fault", || {
        service.rest("GET", "/api/brickyard/faults", "").1["faults"] == serde_json::json!([])
    });
}

fn everything_is_there(service: &Service, folder: &str) {
    let deployed = service.json(&["deploy", folder]);
    assert_eq!(deployed["app"]["app_status"]["state"], "RUNNING", "{deployed}");
    assert!(
        deployed["verification"].as_array().unwrap().iter().all(|look| look["good"] == true),
        "{deployed}"
    );
    let plan = service.json(&["deploy", folder, "--dry-run"]);
    assert_eq!((plan["unchanged"].as_u64(), plan["deploys"].as_bool()), (Some(6), Some(false)), "{plan}");
}

#[test]
fn killed_while_the_app_is_made() {
    let service = Service::up();
    let folder = folder(&service);
    // The app is made, and the answer never comes.
    service.run(&["fault", "/api/2.0/apps", "--method", "POST", "--delay", "60000", "--count", "1"]);
    let child = start(&service, &folder);
    met(&service);
    kill_hard(child);
    everything_is_there(&service, &folder);
}

#[test]
fn killed_in_the_middle_of_the_upload() {
    let service = Service::up();
    let folder = folder(&service);
    service.run(&["deploy", &folder]);
    std::fs::write(format!("{folder}/a/one.txt"), "eleven").unwrap();
    std::fs::remove_file(format!("{folder}/b/three.txt")).unwrap();
    std::fs::write(format!("{folder}/c.txt"), "new").unwrap();
    let import = "/api/2.0/workspace-files/import-file/Workspace/Users";
    let developer = service.announced()["developer"].as_str().unwrap().to_owned();
    let file = format!("{import}/{developer}/apps/slow/a/one.txt").replace('@', "%40");
    service.run(&["fault", &file, "--delay", "60000", "--count", "1"]);
    let child = start(&service, &folder);
    met(&service);
    kill_hard(child);
    let plan = service.json(&["deploy", &folder, "--dry-run"]);
    let sent: Vec<&str> = ["added", "changed"]
        .iter()
        .flat_map(|kind| plan[kind].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(sent.contains(&"a/one.txt"), "{plan}");
    everything_is_there(&service, &folder);
    let (_, listing) =
        service.rest("GET", &format!("/api/2.0/workspace/list?path=/Users/{developer}/apps/slow/b"), "");
    assert!(!listing.to_string().contains("three.txt"), "a stale file is gone: {listing}");
}

#[test]
fn killed_during_build_and_start_and_two_at_once() {
    let service = Service::up();
    let folder = folder(&service);
    service.run(&["deploy", &folder]);
    std::fs::write(format!("{folder}/seconds.txt"), "8").unwrap();
    let child = start(&service, &folder);
    let pending = || service.json(&["get", "slow"])["pending_deployment"]["deployment_id"].clone();
    wait_for("the deployment", || pending().is_string());
    kill_hard(child);
    // Meanwhile a deployment of somebody else is refused in the platform's words.
    let (status, refused) = service.rest("POST", "/api/2.0/apps/slow/deployments", "{}");
    assert_eq!(status, 409, "{refused}");
    assert_eq!(refused["message"], "Cannot deploy app slow as there is an active deployment in progress.");
    assert_eq!(service.json(&["get", "slow"])["app_status"]["state"], "RUNNING", "the old version serves");
    let output = service.output(&["deploy", &folder]);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("which was on its way already"), "{said}");
    everything_is_there(&service, &folder);
}

/// The workspace is killed where the old version gives way to the new one: at the new process's start, and at the moment it is told
/// to serve. Whatever serves afterwards is whole, and the next deployment completes it.
#[test]
fn the_workspace_is_killed_at_the_switch() {
    for line in ["Starting app with command", "App started successfully"] {
        let service = Service::up();
        let folder = folder(&service);
        service.run(&["deploy", &folder]);
        let log = service.home.service().join("logs/slow.log");
        let count = || std::fs::read_to_string(&log).unwrap_or_default().matches(line).count();
        let before = count();
        assert!(before > 0, "{line}");
        std::fs::write(format!("{folder}/a/one.txt"), "eleven").unwrap();
        let mut command = service.command(&["deploy", &folder]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(service.announced()["pid"].as_u64().unwrap()).unwrap());
        while count() == before {
            std::thread::yield_now();
        }
        kill(pid, Signal::SIGKILL).unwrap();
        let _either = child.wait_with_output().unwrap();
        service.run(&["up"]);
        wait_for("an app that serves", || service.json(&["get", "slow"])["app_status"]["state"] == "RUNNING");
        assert_eq!(service.json(&["get", "slow"])["pending_deployment"], serde_json::Value::Null);
        everything_is_there(&service, &folder);
    }
}

/// Somebody else deploys between our look and our deployment: the platform's refusal, and what to do.
#[test]
fn of_two_deployments_at_once_one_is_refused() {
    let service = Service::up();
    let folder = folder(&service);
    service.run(&["deploy", &folder]);
    std::fs::write(format!("{folder}/a/one.txt"), "eleven").unwrap();
    service.run(&["fault", "/api/2.0/workspace/mkdirs", "--delay", "10000", "--count", "1"]);
    let mut command = service.command(&["deploy", &folder]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    met(&service);
    // Theirs starts slowly: three quarters of a minute are more than ours needs to get there.
    let developer = service.announced()["developer"].as_str().unwrap().to_owned();
    let theirs = format!(
        "/api/2.0/workspace-files/import-file/Users/{developer}/apps/slow/seconds.txt?overwrite=true"
    );
    assert_eq!(service.rest("POST", &theirs, "45").0, 200);
    let body =
        format!(r#"{{"source_code_path": "/Workspace/Users/{developer}/apps/slow", "mode": "SNAPSHOT"}}"#);
    assert_eq!(service.rest("POST", "/api/2.0/apps/slow/deployments", &body).0, 200);
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("Cannot deploy app slow as there is an active deployment in progress.")
            && said.contains("hint: wait until the other deployment is done"),
        "{said}"
    );
    // The app they made slow is replaced all the same, once theirs is done.
    everything_is_there(&service, &folder);
}

#[test]
fn the_workspace_goes_away_in_the_middle() {
    let service = Service::up();
    let folder = folder(&service);
    service.run(&["deploy", &folder]);
    std::fs::write(format!("{folder}/seconds.txt"), "1").unwrap();
    service.run(&[
        "fault",
        "/api/2.0/apps/slow/deployments",
        "--method",
        "POST",
        "--delay",
        "60000",
        "--count",
        "1",
    ]);
    let mut command = service.command(&["deploy", &folder]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    met(&service);
    let pid = i32::try_from(service.announced()["pid"].as_u64().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    for told in ["Cannot reach the workspace", "hint: `brickyard up` brings the local workspace back"] {
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
    }
    service.run(&["up"]);
    everything_is_there(&service, &folder);
}

/// What was acknowledged a moment ago lies nowhere but in the log of the landing place, and is there after the next start.
#[test]
fn a_file_survives_the_death_of_the_workspace_right_after_it_came() {
    let service = Service::up();
    let home = format!("/Users/{}", service.announced()["developer"].as_str().unwrap());
    let place = |name: &str| format!("/api/2.0/workspace-files/import-file{home}/{name}?overwrite=true");
    assert_eq!(
        service.rest("POST", "/api/2.0/workspace/mkdirs", &format!("{{\"path\": \"{home}\"}}")).0,
        200
    );
    for number in 0..20 {
        assert_eq!(service.rest("POST", &place(&format!("{number}.txt")), "first").0, 200);
    }
    assert_eq!(service.rest("POST", &place("0.txt"), "second").0, 200);
    let pid = i32::try_from(service.announced()["pid"].as_u64().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    wait_for("its end", || !std::path::Path::new(&format!("/proc/{pid}/stat")).exists());
    service.run(&["up"]);
    let read = |name: &str| {
        let (status, told) =
            service.rest("GET", &format!("/api/2.0/workspace/export?path={home}/{name}"), "");
        (status, told["content"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(read("0.txt"), (200, "c2Vjb25k".to_owned()));
    assert_eq!(read("19.txt"), (200, "Zmlyc3Q=".to_owned()));
}

#[test]
fn a_busy_workspace_is_waited_for() {
    let service = Service::up();
    let folder = folder(&service);
    service.run(&[
        "fault",
        "/api/2.0/workspace-files",
        "--status",
        "429",
        "--retry-after",
        "1",
        "--count",
        "4",
    ]);
    service.run(&["fault", "/api/2.0/apps", "--status", "503", "--count", "3"]);
    service.run(&["fault", "/api/2.0/workspace/mkdirs", "--cut-after", "0", "--count", "2"]);
    everything_is_there(&service, &folder);
}

#[test]
fn a_full_disk_is_told_and_nothing_is_broken_by_it() {
    // A small file system of its own, which needs no more than the right to make namespaces.
    let service = Service::up();
    let folder = folder(&service);
    service.run(&["deploy", &folder]);
    service.run(&["down"]);
    let state = service.home.service();
    let full = format!(
        "mkdir -p {state}/workspace.kept && mv {state}/workspace/* {state}/workspace.kept/ && mount -t tmpfs -o size=256k \
         none {state}/workspace && cp -r {state}/workspace.kept/* {state}/workspace/ && rm -r {state}/workspace.kept && \
         exec \"$@\"",
        state = state.display()
    );
    let up = service.command(&["up", "--foreground"]);
    let arguments: Vec<_> = up.get_args().map(std::ffi::OsStr::to_owned).collect();
    let mut command = std::process::Command::new("unshare");
    command.args(["-Urm", "sh", "-c", &full, "sh"]).arg(up.get_program()).args(&arguments);
    command.env_clear().envs(up.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Its log has no room either.
    let log = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut running = match command.stdout(Stdio::null()).stderr(log).spawn() {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "CI brings unshare: {error}");
            return;
        }
    };
    let mut allowed = true;
    wait_for("the workspace on a small disk", || {
        allowed = running.try_wait().unwrap().is_none();
        !allowed || service.output(&["status"]).status.success()
    });
    if !allowed {
        // This machine allows no namespaces.
        return;
    }
    // One that is too large, and many that are too much.
    for (count, size) in [(1, 2_000_000), (100, 20_000)] {
        let name = |number: i32| format!("{folder}/large-{number}.bin");
        for number in 0..count {
            std::fs::write(name(number), vec![7_u8; size]).unwrap();
        }
        let before = service.json(&["get", "slow"])["active_deployment"]["deployment_id"].clone();
        let refused = service.output(&["deploy", &folder]);
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("No space left on device"), "{}", text(&refused.stderr));
        assert_eq!(service.json(&["get", "slow"])["active_deployment"]["deployment_id"], before);
        for number in 0..count {
            std::fs::remove_file(name(number)).unwrap();
        }
        everything_is_there(&service, &folder);
        service.run(&["deploy", &folder, "--prune"]);
    }
    service.run(&["down"]);
    running.wait().unwrap();
}
