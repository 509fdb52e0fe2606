use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections that have not logged in yet, bounded in number at each [`Stage`]: when one too many comes to a stage, the
/// oldest there goes.
///
/// A flood of silent connections so throws out its own, and nobody who has begun to speak, however many log in at once and
/// however slowly.
#[derive(Clone)]
pub(crate) struct HalfOpen {
    entries: Arc<Mutex<Entries>>,
    capacity: usize,
}

/// How far a connection has come; each stage costs a client more than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not sent anything whole.
    Silent,
    /// It has asked for TLS.
    Asked,
    /// TLS is in place, the login is under way.
    Private,
}

#[derive(Default)]
struct Entries {
    next: u64,
    /// Those at each stage by age.
    stages: [BTreeMap<u64, CancellationToken>; 3],
}

/// One place among the half-open connections; leaves it when dropped.
pub(crate) struct Place {
    half_open: HalfOpen,
    number: u64,
    pub(crate) evicted: CancellationToken,
}

impl HalfOpen {
    /// So many may be at each stage.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Arc::default(), capacity }
    }

    /// Takes a place among the silent ones.
    pub(crate) fn enter(&self) -> Place {
        let mut entries = self.lock();
        let number = entries.next;
        entries.next += 1;
        let evicted = CancellationToken::new();
        self.put(&mut entries, Stage::Silent, number, evicted.clone());
        drop(entries);
        Place { half_open: self.clone(), number, evicted }
    }

    fn put(&self, entries: &mut Entries, stage: Stage, number: u64, evicted: CancellationToken) {
        let waiting = &mut entries.stages[stage as usize];
        if waiting.len() >= self.capacity
            && let Some((_, oldest)) = waiting.pop_first()
        {
            oldest.cancel();
        }
        waiting.insert(number, evicted);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Goes on to a stage; one that was thrown out stays out.
    pub(crate) fn advance(&self, stage: Stage) {
        let mut entries = self.half_open.lock();
        if let Some(evicted) = entries.take(self.number) {
            self.half_open.put(&mut entries, stage, self.number, evicted);
        }
    }
}

impl Entries {
    fn take(&mut self, number: u64) -> Option<CancellationToken> {
        self.stages.iter_mut().find_map(|waiting| waiting.remove(&number))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.half_open.lock().take(self.number);
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

    #[test]
    fn who_has_spoken_is_thrown_out_by_its_like_alone() {
        let half_open = HalfOpen::new(2);
        let asked: Vec<Place> = (0..2).map(|_| half_open.enter()).collect();
        for place in &asked {
            place.advance(Stage::Asked);
        }
        let silent: Vec<Place> = (0..9).map(|_| half_open.enter()).collect();
        assert!(asked.iter().all(|place| !place.evicted.is_cancelled()));
        assert_eq!(silent.iter().filter(|place| place.evicted.is_cancelled()).count(), 7);
        silent[0].advance(Stage::Asked);
        assert!(!asked[0].evicted.is_cancelled(), "one that was thrown out takes no place");
        silent[8].advance(Stage::Asked);
        assert!(asked[0].evicted.is_cancelled() && !asked[1].evicted.is_cancelled());
        asked[1].advance(Stage::Private);
        let places = half_open.lock().stages.each_ref().map(BTreeMap::len);
        assert_eq!(places, [1, 1, 1]);
        drop((asked, silent));
        assert!(half_open.lock().stages.iter().all(BTreeMap::is_empty));
    }
}
