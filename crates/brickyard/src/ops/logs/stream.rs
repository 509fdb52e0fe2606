use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use brickyard_api::{Client, stream_client};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Filter, LogLine};
use crate::failure::{Failure, Kind};

/// Lines that come within this time after the connection are those that were there before (platform §7.1).
const BACKLOG: Duration = Duration::from_secs(2);

/// A silence of this length ends the backlog early.
const SILENCE: Duration = Duration::from_millis(500);

/// First and longest wait before the connection is made again.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// How often a connection is tried that never came about.
const TRIES: u32 = 5;

type Socket = WebSocketStream<reqwest::Upgraded>;

/// Why a stream ended.
enum End {
    /// In good order, or the connection broke.
    Closed,
    /// The token is no longer taken.
    Token,
}

/// Reads the log of an app as the official command line does: a search term, then JSON lines; NUL keeps it alive.
pub(super) async fn read(
    client: &Client,
    name: &str,
    url: &str,
    lines: usize,
    follow: bool,
    filter: &Filter,
    each: &mut impl FnMut(&LogLine),
) -> Result<(), Failure> {
    let search = filter.search.clone().unwrap_or_default();
    let mut socket = connect(client, url, &search).await?;
    let mut first = VecDeque::new();
    let ended = backlog(&mut socket, filter, |line| {
        first.push_back(line);
        if first.len() > lines {
            first.pop_front();
        }
    })
    .await;
    first.iter().for_each(&mut *each);
    if !follow {
        let _ = socket.close(None).await;
        return Ok(());
    }
    let last = first.back().map_or(0.0, |line| line.timestamp);
    stay(client, name, url, filter, (socket, ended, last), each).await
}

/// Reads what is written from now on; `caught_up` is told when what was there before has passed.
pub(super) async fn follow(
    client: &Client,
    name: &str,
    url: &str,
    filter: &Filter,
    caught_up: oneshot::Sender<()>,
    each: &mut impl FnMut(&LogLine),
) -> Result<(), Failure> {
    let mut socket = connect(client, url, &filter.search.clone().unwrap_or_default()).await?;
    let mut last = 0.0;
    let ended = backlog(&mut socket, filter, |line| last = line.timestamp.max(last)).await;
    let _ = caught_up.send(());
    stay(client, name, url, filter, (socket, ended, last), each).await
}

/// Reads on from a socket whose backlog has passed, and from the next one whenever it breaks off.
async fn stay(
    client: &Client,
    name: &str,
    url: &str,
    filter: &Filter,
    (mut socket, ended, mut last): (Socket, Option<End>, f64),
    each: &mut impl FnMut(&LogLine),
) -> Result<(), Failure> {
    let search = filter.search.clone().unwrap_or_default();
    let mut end = match ended {
        Some(end) => end,
        None => live(&mut socket, filter, &mut last, each).await,
    };
    let mut wait = WAITS.0;
    loop {
        if matches!(end, End::Token) {
            tracing::debug!("The token of the log stream has ended");
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
        let app = client.app(name).await?;
        let state =
            app.and_then(|app| app.compute_status).map_or("DELETING".to_owned(), |status| status.state);
        if matches!(state.as_str(), "STOPPED" | "DELETING" | "ERROR") {
            return Err(Failure::new(Kind::Workspace, format!("The log ends: the app's compute is {state}")));
        }
        let Ok(mut again) = connect(client, url, &search).await else { continue };
        wait = WAITS.0;
        // What was told before is sent again first: lines up to the last one are known.
        let known = last;
        end = live(&mut again, filter, &mut last, &mut |line: &LogLine| {
            if line.timestamp > known {
                each(line);
            }
        })
        .await;
    }
}

async fn backlog(socket: &mut Socket, filter: &Filter, mut each: impl FnMut(LogLine)) -> Option<End> {
    let until = Instant::now() + BACKLOG;
    let mut begun = false;
    loop {
        let next = timeout_at(until, timeout(SILENCE, socket.next())).await;
        match next {
            Ok(Err(_)) if !begun => {}
            Err(_) | Ok(Err(_)) => return None,
            Ok(Ok(message)) => match read_one(message, filter) {
                One::Line(line) => {
                    begun = true;
                    each(line);
                }
                One::Nothing => {}
                One::End(end) => return Some(end),
            },
        }
    }
}

async fn live(socket: &mut Socket, filter: &Filter, last: &mut f64, each: &mut impl FnMut(&LogLine)) -> End {
    loop {
        match read_one(socket.next().await, filter) {
            One::Line(line) => {
                each(&line);
                *last = line.timestamp.max(*last);
            }
            One::Nothing => {}
            One::End(end) => return end,
        }
    }
}

enum One {
    Line(LogLine),
    Nothing,
    End(End),
}

fn read_one(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>, filter: &Filter) -> One {
    match message {
        Some(Ok(Message::Text(text))) if text.as_str() == "\0" => One::Nothing,
        Some(Ok(Message::Binary(bytes))) if bytes.as_ref() == [0] => One::Nothing,
        Some(Ok(Message::Text(text))) => {
            // What is no JSON is shown as it came.
            let line = serde_json::from_str::<LogLine>(&text).unwrap_or_else(|_| LogLine {
                source: "SYSTEM".to_owned(),
                timestamp: 0.0,
                message: text.trim_end().to_owned(),
            });
            if filter.takes(&line) { One::Line(line) } else { One::Nothing }
        }
        Some(Ok(Message::Close(frame))) => {
            let code = frame.map_or(1000, |frame| u16::from(frame.code));
            One::End(if matches!(code, 4401 | 4403) { End::Token } else { End::Closed })
        }
        Some(Ok(_)) => One::Nothing,
        Some(Err(_)) | None => One::End(End::Closed),
    }
}

async fn connect(client: &Client, url: &str, search: &str) -> Result<Socket, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        match handshake(client, url).await {
            Ok(mut socket) => {
                socket
                    .send(Message::text(search.to_owned()))
                    .await
                    .map_err(|error| Failure::machine("The log stream broke off").because(error))?;
                return Ok(socket);
            }
            Err(failure) if failure.kind == Kind::Workspace || tries == TRIES => return Err(failure),
            Err(_) => tokio::time::sleep(WAITS.0 * tries).await,
        }
    }
}

/// The opening handshake (RFC 6455 §4) over the client's own HTTP stack: its proxy and its trust hold here too.
async fn handshake(client: &Client, url: &str) -> Result<Socket, Failure> {
    let http = stream_client(!url.starts_with("http://127.0.0.1"))
        .map_err(|error| Failure::machine("Cannot make an HTTP client").because(error))?;
    let key = base64::engine::general_purpose::STANDARD.encode(uuid::Uuid::new_v4().as_bytes());
    let url = url.trim_end_matches('/');
    let answer = http
        .get(format!("{url}/logz/stream"))
        .bearer_auth(client.bearer().await?)
        .header("Origin", url)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", &key)
        .send()
        .await
        .map_err(|error| Failure::machine(format!("Cannot reach {url}")).because(error))?;
    let status = answer.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(Failure::new(Kind::Workspace, format!("{url} does not open its log to you ({status})"))
            .hint("you need CAN_USE on the app and an OAuth sign-in: a personal access token is not taken"));
    }
    let accepted = answer.headers().get("sec-websocket-accept").and_then(|value| value.to_str().ok());
    if status != StatusCode::SWITCHING_PROTOCOLS || accepted != Some(&derive_accept_key(key.as_bytes())) {
        return Err(Failure::machine(format!("{url}/logz/stream answers {status} and no WebSocket")));
    }
    let upgraded = answer
        .upgrade()
        .await
        .map_err(|error| Failure::machine(format!("{url} broke off")).because(error))?;
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
}
