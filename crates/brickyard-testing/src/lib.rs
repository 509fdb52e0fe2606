//! Test support: Python environments with official clients, temporary projects, golden stories.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails with the cause")]

mod python;

pub use python::{PythonEnvironment, python_environment};
