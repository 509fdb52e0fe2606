//! Open HTTP/1.1 connections to one app, used again and again.
//!
//! A connection has no task of its own: the task of the request that uses it drives it, so that a request and its answer
//! change the thread no more often than the sockets demand.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::body::RequestBody;
use super::lanes;

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
    since: Instant,
}

/// What moves a connection's bytes; none once it has ended.
struct Driver(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>);

impl Driver {
    fn poll(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.0 else { return };
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            self.0 = None;
            if let Err(error) = ended {
                tracing::debug!(%error, "A connection to the app ended badly");
            }
        }
    }

    /// Waits for what only moving bytes can bring.
    async fn until<T>(&mut self, awaited: impl Future<Output = T>) -> T {
        let mut awaited = pin!(awaited);
        std::future::poll_fn(|context| {
            if let Poll::Ready(value) = awaited.as_mut().poll(context) {
                return Poll::Ready(value);
            }
            self.poll(context);
            awaited.as_mut().poll(context)
        })
        .await
    }
}

#[derive(Clone, Default)]
pub(super) struct Pool {
    /// Of each lane its own: a connection is used where it was made.
    idle: Arc<[Mutex<Vec<Idle>>; lanes::MOST]>,
    busy: Arc<Busy>,
}

/// How many requests are on their way to each address.
#[derive(Default)]
struct Busy {
    /// A handful at most: the version that serves, and those that end.
    count: Mutex<Vec<(SocketAddr, usize)>>,
    changed: Notify,
}

impl Busy {
    fn leads_to(&self, address: SocketAddr) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.iter().any(|(known, _)| *known == address)
    }
}

/// One request on its way.
pub(super) struct Mark {
    busy: Arc<Busy>,
    address: SocketAddr,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut count = self.busy.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = count.iter().position(|(address, _)| *address == self.address) {
            count[at].1 -= 1;
            if count[at].1 == 0 {
                count.swap_remove(at);
                self.busy.changed.notify_waiters();
            }
        }
    }
}

/// A connection in use.
pub(super) struct Lease {
    pool: Pool,
    lane: usize,
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
}

impl Pool {
    /// Notes that a request is on its way to an address.
    pub(super) fn mark(&self, address: SocketAddr) -> Mark {
        let mut count = self.busy.count.lock().unwrap_or_else(PoisonError::into_inner);
        match count.iter_mut().find(|(known, _)| *known == address) {
            Some((_, number)) => *number += 1,
            None => count.push((address, 1)),
        }
        drop(count);
        Mark { busy: Arc::clone(&self.busy), address }
    }

    /// Waits until no request is on its way to an address.
    pub(super) async fn drained(&self, address: SocketAddr) {
        loop {
            let changed = self.busy.changed.notified();
            tokio::pin!(changed);
            // Counted from here on, before the number is looked at.
            changed.as_mut().enable();
            if !self.busy.leads_to(address) {
                return;
            }
            changed.await;
        }
    }

    /// Sends a request over an open connection, or a new one if none is left alive.
    pub(super) async fn send(
        &self,
        lane: usize,
        address: SocketAddr,
        mark: Option<Mark>,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Lease), Unanswered> {
        while let Some(mut idle) = self.take(lane, address) {
            if idle.driver.until(idle.sender.ready()).await.is_err() {
                continue;
            }
            match idle.driver.until(idle.sender.try_send_request(request)).await {
                Ok(response) => return Ok((response, Lease { pool: self.clone(), lane, idle, _mark: mark })),
                // The app closed the idle connection just now: nothing was sent, so it may be sent again.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Unanswered::Broken(failed.into_error())),
                },
            }
        }
        let mut idle = connect(address).await?;
        match idle.driver.until(idle.sender.send_request(request)).await {
            Ok(response) => Ok((response, Lease { pool: self.clone(), lane, idle, _mark: mark })),
            Err(error) => Err(Unanswered::Broken(error)),
        }
    }

    fn take(&self, lane: usize, address: SocketAddr) -> Option<Idle> {
        let mut idle = self.idle[lane].lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // The one used last is the one most surely alive.
            let candidate = idle.pop()?;
            if candidate.address == address
                && !candidate.sender.is_closed()
                && candidate.since.elapsed() < MAX_IDLE_TIME
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
        if let Some(connection) = self.idle.driver.0
            && let Err(error) = connection.await
        {
            tracing::debug!(%error, "A connection to the app ended badly");
        }
    }

    /// Keeps the connection for the next request.
    pub(super) fn give_back(self) {
        let Self { pool, lane, mut idle, _mark } = self;
        if idle.driver.0.is_none() || idle.sender.is_closed() {
            return;
        }
        idle.since = Instant::now();
        let mut kept = pool.idle[lane].lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_IDLE {
            kept.push(idle);
        }
    }
}

async fn connect(address: SocketAddr) -> Result<Idle, Unanswered> {
    let stream = TcpStream::connect(address).await.map_err(Unanswered::Unreachable)?;
    // A socket that cannot be tuned still works.
    let _untuned = stream.set_nodelay(true);
    let (sender, connection) =
        http1::Builder::new().handshake(TokioIo::new(stream)).await.map_err(Unanswered::Broken)?;
    let driver = Driver(Some(Box::pin(connection.with_upgrades())));
    Ok(Idle { address, sender, driver, since: Instant::now() })
}
