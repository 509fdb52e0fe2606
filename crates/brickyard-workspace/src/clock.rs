use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The time as the workspace sees it: the machine's clock plus an offset that tests and `brickyard clock` move.
///
/// Clones share the offset, so moving one moves all. Tokens, logs, auto-stop and `current_timestamp` of the workspace's
/// own tables read this clock and no other.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_milliseconds: Arc<AtomicI64>,
    /// When the machine's clock showed what as this one was moved, and the offset since.
    moves: Arc<Mutex<Vec<(Timestamp, SignedDuration)>>>,
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + self.offset()
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
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        self.offset_milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
        moves.push((Timestamp::now(), self.offset()));
    }

    /// How far this clock is ahead of the machine's.
    pub fn offset(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset_milliseconds.load(Ordering::Relaxed))
    }

    /// What the machine's clock showed when this one showed that time last; for a time that was leapt over, when that was.
    pub fn on_the_machine(&self, time: Timestamp) -> Timestamp {
        let mut until = Timestamp::MAX;
        for (moved, offset) in self.moves.lock().unwrap_or_else(PoisonError::into_inner).iter().rev() {
            let then = time.saturating_sub(*offset).unwrap_or(time);
            if then >= *moved {
                return then.min(until);
            }
            until = *moved;
        }
        time.min(until)
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

    #[test]
    fn a_time_of_before_a_move_is_known_again() {
        let (clock, second) = (Clock::default(), SignedDuration::from_secs(1));
        let (machine, early) = (Timestamp::now(), clock.now());
        let known = |time: Timestamp, expected: Timestamp| {
            let distance = clock.on_the_machine(time).duration_since(expected);
            assert!(distance.abs() < second, "{time}: {distance}");
        };
        known(early, machine);
        clock.advance(SignedDuration::from_hours(2));
        let late = clock.now();
        for time in [early, early + SignedDuration::from_hours(1), late] {
            known(time, machine); // in the middle it was leapt over
        }
        known(early - SignedDuration::from_hours(3), machine - SignedDuration::from_hours(3));
        clock.advance(SignedDuration::from_hours(-1));
        known(clock.now(), machine);
        known(early, machine);
    }
}
