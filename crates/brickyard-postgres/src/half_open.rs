use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections that have not logged in yet, bounded in number: when one too many comes, the oldest goes.
///
/// A client that means it logs in within milliseconds, so a flood of silent connections throws out its own.
#[derive(Clone)]
pub(crate) struct HalfOpen {
    entries: Arc<Mutex<Entries>>,
    capacity: usize,
}

#[derive(Default)]
struct Entries {
    next: u64,
    waiting: BTreeMap<u64, CancellationToken>,
}

/// One place among the half-open connections; leaves it when dropped.
pub(crate) struct Place {
    entries: Arc<Mutex<Entries>>,
    number: u64,
    pub(crate) evicted: CancellationToken,
}

impl HalfOpen {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Arc::default(), capacity }
    }

    /// Takes a place, from the oldest when all are taken.
    pub(crate) fn enter(&self) -> Place {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.waiting.len() >= self.capacity
            && let Some((_, oldest)) = entries.waiting.pop_first()
        {
            oldest.cancel();
        }
        let number = entries.next;
        entries.next += 1;
        let evicted = CancellationToken::new();
        entries.waiting.insert(number, evicted.clone());
        Place { entries: Arc::clone(&self.entries), number, evicted }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let half_open = HalfOpen::new(2);
        let first = half_open.enter();
        let second = half_open.enter();
        let third = half_open.enter();
        assert!(first.evicted.is_cancelled());
        assert!(!second.evicted.is_cancelled() && !third.evicted.is_cancelled());
        drop((first, second));
        let fourth = half_open.enter();
        assert!(!third.evicted.is_cancelled() && !fourth.evicted.is_cancelled());
    }
}
