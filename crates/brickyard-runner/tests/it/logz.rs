//! The log as the platform's command line reads it.

use brickyard_runner::ingress::{IngressConfig, SignIn};
use brickyard_runner::logs::Source;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::ingress::door::{as_alice, client, open};

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

    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer good"));
    request.headers_mut().insert("origin", HeaderValue::from_str(&door.served.url).unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::text("apples")).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_there() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let page = client().get(door.url("/logz")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Log of my-app"));
    door.close().await;
}
