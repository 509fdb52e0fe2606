//! Logins that have to fail, with drivers as attackers use them.

use std::time::Duration;

use brickyard_workspace::{Clock, DatabaseTarget};
use jiff::SignedDuration;

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, environment, start, start_with};
use crate::lakebase::{CLIENTS, PROVISIONED, postgres_environment};

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
