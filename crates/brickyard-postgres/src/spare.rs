use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::greeting::Greeting;
use crate::message;
use crate::upstream::Upstream;

/// How long a backend waits for the next client.
pub(crate) const WAITS: Duration = Duration::from_secs(1);

/// How old a backend may be to serve another client: what changes how sessions begin shows after this time at the latest.
const AGE: Duration = Duration::from_secs(10);

/// Backends that may wait at once.
pub(crate) const MOST: usize = 16;

/// Longest time a backend may take to forget its session.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest message while it forgets, in bytes.
const LONGEST: usize = 64 * 1024;

/// What has a backend forget its session. `DISCARD ALL` leaves the seed of `random()`, which takes one that nobody knows.
const FORGET: [&[u8]; 2] = [
    b"DISCARD ALL\0",
    b"SELECT pg_catalog.setseed(pg_catalog.hashtext(pg_catalog.gen_random_uuid()::pg_catalog.text) / 2147483648.0)\0",
];

/// A backend whose client has left in good order: the next login with the very same startup packet, within a second,
/// spares the server the start of a process.
///
/// What the sessions before have set is gone. That a placeholder such as `app.user` was set shows, since it is empty
/// and not missing; no statement of PostgreSQL takes that back.
pub(crate) struct Spare {
    /// The startup packet it was opened with.
    pub(crate) packet: Bytes,
    /// What it said up to its first `ReadyForQuery`.
    pub(crate) greeting: Greeting,
    /// The server's generation when it was opened: later ones may begin otherwise.
    pub(crate) generation: u64,
    pub(crate) server: Upstream,
    opened: Instant,
    since: Instant,
}

/// The backends that wait.
#[derive(Default)]
pub(crate) struct Spares {
    kept: Mutex<Vec<Spare>>,
}

impl Spare {
    pub(crate) fn new(packet: Bytes, greeting: Greeting, generation: u64, server: Upstream) -> Self {
        let now = Instant::now();
        Self { packet, greeting, generation, server, opened: now, since: now }
    }

    /// Whether the server has nothing to say, which it has when it ends the session.
    async fn is_quiet(&mut self) -> bool {
        poll_fn(|context| {
            let mut byte = [0];
            let mut buffer = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut self.server).poll_read(context, &mut buffer).is_pending())
        })
        .await
    }
}

impl Spares {
    /// Takes a backend for this startup packet.
    pub(crate) async fn take(&self, packet: &[u8], generation: u64) -> Option<Spare> {
        loop {
            let mut spare = {
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                let place = kept.iter().rposition(|spare| {
                    spare.packet == packet && spare.generation == generation && spare.since.elapsed() < WAITS
                })?;
                kept.swap_remove(place)
            };
            if spare.is_quiet().await {
                return Some(spare);
            }
        }
    }

    /// Has a backend forget its session, and keeps it for a while.
    pub(crate) async fn keep(&self, mut spare: Spare) {
        let full = self.kept.lock().unwrap_or_else(PoisonError::into_inner).len() >= MOST;
        if full || spare.opened.elapsed() >= AGE {
            return;
        }
        if !matches!(timeout(PATIENCE, forget(&mut spare.server)).await, Ok(Some(()))) {
            return;
        }
        spare.since = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.push(spare);
        }
    }

    /// Lets all of them go.
    pub(crate) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lets those go that have waited long enough.
    pub(crate) fn sweep(&self) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|spare| spare.since.elapsed() < WAITS);
    }
}

/// Runs the statements of [`FORGET`], up to an idle `ReadyForQuery` for each.
async fn forget(server: &mut Upstream) -> Option<()> {
    let statements = FORGET.map(|sql| message::frame(b'Q', sql)).concat();
    server.write_all(&statements).await.ok()?;
    server.flush().await.ok()?;
    let mut answers = 0;
    while answers < FORGET.len() {
        match message::read(server, LONGEST).await.ok()? {
            (b'Z', body) if body.first() == Some(&b'I') => answers += 1,
            (b'C' | b'S' | b'N' | b'A' | b'T' | b'D', _) => {}
            _ => return None,
        }
    }
    Some(())
}
