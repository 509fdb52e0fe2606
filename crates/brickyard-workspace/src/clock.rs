use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The time as the workspace sees it: the machine's clock plus an offset that tests and `brickyard clock` move.
///
/// Clones share the offset, so moving one moves all. Tokens, logs, auto-stop and `current_timestamp` of the workspace's
/// own tables read this clock and no other.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_milliseconds: Arc<AtomicI64>,
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_millis(self.offset_milliseconds.load(Ordering::Relaxed))
    }

    /// Seconds since the epoch, as JSON web tokens count them.
    pub fn unix_seconds(&self) -> i64 {
        self.now().as_second()
    }

    /// Milliseconds since the epoch, as most REST families count them.
    pub fn unix_milliseconds(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Moves the clock; a negative duration moves it back.
    pub fn advance(&self, by: SignedDuration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// How far this clock is ahead of the machine's.
    pub fn offset(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset_milliseconds.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together() {
        let clock = Clock::default();
        let before = clock.unix_seconds();
        clock.clone().advance(SignedDuration::from_hours(2));
        assert!(clock.unix_seconds() - before >= 7200);
        assert_eq!(clock.offset(), SignedDuration::from_hours(2));
    }
}
