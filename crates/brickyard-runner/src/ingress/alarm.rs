//! Alarms that are set for every request and ring almost never.
//!
//! To register a time with the runtime and to take it back costs locks, and often wakes the thread that waits. So each connection
//! keeps one registration: an alarm that is set again later costs a comparison, and looks at what it was set to when it rings.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings at a time that may be moved.
pub(super) struct Alarm {
    at: Instant,
    /// Never later than `at`.
    registered: Pin<Box<Sleep>>,
}

impl Alarm {
    pub(super) fn at(at: Instant) -> Self {
        Self { at, registered: Box::pin(sleep_until(at)) }
    }

    pub(super) fn set(&mut self, at: Instant) {
        self.at = at;
        if at < self.registered.deadline() {
            self.registered.as_mut().reset(at);
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.registered.as_mut().poll(context));
            if self.registered.deadline() >= self.at {
                return Poll::Ready(());
            }
            self.registered.as_mut().reset(self.at);
        }
    }
}

/// What hyper measures the times of one HTTP/1.1 connection with: it asks for one at a time, anew for every request.
#[derive(Clone, Default)]
pub(super) struct Timer(Arc<Mutex<Option<Alarm>>>);

/// One time that hyper waits for.
struct Wait {
    at: Instant,
    alarm: Arc<Mutex<Option<Alarm>>>,
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        let alarm = alarm.get_or_insert_with(|| Alarm::at(self.at));
        alarm.set(self.at);
        alarm.poll(context)
    }
}

impl hyper::rt::Sleep for Wait {}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(Instant::now().into_std() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Wait { at: Instant::from_std(deadline), alarm: Arc::clone(&self.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rings(alarm: &mut Alarm) -> Instant {
        std::future::poll_fn(|context| alarm.poll(context)).await;
        Instant::now()
    }

    #[tokio::test]
    async fn it_rings_when_it_was_set_to_last() {
        let after = |milliseconds| Instant::now() + Duration::from_millis(milliseconds);
        let mut alarm = Alarm::at(after(5));
        let later = after(20);
        alarm.set(later);
        assert!(rings(&mut alarm).await >= later);
        // A registration in an hour does not hold back an alarm of now.
        alarm.set(after(3_600_000));
        assert!(futures_util::poll!(std::future::poll_fn(|context| alarm.poll(context))).is_pending());
        alarm.set(after(1));
        rings(&mut alarm).await;
    }

    #[tokio::test]
    async fn what_hyper_gave_up_does_not_ring() {
        use hyper::rt::Timer as _;

        let timer = Timer::default();
        let mut given_up = timer.sleep(Duration::from_millis(5));
        assert!(futures_util::poll!(given_up.as_mut()).is_pending());
        drop(given_up);
        let asked = Instant::now();
        timer.sleep(Duration::from_millis(30)).await;
        assert!(asked.elapsed() >= Duration::from_millis(30));
    }
}
