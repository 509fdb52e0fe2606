//! Pooled addresses: backends that serve one client after another.

use std::time::Duration;

use brickyard_postgres::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::server_with_ada;
use crate::support::{Ground, Wire};

/// Runs statements in a session of its own; tells its key and the last answer.
async fn visit(proxy: &Proxy, statements: &[&str], polite: bool) -> ((u32, u32), String) {
    let mut wire = Wire::open(proxy).await;
    let key = wire.log_in("ada", "good").await.unwrap();
    let mut last = String::new();
    for statement in statements {
        last = wire.query(statement).await.unwrap();
    }
    if polite {
        leave(wire).await;
    }
    (key, last)
}

async fn leave(mut wire: Wire) {
    wire.send(b'X', &[]).await;
    let mut rest = Vec::new();
    let _ = wire.stream.read_to_end(&mut rest).await;
}

/// Visits until the process is the one of a visit before, which it is at the latest once that has been put away.
async fn lent(proxy: &Proxy, earlier: u32, statement: &str) -> Option<((u32, u32), String)> {
    for _ in 0..10 {
        let mut wire = Wire::open(proxy).await;
        let key = wire.log_in("ada", "good").await.unwrap();
        if key.0 == earlier {
            let told = wire.query(statement).await.unwrap();
            leave(wire).await;
            return Some((key, told));
        }
        drop(wire); // without a good-bye, so that this one is not lent
    }
    None
}

async fn cancel(proxy: &Proxy, (pid, key): (u32, u32)) {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(&[0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e]).await.unwrap();
    stream.write_u32(pid).await.unwrap();
    stream.write_u32(key).await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_serves_another_client_who_learns_nothing_of_the_first() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let (pooled, direct) =
        (ground.proxy_of(&server, 9, true).await, ground.proxy_of(&server, 9, false).await);
    let own = "SET app.name = 'first'; SELECT setseed(0.5)";
    let seeded = visit(&direct, &[own, "SELECT random()"], true).await.1;
    let asked = "SELECT coalesce('[' || current_setting('app.name', true) || ']', 'none') || random()";
    let mut shared = None;
    for _ in 0..20 {
        let (key, _) = visit(&pooled, &[own], true).await;
        shared = lent(&pooled, key.0, asked).await.map(|found| (key, found));
        if shared.is_some() {
            break;
        }
    }
    let (first, (second, told)) = shared.expect("no backend was ever lent");
    assert!(first.0 == second.0 && first.1 != second.1, "each has a key of its own");
    assert!(told.starts_with("[]0.") && !told.ends_with(&seeded), "{told}, seeded {seeded}");
    // At an address of its own, each session has a process of its own.
    let (first, _) = visit(&direct, &[own], true).await;
    assert!(visit(&direct, &[asked], true).await.1.starts_with("none0."));
    assert!(lent(&direct, first.0, asked).await.is_none());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_client_that_left_cancels_nothing() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy_of(&server, 9, true).await;
    let mut first = Wire::open(&proxy).await;
    let old = first.log_in("ada", "good").await.unwrap();
    leave(first).await;
    let mut second = Wire::open(&proxy).await;
    let key = second.log_in("ada", "good").await.unwrap();
    let running = async {
        let mut admin = server.client("postgres").await.unwrap();
        let asked = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%sleep(600)%' AND usename = 'ada'";
        while admin.query(asked).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cancel(&proxy, old).await;
        cancel(&proxy, (key.0, key.1 ^ 1)).await;
        assert!(!admin.query(asked).await.unwrap().is_empty(), "wrong keys do nothing");
        cancel(&proxy, key).await;
    };
    let (answer, ()) = tokio::join!(second.query("SELECT pg_sleep(600)"), running);
    assert!(answer.unwrap_err().contains("57014"));
    assert_eq!(second.query("SELECT 1").await.unwrap(), "1", "the session goes on");
    // A cancel request may arrive late: who shares the process with it would be struck.
    leave(second).await;
    assert!(lent(&proxy, key.0, "SELECT 1").await.is_none());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_is_set_to_shows_while_its_setter_stays() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy_of(&server, 9, true).await;
    let mut setter = Wire::open(&proxy).await;
    setter.log_in("ada", "good").await.unwrap();
    for size in ["7MB", "8MB", "9MB"] {
        visit(&proxy, &["SELECT 1"], true).await;
        setter.query("BEGIN").await.unwrap();
        setter.query(&format!("ALTER ROLE ada SET work_mem = '{size}'")).await.unwrap();
        visit(&proxy, &["SELECT 1"], true).await;
        setter.query("COMMIT").await.unwrap();
        assert_eq!(visit(&proxy, &["SHOW work_mem"], true).await.1, size);
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_afresh_after_one_that_left() {
    for pooled in [false, true] {
        begins_afresh(pooled).await;
    }
}

async fn begins_afresh(pooled: bool) {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy_of(&server, 5, pooled).await;
    let visit = async |statements: &[&str], polite: bool| visit(&proxy, statements, polite).await;
    // What a session leaves behind is gone, whether it gets the process of the one before or one of its own.
    for _ in 0..20 {
        let (_, temporary) = visit(
            &[
                "SELECT to_regclass('pg_temp.mine')",
                "CREATE TEMP TABLE mine (x int)",
                "SET search_path = nowhere",
                "PREPARE plan AS SELECT 1",
                "SELECT pg_advisory_lock(7)",
                "LISTEN news",
            ],
            true,
        )
        .await;
        assert_eq!(temporary, "");
        let (_, left) = visit(
            &["SELECT current_setting('search_path') || (SELECT count(*) FROM pg_prepared_statements) || \
               (SELECT count(*) FROM pg_listening_channels()) || pg_try_advisory_lock(7) || \
               (to_regclass('pg_temp.mine') IS NULL)"],
            true,
        )
        .await;
        assert_eq!(left, "\"$user\", public00truetrue");
    }
    // A session in a transaction or without a good-bye is rolled back and its process ends.
    visit(&["CREATE TABLE IF NOT EXISTS pg_temp.x (x int)", "BEGIN", "SELECT 1"], true).await;
    visit(&["BEGIN", "SELECT 1"], false).await;
    let mut admin = server.client("postgres").await.unwrap();
    let open = "SELECT 1 FROM pg_stat_activity WHERE usename = 'ada' AND state LIKE 'idle in%'";
    while !admin.query(open).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What a role is set to shows in the very next session.
    admin.query("CREATE ROLE boss LOGIN CREATEROLE; GRANT ada TO boss WITH ADMIN OPTION").await.unwrap();
    visit(&["SELECT 1"], true).await;
    visit(&["ALTER ROLE ada SET work_mem = '7MB'"], true).await;
    assert_eq!(visit(&["SHOW work_mem"], true).await.1, "7MB");
    visit(&["SELECT 1"], true).await;
    admin.query("ALTER ROLE ada SET work_mem = '9MB'").await.unwrap();
    assert_eq!(visit(&["SHOW work_mem"], true).await.1, "9MB");
    // And none waits for long: a database can be dropped soon after its last client has gone.
    let left = "SELECT 1 FROM pg_stat_activity WHERE usename = 'ada'";
    while !admin.query(left).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ground.stop().await;
}
