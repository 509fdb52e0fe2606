//! Tests of the whole crate, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::format_collect,
    clippy::manual_assert,
    reason = "a test that cannot be set up fails with the cause"
)]

mod fixes;
mod fuzzing;
mod mutations;
mod new;
mod rules;
