//! Open HTTP/1.1 connections to one app, used again and again.
//!
//! A connection has no task of its own: the task of the request that uses it drives it, so that a request and its answer
//! change the thread no more often than the sockets demand.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::alarm::Alarm;
use super::body::RequestBody;
use super::lanes::{self, Own};
use super::socket::Socket;

/// Idle connections kept; more than an app usually has workers for is waste.
const MAX_IDLE: usize = 256;

/// Servers close idle connections after a few seconds, gunicorn after two: one that is about to be closed is not used for a
/// request that cannot be sent twice.
const MAX_IDLE_TIME: Duration = Duration::from_millis(1_500);

/// A connection and the address it leads to: a restarted app may listen elsewhere.
struct Idle {
    address: SocketAddr,
    sender: SendRequest<RequestBody>,
    driver: Driver,
    /// When its last request came.
    since: Instant,
}

/// What moves a connection's bytes.
struct Driver {
    /// None once it has ended.
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    /// Rings when a request has had its time.
    alarm: Alarm,
}

impl Driver {
    fn poll(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            self.connection = None;
            if let Err(error) = ended {
                tracing::debug!(%error, "A connection to the app ended badly");
            }
        }
    }

    /// Waits for what only moving bytes can bring, until the alarm rings.
    async fn until<T>(&mut self, awaited: impl Future<Output = T>) -> Result<T, Unanswered> {
        let mut awaited = pin!(awaited);
        std::future::poll_fn(|context| {
            if let Poll::Ready(value) = awaited.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            self.poll(context);
            if let Poll::Ready(value) = awaited.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            self.alarm.poll(context).map(|()| Err(Unanswered::Late))
        })
        .await
    }
}

pub(super) struct Pool {
    /// Of each lane its own: a connection is used where it was made.
    lanes: [Arc<Own<Way>>; lanes::MOST],
    /// Rung when no request is on its way to some address any more.
    changed: Arc<Notify>,
}

impl Default for Pool {
    fn default() -> Self {
        let changed = Arc::<Notify>::default();
        let way = |_| {
            let changed = Arc::clone(&changed);
            Arc::new(Own::new(Way { idle: Vec::new(), busy: Vec::new(), changed }))
        };
        Self { lanes: std::array::from_fn(way), changed }
    }
}

/// What one lane has to do with an app.
struct Way {
    idle: Vec<Idle>,
    /// How many requests are on their way to each address; a handful at most: the version that serves, and those that end.
    busy: Vec<(SocketAddr, usize)>,
    changed: Arc<Notify>,
}

/// One request on its way.
pub(super) struct Mark {
    way: Arc<Own<Way>>,
    address: SocketAddr,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let way = &mut *self.way.lock();
        if let Some(at) = way.busy.iter().position(|(address, _)| *address == self.address) {
            way.busy[at].1 -= 1;
            if way.busy[at].1 == 0 {
                way.busy.swap_remove(at);
                way.changed.notify_waiters();
            }
        }
    }
}

/// A connection in use.
pub(super) struct Lease {
    way: Arc<Own<Way>>,
    idle: Idle,
    /// Until the answer's last byte.
    _mark: Option<Mark>,
}

/// Why the app did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("The app does not accept connections")]
    Unreachable(#[source] std::io::Error),
    #[error("The app broke off before it answered")]
    Broken(#[source] hyper::Error),
    #[error("The app did not answer in time")]
    Late,
}

impl Pool {
    /// Notes that a request is on its way to an address.
    pub(super) fn mark(&self, lane: usize, address: SocketAddr) -> Mark {
        let way = &self.lanes[lane];
        let busy = &mut way.lock().busy;
        match busy.iter_mut().find(|(known, _)| *known == address) {
            Some((_, number)) => *number += 1,
            None => busy.push((address, 1)),
        }
        Mark { way: Arc::clone(way), address }
    }

    /// Waits until no request is on its way to an address.
    pub(super) async fn drained(&self, address: SocketAddr) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Counted from here on, before the numbers are looked at.
            changed.as_mut().enable();
            if !self.lanes.iter().any(|way| way.lock().busy.iter().any(|(known, _)| *known == address)) {
                return;
            }
            changed.await;
        }
    }

    /// Sends a request over an open connection, or a new one if none is left alive.
    pub(super) async fn send(
        &self,
        (lane, address): (usize, SocketAddr),
        (now, deadline): (Instant, Instant),
        mark: Option<Mark>,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Lease), Unanswered> {
        let way = &self.lanes[lane];
        loop {
            let (mut idle, fresh) = match Way::take(way, address, now) {
                Some(mut idle) => {
                    idle.driver.alarm.set(deadline);
                    idle.since = now;
                    (idle, false)
                }
                None => (Box::pin(connect(address, (now, deadline))).await?, true),
            };
            if idle.driver.until(idle.sender.ready()).await?.is_err() && !fresh {
                continue;
            }
            match idle.driver.until(idle.sender.try_send_request(request)).await? {
                Ok(response) => return Ok((response, Lease { way: Arc::clone(way), idle, _mark: mark })),
                // The app closed the idle connection just now: nothing was sent, so it may be sent again.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(Unanswered::Broken(failed.into_error())),
                },
            }
        }
    }
}

impl Way {
    fn take(way: &Own<Self>, address: SocketAddr, now: Instant) -> Option<Idle> {
        let way = &mut way.lock();
        loop {
            // The one used last is the one most surely alive.
            let candidate = way.idle.pop()?;
            if candidate.address == address
                && !candidate.sender.is_closed()
                && now.saturating_duration_since(candidate.since) < MAX_IDLE_TIME
            {
                return Some(candidate);
            }
        }
    }
}

impl Lease {
    /// Moves the connection's bytes; whoever waits for the answer's body has to.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        self.idle.driver.poll(context);
    }

    /// Moves the connection's bytes until it has left HTTP.
    pub(super) async fn hand_over(self) {
        if let Some(connection) = self.idle.driver.connection
            && let Err(error) = connection.await
        {
            tracing::debug!(%error, "A connection to the app ended badly");
        }
    }

    /// Keeps the connection for the next request.
    pub(super) fn give_back(self) {
        let Self { way, idle, _mark } = self;
        if idle.driver.connection.is_none() || idle.sender.is_closed() {
            return;
        }
        let kept = &mut way.lock().idle;
        if kept.len() < MAX_IDLE {
            kept.push(idle);
        }
    }
}

async fn connect(address: SocketAddr, (now, deadline): (Instant, Instant)) -> Result<Idle, Unanswered> {
    let connected = timeout_at(deadline, TcpStream::connect(address)).await.map_err(|_| Unanswered::Late)?;
    let stream = connected.map_err(Unanswered::Unreachable)?;
    let (sender, connection) = http1::Builder::new()
        .handshake(TokioIo::new(Socket::new(stream)))
        .await
        .map_err(Unanswered::Broken)?;
    let driver =
        Driver { connection: Some(Box::pin(connection.with_upgrades())), alarm: Alarm::at(deadline) };
    Ok(Idle { address, sender, driver, since: now })
}
