use std::time::Duration;

use brickyard_postgres::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Ground, Wire, start_tls};

pub(crate) async fn server_with_ada(ground: &Ground) -> Server {
    let server = ground.server("one").await;
    let mut client = server.client("postgres").await.unwrap();
    client.query("CREATE ROLE ada LOGIN").await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_runs_as_the_admitted_role() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy(&server, 5).await;
    let mut wire = Wire::open(&proxy).await;
    wire.log_in("ada", "good").await.unwrap();
    assert_eq!(wire.query("SELECT session_user").await.unwrap(), "ada");
    assert_eq!(proxy.sessions(), 1);
    let long = wire.query("SELECT repeat('x', 3000000)").await.unwrap();
    assert_eq!(long.len(), 3_000_000);
    let denied = wire.query("SET SESSION AUTHORIZATION cloud_admin").await.unwrap_err();
    assert!(denied.contains("42501"), "{denied}");

    let refused = Wire::open(&proxy).await.log_in("ada", "bad").await.unwrap_err();
    assert!(refused.contains("28P01") && refused.contains("FATAL"), "{refused}");
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_may_start_at_once_when_it_names_the_protocol() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy(&server, 5).await;
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    let mut wire = Wire { stream: start_tls(stream, Some(b"postgresql")).await.unwrap() };
    wire.log_in("ada", "good").await.unwrap();

    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(start_tls(stream, Some(b"h2")).await.is_err(), "another protocol is refused");
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    let mut nameless = start_tls(stream, None).await.unwrap();
    let mut rest = Vec::new();
    let _ = nameless.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "without a name nobody answers");
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_request_ends_the_query_and_only_with_the_right_key() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy(&server, 5).await;
    let mut wire = Wire::open(&proxy).await;
    let (pid, key) = wire.log_in("ada", "good").await.unwrap();
    let cancel = async |key: u32| {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(&[0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e]).await.unwrap();
        stream.write_u32(pid).await.unwrap();
        stream.write_u32(key).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    };
    let running = async {
        let mut admin = server.client("postgres").await.unwrap();
        let asked = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%sleep(600)%' AND usename = 'ada'";
        while admin.query(asked).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cancel(key ^ 1).await;
        assert!(!admin.query(asked).await.unwrap().is_empty(), "a wrong key does nothing");
        cancel(key).await;
    };
    let (answer, ()) = tokio::join!(wire.query("SELECT pg_sleep(600)"), running);
    assert!(answer.unwrap_err().contains("57014"));
    assert_eq!(wire.query("SELECT 1").await.unwrap(), "1", "the session goes on");
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_too_many_is_told_so() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy(&server, 1).await;
    let mut first = Wire::open(&proxy).await;
    first.log_in("ada", "good").await.unwrap();
    let refused = Wire::open(&proxy).await.log_in("ada", "good").await.unwrap_err();
    assert!(refused.contains("53300"), "{refused}");
    assert_eq!(first.query("SELECT 1").await.unwrap(), "1");
    proxy.set_connection_limit(2);
    Wire::open(&proxy).await.log_in("ada", "good").await.unwrap();
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_minor_versions_and_options_are_negotiated_down() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy(&server, 5).await;
    let mut wire = Wire::open(&proxy).await;
    wire.send_startup(&[("user", "ada"), ("database", "postgres"), ("_pq_.future", "1")]).await;
    let (tag, body) = wire.read().await;
    assert_eq!(tag, b'v');
    assert!(body.ends_with(b"_pq_.future\0"));
    assert_eq!(wire.read().await.0, b'R');
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_with_the_servers_last_words() {
    let ground = Ground::new();
    let server = server_with_ada(&ground).await;
    let proxy = ground.proxy(&server, 5).await;
    let mut wire = Wire::open(&proxy).await;
    wire.log_in("ada", "good").await.unwrap();
    server.stop().await;
    let (tag, body) = wire.read().await;
    assert_eq!(tag, b'E');
    assert!(String::from_utf8_lossy(&body).contains("57P01"));
    // The next login starts it again.
    Wire::open(&proxy).await.log_in("ada", "good").await.unwrap();
    ground.stop().await;
}
