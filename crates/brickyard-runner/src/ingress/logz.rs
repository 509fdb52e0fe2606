//! `/logz`: the app's log in a browser, and `/logz/stream`, the WebSocket the platform's command line reads (facts: platform
//! §7.1): the client's first text is a search term, each line is a JSON text, a NUL byte keeps the connection alive. How it
//! is closed says what to do: 1000 and 1001 are ends in good order, 4401 and 4403 ask for another token.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::app::App;
use super::body::Body;
use super::front::{Front, bearer};
use super::headers::is_upgrade;
use super::session::Visitor;
use super::{Refusal, pages};
use crate::logs::{Line, Logs};

pub(super) const PAGE: &str = "/logz";
pub(super) const STREAM: &str = "/logz/stream";

const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long a client may take to send its search term.
const FIRST_WORD: Duration = Duration::from_secs(30);

/// How long a client may take to answer that the stream is closed.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a client may send is one short word.
const MAX_MESSAGE: usize = 64 * 1024;

const LOG_PAGE: &str = include_str!("logz.html");

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// By what somebody reads, for as long as the stream is open.
struct Pass {
    app: Arc<App>,
    visitor: Arc<Visitor>,
    lane: usize,
    bearer: Option<String>,
}

impl Pass {
    /// The code the stream is closed with once its reader may read no more. A workspace that does not answer decides nothing.
    async fn refused(&self) -> Option<CloseCode> {
        let authority = &*self.app.authority;
        let held = match &self.bearer {
            Some(bearer) => authority.verify(bearer.clone()).await.map(drop),
            None => self.visitor.freshen((self.lane, Instant::now()), authority).await,
        };
        match held {
            Err(Refusal::Unauthenticated(_)) => Some(CloseCode::from(4401)),
            Err(Refusal::Forbidden(_)) => Some(CloseCode::from(4403)),
            Err(Refusal::Unavailable(_)) | Ok(()) => None,
        }
    }
}

pub(super) fn answer(
    front: &Front,
    app: &Arc<App>,
    visitor: Arc<Visitor>,
    lane: usize,
    request: Request<Incoming>,
) -> Response<Body> {
    if request.uri().path() == STREAM {
        let bearer = bearer(request.headers()).map(str::to_owned);
        return stream(front, Pass { app: Arc::clone(app), visitor, lane, bearer }, request);
    }
    let mut response = pages::page(StatusCode::OK, "", "", false);
    *response.body_mut() = Body::text(LOG_PAGE.replace("APP_NAME", &pages::escape(&app.name)));
    response
}

fn stream(front: &Front, pass: Pass, mut request: Request<Incoming>) -> Response<Body> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
    let version = request.headers().get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let (Some(key), true, true) = (key, version, is_upgrade(request.headers())) else {
        return pages::plain(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket");
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let upgraded = hyper::upgrade::on(&mut request);
    let recheck = front.config.recheck;
    front.tasks.spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let end = pass.app.end.clone();
        let code = match end.run_until_cancelled(tell(&mut socket, &pass, recheck)).await {
            Some(Ok(code)) => code,
            Some(Err(error)) => return tracing::debug!(%error, "A log stream ended"),
            None => CloseCode::Away,
        };
        let _silent = timeout(FAREWELL, close(&mut socket, code)).await;
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

/// Closes the stream and waits for the client to say so too: what is on its way to it would be lost otherwise.
async fn close(socket: &mut Socket, code: CloseCode) -> Result<(), Error> {
    let reason = match u16::from(code) {
        4401 => "the token is no longer valid",
        4403 => "the app is no longer yours to use",
        1001 => "the app is served no more",
        _ => "",
    };
    socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
    while let Some(rest) = socket.next().await {
        rest?;
    }
    Ok(())
}

/// Tells every line that matches; the code to close with when there is nothing more to tell.
async fn tell(socket: &mut Socket, pass: &Pass, recheck: Duration) -> Result<CloseCode, Error> {
    let logs = &pass.app.logs;
    let search = match timeout(FIRST_WORD, first_text(socket)).await {
        Ok(first) => first?.to_lowercase(),
        Err(_) => return Ok(CloseCode::Normal),
    };
    let (backlog, mut later) = logs.follow();
    let mut told = backlog.last().map_or(0, |line| line.number);
    for line in backlog.iter().filter(|line| line.contains(&search)) {
        socket.feed(text(line)).await?;
    }
    socket.flush().await?;
    let mut beat = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    let mut doubt = interval_at(Instant::now() + recheck, recheck);
    loop {
        tokio::select! {
            line = later.recv() => {
                let next = match line {
                    Err(RecvError::Closed) => return Ok(CloseCode::Normal),
                    Ok(line) => Some(line),
                    Err(RecvError::Lagged(_)) => None,
                };
                pass_on(socket, logs, &search, &mut told, (next, &mut later)).await?;
            }
            said = socket.next() => match said {
                Some(Ok(Message::Close(_))) | None => return Ok(CloseCode::Normal),
                Some(said) => drop(said?),
            },
            _ = beat.tick() => socket.send(Message::text("\0")).await?,
            _ = doubt.tick() => if let Some(code) = pass.refused().await {
                return Ok(code);
            },
        }
    }
}

/// Tells a line and whatever else is there with it: a flush for each line would be the slowest part. No line means that some
/// were too fast for this connection.
async fn pass_on(
    socket: &mut Socket,
    logs: &Logs,
    search: &str,
    told: &mut u64,
    (mut next, later): (Option<Line>, &mut Receiver<Line>),
) -> Result<(), Error> {
    loop {
        match next {
            // In order and without a gap, as almost always.
            Some(line) if line.number == *told + 1 => {
                *told = line.number;
                if line.contains(search) {
                    socket.feed(text(&line)).await?;
                }
            }
            Some(line) if line.number <= *told => {}
            // What was missed is still in memory.
            _ => {
                let missed = logs.since(*told);
                let lost = missed.first().map_or(0, |line| line.number - *told - 1);
                if lost > 0 {
                    let words = format!("({lost} lines were too fast for this connection)");
                    socket.feed(Message::text(words)).await?;
                }
                for line in missed {
                    *told = line.number;
                    if line.contains(search) {
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
    socket.flush().await
}

async fn first_text(socket: &mut Socket) -> Result<Utf8Bytes, Error> {
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
