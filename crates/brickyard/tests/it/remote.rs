//! A second local workspace stands for a real one: over https, by its name, with OAuth.

use super::harness::{Service, text};
use super::run::ECHO;

/// How clients outside the apps reach the workspace of a service by its name.
fn network(service: &Service) -> Vec<(String, String)> {
    let running = service.announced();
    let of = |name: &str| running[name].as_str().unwrap().to_owned();
    let pair = |name: &str, value: String| (name.to_owned(), value);
    vec![
        pair("HTTPS_PROXY", of("proxy_url")),
        pair("https_proxy", of("proxy_url")),
        pair("SSL_CERT_FILE", of("ca_bundle")),
        pair("REQUESTS_CA_BUNDLE", of("ca_bundle")),
    ]
}

#[test]
fn a_user_signs_in_and_takes_an_app_through_its_life() {
    let service = Service::up();
    let home = &service.home;
    let running = service.announced();
    let host = format!("https://{}", running["host"].as_str().unwrap());
    let developer = running["developer"].as_str().unwrap().to_owned();
    let network = network(&service);
    let borrowed: Vec<(&str, &str)> =
        network.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let remote = |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--target", "me"]).collect();
        home.brickyard(&arguments).envs(network.iter().cloned()).output().unwrap()
    };
    let run = |arguments: &[&str]| {
        let output = remote(arguments);
        assert!(output.status.success(), "{arguments:?} {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    };
    let stranger = remote(&["list"]);
    assert!(text(&stranger.stderr).contains("There is no profile `me`"), "{}", text(&stranger.stderr));
    service.sign_in(&host, &developer, &borrowed);

    let app = home.app("far", &[("app.py", ECHO), ("app.yaml", "command: [python, app.py]\n")]);
    let folder = app.to_str().unwrap();
    let output = remote(&["deploy", folder]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("[SYSTEM] App started successfully"),
        "the log is followed over the WebSocket: {said}"
    );
    assert!(run(&["list"]).contains("RUNNING"));
    assert!(run(&["get", "far"]).contains("https://far-"));
    let log = run(&["logs", "far", "--tail", "50"]);
    assert!(log.contains("[SYSTEM] App started successfully"), "{log}");
    let log = run(&["logs", "far", "--search", "no such words"]);
    assert_eq!(log, "");
    run(&["stop", "far"]);
    assert!(run(&["get", "far"]).contains("STOPPED"));
    run(&["start", "far"]);
    assert!(run(&["get", "far"]).contains("Compute    ACTIVE"));

    // A token that ends in the middle is renewed with the sign-in's refresh token.
    service.run(&["clock", "advance", "2h"]);
    std::fs::write(app.join("new.txt"), "n").unwrap();
    run(&["deploy", folder]);

    // The official SDK finds the same sign-in in the profile's cache format.
    assert!(
        std::fs::read_to_string(home.path().join(".databrickscfg"))
            .unwrap()
            .contains("auth_type = databricks-cli")
    );

    // A personal token deploys, and opens no log.
    let token = running["token"].as_str().unwrap();
    let profile = format!("[me]\nhost = {host}\ntoken = {token}\n");
    std::fs::write(home.path().join(".databrickscfg"), profile).unwrap();
    run(&["list"]);
    let refused = remote(&["logs", "far"]);
    assert!(
        text(&refused.stderr).contains("A personal access token opens no logs"),
        "{}",
        text(&refused.stderr)
    );
    run(&["delete", "far", "--yes"]);
}

/// Tells who it is, secret and all: an app's own credentials are those of any service principal.
const CREDENTIALS: &str = r#"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{os.environ['DATABRICKS_CLIENT_ID']} {os.environ['DATABRICKS_CLIENT_SECRET']}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.HTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

#[test]
fn a_service_principal_signs_in_and_its_token_is_renewed() {
    let service = Service::up();
    let home = &service.home;
    let running = service.announced();
    let host = format!("https://{}", running["host"].as_str().unwrap());
    let plain = running["http_url"].as_str().unwrap().to_owned();
    let files = [("app.py", CREDENTIALS), ("app.yaml", "command: [python, app.py]\n")];
    let folder = home.app("robot", &files).to_str().unwrap().to_owned();
    service.run(&["deploy", &folder]);
    service.sign_in(&plain, running["developer"].as_str().unwrap(), &[]);
    let bearer = format!("Bearer {}", service.oauth_token(&plain));
    let named = format!("robot.localhost:{}", service.named_port());
    let url = format!("http://127.0.0.1:{}/api/who", service.named_port());
    let (_, said) = super::harness::get(&url, &[("Authorization", &bearer), ("Host", &named)]);
    let (id, secret) = said.split_once(' ').unwrap();
    let entry = format!(
        r#"{{"access_control_list": [{{"service_principal_name": "{id}", "permission_level": "CAN_MANAGE"}}]}}"#
    );
    assert_eq!(service.rest("PATCH", "/api/2.0/permissions/apps/robot", &entry).0, 200);
    let profile = format!("[me]\nhost = {host}\nclient_id = {id}\nclient_secret = {secret}\n");
    std::fs::write(home.path().join(".databrickscfg"), profile).unwrap();
    let network = network(&service);
    let run = |arguments: &[&str]| {
        let mut command = home.brickyard(arguments);
        let output = command.args(["--target", "me"]).envs(network.iter().cloned()).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(run(&["list"]).contains("robot"));
    assert!(run(&["logs", "robot", "--source", "SYSTEM"]).contains("App started successfully"));
    // In the middle of a deployment its token ends: the first upload waits until the clock has moved on.
    std::fs::write(format!("{folder}/new.txt"), "n").unwrap();
    let import = "/api/2.0/workspace-files/import-file";
    service.run(&["fault", import, "--delay", "5000", "--count", "1"]);
    std::thread::scope(|scope| {
        let deploying = scope.spawn(|| run(&["deploy", &folder]));
        super::harness::wait_for("the upload", || {
            service.rest("GET", "/api/brickyard/faults", "").1["faults"] == serde_json::json!([])
        });
        service.run(&["clock", "advance", "2h"]);
        assert!(deploying.join().unwrap().contains("robot runs"));
    });
}

/// Writes what it is asked for into its log.
const TELLING: &str = r#"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("ASKED", self.path, flush=True)
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

#[test]
fn a_log_that_is_followed_goes_on_when_its_token_has_ended() {
    let service = Service::up();
    let home = &service.home;
    let running = service.announced();
    let host = format!("https://{}", running["host"].as_str().unwrap());
    let developer = running["developer"].as_str().unwrap().to_owned();
    let network = network(&service);
    let borrowed: Vec<(&str, &str)> =
        network.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    service.sign_in(&host, &developer, &borrowed);
    let files = [("app.py", TELLING), ("app.yaml", "command: [python, app.py]\n")];
    service.run(&["deploy", home.app("telling", &files).to_str().unwrap()]);

    let (lines, words) = (home.path().join("lines"), home.path().join("words"));
    let mut command =
        home.brickyard(&["logs", "telling", "--follow", "--source", "APP", "--target", "me", "-vv"]);
    command.envs(network.iter().cloned());
    command.stdout(std::fs::File::create(&lines).unwrap()).stderr(std::fs::File::create(&words).unwrap());
    let mut follower = command.spawn().unwrap();
    let said = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    // Each question has a number of its own; the follower's own renewed token is what opens the app afterwards.
    let mut asked = 0;
    let mut answered = Vec::new();
    let mut ask_until_seen = || {
        super::harness::wait_for("a line of the log", || {
            asked += 1;
            let bearer = format!("Bearer {}", service.oauth_token(&host));
            let named = format!("telling.localhost:{}", service.named_port());
            let url = format!("http://127.0.0.1:{}/api/number-{asked}-", service.named_port());
            if super::harness::get(&url, &[("Authorization", &bearer), ("Host", &named)]).0 == 200 {
                answered.push(asked);
            }
            answered.last().is_some_and(|last| said(&lines).contains(&format!("number-{last}-")))
        });
        answered.clone()
    };
    ask_until_seen();
    service.run(&["clock", "advance", "2h"]);
    super::harness::wait_for("the end of the token", || {
        said(&words).contains("The token of the log stream has ended")
    });
    let answered = ask_until_seen();
    follower.kill().unwrap();
    follower.wait().unwrap();
    let told = said(&lines);
    for number in answered {
        assert_eq!(told.matches(&format!("number-{number}-")).count(), 1, "{number}: {told}");
    }
}
