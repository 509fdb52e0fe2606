//! Tests of the binary, in one program: what it prints, writes and answers, in an empty home.

mod apps;
mod check;
mod harness;
mod lakebase;
mod mcp;
mod lsp;
mod new;
mod run;
