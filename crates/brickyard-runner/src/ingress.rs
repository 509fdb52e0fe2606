//! The platform's front door: who is it, which app, with which headers; then the bytes, untouched, both ways.
//!
//! Every app has a port of its own, and all share one more under their names (`http://APP.localhost:PORT`). HTTP/1.1 and
//! cleartext HTTP/2 come in, HTTP/1.1 goes to the app. Only loopback names are answered.

mod alarm;
mod app;
mod authority;
mod body;
mod forward;
mod front;
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod lanes;
mod login;
mod logz;
mod pages;
mod pool;
mod request_id;
mod route;
mod session;
mod socket;
mod upgrade;

pub use authority::{Authority, AuthorizeRequest, Grant, Identity, Refusal, Secret};

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::logs::Logs;
use crate::supervisor::Status;
use app::App;
use front::{Front, Via};
use headers::Caller;
use lanes::Lanes;
use socket::Socket;

/// The platform answers 504 after this time (facts: platform §4.4).
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);

/// Open requests may end within this time when the ingress closes.
const DRAIN: Duration = Duration::from_secs(2);

/// A client may take this long to send its headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);

/// How many ports after the wanted one are tried.
const PORT_ATTEMPTS: u16 = 100;

/// What holds for every app.
#[derive(Debug, Clone)]
pub struct IngressConfig {
    /// The port all apps share under their names; none for no such port, 0 for any.
    pub named_port: Option<Port>,
    /// Until the first byte of an answer; `WebSocket`s are exempt.
    pub request_timeout: Duration,
    /// Until the last byte of an answer; none for no such limit. `WebSocket`s are exempt.
    pub stream_timeout: Option<Duration>,
    /// Bytes of a request body; none for no limit.
    pub body_limit: Option<u64>,
    /// How often it is asked anew whether who reads a log as it is written still may.
    pub recheck: Duration,
}

impl Default for IngressConfig {
    fn default() -> Self {
        let (request_timeout, recheck) = (REQUEST_TIMEOUT, Duration::from_secs(5));
        Self { named_port: None, request_timeout, stream_timeout: None, body_limit: None, recheck }
    }
}

/// A port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// This one and no other; 0 for any.
    Exactly(u16),
    /// This one, else the next free one after it.
    From(u16),
}

/// Who a browser without a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Whoever signs in at the workspace.
    Browser,
    /// This user, without asking.
    As(String),
}

/// An app to be served.
#[derive(Clone)]
pub struct AppConfig {
    /// Its name.
    pub name: String,
    /// Host names under which it is asked for beside those of loopback, by clients whose TLS ends before its port.
    pub names: Vec<String>,
    /// Its own port.
    pub port: Port,
    /// Where it stands and where to reach it.
    pub status: watch::Receiver<Status>,
    /// Its log, shown under `/logz`.
    pub logs: Logs,
    /// Who knows users and tokens.
    pub authority: Arc<dyn Authority>,
    /// Who a browser without a session is.
    pub sign_in: SignIn,
}

/// Where an app is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Its own port.
    pub port: u16,
    /// `http://localhost:PORT`.
    pub url: String,
    /// `http://APP.localhost:PORT`, if there is a shared port.
    pub named_url: Option<String>,
}

/// The running front door.
#[derive(Debug)]
pub struct Ingress {
    front: Arc<Front>,
    named_port: Option<u16>,
    tasks: TaskTracker,
    end: CancellationToken,
    lanes: Arc<Lanes>,
}

impl Ingress {
    /// Starts it, serving nothing yet.
    pub async fn start(config: IngressConfig) -> std::io::Result<Self> {
        let named = config.named_port;
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let front = Arc::new(Front { config, apps: RwLock::new(BTreeMap::new()), tasks: tasks.clone() });
        let lanes = Arc::new(Lanes::start()?);
        let mut ingress = Self { front, named_port: None, tasks, end, lanes };
        if let Some(port) = named {
            let listeners = bind(port).await?;
            ingress.named_port = Some(listeners.0);
            ingress.listen(listeners.1, &Via::Name, &ingress.end.clone());
        }
        Ok(ingress)
    }

    /// Serves an app; an app of the same name before it is served no more.
    pub async fn serve(&self, config: AppConfig) -> std::io::Result<Served> {
        let (port, listeners) = bind(config.port).await?;
        let app = Arc::new(App::new(config, port, self.end.child_token()));
        self.listen(listeners, &Via::Port(Arc::clone(&app)), &app.end);
        let served = Served {
            port,
            url: format!("http://localhost:{port}"),
            named_url: self.named_port.map(|port| format!("http://{}.localhost:{port}", app.name)),
        };
        let before =
            self.front.apps.write().unwrap_or_else(PoisonError::into_inner).insert(app.name.clone(), app);
        if let Some(before) = before {
            before.end.cancel();
        }
        Ok(served)
    }

    /// Waits until no request is on its way to a version of an app that listened here; `WebSocket`s do not count.
    pub async fn drained(&self, name: &str, address: SocketAddr) {
        let app = self.front.apps.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(app) = app {
            app.pool.drained(address).await;
        }
    }

    /// Serves an app no more.
    pub fn remove(&self, name: &str) {
        let app = self.front.apps.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(app) = app {
            app.end.cancel();
        }
    }

    /// The port all apps share under their names.
    pub fn named_port(&self) -> Option<u16> {
        self.named_port
    }

    /// Ends: no new requests, a short time for open ones.
    pub async fn close(self) {
        self.end.cancel();
        self.tasks.close();
        // Whatever is not done by then is dropped with its runtime.
        let _late = tokio::time::timeout(DRAIN + Duration::from_secs(1), self.tasks.wait()).await;
    }

    fn listen(&self, listeners: Vec<TcpListener>, via: &Via, end: &CancellationToken) {
        for listener in listeners {
            let (front, via, tasks, end) =
                (Arc::clone(&self.front), via.clone(), self.tasks.clone(), end.clone());
            let lanes = Arc::clone(&self.lanes);
            self.tasks.spawn(async move {
                while let Some(accepted) = end.run_until_cancelled(listener.accept()).await {
                    match accepted {
                        Ok((stream, peer)) => {
                            let lane = lanes.next();
                            let (front, via, end) = (Arc::clone(&front), via.clone(), end.clone());
                            let carried = connection(stream.into_std(), peer, front, via, end, lane.number);
                            tasks.spawn_on(carried, &lane.handle);
                        }
                        Err(error) => {
                            // Most often too many open files: give the others time to end.
                            tracing::warn!(%error, "A connection could not be accepted");
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                }
            });
        }
    }
}

impl Drop for Ingress {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn connection(
    stream: std::io::Result<std::net::TcpStream>,
    peer: SocketAddr,
    front: Arc<Front>,
    via: Via,
    end: CancellationToken,
    lane: usize,
) {
    let stream = match stream.and_then(TcpStream::from_std) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "A connection could not be taken over"),
    };
    let Ok(peer) = HeaderValue::from_str(&peer.ip().to_string()) else { return };
    let door = Arc::new((front, via, Caller { peer, lane }));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(alarm::Timer::default()).header_read_timeout(HEADERS_TIMEOUT);
    server.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
    let service = hyper::service::service_fn(move |request| {
        let door = Arc::clone(&door);
        async move {
            let (front, via, caller) = &*door;
            Ok::<_, std::convert::Infallible>(front.answer(via, caller, request).await)
        }
    });
    // Its own: to ask whether all shall end, for every request, would be to ask the other lanes too.
    let end = end.child_token();
    let serving = server.serve_connection_with_upgrades(TokioIo::new(Socket::new(stream)), service);
    let (mut serving, mut ending, mut waits) = (pin!(serving), pin!(end.cancelled()), false);
    let ended = std::future::poll_fn(|context| match serving.as_mut().poll(context) {
        Poll::Ready(ended) => Poll::Ready(Some(ended)),
        // Who waits stays the same and is woken: one that waits already needs no more than a look.
        Poll::Pending if waits && !end.is_cancelled() => Poll::Pending,
        Poll::Pending => {
            waits = true;
            ending.as_mut().poll(context).map(|()| None)
        }
    });
    let ended = if let Some(ended) = ended.await {
        ended
    } else {
        serving.as_mut().graceful_shutdown();
        match tokio::time::timeout(DRAIN, serving).await {
            Ok(ended) => ended,
            Err(_) => return,
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection ended badly");
    }
}

/// Listens on loopback, IPv4 and where possible IPv6 too: browsers take either for `localhost`.
async fn bind(port: Port) -> std::io::Result<(u16, Vec<TcpListener>)> {
    let (first, attempts) = match port {
        Port::Exactly(port) => (port, 1),
        Port::From(port) => (port, PORT_ATTEMPTS),
    };
    let mut refused = None;
    for port in first..=first.saturating_add(attempts - 1) {
        match bind_both(port).await {
            Ok(bound) => return Ok(bound),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
}

async fn bind_both(port: u16) -> std::io::Result<(u16, Vec<TcpListener>)> {
    let four = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let bound = four.local_addr()?.port();
    match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).await {
        Ok(six) => Ok((bound, vec![four, six])),
        // Another program's port: half of the names would lead to it.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && port != 0 => Err(error),
        Err(_) => Ok((bound, vec![four])),
    }
}
