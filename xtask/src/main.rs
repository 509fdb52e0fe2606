//! `cargo xtask`: everything the repository does to itself.

mod battery;
mod bench;
mod check;
mod command;
mod generate;
mod settings;
mod tidy;
mod witnesses;

use std::process::ExitCode;

use clap::Parser;

/// Check, generate, tidy, bench
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
    /// What the last run of the tests says of the witnesses in `docs/PARITY.md`: each has to call its endpoint
    Witnesses,
    /// Measure the release build against its peers, in one run
    Bench {
        /// Rows to measure; without names all but those that run only by name
        names: Vec<String>,
        /// Name the rows and measure nothing
        #[arg(long)]
        list: bool,
        /// Write the table to `docs/BENCHMARKS.md`
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Check { no_tests } => check::run(no_tests),
        Task::Generate { check } => generate::run(check),
        Task::Tidy => tidy::run(),
        Task::Witnesses => witnesses::run(false),
        Task::Bench { names, list, write } => bench::run(&names, list, write),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            command::say(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}
