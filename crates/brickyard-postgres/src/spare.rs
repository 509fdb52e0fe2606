use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::message;
use crate::upstream::Upstream;

/// How long a backend waits for the next client.
pub(crate) const WAITS: Duration = Duration::from_secs(1);

/// Backends that may wait at once.
pub(crate) const MOST: usize = 16;

/// Longest time a backend may take to forget its session.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest answer to `DISCARD ALL`, in bytes.
const LONGEST: usize = 64 * 1024;

/// A backend whose client has left in good order: the next login with the very same startup packet, within a second,
/// finds it as a new one would be, and spares the server the start of a process.
pub(crate) struct Spare {
    /// The startup packet it was opened with.
    pub(crate) packet: Bytes,
    /// What it said from `AuthenticationOk` to its first `ReadyForQuery`.
    pub(crate) greeting: Bytes,
    /// The server's generation when it was opened: later ones may begin otherwise.
    pub(crate) generation: u64,
    pub(crate) server: Upstream,
    since: Instant,
}

/// The backends that wait.
#[derive(Default)]
pub(crate) struct Spares {
    kept: Mutex<Vec<Spare>>,
}

impl Spare {
    pub(crate) fn new(packet: Bytes, greeting: Bytes, generation: u64, server: Upstream) -> Self {
        Self { packet, greeting, generation, server, since: Instant::now() }
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
        if self.kept.lock().unwrap_or_else(PoisonError::into_inner).len() >= MOST {
            return;
        }
        if !matches!(timeout(PATIENCE, discard(&mut spare.server)).await, Ok(Some(()))) {
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

/// `DISCARD ALL`, up to an idle `ReadyForQuery`.
async fn discard(server: &mut Upstream) -> Option<()> {
    server.write_all(&message::frame(b'Q', b"DISCARD ALL\0")).await.ok()?;
    server.flush().await.ok()?;
    loop {
        match message::read(server, LONGEST).await.ok()? {
            (b'Z', body) => return (body.first() == Some(&b'I')).then_some(()),
            (b'C' | b'S' | b'N' | b'A', _) => {}
            _ => return None,
        }
    }
}
