//! Open HTTP/1.1 connections to one app, used again and again.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::body::RequestBody;

/// Idle connections kept; more than an app usually has workers for is waste.
const MAX_IDLE: usize = 256;

/// Servers close idle connections after a few seconds, gunicorn after two: one that is about to be closed is not used for a
/// request that cannot be sent twice.
const MAX_IDLE_TIME: Duration = Duration::from_millis(1_500);

/// A connection and the address it leads to: a restarted app may listen elsewhere.
struct Idle {
    address: SocketAddr,
    sender: SendRequest<RequestBody>,
    since: Instant,
}

#[derive(Clone, Default)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Idle>>>,
    busy: Arc<Busy>,
}

/// How many requests are on their way to each address.
#[derive(Default)]
struct Busy {
    count: Mutex<HashMap<SocketAddr, usize>>,
    changed: Notify,
}

/// One request on its way.
pub(super) struct Mark {
    busy: Arc<Busy>,
    address: SocketAddr,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut count = self.busy.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = count.get_mut(&self.address) {
            *number -= 1;
            if *number == 0 {
                count.remove(&self.address);
                self.busy.changed.notify_waiters();
            }
        }
    }
}

/// A connection in use.
pub(super) struct Lease {
    pool: Pool,
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
        *count.entry(address).or_default() += 1;
        Mark { busy: Arc::clone(&self.busy), address }
    }

    /// Waits until no request is on its way to an address.
    pub(super) async fn drained(&self, address: SocketAddr) {
        loop {
            let changed = self.busy.changed.notified();
            tokio::pin!(changed);
            // Counted from here on, before the number is looked at.
            changed.as_mut().enable();
            if !self.busy.count.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&address) {
                return;
            }
            changed.await;
        }
    }

    /// Sends a request over an open connection, or a new one if none is left alive.
    pub(super) async fn send(
        &self,
        address: SocketAddr,
        mark: Option<Mark>,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Lease), Unanswered> {
        while let Some(mut idle) = self.take(address) {
            if idle.sender.ready().await.is_err() {
                continue;
            }
            match idle.sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Lease { pool: self.clone(), idle, _mark: mark })),
                // The app closed the idle connection just now: nothing was sent, so it may be sent again.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Unanswered::Broken(failed.into_error())),
                },
            }
        }
        let mut sender = connect(address).await?;
        match sender.send_request(request).await {
            Ok(response) => Ok((
                response,
                Lease {
                    pool: self.clone(),
                    idle: Idle { address, sender, since: Instant::now() },
                    _mark: mark,
                },
            )),
            Err(error) => Err(Unanswered::Broken(error)),
        }
    }

    fn take(&self, address: SocketAddr) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// Keeps the connection for the next request.
    pub(super) fn give_back(self) {
        let Self { pool, mut idle, _mark } = self;
        if idle.sender.is_closed() {
            return;
        }
        idle.since = Instant::now();
        let mut kept = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_IDLE {
            kept.push(idle);
        }
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<RequestBody>, Unanswered> {
    let stream = TcpStream::connect(address).await.map_err(Unanswered::Unreachable)?;
    // A socket that cannot be tuned still works.
    let _untuned = stream.set_nodelay(true);
    let (sender, connection) =
        http1::Builder::new().handshake(TokioIo::new(stream)).await.map_err(Unanswered::Broken)?;
    // Owned by the sender: it ends when that is dropped. Upgrades leave through it.
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "A connection to the app ended badly");
        }
    });
    Ok(sender)
}
