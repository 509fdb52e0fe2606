//! Tests of the binary, in one program: what it prints, writes and answers, in an empty home.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acceptance;
mod apps;
mod browser;
mod check;
mod examples;
mod exec;
mod harness;
mod lakebase;
mod lsp;
mod mcp;
mod new;
mod planted;
mod run;
mod runtime;
mod side_by_side;
