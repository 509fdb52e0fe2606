//! What stands before an endpoint's backend: rate limits, concurrency, time, and the log of its requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::invoke::LONGEST;
use crate::error::ApiError;

/// Seconds of one window of the rate limits.
const WINDOW: i64 = 60;

/// Most callers whose requests are counted at once for one endpoint.
const MOST_COUNTED: usize = 10_000;

/// Limits of a serving endpoint, and where its requests are logged; nothing is limited by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServingOptions {
    /// Requests a minute, of all callers together.
    pub calls_per_minute: Option<u32>,
    /// Requests a minute of each caller.
    pub calls_per_minute_and_user: Option<u32>,
    /// Requests that are answered at the same time; more are refused.
    pub concurrency: Option<u32>,
    /// Longest time an answer may take; 297 seconds, as on the platform, where nothing is said.
    pub timeout: Option<Duration>,
    /// Table to which requests and answers are written, such as `main.default.chat_payload`.
    pub log_table: Option<String>,
}

/// The state of an endpoint's limits.
pub(super) struct Gate {
    pub(super) options: ServingOptions,
    places: Option<Arc<Semaphore>>,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    minute: i64,
    all: u32,
    by_caller: HashMap<String, u32>,
}

impl Gate {
    pub(super) fn new(options: ServingOptions) -> Self {
        let places = options.concurrency.map(|places| Arc::new(Semaphore::new(places as usize)));
        Self { options, places, window: Mutex::default() }
    }

    /// How long an answer may take.
    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout.map_or(LONGEST, |timeout| timeout.min(LONGEST))
    }

    /// Lets a request in; the permit is held until its answer is complete. 429 with `Retry-After` where it is too much.
    pub(super) fn admit(
        &self,
        endpoint: &str,
        caller: &str,
        now: i64,
    ) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        self.count(endpoint, caller, now)?;
        let Some(places) = &self.places else { return Ok(None) };
        let permit = Arc::clone(places).try_acquire_owned().map_err(|_| {
            let places = self.options.concurrency.unwrap_or_default();
            let message =
                format!("The endpoint '{endpoint}' answers {places} requests at the same time already");
            too_many(message, 1)
        })?;
        Ok(Some(permit))
    }

    fn count(&self, endpoint: &str, caller: &str, now: i64) -> Result<(), ApiError> {
        let minute = now.div_euclid(WINDOW);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.minute != minute || window.by_caller.len() > MOST_COUNTED {
            *window = Window { minute, ..Window::default() };
        }
        let wait = u32::try_from(WINDOW - now.rem_euclid(WINDOW)).unwrap_or(1);
        let refused = |limit: u32, whose: &str| {
            too_many(format!("The endpoint '{endpoint}' takes {limit} requests a minute{whose}"), wait)
        };
        let of_caller = window.by_caller.get(caller).copied().unwrap_or_default();
        match (self.options.calls_per_minute, self.options.calls_per_minute_and_user) {
            (Some(limit), _) if window.all >= limit => return Err(refused(limit, "")),
            (_, Some(limit)) if of_caller >= limit => return Err(refused(limit, " from each user")),
            _ => {}
        }
        window.all += 1;
        window.by_caller.insert(caller.to_owned(), of_caller + 1);
        Ok(())
    }
}

fn too_many(message: String, seconds: u32) -> ApiError {
    let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "REQUEST_LIMIT_EXCEEDED", message);
    error.retry_after = Some(seconds);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_takes_what_is_allowed_and_the_next_begins_anew() {
        let gate = Gate::new(ServingOptions {
            calls_per_minute: Some(3),
            calls_per_minute_and_user: Some(2),
            ..ServingOptions::default()
        });
        let at = |caller: &str, now: i64| {
            gate.admit("e", caller, now).map(drop).map_err(|error| error.retry_after)
        };
        assert_eq!((at("ada", 120), at("ada", 130)), (Ok(()), Ok(())));
        assert_eq!(at("ada", 150), Err(Some(30)));
        assert_eq!((at("bob", 151), at("bob", 152)), (Ok(()), Err(Some(28))));
        assert_eq!(at("ada", 180), Ok(()));
    }

    #[test]
    fn places_are_free_again_when_the_answer_is_over() {
        let gate = Gate::new(ServingOptions { concurrency: Some(1), ..ServingOptions::default() });
        let first = gate.admit("e", "ada", 0).unwrap();
        assert_eq!(gate.admit("e", "bob", 0).unwrap_err().status, StatusCode::TOO_MANY_REQUESTS);
        drop(first);
        assert!(gate.admit("e", "bob", 0).is_ok());
    }
}
