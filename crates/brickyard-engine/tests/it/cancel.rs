use std::sync::Arc;
use std::time::Duration;

use brickyard_engine::Parameters;
use uuid::Uuid;

use crate::support::{Sail, text};

const ENDLESS: &str =
    "SELECT count(*) FROM range(100000000) a CROSS JOIN range(100000000) b WHERE a.id * b.id % 7 = 3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_computes_is_cancelled() {
    let sail = Sail::start().await;
    let session = Arc::new(sail.session().await);
    let operation = Uuid::new_v4();
    let running = Arc::clone(&session);
    let statement =
        tokio::spawn(async move { running.execute(operation, ENDLESS, &Parameters::None).await.err() });
    // The statement is known to the session from the moment it is sent.
    let error = loop {
        session.cancel(operation).await.unwrap();
        if statement.is_finished() {
            break statement.await.unwrap().unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((error.class.as_str(), error.sql_state.as_str()), ("OPERATION_CANCELED", "HY008"));
    assert_eq!(text(&session, "SELECT 1", &Parameters::None).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_a_cancelled_statement_is_told() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let operation = Uuid::new_v4();
    let sql = "SELECT id, repeat('x', 200) FROM range(1000000000)";
    let mut stream = session.execute(operation, sql, &Parameters::None).await.unwrap();
    assert!(stream.next().await.unwrap().is_some());
    session.cancel(operation).await.unwrap();
    let error = loop {
        match tokio::time::timeout(Duration::from_secs(60), stream.next()).await.unwrap() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a cancelled statement looked complete"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.class, "OPERATION_CANCELED");
    assert!(stream.next().await.unwrap().is_none());
    session.cancel(operation).await.unwrap();
    session.cancel(Uuid::new_v4()).await.unwrap();
}

/// A join without an equality does not yield in Sail: after its cancellation the child is replaced.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_cannot_be_interrupted_ends_with_its_child() {
    let sail = Sail::start().await;
    let session = Arc::new(sail.session().await);
    let (operation, running) = (Uuid::new_v4(), Arc::clone(&session));
    let process = sail.processes().await[0];
    let stubborn = "SELECT count(*) FROM range(10000000) x JOIN range(10000000) y \
        ON from_unixtime(x.id * y.id, 'yyyy-MM-dd') LIKE '%not%a%date%'";
    let statement =
        tokio::spawn(async move { running.execute(operation, stubborn, &Parameters::None).await.err() });
    while computed(process) < 50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    session.cancel(operation).await.unwrap();
    assert_eq!(statement.await.unwrap().unwrap().class, "OPERATION_CANCELED");
    tokio::time::timeout(Duration::from_secs(120), async {
        while sail.processes().await.contains(&process) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the child is ended");
    assert_eq!(text(&session, "SELECT 1", &Parameters::None).await, "1");
}

/// Hundredths of a second that a process has computed.
fn computed(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    fields.get(11).and_then(|ticks| ticks.parse().ok()).unwrap_or_default()
}
