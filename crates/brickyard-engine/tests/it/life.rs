use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use brickyard_engine::{Engine, EngineConfig, Parameters};
use uuid::Uuid;

use crate::support::{Sail, rows, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_child_is_started_again() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let zone = BTreeMap::from([("spark.sql.session.timeZone".to_owned(), "Europe/Amsterdam".to_owned())]);
    session.configure(&zone).await.unwrap();
    let sql = "SELECT id, repeat('x', 200) FROM range(1000000000)";
    let mut stream = session.execute(Uuid::new_v4(), sql, &Parameters::None).await.unwrap();
    let process = sail.processes().await[0];
    kill(process);
    let error = loop {
        match stream.next().await {
            Ok(batch) => assert!(batch.is_some(), "a killed statement looked complete"),
            Err(error) => break error,
        }
    };
    assert!(error.retryable, "{error}");
    assert_eq!(error.sql_state, "08S01");
    assert_eq!(
        text(&session, "SELECT current_timezone(), current_user()", &Parameters::None).await,
        "Europe/Amsterdam ada@example.com"
    );
    assert_ne!(sail.processes().await[0], process);
}

/// A child that holds too much memory is replaced between statements, never under one; sessions go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_has_grown_too_large_is_replaced() {
    let sail = Sail::of_size(1).await;
    let session = sail.session().await;
    let zone = BTreeMap::from([("spark.sql.session.timeZone".to_owned(), "Europe/Amsterdam".to_owned())]);
    session.configure(&zone).await.unwrap();
    let first = sail.processes().await[0];
    let other = sail.session().await;
    let sql = "SELECT id FROM range(1000000000)";
    let mut running = other.execute(Uuid::new_v4(), sql, &Parameters::None).await.unwrap();
    tokio::time::timeout(Duration::from_secs(7), async {
        loop {
            assert_eq!(text(&session, "SELECT 1", &Parameters::None).await, "1");
            assert_eq!(sail.processes().await, [first], "it was replaced under a statement");
            assert!(running.next().await.unwrap().is_some());
        }
    })
    .await
    .unwrap_err();
    drop(running);
    let changed = async {
        while sail.processes().await == [first] {
            let sql = "SELECT current_timezone()";
            assert_eq!(text(&session, sql, &Parameters::None).await, "Europe/Amsterdam");
        }
        let gone = format!("/proc/{first}");
        while Path::new(&gone).exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), changed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_run_at_once_and_do_not_meet() {
    let sail = Sail::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let session = sail.session().await;
        tasks.spawn(async move {
            let view = format!("CREATE TEMPORARY VIEW mine AS SELECT {number} AS n");
            rows(&session, &view, &Parameters::None).await.unwrap();
            for _ in 0..5 {
                assert_eq!(text(&session, "SELECT n FROM mine", &Parameters::None).await, number.to_string());
            }
            drop(session);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_nobody_reads_hold_up_nothing() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let mut unread = Vec::new();
    for _ in 0..8 {
        let sql = "SELECT id, repeat('x', 200) FROM range(1000000000)";
        unread.push(session.execute(Uuid::new_v4(), sql, &Parameters::None).await.unwrap());
    }
    assert_eq!(text(&session, "SELECT 1", &Parameters::None).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_and_dropping_end_the_child() {
    let stopped = Sail::start().await;
    let process = stopped.processes().await[0];
    stopped.stop().await;
    assert!(!is_alive(process));

    let dropped = Sail::start().await;
    let process = dropped.processes().await[0];
    drop(dropped);
    tokio::time::timeout(Duration::from_secs(60), async {
        while is_alive(process) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_does_not_start_says_why() {
    let config = brickyard_engine::ChildConfig {
        executable: "/nonexistent/sail".into(),
        warden: Vec::new(),
        warehouse_directory: tempfile::tempdir().unwrap().path().join("tables"),
        catalog_url: String::new(),
        catalog_tokens: Vec::new(),
        memory: 1,
        largest: u64::MAX,
    };
    let ends = brickyard_engine::ChildConfig { executable: "/bin/false".into(), ..config.clone() };
    for (config, part) in [(config, "/nonexistent/sail"), (ends, "ended")] {
        let error = Engine::start(EngineConfig::Child(config)).await.err().unwrap();
        assert!(error.message.contains(part), "{error}");
    }
    let remote = EngineConfig::Remote { url: "sc://127.0.0.1:1".to_owned() };
    let error = Engine::start(remote).await.err().unwrap();
    assert!(error.message.contains("Cannot reach the SQL engine"), "{error}");
}

fn kill(process: u32) {
    let done = std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
    assert!(done.success());
}

fn is_alive(process: u32) -> bool {
    // A process that is dead but not reaped has no command line.
    std::fs::read(Path::new("/proc").join(process.to_string()).join("cmdline"))
        .is_ok_and(|line| !line.is_empty())
}
