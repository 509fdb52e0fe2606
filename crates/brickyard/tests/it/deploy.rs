use super::harness::{Home, Service, get, text, wait_for};
use super::run::ECHO;

const VERSION: &str = r#"
import http.server, os, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = pathlib.Path("version.txt").read_bytes()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"])), Handler).serve_forever()
"#;

fn site(home: &Home) -> String {
    let files = [("app.py", VERSION), ("app.yaml", "command: [python, app.py]\n"), ("version.txt", "one")];
    home.app("site", &files).to_str().unwrap().to_owned()
}

/// What the app answers to somebody signed in by an OAuth token.
fn served(service: &Service, name: &str) -> String {
    let host = service.announced()["http_url"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", service.oauth_token(&host));
    let url = format!("http://127.0.0.1:{}/api/version", service.named_port());
    let named = format!("{name}.localhost:{}", service.named_port());
    get(&url, &[("Authorization", &bearer), ("Host", &named)]).1
}

#[test]
fn a_deployment_is_planned_verified_and_rolled_back() {
    let service = Service::up();
    let folder = site(&service.home);
    let developer = service.announced()["developer"].as_str().unwrap().to_owned();
    let host = service.announced()["http_url"].as_str().unwrap().to_owned();
    service.sign_in(&host, &developer, &[]);

    let first = service.json(&["deploy", &folder]);
    assert_eq!(first["plan"]["creates"], true);
    assert_eq!(first["uploaded"], 3);
    let good = |all: &serde_json::Value| all.as_array().unwrap().iter().all(|look| look["good"] == true);
    assert!(good(&first["verification"]), "{first}");
    let looks: Vec<&str> =
        first["verification"].as_array().unwrap().iter().map(|look| look["what"].as_str().unwrap()).collect();
    assert_eq!(looks, ["state", "version", "process", "address", "answer"]);
    assert!(
        first["verification"].to_string().contains("the app itself answers 200 OK"),
        "the app itself answers: {first}"
    );
    assert_eq!(served(&service, "site"), "one");

    // Nothing changed: nothing is sent and nothing deployed.
    let again = service.json(&["deploy", &folder]);
    assert_eq!((again["uploaded"].as_u64(), again["plan"]["deploys"].as_bool()), (Some(0), Some(false)));
    assert_eq!(again["deployment"]["deployment_id"], first["deployment"]["deployment_id"]);

    std::fs::write(format!("{folder}/version.txt"), "two").unwrap();
    let second = service.output(&["deploy", &folder]);
    let said = text(&second.stderr);
    assert!(said.contains("~ version.txt") && said.contains("Uploading 1 of 3 files"), "{said}");
    assert!(said.contains("[SYSTEM] App started successfully"), "the log is followed: {said}");
    assert!(said.contains("✓ version: deployment"), "{said}");
    assert_eq!(served(&service, "site"), "two");

    let rolled = service.json(&["rollback", "site"]);
    assert_eq!(rolled["to"], first["deployment"]["deployment_id"]);
    assert!(good(&rolled["verification"]), "{rolled}");
    assert_eq!(served(&service, "site"), "one");
    let missing = service.output(&["rollback", "site", "nonsense"]);
    assert_eq!(missing.status.code(), Some(1));
    // What serves is not what the folder says: the next deployment mends that.
    let plan = service.run(&["deploy", &folder, "--dry-run"]);
    assert!(plan.lines().count() == 2 && plan.contains("+ a deployment"), "{plan}");
    service.run(&["deploy", &folder]);
    assert_eq!(served(&service, "site"), "two");

    // Who goes back twice goes further back, not forth again.
    std::fs::write(format!("{folder}/version.txt"), "three").unwrap();
    service.run(&["deploy", &folder]);
    service.run(&["rollback", "site"]);
    assert_eq!(served(&service, "site"), "two");
    service.run(&["rollback", "site"]);
    assert_eq!(served(&service, "site"), "one");
    let first_of_all = service.output(&["rollback", "site"]);
    assert_eq!(first_of_all.status.code(), Some(1), "{}", text(&first_of_all.stderr));
    assert_eq!(served(&service, "site"), "one");

    // All of that is in the list of its versions, newest first.
    let shown = service.run(&["get", "site"]);
    assert_eq!(shown.matches("Version ").count(), 7, "{shown}");
    assert!(shown.contains("serves") && shown.contains("SUCCEEDED"), "{shown}");
    let all = service.json(&["get", "site"])["deployments"].as_array().unwrap().clone();
    assert_eq!(all.len(), 7);
    assert_eq!(all[6]["deployment_id"], first["deployment"]["deployment_id"]);

    service.run(&["stop", "site"]);
    let stopped =
        service.output(&["rollback", "site", first["deployment"]["deployment_id"].as_str().unwrap()]);
    assert_eq!(stopped.status.code(), Some(1));
    let said = text(&stopped.stderr);
    assert!(said.contains("App `site` cannot go back while its compute is STOPPED"), "{said}");
    assert!(said.contains("hint: `brickyard start site` first"), "{said}");
}

#[test]
fn files_of_others_stay_and_problems_are_refused_first() {
    let service = Service::up();
    let folder = site(&service.home);
    service.run(&["deploy", &folder]);
    let developer = service.announced()["developer"].as_str().unwrap().to_owned();
    let theirs =
        format!("/api/2.0/workspace-files/import-file/Workspace/Users/{developer}/apps/site/theirs.txt");
    assert_eq!(service.rest("POST", &theirs, "x").0, 200);
    let plan = service.run(&["deploy", &folder, "--dry-run"]);
    assert!(plan.contains("? 1 file that brickyard did not put there stay: theirs.txt"), "{plan}");
    let plan = service.run(&["deploy", &folder, "--dry-run", "--prune"]);
    assert!(plan.contains("- theirs.txt"), "{plan}");
    std::os::unix::fs::symlink("version.txt", format!("{folder}/same.txt")).unwrap();
    let plan = service.run(&["deploy", &folder, "--dry-run", "--mode", "snapshot"]);
    assert!(plan.contains("? 1 symbolic links are not sent: same.txt (a workspace has none"), "{plan}");
    assert!(!plan.contains("+ same.txt"), "{plan}");

    // A file that somebody removed in the workspace is sent again.
    let gone = format!(r#"{{"path": "/Users/{developer}/apps/site/version.txt"}}"#);
    assert_eq!(service.rest("POST", "/api/2.0/workspace/delete", &gone).0, 200);
    assert!(service.run(&["deploy", &folder, "--dry-run"]).contains("+ version.txt"));

    // What cannot be is refused before anything is asked or planned.
    for (arguments, words) in [
        (["--name", "Bad_Name"], "`Bad_Name` holds `B`"),
        (["--source-code-path", "apps/site"], "`apps/site` is no folder of a workspace"),
        (["--source-code-path", "/Workspace/Shared/"], "`/Workspace/Shared/` is no folder"),
        (["--bundle-target", "prod"], "There is no bundle that could have a target `prod`"),
    ] {
        let refused = service.output(&[&["deploy", &folder, "--dry-run"][..], &arguments].concat());
        let said = text(&refused.stderr);
        assert!(
            refused.status.code() == Some(2) && said.contains(words) && said.contains("hint: "),
            "{said}"
        );
    }

    std::fs::write(format!("{folder}/app.yaml"), "command: [python, app.py, --port, '8080']\n").unwrap();
    let refused = service.output(&["deploy", &folder]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("would not work on the platform") && said.contains("BY201"), "{said}");
    assert!(said.contains("hint: `brickyard check`"), "{said}");
}

#[test]
fn the_bundle_says_what_is_deployed() {
    let service = Service::up();
    let home = &service.home;
    let bundle = "bundle: {name: shop}\nvariables:\n  greeting: {default: hello}\nresources:\n  apps:\n    shop:\n      name: shop-${bundle.target}\n      description: A shop\n      source_code_path: ./src\n      config:\n        command: [python, server.py]\n        env:\n          - {name: GREETING, value: '${var.greeting}'}\n      permissions:\n        - {level: CAN_USE, group_name: users}\n      user_api_scopes: [sql]\ntargets:\n  dev: {default: true}\n  prod:\n    variables: {greeting: welcome}\n";
    let folder = home.app("shop", &[("databricks.yml", bundle), ("src/server.py", ECHO)]);
    let folder = folder.to_str().unwrap();
    let refused =
        service.output(&["deploy", folder, "--dry-run", "--no-check", "--bundle-target", "staging"]);
    let said = text(&refused.stderr);
    assert!(
        refused.status.code() == Some(2)
            && said.contains("no target `staging`")
            && said.contains("hint: it has `dev`, `prod`"),
        "{said}"
    );
    let plan = service.json(&["deploy", folder, "--dry-run", "--no-check"]);
    assert_eq!(plan["app"], "shop-dev");
    assert_eq!(plan["scopes"][0], "sql");
    assert_eq!(plan["permissions"][0]["group_name"], "users");
    service.run(&["deploy", folder, "--bundle-target", "prod", "--no-check"]);
    let app = service.json(&["get", "shop-prod"]);
    assert_eq!(app["description"], "A shop");
    assert_eq!(app["active_deployment"]["command"][1], "server.py");
    assert_eq!(app["active_deployment"]["env_vars"][0]["name"], "GREETING");
    let (_, list) = service.rest("GET", "/api/2.0/permissions/apps/shop-prod", "");
    assert!(list.to_string().contains("\"users\""), "{list}");
    let plan = service.json(&["deploy", folder, "--bundle-target", "prod", "--no-check", "--dry-run"]);
    assert_eq!((plan["deploys"].as_bool(), plan["permissions"].as_array().unwrap().len()), (Some(false), 0));
}

#[test]
fn the_service_comes_back_with_its_apps_after_everything_was_killed() {
    let service = Service::up();
    let folder = site(&service.home);
    let running = service.announced();
    let host = running["http_url"].as_str().unwrap().to_owned();
    service.sign_in(&host, running["developer"].as_str().unwrap(), &[]);
    service.run(&["deploy", &folder]);
    assert_eq!(served(&service, "site"), "one");
    let before = service.json(&["get", "site"]);
    service.cut_power();
    service.run(&["up"]);
    wait_for("the app after the crash", || {
        service.json(&["get", "site"])["app_status"]["state"] == "RUNNING"
    });
    let running = service.announced();
    let host = running["http_url"].as_str().unwrap().to_owned();
    std::fs::remove_file(service.home.path().join(".databrickscfg")).unwrap();
    service.sign_in(&host, running["developer"].as_str().unwrap(), &[]);
    assert_eq!(served(&service, "site"), "one");
    let after = service.json(&["get", "site"]);
    for fixed in ["id", "url", "service_principal_client_id", "oauth2_app_client_id"] {
        assert_eq!(before[fixed], after[fixed], "{fixed}");
    }
    assert_eq!(before["active_deployment"]["deployment_id"], after["active_deployment"]["deployment_id"]);
    // The log goes on where it was.
    let log = service.run(&["logs", "site", "--source", "SYSTEM"]);
    assert!(log.matches("Starting Databricks Apps runtime").count() == 2, "{log}");
}

#[test]
fn the_app_s_principal_reaches_its_data_or_it_is_told() {
    let service = Service::up();
    let (status, made) =
        service.rest("POST", "/api/2.0/database/instances", r#"{"name": "wall", "capacity": "CU_1"}"#);
    assert_eq!(status, 200, "{made}");
    wait_for("the instance", || {
        service.rest("GET", "/api/2.0/database/instances/wall", "").1["state"] == "AVAILABLE"
    });
    assert_eq!(service.rest("POST", "/api/2.0/secrets/scopes/create", r#"{"scope": "mortar"}"#).0, 200);
    let put = r#"{"scope": "mortar", "key": "lime", "string_value": "x"}"#;
    assert_eq!(service.rest("POST", "/api/2.0/secrets/put", put).0, 200);
    let folder = site(&service.home);
    let toml = "[resources.sql-warehouse]\ntype = \"sql-warehouse\"\n[resources.database]\ntype = \"database\"\n\
                instance-name = \"wall\"\n[resources.lime]\ntype = \"secret\"\nscope = \"mortar\"\nkey = \"lime\"\n";
    std::fs::write(format!("{folder}/brickyard.toml"), toml).unwrap();
    let deployed = service.json(&["deploy", &folder, "--no-check"]);
    let look = |deployed: &serde_json::Value, key: &str| {
        let all = deployed["verification"].as_array().unwrap();
        all.iter().find(|look| look["what"] == format!("resource {key}")).unwrap().clone()
    };
    for (key, did) in
        [("sql-warehouse", "ran SELECT 1"), ("database", "logged in"), ("lime", "read secret mortar/lime")]
    {
        let seen = look(&deployed, key);
        assert!(seen["good"] == true && seen["seen"].as_str().unwrap().contains(did), "{key}: {deployed}");
    }
    // Taken away behind the app's back.
    let principal = deployed["app"]["service_principal_client_id"].as_str().unwrap();
    let body = format!(r#"{{"scope": "mortar", "principal": "{principal}"}}"#);
    assert_eq!(service.rest("POST", "/api/2.0/secrets/acls/delete", &body).0, 200);
    let output = service.output(&["deploy", &folder, "--no-check", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = look(&found, "lime");
    assert!(seen["good"] == false && seen["hint"].as_str().unwrap().contains("READ"), "{seen}");
    assert_eq!(look(&found, "database")["good"], true, "{found}");
}
