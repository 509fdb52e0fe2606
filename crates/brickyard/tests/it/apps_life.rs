//! Versions of apps: where they come from, how they follow each other, and how apps reach one another.

use std::path::Path;
use std::process::Command;

use super::harness::{Service, get, text, wait_for};

const SITE: &str = r#"
import http.server, os, pathlib, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/api/slow"):
            time.sleep(4)
        body = (pathlib.Path("version.txt").read_text().strip() + " " + str(self.headers.get("X-Forwarded-Email"))).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
print("serving", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

/// Asks another app, by its own https name, as itself.
const ASKING: &str = r#"
import http.server, os, requests
from databricks.sdk import WorkspaceClient
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        w = WorkspaceClient()
        app = w.apps.get(os.environ["OTHER"])
        answer = requests.get(app.url + "/api/version", headers=w.config.authenticate(), timeout=60, allow_redirects=False)
        body = f"{answer.status_code} {answer.text}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

fn sign_in(service: &Service) -> String {
    let running = service.announced();
    let host = running["http_url"].as_str().unwrap().to_owned();
    service.sign_in(&host, running["developer"].as_str().unwrap(), &[]);
    format!("Bearer {}", service.oauth_token(&host))
}

fn ask(service: &Service, name: &str, path: &str, bearer: &str) -> (u16, String) {
    let named = format!("{name}.localhost:{}", service.named_port());
    let url = format!("http://127.0.0.1:{}{path}", service.named_port());
    get(&url, &[("Authorization", bearer), ("Host", &named)])
}

fn deploy(service: &Service, name: &str, request: &str) -> serde_json::Value {
    let (status, made) = service.rest("POST", &format!("/api/2.0/apps/{name}/deployments"), request);
    assert_eq!(status, 200, "{made}");
    let path = format!("/api/2.0/apps/{name}/deployments/{}", made["deployment_id"].as_str().unwrap());
    let state = || service.rest("GET", &path, "").1;
    wait_for("the deployment", || state()["status"]["state"] != "IN_PROGRESS");
    state()
}

fn create(service: &Service, body: &str) {
    let (status, app) = service.rest("POST", "/api/2.0/apps", body);
    assert_eq!(status, 200, "{app}");
    let path = format!("/api/2.0/apps/{}", app["name"].as_str().unwrap());
    wait_for("the machine", || service.rest("GET", &path, "").1["compute_status"]["state"] == "ACTIVE");
}

#[test]
fn requests_under_way_are_answered_by_the_version_they_reached() {
    let service = Service::up();
    let bearer = sign_in(&service);
    let files = [("app.py", SITE), ("app.yaml", "command: [python, app.py]\n"), ("version.txt", "old")];
    let folder = service.home.app("site", &files);
    let path = folder.to_str().unwrap();
    service.run(&["deploy", path]);
    std::fs::write(folder.join("version.txt"), "new").unwrap();
    let answer = std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            // One after the other, so that one of them is surely under way at the switch.
            let mut answers = Vec::new();
            while !answers.last().is_some_and(|(_, body): &(u16, String)| body.starts_with("new")) {
                answers.push(ask(&service, "site", "/api/slow", &bearer));
            }
            answers
        });
        service.run(&["deploy", path]);
        slow.join().unwrap()
    });
    assert!(answer.iter().all(|(status, _)| *status == 200), "{answer:?}");
    assert!(answer[0].1.starts_with("old"), "{answer:?}");
}

#[test]
fn a_version_comes_from_a_git_repository() {
    let service = Service::up();
    let bearer = sign_in(&service);
    let work = service.home.app(
        "work",
        &[("web/app.py", SITE), ("web/app.yaml", "command: [python, app.py]\n"), ("web/version.txt", "one")],
    );
    let git = |folder: &Path, arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    };
    git(&work, &["init", "--quiet"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "-m", "one"]);
    let first = git(&work, &["rev-parse", "HEAD"]);
    git(&work, &["tag", "v1"]);
    std::fs::write(work.join("web/version.txt"), "two").unwrap();
    git(&work, &["commit", "--quiet", "-am", "two"]);
    let second = git(&work, &["rev-parse", "HEAD"]);
    let bare = service.home.path().join("bare.git");
    git(&work, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);

    let url = format!("file://{}", bare.display());
    create(
        &service,
        &format!(r#"{{"name": "fromgit", "git_repository": {{"url": "{url}", "provider": "gitHub"}}}}"#),
    );
    for (source, commit, version) in [
        (r#""branch": "main""#.to_owned(), &second, "two"),
        (r#""tag": "v1""#.to_owned(), &first, "one"),
        (format!(r#""commit": "{second}""#), &second, "two"),
    ] {
        let request = format!(r#"{{"git_source": {{{source}, "source_code_path": "web"}}}}"#);
        let deployed = deploy(&service, "fromgit", &request);
        assert_eq!(deployed["status"]["state"], "SUCCEEDED", "{deployed}");
        assert_eq!(deployed["git_source"]["resolved_commit"], **commit);
        assert!(ask(&service, "fromgit", "/api/v", &bearer).1.starts_with(version));
    }
    let (_, app) = service.rest("GET", "/api/2.0/apps/fromgit", "");
    assert_eq!(app["default_git_source"]["commit"], second.as_str());
    let lost = deploy(&service, "fromgit", r#"{"git_source": {"branch": "nowhere"}}"#);
    assert_eq!(lost["status"]["state"], "FAILED");
    assert!(
        lost["status"]["message"].as_str().unwrap().contains("cannot fetch the source code with git"),
        "{lost}"
    );
    let out =
        deploy(&service, "fromgit", r#"{"git_source": {"branch": "main", "source_code_path": "../.."}}"#);
    assert!(out["status"]["message"].as_str().unwrap().contains("leads out of the repository"), "{out}");
    let (status, _) = service.rest(
        "POST",
        "/api/2.0/apps/fromgit/deployments",
        r#"{"git_source": {"branch": "--upload-pack=x"}}"#,
    );
    assert_eq!(status, 400);
    assert!(ask(&service, "fromgit", "/api/v", &bearer).1.starts_with("two"), "what failed left it serving");
}

#[test]
fn a_synced_folder_is_taken_up_and_an_app_reaches_another_by_its_name() {
    let service = Service::up();
    let bearer = sign_in(&service);
    let files = [("app.py", SITE), ("app.yaml", "command: [python, app.py]\n"), ("version.txt", "one")];
    let folder = service.home.app("synced", &files);
    service.run(&["deploy", folder.to_str().unwrap(), "--mode", "AUTO_SYNC"]);
    assert!(ask(&service, "synced", "/api/v", &bearer).1.starts_with("one"));
    let developer = service.announced()["developer"].as_str().unwrap().to_owned();
    let file = format!(
        "/api/2.0/workspace-files/import-file/Workspace/Users/{developer}/apps/synced/version.txt?overwrite=true"
    );
    assert_eq!(service.rest("POST", &file, "two").0, 200);
    wait_for("the changed file", || ask(&service, "synced", "/api/v", &bearer).1.starts_with("two"));
    let (_, deployments) = service.rest("GET", "/api/2.0/apps/synced/deployments", "");
    assert_eq!(deployments["app_deployments"].as_array().unwrap().len(), 1, "{deployments}");

    let yaml = "command: [python, app.py]\nenv:\n  - {name: OTHER, valueFrom: other}\n";
    let toml = "[resources.other]\ntype = \"app\"\nname = \"synced\"\npermission = \"CAN_USE\"\n";
    let caller =
        service.home.app("caller", &[("app.py", ASKING), ("app.yaml", yaml), ("brickyard.toml", toml)]);
    let deployed = service.json(&["deploy", caller.to_str().unwrap()]);
    assert!(
        deployed["verification"].as_array().unwrap().iter().all(|look| look["good"] == true),
        "{deployed}"
    );
    let (status, said) = ask(&service, "caller", "/api/call", &bearer);
    assert_eq!((status, said.as_str()), (200, "200 two None"));
    // Without the resource the other app is closed to it.
    let (status, _) = service.rest("PATCH", "/api/2.0/apps/caller", r#"{"resources": []}"#);
    assert_eq!(status, 200);
    let (_, said) = ask(&service, "caller", "/api/call", &bearer);
    assert!(!said.starts_with("200"), "{said}");
}

#[test]
fn a_synced_folder_is_followed_after_everything_was_killed() {
    let service = Service::up();
    let files = [("app.py", SITE), ("app.yaml", "command: [python, app.py]\n"), ("version.txt", "one")];
    let folder = service.home.app("synced", &files);
    service.run(&["deploy", folder.to_str().unwrap(), "--mode", "AUTO_SYNC"]);
    let developer = service.announced()["developer"].as_str().unwrap().to_owned();
    let file = format!(
        "/api/2.0/workspace-files/import-file/Workspace/Users/{developer}/apps/synced/version.txt?overwrite=true"
    );
    // What was acknowledged in the last moment is not lost.
    assert_eq!(service.rest("POST", &file, "two").0, 200);
    service.cut_power();
    service.run(&["up"]);
    let bearer = sign_in(&service);
    wait_for("the app with the changed file", || {
        ask(&service, "synced", "/api/v", &bearer).1.starts_with("two")
    });
    assert_eq!(service.rest("POST", &file, "three").0, 200);
    wait_for("a later change", || ask(&service, "synced", "/api/v", &bearer).1.starts_with("three"));
    // Nobody watches while it is stopped.
    service.run(&["stop", "synced"]);
    assert_eq!(service.rest("POST", &file, "four").0, 200);
    service.run(&["start", "synced"]);
    wait_for("the app after its start", || ask(&service, "synced", "/api/v", &bearer).0 == 200);
    assert!(ask(&service, "synced", "/api/v", &bearer).1.starts_with("four"));
}

/// An app that listens on a port of its own choice, whatever it is told.
fn fixed(service: &Service, name: &str, port: u16) -> std::path::PathBuf {
    let yaml = format!("command: [python, app.py, --port, '{port}']\n");
    let source = SITE.replace("int(os.environ[\"DATABRICKS_APP_PORT\"])", &port.to_string());
    service.home.app(name, &[("app.py", &source), ("app.yaml", &yaml), ("version.txt", name)])
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn apps_that_fix_the_same_port_run_at_once_where_the_system_allows_it() {
    let allowed = Command::new(env!("CARGO_BIN_EXE_brickyard")).args(["warden", "--check-network"]).status();
    if !allowed.unwrap().success() {
        assert!(std::env::var_os("CI").is_none(), "CI allows namespaces");
        return;
    }
    let service = Service::up();
    let bearer = sign_in(&service);
    let port = free_port();
    let (first, second) = (fixed(&service, "first", port), fixed(&service, "second", port));
    service.run(&["deploy", first.to_str().unwrap(), "--no-check"]);
    service.run(&["deploy", second.to_str().unwrap(), "--no-check"]);
    for name in ["first", "second"] {
        let (status, said) = ask(&service, name, "/api/v", &bearer);
        assert!(status == 200 && said.starts_with(name), "{status} {said}");
    }
    // A new version listens beside the old one, so that the old one can be left.
    std::fs::write(first.join("version.txt"), "later").unwrap();
    service.run(&["deploy", first.to_str().unwrap(), "--no-check"]);
    assert!(ask(&service, "first", "/api/v", &bearer).1.starts_with("later"));
    service.run(&["stop", "first"]);
    assert!(ask(&service, "second", "/api/v", &bearer).1.starts_with("second"));
}

#[test]
fn an_app_that_fixes_its_port_is_told_who_has_it() {
    let service = Service::without_namespaces();
    let port = free_port();
    let app = |name: &str| fixed(&service, name, port).to_str().unwrap().to_owned();
    service.run(&["deploy", &app("first"), "--no-check"]);
    let refused = service.output(&["deploy", &app("second"), "--no-check"]);
    let said = text(&refused.stderr);
    assert!(said.contains(&format!("The app fixes port {port}, which the app `first` has")), "{said}");
    // The next version of the same app takes the port over, and one that fails gives it back.
    let first = app("first");
    std::fs::write(format!("{first}/version.txt"), "second version").unwrap();
    service.run(&["deploy", &first, "--no-check"]);
    std::fs::write(format!("{first}/app.py"), "raise SystemExit(3)").unwrap();
    assert_eq!(service.output(&["deploy", &first, "--no-check"]).status.code(), Some(1));
    wait_for("the version before", || service.json(&["get", "first"])["app_status"]["state"] == "RUNNING");
}

#[test]
fn who_may_use_and_who_may_manage_is_told_apart_everywhere() {
    let people = "[[users]]\nemail = \"dora@example.com\"\n\n[[users]]\nemail = \"uma@example.com\"\n";
    let home = super::harness::Home::new();
    let site = [
        ("app.py", SITE),
        ("app.yaml", "command: [python, app.py]\n"),
        ("version.txt", "one"),
        ("brickyard.toml", people),
    ];
    let folder = home.app("site", &site);
    let service = Service::up_for(home, folder.to_str().unwrap());
    service.run(&["deploy", folder.to_str().unwrap()]);
    let running = service.announced();
    let host = running["http_url"].as_str().unwrap().to_owned();
    service.sign_in(&host, "uma@example.com", &[]);
    let uma = service.oauth_token(&host);
    let bearer = format!("Bearer {uma}");
    let rest = |method: &str, path: &str, body: &str| service.rest_as(&uma, method, path, body);
    let app = "/api/2.0/apps/site";
    assert_eq!(rest("GET", app, "").0, 403);
    assert_eq!(rest("GET", "/api/2.0/apps", "").1["apps"], serde_json::json!([]));
    assert_eq!(ask(&service, "site", "/api/v", &bearer).0, 403, "without CAN_USE the door is shut");
    let personal = format!("Bearer {}", running["token"].as_str().unwrap());
    assert_eq!(ask(&service, "site", "/api/v", &personal).0, 401, "a personal token opens no app");

    let entry = |level: &str| {
        format!(
            r#"{{"access_control_list": [{{"user_name": "uma@example.com", "permission_level": "{level}"}}]}}"#
        )
    };
    let permissions = "/api/2.0/permissions/apps/site";
    assert_eq!(service.rest("PATCH", permissions, &entry("CAN_USE")).0, 200);
    assert_eq!(ask(&service, "site", "/api/v", &bearer), (200, "one uma@example.com".to_owned()));
    assert_eq!(rest("GET", app, "").0, 200);
    for (method, path, body) in [
        ("PATCH", app, r#"{"description": "x"}"#),
        ("POST", "/api/2.0/apps/site/stop", "{}"),
        ("POST", "/api/2.0/apps/site/deployments", "{}"),
        ("POST", "/api/2.0/apps/site/update", r#"{"update_mask": "description", "app": {}}"#),
        ("DELETE", app, ""),
        ("PATCH", permissions, &entry("CAN_MANAGE")),
    ] {
        assert_eq!(rest(method, path, body).0, 403, "{method} {path}");
    }
    assert_eq!(service.rest("PATCH", permissions, &entry("CAN_MANAGE")).0, 200);
    assert_eq!(rest("PATCH", app, r#"{"description": "x"}"#).0, 200);
    assert_eq!(rest("POST", "/api/2.0/apps/site/stop", "{}").0, 200);
}
