//! What is sent to a workspace, against the official SDK's own models: a real one takes nothing else.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use brickyard_testing::python_environment;

use super::harness::{Service, text};
use super::run::ECHO;

/// Passes everything on to the workspace and writes down each request.
const RECORDER: &str = r#"
import http.client, http.server, json, sys, threading, urllib.parse
upstream, record = sys.argv[1:]
lock = threading.Lock()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with lock, open(record, "a") as file:
            file.write(json.dumps([self.command, self.path, body.decode("utf-8", "replace")]) + "\n")
        connection = http.client.HTTPConnection(upstream)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.end_headers()
        self.wfile.write(content)
    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = pass_on
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// Each body must survive the SDK's model unchanged; prints what was asked, once each.
const JUDGE: &str = r#"
import json, re, sys
from databricks.sdk.service.apps import App, AppDeployment, AppAccessControlRequest
record, developer = sys.argv[1:]
seen = set()
for line in open(record):
    method, path, body = json.loads(line)
    plain, _, query = path.partition("?")
    def same(model, value):
        assert model.from_dict(value).as_dict() == value, (plain, value, model.from_dict(value).as_dict())
    if (method, plain) == ("POST", "/api/2.0/apps") or (method == "PATCH" and plain.startswith("/api/2.0/apps/")):
        same(App, json.loads(body))
    elif method == "POST" and plain.endswith("/deployments"):
        same(AppDeployment, json.loads(body))
    elif method == "POST" and plain.endswith("/update"):
        update = json.loads(body)
        assert set(update) == {"app", "update_mask"}, update
        same(App, {"name": "", **update["app"]})
        assert set(update["update_mask"].split(",")) == set(update["app"]), update
    elif method == "PATCH" and plain.startswith("/api/2.0/permissions/"):
        for entry in json.loads(body)["access_control_list"]:
            same(AppAccessControlRequest, entry)
    elif method == "POST" and plain.startswith("/api/2.0/workspace/"):
        assert set(json.loads(body)) <= {"path", "recursive"}, body
    plain = re.sub(r"/deployments/[0-9a-f]+$", "/deployments/ID", plain).replace(developer, "USER").replace(developer.replace("@", "%40"), "USER")
    names = "&".join(sorted(part.split("=")[0] for part in query.split("&") if part))
    seen.add(f"{method} {plain}" + (f"?{names}" if names else ""))
print("\n".join(sorted(seen)))
"#;

#[test]
fn the_official_models_take_every_body_that_is_sent() {
    let service = Service::up();
    let running = service.announced();
    let environment = python_environment(&["databricks-sdk==0.156.0"]);
    let record = service.home.path().join("record");
    let upstream = running["http_url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut recorder = Command::new(environment.python())
        .args(["-c", RECORDER, &upstream, record.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(recorder.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let token = running["token"].as_str().unwrap();
    let profile = format!("[me]\nhost = http://127.0.0.1:{}\ntoken = {token}\n", port.trim());
    std::fs::write(service.home.path().join(".databrickscfg"), profile).unwrap();
    let bundle = |more: &str| {
        format!(
            "bundle: {{name: shop}}\nresources:\n  apps:\n    shop:\n      name: shop\n      description: A shop\n      source_code_path: ./src\n      config:\n        command: [python, server.py]\n        env:\n          - {{name: GREETING, value: hello}}\n      permissions:\n        - {{level: CAN_USE, group_name: users}}\n      user_api_scopes: [sql]\n{more}targets:\n  dev: {{default: true}}\n"
        )
    };
    let folder = service
        .home
        .app("shop", &[("databricks.yml", &bundle("")), ("src/server.py", ECHO), ("src/a/b.txt", "1")]);
    // The app's own https address is looked at in the end; the recorder is on loopback, past the proxy.
    let of = |name: &str| running[name].as_str().unwrap().to_owned();
    let network = [("HTTPS_PROXY", of("proxy_url")), ("SSL_CERT_FILE", of("ca_bundle"))];
    let run = |arguments: &[&str]| {
        let mut command = service.home.brickyard(arguments);
        let output = command.args(["--target", "me"]).envs(network.iter().cloned()).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {}", text(&output.stderr));
    };
    let path = folder.to_str().unwrap();
    run(&["deploy", path, "--no-check"]);
    std::fs::write(folder.join("databricks.yml"), bundle("      compute_size: LARGE\n")).unwrap();
    std::fs::remove_file(folder.join("src/a/b.txt")).unwrap();
    run(&["deploy", path, "--no-check"]);
    run(&["rollback", "shop"]);
    run(&["stop", "shop"]);
    run(&["start", "shop"]);
    run(&["list"]);
    run(&["delete", "shop", "--yes"]);
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    let judged = Command::new(environment.python())
        .args(["-c", JUDGE, record.to_str().unwrap(), running["developer"].as_str().unwrap()])
        .output()
        .unwrap();
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let golden = "\
DELETE /api/2.0/apps/shop
GET /api/2.0/apps
GET /api/2.0/apps/shop
GET /api/2.0/apps/shop/deployments
GET /api/2.0/apps/shop/deployments/ID
GET /api/2.0/apps/shop/update
GET /api/2.0/permissions/apps/shop
GET /api/2.0/preview/scim/v2/Me
GET /api/2.0/workspace/export?format&path
GET /api/2.0/workspace/list?path
PATCH /api/2.0/permissions/apps/shop
POST /api/2.0/apps
POST /api/2.0/apps/shop/deployments
POST /api/2.0/apps/shop/start
POST /api/2.0/apps/shop/stop
POST /api/2.0/apps/shop/update
POST /api/2.0/workspace-files/import-file/Workspace/Users/USER/apps/shop.brickyard.json?overwrite
POST /api/2.0/workspace-files/import-file/Workspace/Users/USER/apps/shop/a/b.txt?overwrite
POST /api/2.0/workspace-files/import-file/Workspace/Users/USER/apps/shop/server.py?overwrite
POST /api/2.0/workspace/delete
POST /api/2.0/workspace/mkdirs
";
    assert_eq!(text(&judged.stdout), golden);
}

#[test]
fn a_workspace_is_compared_with_itself_and_nobody_is_named() {
    let service = Service::up();
    let running = service.announced();
    let profile = format!(
        "[me]\nhost = {}\ntoken = {}\n",
        running["http_url"].as_str().unwrap(),
        running["token"].as_str().unwrap()
    );
    std::fs::write(service.home.path().join(".databrickscfg"), profile).unwrap();
    let report = service.home.path().join("report.json");
    let said = service.run(&["parity", "--target", "me", "--report", report.to_str().unwrap()]);
    assert!(said.contains("steps came out the same"), "{said}");
    let report = std::fs::read_to_string(report).unwrap();
    let user = running["developer"].as_str().unwrap();
    for secret in [user, running["token"].as_str().unwrap(), running["host"].as_str().unwrap(), "127.0.0.1"] {
        assert!(!report.contains(secret), "{secret} is in the report");
    }
    assert!(report.contains("409 RESOURCE_ALREADY_EXISTS"), "{report}");
    assert!(!service.run(&["list"]).contains("parity-") || service.run(&["list"]).contains("DELETING"));
}

#[test]
fn a_bundle_is_written_and_handed_to_the_official_command_line() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::up();
    let home = &service.home;
    let app = home.app("shop", &[("app.py", ECHO), ("app.yaml", "command: [python, app.py]\n")]);
    let folder = app.to_str().unwrap();
    let absent = service.output(&["deploy", folder, "--bundle"]);
    assert!(text(&absent.stderr).contains("The app belongs to no bundle"), "{}", text(&absent.stderr));
    assert!(service.run(&["bundle", "init", folder]).contains("databricks.yml"));
    assert!(text(&service.output(&["bundle", "init", folder]).stderr).contains("is there already"));
    let plan = service.json(&["deploy", folder, "--dry-run"]);
    assert_eq!((plan["app"].as_str(), plan["creates"].as_bool()), (Some("shop-dev"), Some(true)), "{plan}");
    let absent = service.output(&["deploy", folder, "--bundle"]);
    assert!(text(&absent.stderr).contains("is not on the `PATH`"), "{}", text(&absent.stderr));
    // What stands for the official command line writes down how it was called.
    let program = home.path().join("bin/databricks");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    let script =
        "#!/bin/sh\necho \"$@\" in $(basename $PWD) at $DATABRICKS_HOST $DATABRICKS_CONFIG_PROFILE\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var_os("PATH").unwrap().display());
    let called = |target: &str| {
        service
            .command(&["deploy", folder, "--bundle", "--bundle-target", "prod", "--target", target])
            .env("PATH", &path)
            .env("DATABRICKS_HOST", "https://elsewhere.example.com")
            .env("DATABRICKS_CONFIG_PROFILE", "elsewhere")
            .output()
            .unwrap()
    };
    // The program that stands for it makes no app: one is there already.
    assert_eq!(service.rest("POST", "/api/2.0/apps", r#"{"name": "shop"}"#).0, 200);
    let output = called("local");
    let here = format!("shop runs: http://shop.localhost:{}", service.named_port());
    assert!(text(&output.stderr).contains(&here), "{}", text(&output.stderr));
    let host = service.announced()["http_url"].as_str().unwrap().to_owned();
    assert_eq!(
        text(&output.stdout),
        format!(
            "bundle deploy --target prod in shop at {host}\nbundle run shop --target prod in shop at {host}\n"
        ),
        "{}",
        text(&output.stderr)
    );
    // What the shell says of other workspaces does not lead there.
    std::fs::write(home.path().join(".databrickscfg"), format!("[me]\nhost = {host}\ntoken = x\n")).unwrap();
    let output = called("me");
    assert_eq!(
        text(&output.stdout),
        "bundle deploy --target prod in shop at me\nbundle run shop --target prod in shop at me\n",
        "{}",
        text(&output.stderr)
    );
    assert!(text(&called("nobody").stderr).contains("There is no profile `nobody`"));
}
