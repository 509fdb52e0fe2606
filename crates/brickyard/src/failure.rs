use std::process::ExitCode;

/// How a command ends when it does not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Success,
    /// 1: the command worked and found a problem of the user's app.
    Found,
    /// The exit code of a command that was run for the user.
    Child(u8),
}

/// The exit code of a command that the user broke off, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Found => Self::from(1),
            Exit::Child(code) => Self::from(code),
        }
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wrong arguments, wrong files, or an app that does not work: exit code 1 for an app, 2 for usage.
    User,
    /// The user's app failed: exit code 1.
    App,
    /// The workspace refused: exit code 1.
    Workspace,
    /// The machine or the network: exit code 2.
    Machine,
    /// A fault of brickyard: exit code 2.
    Internal,
}

/// What a command ends with when it fails: a sentence, the causes below it, and what the user can type.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// Whose fault it is.
    pub(crate) kind: Kind,
    /// Capital, no final period, names in backticks.
    pub(crate) message: String,
    /// The error below.
    #[source]
    pub(crate) cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// What to type or change.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None, hint: None }
    }

    /// Wrong usage.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self::new(Kind::User, message)
    }

    /// The user's app.
    pub(crate) fn app(message: impl Into<String>) -> Self {
        Self::new(Kind::App, message)
    }

    /// The machine: files, ports, programs, network.
    pub(crate) fn machine(message: impl Into<String>) -> Self {
        Self::new(Kind::Machine, message)
    }

    /// The same failure with the error that led to it.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same failure with advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// 1 where the user's app or its rights are at fault, 2 for usage and everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::App | Kind::Workspace => ExitCode::from(1),
            Kind::User | Kind::Machine | Kind::Internal => ExitCode::from(2),
        }
    }

    /// The sentences below the first, each cause once.
    pub(crate) fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let text = cause.to_string();
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

impl From<brickyard_api::ApiFailure> for Failure {
    fn from(failure: brickyard_api::ApiFailure) -> Self {
        use brickyard_api::ApiFailure;
        let message = failure.to_string();
        match failure {
            ApiFailure::Refused { status, .. } => {
                let failure = Self::new(Kind::Workspace, message);
                match status.as_u16() {
                    401 => failure.hint(
                        "the credentials are not valid (any more): `brickyard login --target PROFILE` signs in again",
                    ),
                    403 => failure.hint(
                        "ask whoever manages it; in a local workspace `brickyard explain-denied` shows what would allow it",
                    ),
                    _ => failure,
                }
            }
            ApiFailure::SignIn { .. } => Self::new(Kind::Workspace, message).hint(
                "mend the profile's credentials, or sign in again with `brickyard login --target PROFILE`",
            ),
            ApiFailure::Unreachable { source, host } => {
                let there = "look at the profile's `host`, the network, and `HTTPS_PROXY`";
                // The local workspace is met on loopback, a real one never.
                let hint = if host.starts_with("http://127.0.0.1:") {
                    format!(
                        "`brickyard up` brings the local workspace back, and the same command again completes what was \
                         broken off; for a profile, {there}"
                    )
                } else {
                    there.to_owned()
                };
                Self::machine(message).because(source).hint(hint)
            }
            ApiFailure::Unexpected { source, .. } => Self::machine(message).because(source),
        }
    }
}

impl From<brickyard_workspace::ApiError> for Failure {
    fn from(error: brickyard_workspace::ApiError) -> Self {
        Self::new(Kind::Workspace, error.message)
    }
}

impl From<brickyard_project::ProjectError> for Failure {
    fn from(error: brickyard_project::ProjectError) -> Self {
        let hint = error.hint();
        let failure = Self::app(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_each() {
        let failure = Failure::user("Cannot read `app.yaml`").because(std::io::Error::other("disk on fire"));
        assert_eq!(failure.causes(), ["disk on fire"]);
    }
}
