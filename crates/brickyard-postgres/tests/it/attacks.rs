use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{ASK_FOR_TLS, Ground, Wire};

/// Connections that may be at one stage of a login at once.
const HALF_OPEN: usize = 1024;

async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.expect("an end");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_nobody_gets_in() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let proxy = ground.proxy(&server, 5).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let body = b"\0\x03\0\0user\0ada\0\0";
    stream.write_u32(u32::try_from(body.len() + 4).unwrap()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let text = answer(&mut stream).await;
    assert!(text.contains("28000") && text.contains("sslmode=require"), "{text}");
    assert!(!server.exists(), "and no server is started for them");
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_of_odd_sizes_are_answered_or_dropped() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let proxy = ground.proxy(&server, 5).await;
    for length in [0_u32, 1, 4, 7, 8, 9, 12, 16, 20, 9_999, 10_000, 10_001, 65_536, 0x4745_5420, u32::MAX] {
        for fill in [0_u8, 3, 0xff] {
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            stream.write_u32(length).await.unwrap();
            let body = vec![fill; (length as usize).clamp(4, 10_000) - 4];
            let _ = stream.write_all(&body).await;
            let _ = stream.shutdown().await;
            let text = answer(&mut stream).await;
            assert!(
                text.is_empty() || text.contains("FATAL") || text.starts_with(['S', 'N']),
                "{length} {fill}: {text}"
            );
        }
    }
    // The same after TLS.
    for length in [0_u32, 7, 8, 9, 10_001, u32::MAX] {
        let mut wire = Wire::open(&proxy).await;
        wire.stream.write_u32(length).await.unwrap();
        let _ = wire.stream.write_all(&[1, 2, 3, 4, 5]).await;
        let _ = wire.stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(60), wire.stream.read_to_end(&mut rest)).await.expect("an end");
    }
    let mut wire = Wire::open(&proxy).await;
    wire.send_startup(&[("user", "ada")]).await;
    assert_eq!(wire.read().await.0, b'R');
    wire.stream.write_all(&[b'p', 0x7f, 0xff, 0xff, 0xff]).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(60), wire.stream.read_to_end(&mut rest)).await.expect("an end");
    ground.stop().await;
}

/// Lets this process have so many connections at both of their ends.
fn make_room() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(16_384)), hard).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_do_not_keep_others_out() {
    make_room();
    let ground = Ground::new();
    let server = ground.server("one").await;
    server.client("postgres").await.unwrap().query("CREATE ROLE ada LOGIN").await.unwrap();
    let proxy = ground.proxy(&server, 5).await;
    // Those that say nothing whole, and those that ask for TLS and then say nothing.
    let (mut silent, mut asked) = (VecDeque::new(), VecDeque::new());
    for block in 0..10 {
        let mut slow = Wire::open(&proxy).await;
        for number in 0..1000 {
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            match number % 3 {
                0 => silent.push_back(stream),
                1 => {
                    stream.write_all(&[0, 0]).await.unwrap(); // half a length
                    silent.push_back(stream);
                }
                _ => {
                    stream.write_all(&ASK_FOR_TLS).await.unwrap();
                    assert_eq!(stream.read_u8().await.unwrap(), b'S');
                    asked.push_back(stream);
                }
            }
            for some in [&mut silent, &mut asked] {
                if some.len() > HALF_OPEN + 300 {
                    some.pop_front(); // thrown out long ago
                }
            }
        }
        // Who had begun before the flood goes on, and who comes in the middle of it comes in.
        for wire in [&mut slow, &mut Wire::open(&proxy).await] {
            wire.log_in("ada", "good").await.unwrap_or_else(|error| panic!("{block}: {error}"));
            assert_eq!(wire.query("SELECT 1").await.unwrap(), "1");
        }
    }
    for mut some in [silent, asked] {
        assert_eq!(some.len(), HALF_OPEN + 300);
        for mut stream in some.drain(..300) {
            assert!(answer(&mut stream).await.is_empty(), "the oldest were thrown out");
        }
        let kept = |stream: &TcpStream| {
            stream.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        assert!(some.iter().skip(20).all(kept), "the others were not");
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_log_in_at_once_and_slowly_all_come_in() {
    make_room();
    let ground = Ground::new();
    let server = ground.server("one").await;
    server.client("postgres").await.unwrap().query("CREATE ROLE ada LOGIN").await.unwrap();
    let proxy = ground.proxy(&server, 400).await;
    // All are half-open before the first one says who it is; the server itself takes fifty sessions.
    let (everybody, sessions) = (Arc::new(Barrier::new(300)), Arc::new(Semaphore::new(30)));
    let mut clients = JoinSet::new();
    for _ in 0..300 {
        let (proxy, everybody, sessions) = (proxy.clone(), Arc::clone(&everybody), Arc::clone(&sessions));
        clients.spawn(async move {
            let mut wire = Wire::open(&proxy).await;
            everybody.wait().await;
            let _one = sessions.acquire().await.unwrap();
            wire.log_in("ada", "good").await?;
            wire.query("SELECT 1").await
        });
    }
    for came in clients.join_all().await {
        assert_eq!(came.unwrap(), "1");
    }
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_sent_ahead_of_tls_are_not_taken_for_its_content() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let proxy = ground.proxy(&server, 5).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let mut bytes = ASK_FOR_TLS.to_vec();
    bytes.extend_from_slice(b"\0\0\0\x12\0\x03\0\0user\0ada\0\0"); // a session in clear text, stuffed behind
    stream.write_all(&bytes).await.unwrap();
    let text = answer(&mut stream).await;
    assert!(text.starts_with('S') && !text.contains("FATAL") && !text.contains('R'), "{text:?}");
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_name_is_never_sql() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let proxy = ground.proxy(&server, 5).await;
    for user in ["ada'; DROP TABLE x; --", "\"ada\"", "ada\\", "cloud_admin", "é\u{202e}", &"x".repeat(5000)]
    {
        let refused = Wire::open(&proxy).await.log_in(user, "good").await.unwrap_err();
        assert!(refused.contains("28P01"), "{user}: {refused}");
    }
    ground.stop().await;
}
