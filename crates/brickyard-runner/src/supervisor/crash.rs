//! Why an app is not running, in words.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// How an app ended without being asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// What happened, as `exit code 1`.
    pub reason: String,
    /// The exit code, if it ended by one.
    pub code: Option<i32>,
    /// The signal, if it ended by one.
    pub signal: Option<i32>,
    /// The last lines it wrote.
    pub last_lines: Vec<String>,
}

impl Crash {
    pub(super) fn ended(status: ExitStatus, last_lines: Vec<String>) -> Self {
        let (code, signal) = (status.code(), status.signal());
        let reason = match (code, signal) {
            (Some(0), _) => "ended by itself with exit code 0; an app has to keep serving".to_owned(),
            (Some(127), _) => "exit code 127: the command was not found".to_owned(),
            (Some(126), _) => "exit code 126: the command cannot be executed".to_owned(),
            (Some(code @ 129..=159), _) => format!("exit code {code}: signal {}", name(code - 128)),
            (Some(code), _) => format!("exit code {code}"),
            (_, Some(9)) => "killed by signal SIGKILL, as happens when memory runs out".to_owned(),
            (_, Some(signal)) => format!("killed by signal {}", name(signal)),
            _ => "ended in an unknown way".to_owned(),
        };
        Self { reason, code, signal, last_lines }
    }

    pub(super) fn because(reason: String, last_lines: Vec<String>) -> Self {
        Self { reason, code: None, signal: None, last_lines }
    }

    pub(super) fn stopped() -> Self {
        Self::because("stopped".into(), Vec::new())
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

fn name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let said = |raw| Crash::ended(ExitStatus::from_raw(raw), Vec::new()).to_string();
        assert_eq!(said(1 << 8), "exit code 1");
        assert_eq!(said(11), "killed by signal SIGSEGV");
        assert_eq!(said(143 << 8), "exit code 143: signal SIGTERM");
        assert!(said(0).starts_with("ended by itself"));
    }
}
