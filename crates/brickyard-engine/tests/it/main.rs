//! Judged by a real Sail, in an environment made for the tests.

mod cancel;
mod errors;
mod life;
mod parameters;
mod results;
mod support;
