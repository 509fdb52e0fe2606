//! Threads that carry connections.
//!
//! A connection stays on one of them, with the connections to apps that its requests use: no answer waits until another
//! thread has been woken. Only the hand-over of a new connection crosses threads.

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, available_parallelism};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// More would wait for the apps, not for a processor.
pub(super) const MOST: usize = 4;

#[derive(Debug)]
pub(super) struct Lanes {
    handles: Vec<Handle>,
    next: AtomicUsize,
    end: CancellationToken,
}

/// One of the threads.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// Which one, counted from 0.
    pub(super) number: usize,
    /// Where to spawn what shall run on it.
    pub(super) handle: Handle,
}

impl Lanes {
    pub(super) fn start() -> io::Result<Self> {
        // The apps and those who ask them need as much time as we do.
        let count = (available_parallelism().map_or(1, NonZero::get) / 2).clamp(1, MOST);
        let mut lanes = Self {
            handles: Vec::with_capacity(count),
            next: AtomicUsize::new(0),
            end: CancellationToken::new(),
        };
        for number in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            lanes.handles.push(runtime.handle().clone());
            let end = lanes.end.clone();
            thread::Builder::new()
                .name(format!("ingress-{number}"))
                .spawn(move || runtime.block_on(end.cancelled()))?;
        }
        Ok(lanes)
    }

    /// The one whose turn it is.
    pub(super) fn next(&self) -> Lane {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len();
        Lane { number, handle: self.handles[number].clone() }
    }
}

/// A value of one lane, behind a lock that others seldom want. It lies apart in memory: a line that several processors write
/// to for every request would travel between their caches all the time.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Own<T>(Mutex<T>);

impl<T> Own<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value for each lane.
pub(super) type PerLane<T> = [Own<T>; MOST];

impl Drop for Lanes {
    /// What still runs on them is dropped.
    fn drop(&mut self) {
        self.end.cancel();
    }
}
