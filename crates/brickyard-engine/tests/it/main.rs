//! Judged by a real Sail, in an environment made for the tests.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

mod cancel;
mod errors;
mod life;
mod parameters;
mod results;
mod secure;
mod support;
