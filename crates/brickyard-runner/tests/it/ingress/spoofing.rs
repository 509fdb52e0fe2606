//! No client can say who it is: every spelling of what the platform says is replaced, on requests and on upgrades.

use brickyard_runner::ingress::IngressConfig;
use futures_util::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

use super::door::{as_alice, client, open, seen};

/// What the platform says; each spelled as a client might to get past us.
const SPELLINGS: [&str; 22] = [
    "X-Forwarded-User",
    "x-forwarded-user",
    "X_FORWARDED_USER",
    "X-Forwarded_User",
    "x.forwarded.user",
    "X-Forwarded-Email",
    "x_forwarded_email",
    "X-Forwarded-Preferred-Username",
    "x-forwarded-preferred_username",
    "X-Forwarded-Access-Token",
    "X_Forwarded_Access_Token",
    "X-Forwarded-Host",
    "x_forwarded_host",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Groups",
    "X-Real-Ip",
    "X_REAL_IP",
    "X-Request-Id",
    "x_request-id",
    "X-Databricks-Org-Id",
    "Forwarded",
];

fn check(headers: &Value, host: &str) {
    let expected = [
        ("x-forwarded-user", "alice-id@42"),
        ("x-forwarded-preferred-username", "The alice"),
        ("x-forwarded-email", "alice@example.com"),
        ("x-forwarded-access-token", "token-alice-0"),
        ("x-forwarded-host", host),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-real-ip", "127.0.0.1"),
    ];
    for (name, value) in expected {
        assert_eq!(seen(headers, name), [value], "{name} in {headers}");
    }
    let id = seen(headers, "x-request-id");
    assert!(id.len() == 1 && id[0].len() == 36, "{id:?}");
    for name in ["x-forwarded-groups", "x-databricks-org-id", "forwarded", "authorization"] {
        assert_eq!(seen(headers, name), Vec::<String>::new(), "{name}");
    }
    assert!(!headers.to_string().contains("mallory"), "{headers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let host = format!("127.0.0.1:{}", door.served.port);
    let spoofed: String = SPELLINGS.map(|name| [name, ": mallory\r\n"].concat()).concat();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\n{spoofed}Authorization: Bearer mallory\r\nConnection: close, X-Forwarded-Email\r\n\r\n"
    );
    let answer = door.raw(request).await;
    let body = &answer[answer.find('{').unwrap()..=answer.rfind('}').unwrap()];
    let said: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    check(&said["headers"], &host);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websocket_upgrades() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let host = format!("127.0.0.1:{}", door.served.port);
    let mut request = door.url("/ws").replace("http:", "ws:").into_client_request().unwrap();
    for name in SPELLINGS {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, HeaderValue::from_static("mallory"));
    }
    request.headers_mut().append("authorization", HeaderValue::from_static("Bearer mallory"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    check(&serde_json::from_str(first.to_text().unwrap()).unwrap(), &host);
    drop(socket);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_and_pages() {
    let door = open(as_alice(), IngressConfig::default()).await;
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "192.168.0.7"] {
        let answer = client().get(door.url("/")).header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{host}");
    }
    let post = |origin: &'static str| client().post(door.url("/")).header("origin", origin).send();
    assert_eq!(post("https://evil.example").await.unwrap().status(), 403);
    assert_eq!(post("null").await.unwrap().status(), 403);
    assert_eq!(post("http://localhost:3000").await.unwrap().status(), 200);
    let mut request = door.url("/ws").replace("http:", "ws:").into_client_request().unwrap();
    request.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    assert!(tokio_tungstenite::connect_async(request).await.is_err());
    door.close().await;
}
