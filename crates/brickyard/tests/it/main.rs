//! Tests of the binary, in one program: what it prints, writes and answers, in an empty home.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acceptance;
mod agents;
mod apps;
mod apps_life;
mod apps_more;
mod apps_states;
mod at_login;
mod browser;
mod check;
mod commands;
mod deploy;
mod deploy_faults;
mod examples;
mod exec;
mod families;
mod harness;
mod judges;
mod kept_tables;
mod lakebase;
mod leaks;
mod lsp;
mod made;
mod matrix;
mod mcp;
mod mcp_clients;
mod new;
mod people;
mod planted;
mod profiles;
mod pytest_plugin;
mod remote;
mod requests;
mod resources;
mod run;
mod runtime;
mod side_by_side;
mod todo;
mod tokens;
