use std::process::Command;

use brickyard_testing::python_environment;
use serde_json::Value;

use super::harness::{Home, text};
use super::run::ECHO;

/// Takes an app through its life with nothing but the official SDK.
const LIFE: &str = r#"
import sys, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict, ResourceAlreadyExists
from databricks.sdk.service.apps import App, AppDeployment, AppResource, AppResourceApp, EnvVar
from databricks.sdk.service.workspace import ImportFormat

w = WorkspaceClient()
source = open(sys.argv[1]).read()
me = w.current_user.me().user_name
folder = f"/Workspace/Users/{me}/src"
w.workspace.mkdirs(folder)
w.workspace.upload(f"{folder}/app.py", source.encode(), format=ImportFormat.AUTO, overwrite=True)

app = w.apps.create_and_wait(App(name="life", description="first"))
assert app.compute_status.state.value == "ACTIVE" and app.app_status.state.value == "UNAVAILABLE", app
assert app.service_principal_client_id and app.url.startswith("https://life-"), app
assert app.effective_user_api_scopes == ["iam.access-control:read", "iam.current-user:read"], app
for bad in (lambda: w.apps.create(App(name="life")), ):
    try:
        bad(); raise SystemExit("a second app of the same name")
    except ResourceAlreadyExists as error:
        assert "An app with the same name already exists: life" in str(error)
try:
    w.apps.create(App(name="Not_Valid")); raise SystemExit("a bad name")
except BadRequest:
    pass

first = w.apps.deploy_and_wait("life", AppDeployment(source_code_path=folder, env_vars=[EnvVar(name="VERSION", value="1")]))
assert first.status.state.value == "SUCCEEDED" and first.status.message == "App started successfully", first
assert [(v.name, v.value) for v in w.apps.get_deployment("life", first.deployment_id).env_vars] == [("VERSION", None)]
running = w.apps.get("life")
assert running.app_status.state.value == "RUNNING" and running.active_deployment.deployment_id == first.deployment_id, running

# A version that does not start leaves the old one serving.
w.workspace.upload(f"{folder}/app.py", b"raise SystemExit(9)", format=ImportFormat.AUTO, overwrite=True)
try:
    w.apps.deploy_and_wait("life", AppDeployment(source_code_path=folder)); raise SystemExit("it should have failed")
except Exception as error:
    assert "crashed" in str(error) or "FAILED" in str(error), error
assert w.apps.get("life").app_status.state.value == "RUNNING"
assert w.apps.get("life").active_deployment.deployment_id == first.deployment_id
assert len(list(w.apps.list_deployments("life"))) == 2


# A file may have 10 MB; a version with a larger one is refused in the platform's words.
w.workspace.upload(f"{folder}/app.py", source.encode(), format=ImportFormat.AUTO, overwrite=True)
w.api_client.do("POST", f"/api/2.0/workspace-files/import-file{folder}/large.bin", query={"overwrite": "true"}, data=bytes(10_485_761), headers={"Content-Type": "application/octet-stream"})
large = w.apps.deploy("life", AppDeployment(source_code_path=folder)).response
while (large := w.apps.get_deployment("life", large.deployment_id)).status.state.value == "IN_PROGRESS":
    time.sleep(0.1)
assert large.status.state.value == "FAILED" and "large.bin is larger than the maximum allowed file size of 10485760 bytes" in large.status.message, large
assert w.apps.get("life").active_deployment.deployment_id == first.deployment_id
w.workspace.delete(f"{folder}/large.bin")

w.apps.update("life", App(name="life", description="second", user_api_scopes=["sql"]))
assert w.apps.get("life").effective_user_api_scopes == ["sql"]
assert w.apps.stop_and_wait("life").compute_status.state.value == "STOPPED"
assert w.apps.get("life").app_status.state.value == "UNAVAILABLE"
assert w.apps.start_and_wait("life").compute_status.state.value == "ACTIVE"
while w.apps.get("life").app_status.state.value == "DEPLOYING":
    time.sleep(0.1)
assert w.apps.get("life").app_status.state.value == "RUNNING"
assert [a.name for a in w.apps.list()] == ["life"]
logs = w.api_client.do("GET", f"/api/2.0/apps/life/deployments/{first.deployment_id}/logs")["logs"]
assert "Starting app with command" in logs, logs

assert w.apps.delete("life").compute_status.state.value == "DELETING"
try:
    w.apps.delete("life"); raise SystemExit("a second delete")
except BadRequest as error:
    assert "not terminal with state DELETING" in str(error), error
while True:
    try:
        w.apps.get("life"); time.sleep(0.1)
    except NotFound:
        break
w.apps.create_and_wait(App(name="life"))
print("done")
"#;

fn token(home: &Home) -> (String, String) {
    let running: Value =
        serde_json::from_slice(&std::fs::read(home.service().join("running.json")).unwrap()).unwrap();
    (running["http_url"].as_str().unwrap().to_owned(), running["token"].as_str().unwrap().to_owned())
}

#[test]
fn the_sdk_takes_an_app_through_its_life() {
    let home = Home::new();
    let state = home.service();
    home.stdout(&["up", "--state-directory", state.to_str().unwrap()]);
    let (host, token) = token(&home);
    let folder = home.app("source", &[("app.py", ECHO), ("life.py", LIFE)]);
    let environment = python_environment(&["databricks-sdk==0.156.0"]);
    let output = Command::new(environment.python())
        .arg(folder.join("life.py"))
        .arg(folder.join("app.py"))
        .env_clear()
        .envs([
            ("DATABRICKS_HOST", host.as_str()),
            ("DATABRICKS_TOKEN", &token),
            ("HOME", home.path().to_str().unwrap()),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_folder_is_deployed_changed_and_deleted() {
    let home = Home::new();
    let state = home.service();
    let with_state = |arguments: &[&str]| -> Vec<String> {
        arguments
            .iter()
            .map(|&word| word.to_owned())
            .chain(["--state-directory".to_owned(), state.to_str().unwrap().to_owned()])
            .collect()
    };
    let run = |arguments: &[&str]| {
        let arguments = with_state(arguments);
        home.stdout(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let app = home
        .app("site", &[("app.py", ECHO), ("app.yaml", "command: [python, app.py]\n"), ("static/a.txt", "a")]);
    let folder = app.to_str().unwrap();
    let silent = home.output(&["list", "--state-directory", state.to_str().unwrap()]);
    assert!(text(&silent.stderr).contains("hint: start it with `brickyard up`"));
    run(&["up"]);
    assert!(run(&["up"]).contains("runs already"));
    let plan = run(&["deploy", folder, "--dry-run"]);
    assert!(plan.contains("+ the app itself") && plan.contains("+ static/a.txt"), "{plan}");
    assert!(run(&["list"]).lines().count() == 1, "a dry run changes nothing");
    assert!(run(&["deploy", folder]).contains("site runs: http://site.localhost:"));
    assert!(run(&["deploy", folder, "--dry-run"]).contains("= 3 files unchanged"));

    std::fs::remove_file(app.join("static/a.txt")).unwrap();
    std::fs::write(app.join("new.txt"), "n").unwrap();
    let plan = run(&["deploy", folder, "--dry-run"]);
    assert!(
        plan.contains("+ new.txt") && plan.contains("- static/a.txt") && plan.contains("= 2 files"),
        "{plan}"
    );
    run(&["deploy", folder]);
    assert!(run(&["get", "site"]).contains("App        RUNNING"));

    // The workspace comes back with the same app.
    run(&["down"]);
    run(&["up"]);
    super::harness::wait_for("the app after a restart", || {
        run(&["get", "site"]).contains("App        RUNNING")
    });
    let unsure = home.output(&with_state(&["delete", "site"]).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(unsure.status.code(), Some(2));
    run(&["delete", "site", "--yes"]);
    super::harness::wait_for("the end of the app", || !run(&["list"]).contains("site"));
}
