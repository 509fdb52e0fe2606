//! Bytes go through at once and untouched.

use std::time::Duration;

use brickyard_runner::ingress::IngressConfig;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::authority::FakeAuthority;
use super::door::{as_alice, client, http2_client, open, open_with, seen};
use crate::rig::until;

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_at_once() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let mut answer = door.get("/events").await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    // The app sends the second event only after we have seen the first.
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: first\n\n");
    door.get("/release").await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: second\n\n");
    assert_eq!(answer.chunk().await.unwrap(), None);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_pass_at_once() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Result<&'static str, std::io::Error>>();
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::UnboundedReceiverStream::new(receiver));
    let upload = tokio::spawn(client().post(door.url("/upload")).body(body).send());
    sender.send(Ok("12345")).unwrap();
    until("the first part has arrived", async || door.get("/uploaded").await.text().await.unwrap() == "5")
        .await;
    sender.send(Ok("678")).unwrap();
    drop(sender);
    assert_eq!(upload.await.unwrap().unwrap().text().await.unwrap(), "8");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_echo() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let (mut socket, _) =
        tokio_tungstenite::connect_async(door.url("/ws").replace("http:", "ws:")).await.unwrap();
    socket.next().await.unwrap().unwrap();
    let large = Message::binary(vec![7; 300_000]);
    for message in [Message::text("hello"), Message::binary(vec![0, 255]), large] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_untouched() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let answer = door.get("/redirect").await;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], "http://localhost:1/elsewhere");
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    let answer: Value = door.get("/a%2Fb/%C3%BC?x=%20y&z").await.json().await.unwrap();
    assert_eq!(
        (answer["path"].as_str().unwrap(), answer["query"].as_str().unwrap()),
        ("/a%2Fb/%C3%BC", "x=%20y&z")
    );
    assert_eq!(door.get("/large").await.bytes().await.unwrap().len(), 256 * 65536);
    let request = client().get(door.url("/")).header("cookie", "mine=1").send().await.unwrap();
    let answer: Value = request.json().await.unwrap();
    assert_eq!(seen(&answer["headers"], "cookie"), ["mine=1"]);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cleartext_http2_comes_in() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let client = http2_client();
    let answer = client.get(door.url("/")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(seen(&answer["headers"], "x-forwarded-host"), [format!("127.0.0.1:{}", door.served.port)]);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_uploads_pass_at_once_over_http2() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let client = http2_client();
    let mut answer = client.get(door.url("/events")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: first\n\n");
    // On the same connection, while the first answer goes on.
    assert_eq!(client.get(door.url("/release")).send().await.unwrap().status(), 200);
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: second\n\n");
    let upload = client.post(door.url("/upload")).body(vec![0; 300_000]).send().await.unwrap();
    assert_eq!(upload.text().await.unwrap(), "300000");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_kept() {
    let settings = IngressConfig {
        request_timeout: Duration::from_millis(300),
        body_limit: Some(1_000),
        ..IngressConfig::default()
    };
    let door = open(as_alice(), settings).await;
    assert_eq!(door.get("/never").await.status(), 504);
    let announced = client().post(door.url("/upload")).body(vec![0; 2_000]).send().await.unwrap();
    assert_eq!(announced.status(), 413);
    let parts = futures_util::stream::iter((0..3).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 900])));
    let streamed =
        client().post(door.url("/upload")).body(reqwest::Body::wrap_stream(parts)).send().await.unwrap();
    assert_eq!(streamed.status(), 413);
    let fits = client().post(door.url("/upload")).body(vec![0; 1_000]).send().await.unwrap();
    assert_eq!(fits.text().await.unwrap(), "1000");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_may_be_cut_by_a_setting() {
    let settings =
        IngressConfig { stream_timeout: Some(Duration::from_millis(300)), ..IngressConfig::default() };
    let door = open(as_alice(), settings).await;
    let mut answer = door.get("/events").await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: first\n\n");
    assert!(answer.chunk().await.is_err());
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_up_is_told() {
    let starting = "import time; time.sleep(600)";
    let door = open_with(as_alice(), IngressConfig::default(), FakeAuthority::default(), starting).await;
    let page = client().get(door.url("/")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 503);
    let page = page.text().await.unwrap();
    assert!(page.contains("my-app is starting") && page.contains("http-equiv=refresh"), "{page}");
    assert_eq!(door.get("/").await.status(), 503);
    door.close().await;

    let failing = "raise SystemExit('<no configuration>')";
    let door = open_with(as_alice(), IngressConfig::default(), FakeAuthority::default(), failing).await;
    door.supervisor.ready().await.unwrap_err();
    let page = client().get(door.url("/")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 502);
    let page = page.text().await.unwrap();
    assert!(page.contains("App Not Available") && page.contains("&lt;no configuration&gt;"), "{page}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_app_is_found_again() {
    let door = open(as_alice(), IngressConfig::default()).await;
    assert_eq!(door.get("/").await.status(), 200);
    door.supervisor.restart(None).await;
    door.supervisor.ready().await.unwrap();
    assert_eq!(door.get("/").await.status(), 200);
    door.close().await;
}
