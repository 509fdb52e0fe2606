use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A line on stderr.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

/// A program that runs in the root, without what cargo told this one about its package: `ring` would be built anew, since its
/// build script asks for `CARGO_MANIFEST_DIR` and `CARGO_PKG_*`, and all that stands on it.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    for (variable, _) in std::env::vars_os() {
        let told = variable.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// Runs a program in the root and fails when it does.
pub(crate) fn run(name: &str, arguments: &[&str]) -> Result<(), String> {
    say(&format!("$ {name} {}", arguments.join(" ")));
    let status =
        program(name).args(arguments).status().map_err(|error| format!("cannot run `{name}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{name} {}` failed: {status}", arguments.join(" "))) }
}

/// What a program prints on stdout.
pub(crate) fn output(name: &str, arguments: &[&str]) -> Result<String, String> {
    let output = program(name)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run `{name}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{name} {}` failed: {}", arguments.join(" "), output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{name}` printed no text"))
}
