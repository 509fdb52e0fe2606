use brickyard_api::{App, AppResource};
use brickyard_workspace::{ServingBackend, ServingEndpoint};
use serde_json::{Value, json};

use crate::harness::{ADA, DEVELOPER, Running, TODAY, environment, start};

/// An app with a secret, a serving endpoint and an experiment of its own.
async fn app(running: &Running, name: &str) -> Vec<(String, String)> {
    running.handle.put_secret(name, "key", &format!("secret of {name}")).unwrap();
    let backend = ServingBackend::Unset;
    let endpoint = ServingEndpoint { name: name.to_owned(), task: None, backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    let experiment = running.handle.ensure_experiment(&format!("/Shared/{name}")).unwrap();
    let resources: Vec<AppResource> = serde_json::from_value(json!([
        { "name": "secret", "secret": { "scope": name, "key": "key", "permission": "READ" } },
        { "name": "model", "serving_endpoint": { "name": name, "permission": "CAN_QUERY" } },
        { "name": "experiment", "experiment": { "experiment_id": experiment, "permission": "CAN_EDIT" } },
    ]))
    .unwrap();
    let app = App { name: name.to_owned(), resources, ..App::default() };
    let registered = running.handle.register_app(app, DEVELOPER).await.unwrap();
    let mut variables = running.handle.client_environment();
    variables.extend(registered.environment);
    variables.extend(
        registered.values.iter().map(|(key, value)| (format!("OWN_{}", key.to_uppercase()), value.clone())),
    );
    variables
}

/// The principal of one app reaches its own resources and none of another's; nobody's secret shows in an error, a list
/// or the log of denials.
#[tokio::test(flavor = "multi_thread")]
async fn one_app_cannot_reach_what_another_has() {
    let running = start().await;
    let first = app(&running, "first").await;
    let second = app(&running, "second").await;
    let of = |variables: &[(String, String)], name: &str| {
        variables.iter().find(|(known, _)| known == name).unwrap().1.clone()
    };
    let mut variables = first.clone();
    for (name, from) in [("OTHER_EXPERIMENT", "OWN_EXPERIMENT"), ("OTHER_ID", "DATABRICKS_CLIENT_ID")] {
        variables.push((name.to_owned(), of(&second, from)));
    }
    let script = r#"
import base64, os, requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import apps, iam, workspace
w = WorkspaceClient()
print(base64.b64decode(w.secrets.get_secret("first", "key").value).decode(), w.experiments.get_experiment(os.environ["OWN_EXPERIMENT"]).experiment.name)
try:
    w.serving_endpoints.query("first", inputs=[1])
except Exception as error:
    print("has no model behind it" in str(error))
other = os.environ["OTHER_EXPERIMENT"]
attempts = {
    "secret": lambda: w.secrets.get_secret("second", "key"),
    "scope": lambda: w.secrets.list_secrets("second"),
    "acl": lambda: w.secrets.put_acl("second", w.config.client_id, workspace.AclPermission.READ),
    "endpoint": lambda: w.serving_endpoints.query("second", inputs=[1]),
    "experiment": lambda: w.experiments.get_experiment(other),
    "run": lambda: w.experiments.create_run(experiment_id=other),
    "artifacts": lambda: w.files.upload(f"/WorkspaceInternal/Mlflow/Artifacts/{other}/Runs/x/artifacts/a", __import__("io").BytesIO(b"x")),
    "app": lambda: w.apps.get("second"),
    "grant": lambda: w.permissions.update("serving-endpoints", "second", access_control_list=[iam.AccessControlRequest(service_principal_name=w.config.client_id, permission_level=iam.PermissionLevel.CAN_QUERY)]),
    "own app": lambda: w.apps.update("first", apps.App(name="first", user_api_scopes=["sql"])),
    "user": lambda: w.users.create(user_name="x@example.com"),
    "fault": lambda: w.api_client.do("POST", "/api/brickyard/faults", body={"path": "/", "status": 500}),
    "clock": lambda: w.api_client.do("POST", "/api/brickyard/clock", body={"advance_seconds": 1}),
    "token": lambda: w.api_client.do("POST", "/api/brickyard/user-tokens", body={"user": "ada@example.com", "app": "first"}),
    "job": lambda: w.jobs.submit(run_name="x", tasks=[]),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name, "went through")
    except Exception as error:
        if type(error).__name__ not in ("PermissionDenied", "NotFound") or "secret of" in str(error):
            print(name, type(error).__name__, error)
host = w.config.host
def token(client_id, secret, **more):
    return requests.post(f"{host}/oidc/v1/token", auth=(client_id, secret), data={"grant_type": "client_credentials", "scope": "all-apis", **more})
print(token(os.environ["OTHER_ID"], os.environ["DATABRICKS_CLIENT_SECRET"]).status_code, token("ada@example.com", os.environ["DATABRICKS_CLIENT_SECRET"]).status_code)
print([e.name for e in w.serving_endpoints.list()], [s.name for s in w.secrets.list_scopes()])
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "secret of first /Shared/first\n\
        True\n\
        job went through\n\
        401 401\n\
        ['first'] ['first']\n";
    assert_eq!(printed, expected);
    let developer = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let http = brickyard_api::http_client(false).unwrap();
    let url = format!("{}/api/brickyard/denials", running.handle.http_url());
    let told: Value = http.get(url).bearer_auth(&developer).send().await.unwrap().json().await.unwrap();
    let told = told.to_string();
    assert!(told.contains("CAN_QUERY") && !told.contains("secret of"), "{told}");
    assert!(!told.contains(&of(&first, "DATABRICKS_CLIENT_SECRET")));
}

/// A token that was made for an app's user is narrowed to the app's scopes, and says whose it is; only admins get one.
#[tokio::test(flavor = "multi_thread")]
async fn admins_alone_get_tokens_of_users() {
    let running = start().await;
    let http = brickyard_api::http_client(false).unwrap();
    let url = |path: &str| format!("{}{path}", running.handle.http_url());
    let ask = async |owner: &str, user: &str| {
        let token = running.handle.create_personal_access_token(owner).unwrap();
        let body = json!({ "user": user });
        let sent = http.post(url("/api/brickyard/tokens")).bearer_auth(token).json(&body).send();
        let answer = sent.await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, made) = ask(DEVELOPER, ADA).await;
    assert_eq!(status, 200, "{made}");
    let token = made["access_token"].as_str().unwrap();
    let me = http.get(url("/api/2.0/preview/scim/v2/Me")).bearer_auth(token).send().await.unwrap();
    assert_eq!(me.json::<Value>().await.unwrap()["userName"], ADA);
    assert_eq!(ask(ADA, DEVELOPER).await.0, 403);
    assert_eq!(ask(DEVELOPER, "nobody@example.com").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_for_tests_are_as_narrow_as_the_app() {
    let running = start().await;
    let scopes = vec!["sql".to_owned()];
    let app = App { name: "yard".to_owned(), user_api_scopes: scopes, ..App::default() };
    running.handle.register_app(app, DEVELOPER).await.unwrap();
    let http = brickyard_api::http_client(false).unwrap();
    let url = |path: &str| format!("{}{path}", running.handle.http_url());
    let ask = async |owner: &str, user: &str| {
        let token = running.handle.create_personal_access_token(owner).unwrap();
        let body = json!({ "user": user, "app": "yard" });
        let sent = http.post(url("/api/brickyard/user-tokens")).bearer_auth(token).json(&body).send();
        let answer = sent.await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    running.handle.grant_object(ADA, "apps", "yard", "CAN_USE").unwrap();
    let (status, made) = ask(DEVELOPER, ADA).await;
    assert_eq!(status, 200, "{made}");
    let headers = &made["headers"];
    assert_eq!(headers["X-Forwarded-Email"], ADA);
    let token = headers["X-Forwarded-Access-Token"].as_str().unwrap();
    for (path, status) in
        [("/api/2.0/sql/warehouses", 200), ("/api/2.0/preview/scim/v2/Me", 403), ("/api/2.2/jobs/list", 403)]
    {
        assert_eq!(http.get(url(path)).bearer_auth(token).send().await.unwrap().status(), status, "{path}");
    }
    assert_eq!(ask(ADA, DEVELOPER).await.0, 403);
    assert_eq!(ask(DEVELOPER, "nobody@example.com").await.0, 404);
}

#[tokio::test]
async fn tokens_of_apps_are_for_admins() {
    let running = start().await;
    let app = App { name: "yard".to_owned(), ..App::default() };
    let registered = running.handle.register_app(app, DEVELOPER).await.unwrap();
    let principal = registered.app.service_principal_client_id.unwrap();
    let http = brickyard_api::http_client(false).unwrap();
    let url = |path: &str| format!("{}{path}", running.handle.http_url());
    let ask = async |owner: &str, app: &str| {
        let token = running.handle.create_personal_access_token(owner).unwrap();
        let sent = http
            .post(url("/api/brickyard/app-tokens"))
            .bearer_auth(token)
            .json(&json!({ "app": app }))
            .send();
        let answer = sent.await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, made) = ask(DEVELOPER, "yard").await;
    assert_eq!(status, 200, "{made}");
    for (token, who) in [("principal_token", principal.as_str()), ("visitor_token", DEVELOPER)] {
        let token = made[token].as_str().unwrap();
        let me = http.get(url("/api/2.0/preview/scim/v2/Me")).bearer_auth(token).send().await.unwrap();
        assert_eq!(me.json::<Value>().await.unwrap()["userName"], who);
    }
    assert_eq!(ask(ADA, "yard").await.0, 403);
    assert_eq!(ask(&principal, "yard").await.0, 403);
    assert_eq!(ask(DEVELOPER, "nowhere").await.0, 404);
}
