use crate::command::{self, say};
use crate::{generate, tidy, witnesses};

/// The recipe of CI, in the order in which failures are cheapest.
pub(crate) fn run(no_tests: bool) -> Result<(), String> {
    command::run("cargo", &["fmt", "--all", "--check"])?;
    tidy::run()?;
    command::run("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    generate::run(true)?;
    if !no_tests {
        witnesses::forget()?;
        command::run("cargo", &["test", "--workspace", "--no-fail-fast"])?;
        witnesses::run(true)?;
    }
    if std::process::Command::new("cargo")
        .args(["deny", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        command::run("cargo", &["deny", "check"])?;
    }
    say("xtask: all checks passed");
    Ok(())
}
