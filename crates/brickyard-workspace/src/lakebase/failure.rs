use brickyard_postgres::{BackupError, ClientError, Refusal, SUPPORTED, ServerError};
use http::StatusCode;

use crate::error::{ApiError, with_causes};
use crate::gateway::AuthorityError;
use crate::store::StoreError;

/// Why something about Lakebase failed.
#[derive(Debug, thiserror::Error)]
pub enum LakebaseError {
    /// Something of this name is not there.
    #[error("{kind} `{name}` was not found")]
    NotFound {
        /// Kind of thing, such as `Database instance`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A value that cannot be.
    #[error("{message}")]
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// A state of the past that is not there.
    #[error("{message}")]
    NotKept {
        /// Which.
        message: String,
        /// Whether none is kept at all.
        never: bool,
    },
    /// Something of this name is there already.
    #[error("{message}")]
    Exists {
        /// Which.
        message: String,
    },
    /// Its user has stopped it.
    #[error("Database instance `{name}` is stopped")]
    Stopped {
        /// The instance or branch.
        name: String,
    },
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A statement.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A copy.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// No address to listen on.
    #[error("No loopback address could be had for the database")]
    Listen(#[source] std::io::Error),
    /// A seed file.
    #[error("The SQL file `{}` failed: {told}", path.display())]
    Script {
        /// The file.
        path: std::path::PathBuf,
        /// The server's answer.
        told: String,
    },
}

impl LakebaseError {
    pub(crate) fn not_found(kind: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { kind, name: name.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Server(ServerError::Source(source)) => source.hint.clone(),
            Self::Server(ServerError::Version { found, .. }) => Some(format!(
                "install PostgreSQL {found} beside the other one, or start afresh with `brickyard reset lakebase`"
            )),
            Self::Server(ServerError::Unsupported { .. }) => Some(format!(
                "name a PostgreSQL {} to {} in `BRICKYARD_POSTGRES` or `[lakebase] url`",
                SUPPORTED.start(),
                SUPPORTED.end()
            )),
            Self::Server(ServerError::Unreachable { .. }) => {
                Some("start it, or name another one in `BRICKYARD_POSTGRES` or `[lakebase] url`".to_owned())
            }
            Self::Script { .. } => Some(
                "mend it and start again: of this file nothing was kept, the ones before it stay".to_owned(),
            ),
            Self::Stopped { .. } => Some("start the instance, then try again".to_owned()),
            _ => None,
        }
    }
}

impl From<LakebaseError> for ApiError {
    fn from(error: LakebaseError) -> Self {
        match &error {
            LakebaseError::NotFound { kind, name } => Self::not_found(kind, name),
            LakebaseError::Invalid { message } | LakebaseError::NotKept { message, never: false } => {
                Self::invalid(message)
            }
            LakebaseError::NotKept { message, never: true } => Self::not_implemented(message),
            LakebaseError::Exists { message } => Self::already_exists(message),
            LakebaseError::Stopped { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "INVALID_STATE", error.to_string())
            }
            LakebaseError::Client(ClientError::Server(refused))
            | LakebaseError::Server(ServerError::Client(ClientError::Server(refused))) => {
                Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", format!("PostgreSQL: {}", refused.message))
            }
            _ => match error.hint() {
                // Nobody's fault but this machine's.
                Some(hint) => Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "FEATURE_DISABLED",
                    format!("Lakebase is not available: {} (hint: {hint})", with_causes(&error)),
                ),
                None => Self::internal(&error),
            },
        }
    }
}

impl From<LakebaseError> for Refusal {
    fn from(error: LakebaseError) -> Self {
        let refusal = Refusal::new("57P03", with_causes(&error));
        match error.hint() {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}
