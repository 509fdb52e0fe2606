//! The log as the platform's command line reads it.

use std::sync::Arc;
use std::time::Duration;

use brickyard_runner::ingress::{IngressConfig, Refusal, SignIn};
use brickyard_runner::logs::Source;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::ingress::authority::FakeAuthority;
use crate::ingress::door::{APP, Door, as_alice, client, open, open_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_streams_what_matches() {
    let door = open(SignIn::Browser, IngressConfig::default()).await;
    door.logs.append(Source::Build, "Installing APPLES");
    door.logs.append(Source::App, "pears");
    let address = door.url("/logz/stream").replace("http:", "ws:");
    let Err(Error::Http(refused)) = tokio_tungstenite::connect_async(address.as_str()).await else {
        panic!()
    };
    assert_eq!(refused.status(), 401);

    let mut socket = follow(&door, "apples").await;
    let first: Value =
        serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({"source": "BUILD", "timestamp": 1_800_000_000.0, "message": "Installing APPLES"})
    );
    door.logs.append(Source::App, "more pears");
    door.logs.append(Source::App, "more apples");
    let next: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(next["message"], "more apples");
    socket.close(None).await.unwrap();
    door.close().await;
}

/// How the stream is closed says what the official command line does: end well, or come again with another token.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_the_end_says_why() {
    let authority = FakeAuthority::default();
    let refuses = Arc::clone(&authority.refuses);
    let settings = IngressConfig { recheck: Duration::from_millis(20), ..IngressConfig::default() };
    let door = open_with(SignIn::Browser, settings, authority, APP).await;
    door.logs.append(Source::App, "pears");
    for (refusal, code) in [
        (Refusal::Unauthenticated("the token has ended".into()), 4401),
        (Refusal::Forbidden("CAN USE was taken away".into()), 4403),
    ] {
        *refuses.lock().unwrap() = None;
        let mut socket = follow(&door, "").await;
        until(&mut socket, "pears").await;
        *refuses.lock().unwrap() = Some(refusal);
        assert_eq!(end(&mut socket).await, code);
    }
    // A workspace that does not answer says nothing against anybody.
    *refuses.lock().unwrap() = None;
    let mut socket = follow(&door, "").await;
    *refuses.lock().unwrap() = Some(Refusal::Unavailable("it has stopped".into()));
    door.logs.append(Source::App, "plums");
    until(&mut socket, "plums").await;
    let closing = tokio::spawn(door.close());
    assert_eq!(end(&mut socket).await, 1001);
    closing.await.unwrap();
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens the log with a token and a search term.
async fn follow(door: &Door, search: &str) -> Socket {
    let mut request = door.url("/logz/stream").replace("http:", "ws:").into_client_request().unwrap();
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer good"));
    request.headers_mut().insert("origin", HeaderValue::from_str(&door.served.url).unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::text(search.to_owned())).await.unwrap();
    socket
}

/// Reads until a line holds this.
async fn until(socket: &mut Socket, words: &str) {
    while !socket.next().await.unwrap().unwrap().to_text().unwrap().contains(words) {}
}

/// The code the stream is closed with, whatever is told before.
async fn end(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
            return u16::from(frame.unwrap().code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_there() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let page = client().get(door.url("/logz")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Log of my-app"));
    door.close().await;
}
