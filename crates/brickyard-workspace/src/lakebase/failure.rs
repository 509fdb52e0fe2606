use brickyard_postgres::{BackupError, ClientError, Refusal, ServerError};
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
            Self::Server(ServerError::Version { .. }) => {
                Some("Use the older PostgreSQL, or start afresh with `brickyard reset lakebase`".to_owned())
            }
            Self::Stopped { .. } => Some("Start the instance, then try again".to_owned()),
            _ => None,
        }
    }
}

impl From<LakebaseError> for ApiError {
    fn from(error: LakebaseError) -> Self {
        match &error {
            LakebaseError::NotFound { kind, name } => Self::not_found(kind, name),
            LakebaseError::Invalid { message } => Self::invalid(message),
            LakebaseError::Exists { message } => Self::already_exists(message),
            LakebaseError::Stopped { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "INVALID_STATE", error.to_string())
            }
            LakebaseError::Client(ClientError::Server(refused))
            | LakebaseError::Server(ServerError::Client(ClientError::Server(refused))) => {
                Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", format!("PostgreSQL: {}", refused.message))
            }
            LakebaseError::Server(ServerError::Source(source)) => {
                let hint = source.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "FEATURE_DISABLED",
                    format!("Lakebase is not available: {}{hint}", source.message),
                )
            }
            _ => Self::internal(&error),
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
