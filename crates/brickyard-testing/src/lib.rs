//! Test support: Python environments with official clients, temporary projects, golden stories.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails with the cause")]

mod mutation;
mod node;
mod python;
mod request_log;

pub use mutation::{Mutations, drive};
pub use node::{NodeEnvironment, node_environment};
pub use python::{PythonEnvironment, python_environment};
pub use request_log::request_log;
