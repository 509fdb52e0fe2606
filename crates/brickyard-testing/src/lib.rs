//! Test support: Python environments with official clients, temporary projects, golden stories.

mod python;

pub use python::{PythonEnvironment, python_environment};
