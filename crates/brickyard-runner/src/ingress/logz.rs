//! `/logz`: the app's log in a browser, and `/logz/stream`, the WebSocket the platform's command line reads (facts: platform
//! §7.1): the client's first text is a search term, each line is a JSON text, a NUL byte keeps the connection alive.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::app::App;
use super::body::Body;
use super::front::Front;
use super::headers::is_upgrade;
use super::pages;
use crate::logs::{Line, Logs};

pub(super) const PAGE: &str = "/logz";
pub(super) const STREAM: &str = "/logz/stream";

const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long a client may take to send its search term.
const FIRST_WORD: Duration = Duration::from_secs(30);

/// What a client may send is one short word.
const MAX_MESSAGE: usize = 64 * 1024;

const LOG_PAGE: &str = include_str!("logz.html");

pub(super) fn answer(front: &Front, app: &Arc<App>, request: Request<Incoming>) -> Response<Body> {
    if request.uri().path() == STREAM {
        return stream(front, app, request);
    }
    let mut response = pages::page(StatusCode::OK, "", "", false);
    *response.body_mut() = Body::text(LOG_PAGE.replace("APP_NAME", &pages::escape(&app.name)));
    response
}

fn stream(front: &Front, app: &Arc<App>, mut request: Request<Incoming>) -> Response<Body> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
    let version = request.headers().get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let (Some(key), true, true) = (key, version, is_upgrade(request.headers())) else {
        return pages::plain(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket");
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let upgraded = hyper::upgrade::on(&mut request);
    let (logs, end) = (app.logs.clone(), app.end.clone());
    front.tasks.spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        if let Some(Err(error)) = end.run_until_cancelled(tell(upgraded, logs)).await {
            tracing::debug!(%error, "A log stream ended");
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = accept {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

async fn tell(upgraded: Upgraded, logs: Logs) -> Result<(), Error> {
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let search = match timeout(FIRST_WORD, first_text(&mut socket)).await {
        Ok(first) => first?.to_lowercase(),
        Err(_) => return socket.close(None).await,
    };
    let (backlog, mut later) = logs.follow();
    let mut told = backlog.last().map_or(0, |line| line.number);
    for line in backlog.iter().filter(|line| line.contains(&search)) {
        socket.feed(text(line)).await?;
    }
    socket.flush().await?;
    loop {
        tokio::select! {
            line = later.recv() => {
                let mut next = match line {
                    Err(RecvError::Closed) => return socket.close(None).await,
                    Ok(line) => Some(line),
                    Err(RecvError::Lagged(_)) => None,
                };
                // Whatever else is there goes out with it: a flush for each line would be the slowest part.
                loop {
                    match next {
                        // In order and without a gap, as almost always.
                        Some(line) if line.number == told + 1 => {
                            told = line.number;
                            if line.contains(&search) {
                                socket.feed(text(&line)).await?;
                            }
                        }
                        Some(line) if line.number <= told => {}
                        // Too fast for this connection: what it missed is still in memory.
                        _ => {
                            let missed = logs.since(told);
                            let lost = missed.first().map_or(0, |line| line.number - told - 1);
                            if lost > 0 {
                                let words = format!("({lost} lines were too fast for this connection)");
                                socket.feed(Message::text(words)).await?;
                            }
                            for line in missed {
                                told = line.number;
                                if line.contains(&search) {
                                    socket.feed(text(&line)).await?;
                                }
                            }
                        }
                    }
                    next = match later.try_recv() {
                        Ok(line) => Some(line),
                        Err(TryRecvError::Lagged(_)) => None,
                        Err(_) => break,
                    };
                }
                socket.flush().await?;
            }
            said = socket.next() => match said {
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(said) => drop(said?),
            },
            () = tokio::time::sleep(KEEP_ALIVE) => socket.send(Message::text("\0")).await?,
        }
    }
}

async fn first_text(socket: &mut WebSocketStream<TokioIo<Upgraded>>) -> Result<Utf8Bytes, Error> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => return Ok(text),
            Message::Close(_) => break,
            _ => {}
        }
    }
    Err(Error::ConnectionClosed)
}

fn text(line: &Line) -> Message {
    // Three plain fields: this cannot fail.
    Message::text(serde_json::to_string(line).unwrap_or_default())
}
