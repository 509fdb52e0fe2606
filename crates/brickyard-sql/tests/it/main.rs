//! Tests of the dialect through its public functions; `battery` runs what is planned on a real Sail.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

mod battery;
mod bench;
mod cells;
mod corpus;
mod edges;
mod examples;
mod naming;
mod pairs;
mod semantics;
