//! `cargo xtask`: everything the repository does to itself.

mod check;
mod command;
mod generate;
mod settings;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// Check, generate, tidy
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Everything CI runs: format, lints, tests, generated files, tidy
    Check {
        /// Leave the tests out
        #[arg(long)]
        no_tests: bool,
    },
    /// Write the generated pages of `docs/`
    Generate {
        /// Write nothing; fail when a page is not as it would be written
        #[arg(long)]
        check: bool,
    },
    /// Layout rules as a test: crate edges, file length, names, the code map, witnesses
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Check { no_tests } => check::run(no_tests),
        Task::Generate { check } => generate::run(check),
        Task::Tidy => tidy::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            command::say(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}
