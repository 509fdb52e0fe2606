//! One run of a tool: its words come line by line, its end is awaited, and it is killed, with all it started, if nobody waits any more.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncRead;
use tokio::process::Command;

use super::{ToolError, Variables};
use crate::logs::LineReader;
use crate::warden::Family;

/// Lines of a tool that are kept for its error message.
const KEPT_LINES: usize = 200;

pub(crate) struct Invocation {
    program: PathBuf,
    command: Command,
}

/// How a tool ended, and the last lines it wrote.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Invocation {
    pub(crate) fn new(program: &Path, variables: &Variables, warden: &[OsString]) -> Self {
        let mut command = if let Some((first, rest)) = warden.split_first() {
            let mut command = Command::new(first);
            command.args(rest).arg("--").arg(program).stdin(Stdio::piped());
            command
        } else {
            let mut command = Command::new(program);
            command.stdin(Stdio::null());
            command
        };
        command.env_clear().envs(variables).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { program: program.to_owned(), command }
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs to the end, handing every line of either stream to `line`.
    pub(crate) async fn run(mut self, line: impl Fn(&str)) -> Result<Finished, ToolError> {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |source| ToolError::NotStarted { program: name.clone(), source };
        let mut family = Family(self.command.spawn().map_err(failed)?);
        let child = &mut family.0;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // Held until the end: the warden takes the closing of this pipe as our death.
        let held = child.stdin.take();
        let (output, errors, status) =
            tokio::join!(collect(stdout, &line), collect(stderr, &line), child.wait());
        drop(held);
        Ok(Finished { status: status.map_err(failed)?, output, errors })
    }
}

async fn collect(stream: Option<impl AsyncRead + Unpin>, line: &impl Fn(&str)) -> String {
    let Some(stream) = stream else { return String::new() };
    let mut reader = LineReader::new(stream);
    let mut kept = VecDeque::with_capacity(KEPT_LINES);
    while let Some(text) = reader.next_line().await {
        line(&text);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(text);
    }
    kept.make_contiguous().join("\n")
}
