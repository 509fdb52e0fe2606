//! Commands over apps: what each does, and what it says when there is nothing to do it to.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use super::harness::{Home, Service, text, wait_for};

/// A program that writes down what it is called with, one call a line, and ends with this code.
fn program(path: &Path, code: i32) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let calls = path.with_extension("calls");
    std::fs::write(path, format!("#!/bin/sh\necho \"$@\" >> {}\nexit {code}\n", calls.display())).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    calls
}

fn create(service: &Service, name: &str) {
    let body = format!(r#"{{"name": "{name}"}}"#);
    let (status, app) = service.rest("POST", "/api/2.0/apps?no_compute=true", &body);
    assert_eq!(status, 200, "{app}");
}

/// Asserts how a command failed: exit code, and words of its message and hint.
fn failed(output: &Output, code: i32, words: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}{}", text(&output.stdout));
    for word in words {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
}

#[test]
fn an_app_is_opened_in_the_browser() {
    let service = Service::up();
    let home = service.home.path();
    create(&service, "site");
    let url = format!("http://site.localhost:{}", service.named_port());
    let nowhere = home.join("empty");
    std::fs::create_dir(&nowhere).unwrap();

    // The browser that the user names.
    let (browser, calls) = (home.join("browser"), program(&home.join("browser"), 0));
    let opened = service.command(&["open", "site"]).env("BROWSER", &browser).output().unwrap();
    assert_eq!((opened.status.code(), text(&opened.stdout)), (Some(0), format!("{url}\n")));
    assert_eq!(std::fs::read_to_string(&calls).unwrap(), format!("{url}\n"));
    assert_eq!(text(&opened.stderr), "");
    let mut json = service.command(&["open", "site", "-o", "json"]);
    let document: serde_json::Value =
        serde_json::from_slice(&json.env("BROWSER", &browser).output().unwrap().stdout).unwrap();
    assert_eq!(document, serde_json::json!({ "url": url }));

    // The system's, where nobody names one.
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let calls = program(&home.join("bin").join(usual), 0);
    let path = format!("{}:/usr/bin:/bin", home.join("bin").display());
    let opened = service.command(&["open", "site"]).env("PATH", &path).output().unwrap();
    assert_eq!((opened.status.code(), text(&opened.stderr)), (Some(0), String::new()));
    assert_eq!(std::fs::read_to_string(&calls).unwrap(), format!("{url}\n"));

    // None on the machine, or one that fails: the address is given all the same.
    let broken = home.join("broken");
    program(&broken, 3);
    for (name, value) in [("PATH", &nowhere), ("BROWSER", &broken), ("BROWSER", &nowhere.join("gone"))] {
        let opened = service.command(&["open", "site"]).env(name, value).output().unwrap();
        assert_eq!((opened.status.code(), text(&opened.stdout)), (Some(0), format!("{url}\n")), "{value:?}");
        assert!(text(&opened.stderr).contains("open the address yourself"), "{}", text(&opened.stderr));
    }
}

#[test]
fn an_app_of_another_workspace_is_opened_at_its_own_address() {
    let service = Service::up();
    let home = service.home.path();
    create(&service, "site");
    let running = service.announced();
    let of = |name: &str| running[name].as_str().unwrap();
    let profile = format!("[me]\nhost = {}\ntoken = {}\n", of("http_url"), of("token"));
    std::fs::write(home.join(".databrickscfg"), profile).unwrap();
    let (browser, calls) = (home.join("browser"), program(&home.join("browser"), 0));
    let open = |name: &str, target: &str| {
        let mut command = service.home.brickyard(&["open", name, "--target", target]);
        command.env("BROWSER", &browser).output().unwrap()
    };
    let opened = open("site", "me");
    let url = service.rest("GET", "/api/2.0/apps/site", "").1["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://site-"), "{url}");
    assert_eq!((opened.status.code(), text(&opened.stdout)), (Some(0), format!("{url}\n")));
    failed(&open("nowhere", "me"), 1, &["There is no app `nowhere`", "hint: `brickyard list`"]);
    failed(&open("site", "stranger"), 2, &["There is no profile `stranger`", "hint: "]);
    assert_eq!(std::fs::read_to_string(&calls).unwrap(), format!("{url}\n"), "opened once alone");
}

#[test]
fn an_app_that_is_not_there_is_told_alike_by_every_command() {
    let service = Service::up();
    for command in [
        &["get"][..],
        &["open"],
        &["start"],
        &["stop"],
        &["delete", "--yes"],
        &["rollback"],
        &["start", "--no-wait"],
    ] {
        let words =
            ["There is no app `nowhere` in the workspace", "hint: `brickyard list` shows those there are"];
        failed(&service.output(&[command, &["nowhere"]].concat()), 1, &words);
    }
    failed(&service.output(&["logs", "nowhere"]), 2, &["There is no log of an app `nowhere`", "hint: "]);
    create(&service, "bare");
    failed(
        &service.output(&["rollback", "bare"]),
        1,
        &["App `bare` has no earlier deployment", "hint: `brickyard get bare`"],
    );
    failed(
        &service.output(&["deploy", "nowhere"]),
        2,
        &["There is no folder", "hint: name the folder of an app"],
    );
}

#[test]
fn without_a_workspace_every_command_says_how_to_start_one() {
    let home = Home::new();
    for command in [
        &["list"][..],
        &["get", "x"],
        &["open", "x"],
        &["start", "x"],
        &["stop", "x"],
        &["delete", "x", "--yes"],
        &["rollback", "x"],
        &["status"],
        &["deploy", "."],
        &["parity", "--target", "me"],
    ] {
        failed(
            &home.output(command),
            2,
            &["The local workspace does not run", "hint: start it with `brickyard up`"],
        );
    }
    let down = home.output(&["down"]);
    assert_eq!(
        (down.status.code(), text(&down.stderr)),
        (Some(0), "The local workspace does not run\n".to_owned())
    );
}

#[test]
fn an_app_is_stopped_started_and_followed() {
    let service = Service::up();
    let files = [("app.py", super::run::ECHO), ("app.yaml", "command: [python, app.py]\n")];
    let folder = service.home.app("site", &files);
    service.run(&["deploy", folder.to_str().unwrap()]);
    let compute = || service.json(&["get", "site"])["compute_status"]["state"].clone();
    assert_eq!(service.json(&["list"])[0]["name"], "site");

    // The log is followed over the stop and the start; what was there before is left out.
    let lines = service.home.path().join("lines");
    let mut command = service.command(&["logs", "site", "-f", "--tail", "0", "--source", "system"]);
    let mut follower =
        command.stdout(std::fs::File::create(&lines).unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let said = |words: &str| std::fs::read_to_string(&lines).unwrap().matches(words).count();
    assert_eq!(service.json(&["stop", "site"])["compute_status"]["state"], "STOPPED");
    assert_eq!(compute(), "STOPPED");
    let again = service.output(&["stop", "site"]);
    assert_eq!(again.status.code(), Some(0), "to stop twice is to stop: {}", text(&again.stderr));
    // It comes back when the app serves, not when its machine is up; to start twice is to start.
    let started = service.json(&["start", "site"]);
    assert_eq!(
        (&started["compute_status"]["state"], &started["app_status"]["state"]),
        (&"ACTIVE".into(), &"RUNNING".into())
    );
    let again = service.output(&["start", "site"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("site runs"), "{}", text(&again.stdout));
    wait_for("the line of the second start", || said("App started successfully") == 1);
    follower.kill().unwrap();
    follower.wait().unwrap();

    let all = service.run(&["logs", "site", "--source", "SYSTEM"]);
    assert_eq!(all.matches("App started successfully").count(), 2, "{all}");
    let wrong = service.output(&["logs", "site", "--source", "SISTEM"]);
    failed(&wrong, 2, &["'SISTEM'", "SYSTEM"]);
    let last = service.run(&["logs", "site", "--tail", "1", "--search", "STARTED SUCCESSFULLY"]);
    assert_eq!(last.lines().count(), 1, "{last}");
    let line: serde_json::Value =
        serde_json::from_str(&service.run(&["logs", "site", "--tail", "1", "-o", "json"])).unwrap();
    assert!(line["message"].is_string() && line["timestamp"].is_number(), "{line}");
}

#[test]
fn an_app_that_does_not_start_again_is_told() {
    let service = Service::up();
    // It starts once; the folder it runs in is its own, and stays.
    let once = format!(
        "import pathlib, sys\nif pathlib.Path('started').exists():\n    sys.exit('no second time')\npathlib.Path('started').touch()\n{}",
        super::run::ECHO
    );
    let files = [("app.py", once.as_str()), ("app.yaml", "command: [python, app.py]\n")];
    let folder = service.home.app("once", &files);
    service.run(&["deploy", folder.to_str().unwrap()]);
    service.run(&["stop", "once"]);
    failed(
        &service.output(&["start", "once"]),
        1,
        &["The app `once` does not run", "hint: read `brickyard logs once`"],
    );
    failed(&service.output(&["start", "once"]), 1, &["The app `once` does not run"]);
}

#[test]
fn what_is_interrupted_is_completed_by_the_same_command() {
    let service = Service::up();
    let gate = service.home.path().join("gate");
    let gated = format!(
        "import pathlib, time\nwhile not pathlib.Path({:?}).exists():\n    time.sleep(0.05)\n{}",
        gate,
        super::run::ECHO
    );
    let files = [("app.py", gated.as_str()), ("app.yaml", "command: [python, app.py]\n")];
    let folder = service.home.app("gated", &files).to_str().unwrap().to_owned();
    std::fs::write(&gate, "").unwrap();
    service.run(&["deploy", &folder]);
    service.run(&["stop", "gated"]);
    for (command, words) in
        [(&["start", "gated"][..], "the start goes on"), (&["rollback", "gated"], "what was begun goes on")]
    {
        if command[0] == "rollback" {
            std::fs::write(format!("{folder}/new.txt"), "new").unwrap();
            service.run(&["deploy", &folder]);
        }
        std::fs::remove_file(&gate).unwrap();
        let child = service.command(command).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("the app on its way", || {
            let app = service.json(&["get", "gated"]);
            app["app_status"]["state"] == "DEPLOYING" || !app["pending_deployment"].is_null()
        });
        let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        failed(&child.wait_with_output().unwrap(), 2, &["Interrupted", words]);
        std::fs::write(&gate, "").unwrap();
        wait_for("what was begun", || {
            let app = service.json(&["get", "gated"]);
            app["app_status"]["state"] == "RUNNING" && app["pending_deployment"].is_null()
        });
        assert!(service.run(&["start", "gated"]).contains("gated runs"));
    }
}

#[test]
fn what_is_refused_comes_with_what_to_do() {
    let service = Service::up();
    let running = service.announced();
    let of = |name: &str| running[name].as_str().unwrap();
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let host = of("http_url");
    let profiles = format!(
        "[me]\nhost = {host}\ntoken = {}\n[wrong]\nhost = {host}\ntoken = dapi0\n[robot]\nhost = {host}\n\
         client_id = x\nclient_secret = y\n[far]\nhost = http://{closed}\ntoken = x\n",
        of("token")
    );
    std::fs::write(service.home.path().join(".databrickscfg"), profiles).unwrap();
    let asked = |target: &str| service.output(&["list", "--target", target]);
    failed(&asked("wrong"), 1, &["hint: the credentials are not valid", "brickyard login"]);
    failed(&asked("robot"), 1, &["Cannot sign in", "hint: mend the profile's credentials"]);
    failed(
        &asked("far"),
        2,
        &["Cannot reach the workspace", "Connection refused", "look at the profile's `host`"],
    );
    service.run(&["fault", "/api/2.0/apps", "--status", "403", "--count", "1"]);
    failed(&asked("me"), 1, &["hint: ask whoever manages it"]);

    // An app whose address nobody reaches from here is not said to run.
    let files = [("app.py", super::run::ECHO), ("app.yaml", "command: [python, app.py]\n")];
    let folder = service.home.app("unseen", &files);
    let deployed = service.output(&["deploy", folder.to_str().unwrap(), "--target", "me"]);
    failed(&deployed, 1, &["✗ address: https://unseen-", "hint: open it from a network that reaches it"]);
    assert!(
        text(&deployed.stdout).contains("not everything is as it should be"),
        "{}",
        text(&deployed.stdout)
    );
}

#[test]
fn the_background_service_tells_where_it_is_and_why_it_does_not_start() {
    let service = Service::up();
    let (shown, running) = (service.json(&["status"]), service.announced());
    for same in ["pid", "host", "http_url", "developer", "proxy_url", "ca_bundle"] {
        assert_eq!(shown[same], running[same], "{same}");
    }
    assert_eq!((&shown["running"], &shown["apps"]), (&true.into(), &serde_json::json!([])));
    assert!(!shown.to_string().contains(running["token"].as_str().unwrap()), "the token stays in its file");
    create(&service, "bare");
    assert!(service.run(&["status"]).contains("Apps       bare"));

    // One that is slow to answer runs all the same.
    service.run(&["fault", "/api/2.0/preview/scim/v2/Me", "--delay", "4000", "--count", "1"]);
    assert!(service.run(&["list"]).contains("bare"));

    // It does not pretend to take up another folder.
    let other = service.home.app("other", &[("brickyard.toml", "")]);
    let again = service.output(&["up", other.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert!(text(&again.stderr).contains("holds after `brickyard down`"), "{}", text(&again.stderr));

    // A second one in the same directory, past the look whether one runs.
    failed(
        &service.output(&["up", "--foreground"]),
        2,
        &["The local workspace does not start", "LOCKED", "hint: stop the other `brickyard`"],
    );
    let down = service.output(&["down"]);
    assert_eq!(
        (down.status.code(), text(&down.stderr)),
        (Some(0), "The local workspace has stopped\n".to_owned())
    );
    assert!(!super::harness::lives(u32::try_from(running["pid"].as_u64().unwrap()).unwrap()));

    // Where a file is in the way.
    let place = service.home.path().join("file");
    std::fs::write(&place, "").unwrap();
    let refused = service.home.output(&["up", "--state-directory", place.join("state").to_str().unwrap()]);
    failed(&refused, 2, &["Cannot use", "Not a directory"]);
}

#[test]
fn workspaces_that_differ_are_told_apart() {
    let service = Service::up();
    let running = service.announced();
    let of = |name: &str| running[name].as_str().unwrap();
    let profile = format!("[me]\nhost = {}\ntoken = {}\n", of("http_url"), of("token"));
    std::fs::write(service.home.path().join(".databrickscfg"), profile).unwrap();
    failed(
        &service.output(&["parity", "--target", "stranger"]),
        2,
        &["There is no profile `stranger`", "hint: "],
    );
    // One answer of the local one is another than the target's.
    service.run(&["fault", "/api/2.0/apps", "--status", "418", "--count", "1"]);
    let compared = service.output(&["parity", "--target", "me"]);
    assert_eq!(compared.status.code(), Some(1), "{}", text(&compared.stderr));
    assert!(text(&compared.stdout).contains("steps came out differently"), "{}", text(&compared.stdout));
}
