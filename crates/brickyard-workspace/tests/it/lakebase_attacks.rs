//! Logins that have to fail, with drivers as attackers use them.

use std::time::Duration;

use brickyard_workspace::{Clock, DatabaseTarget};
use jiff::SignedDuration;

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, environment, start, start_with};
use crate::lakebase::{CLIENTS, PROVISIONED, developer_environment, postgres_environment};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_logins_are_refused_with_the_reason() {
    let running = start().await;
    let handle = &running.handle;
    let other = DatabaseTarget::Provisioned { instance: Some("other".to_owned()), database: None };
    let binding = handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    let others = handle.bind_database(&other, ADA).await.unwrap();
    let scoped = ["sql".to_owned()];
    let mut variables = postgres_environment(&running, &binding);
    for (name, value) in [
        ("ADA_TOKEN", handle.issue_user_token(ADA, "databricks-cli", &["all-apis".to_owned()]).unwrap()),
        ("ADA_SCOPED", handle.issue_user_token(ADA, "app", &scoped).unwrap()),
        ("OTHER_CREDENTIAL", handle.database_password(&other, CLIENT_ID).await.unwrap()),
        ("PERSONAL_TOKEN", handle.create_personal_access_token(DEVELOPER).unwrap()),
        ("OTHER_HOST", others.host),
        ("OTHER_PORT", others.port.to_string()),
    ] {
        variables.push((name.to_owned(), value));
    }
    let script = include_str!("clients/lakebase_attacks.py");
    let output = running.python_with(&environment(CLIENTS).await, &variables, script).await;
    assert_eq!(output.trim(), "ok");
}

/// Every endpoint of both kinds, with a body, parameters and a path that cannot be read: an SDK takes an answer that is not
/// JSON for a proxy's.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_in_the_platforms_shape() {
    let running = start().await;
    let endpoints: Vec<_> = brickyard_workspace::endpoints()
        .into_iter()
        .filter(|endpoint| endpoint.family.starts_with("Lakebase "))
        .map(|endpoint| (endpoint.method, endpoint.path))
        .collect();
    assert!(endpoints.len() > 60, "{}", endpoints.len());
    let mut variables = developer_environment(&running);
    variables.push(("ENDPOINTS".to_owned(), serde_json::to_string(&endpoints).unwrap()));
    let script = r#"
import json, os, re, requests
host, token = "https://" + os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_TOKEN"]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {token}"
refused = {"body": 0, "type": 0, "parameters": 0, "path": 0}
for method, path in json.loads(os.environ["ENDPOINTS"]):
    plain, strange = (re.sub("{[^}]*}", name, path) for name in ("absent", "%FF"))
    for kind, target, body in [
        ("body", plain, "{"), ("type", plain, "[1]"),
        ("parameters", plain + "?page_size=many&purge=maybe&force=7&allow_missing=x&replace_existing=x", "{}"),
        ("path", strange, "{}"),
    ]:
        answer = session.request(method, host + target, data=body, headers={"Content-Type": "application/json"})
        told = answer.json()  # which fails where it is not JSON
        if answer.status_code >= 400:
            assert told["error_code"] and told["message"], (method, target, told)
            refused[kind] += told["error_code"] == "MALFORMED_REQUEST"
        assert answer.status_code < 500 or told["error_code"] == "NOT_IMPLEMENTED", (method, target, told)
        assert answer.status_code >= 400 or method == "GET", (method, target, body, told)
        # What refuses every path need not read it.
        unread = ("MALFORMED_REQUEST", "INVALID_PARAMETER_VALUE", "NOT_IMPLEMENTED")
        assert kind != "path" or strange == plain or told["error_code"] in unread, (method, target, told)
assert refused["body"] > 20 and refused["parameters"] > 15, refused
print("ok")
"#;
    let output = running.python_with(&environment(CLIENTS).await, &variables, script).await;
    assert_eq!(output.trim(), "ok");
}

/// Somebody between the client and us: with a certificate of their own, or claiming that there is no TLS.
#[tokio::test(flavor = "multi_thread")]
async fn a_man_in_the_middle_learns_nothing() {
    let running = start().await;
    let binding = running.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    let forged = rcgen::generate_simple_self_signed(vec![binding.host.clone()]).unwrap();
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("cert.pem"), forged.cert.pem()).unwrap();
    std::fs::write(files.path().join("key.pem"), forged.signing_key.serialize_pem()).unwrap();
    let mut variables = postgres_environment(&running, &binding);
    variables.push(("FORGED".to_owned(), files.path().display().to_string()));
    let script = include_str!("clients/lakebase_middle.py");
    let output = running.python_with(&environment(CLIENTS).await, &variables, script).await;
    assert_eq!(output.trim(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_opens_nothing_new_and_closes_nothing_old() {
    let clock = Clock::default();
    let running = start_with(|config| config.clock = clock.clone()).await;
    let binding = running.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    let signs = tempfile::tempdir().unwrap();
    let mut variables = postgres_environment(&running, &binding);
    variables.push(("SIGNS".to_owned(), signs.path().display().to_string()));
    let script = "
import os, pathlib, time
import psycopg
from databricks.sdk import WorkspaceClient
signs = pathlib.Path(os.environ['SIGNS'])
token = WorkspaceClient().config.oauth_token().access_token
held = psycopg.connect(password=token)
(signs / 'connected').touch()
while not (signs / 'advanced').exists():
    time.sleep(0.05)
assert held.execute('SELECT 1').fetchone() == (1,)
try:
    psycopg.connect(password=token)
except psycopg.OperationalError as error:
    assert 'expired' in str(error) and 'one hour' in str(error), error
else:
    raise AssertionError('an expired token was taken')
psycopg.connect(password=WorkspaceClient().config.oauth_token().access_token).close()
print('ok')
";
    let python = environment(CLIENTS).await;
    let advance = async {
        let connected = async {
            while !signs.path().join("connected").exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(240), connected).await.expect("a connection");
        clock.advance(SignedDuration::from_hours(2));
        std::fs::write(signs.path().join("advanced"), "").unwrap();
    };
    let (output, ()) = tokio::join!(running.python_with(&python, &variables, script), advance);
    assert_eq!(output.trim(), "ok");
}
