//! A PostgreSQL that somebody else runs, with passwords, behind an instance.
#![cfg(target_os = "linux")] // which gives every server a loopback address of its own

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use brickyard_postgres::{Installation, Server, ServerConfig};
use brickyard_workspace::{DatabaseTarget, OutsidePostgres};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::harness::{ADA, CLIENT_ID, environment, postgres, start_with};
use crate::lakebase::{CLIENTS, PROVISIONED, postgres_environment, sql};

const ADDRESS: &str = "127.0.7.7";

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_server_serves_every_driver() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let rules = directory.path().join("pg_hba.conf");
    std::fs::write(&rules, "local all all trust\nhost all all all scram-sha-256\n").unwrap();
    std::fs::set_permissions(&rules, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (tracker, cancellation) = (TaskTracker::new(), CancellationToken::new());
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let server = Server::new(ServerConfig {
        source: Arc::new(Installation::at(&postgres().await.unwrap()).await.unwrap()),
        data: directory.path().join("server/data"),
        cache: std::env::temp_dir().join("brickyard-test-cache"),
        sockets: PathBuf::from("/tmp"),
        warden: Vec::new(),
        max_connections: 100,
        outside: None,
        settings: vec![
            setting("listen_addresses", ADDRESS.to_owned()),
            setting("hba_file", rules.display().to_string()),
        ],
        tracker: tracker.clone(),
        cancellation: cancellation.clone(),
    });
    let mut admin = server.client("postgres").await.unwrap();
    admin.query("CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'p@ss/word'").await.unwrap();

    let outside = OutsidePostgres::parse(&format!("postgres://boss:p%40ss%2Fword@{ADDRESS}/")).unwrap();
    let running = start_with(|config| config.outside_postgres = Some(outside)).await;
    let binding = running.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap();
    let variables = postgres_environment(&running, &binding);
    let script = include_str!("clients/lakebase_drivers.py");
    let output = running.python_with(&environment(CLIENTS).await, &variables, script).await;
    assert_eq!(output.matches(" ok").count(), 8, "{output}");

    // It is the same server, which lets nobody in with a token.
    let rows = admin.query("SELECT 1 FROM pg_database WHERE datname = 'databricks_postgres'").await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(sql(&running, &PROVISIONED, ADA, &["SELECT current_user"]).await, format!("[('{ADA}',)]"));
    let second = DatabaseTarget::Provisioned { instance: Some("second".to_owned()), database: None };
    let refused = running.handle.bind_database(&second, CLIENT_ID).await.unwrap_err().to_string();
    assert!(refused.contains("cannot stand for a second"), "{refused}");
    running.handle.lakebase_reset().await.unwrap();
    let rows = admin.query("SELECT 1 FROM pg_database WHERE datname = 'databricks_postgres'").await.unwrap();
    assert_eq!(rows.len(), 1, "what somebody else keeps is not ours to remove");
    running.handle.stop().await;
    cancellation.cancel();
    tracker.close();
    tracker.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_server_that_is_not_there_is_told() {
    let outside = OutsidePostgres::parse("postgres://boss@127.0.7.8:1/").unwrap();
    let running = start_with(|config| config.outside_postgres = Some(outside)).await;
    let refused = running.handle.bind_database(&PROVISIONED, CLIENT_ID).await.unwrap_err();
    assert!(refused.to_string().contains("127.0.7.8:1"), "{refused}");
}
