use http::StatusCode;

use super::delta::DeltaError;
use super::kind::Kind;
use super::privilege::Privilege;
use crate::error::ApiError;
use crate::store::StoreError;

/// Why the catalog refused or failed; the same for REST ([`ApiError`]) and SQL ([`CatalogError::sql`]).
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    /// There is no such thing.
    #[error("{} '{name}' does not exist.", kind.label())]
    NotFound {
        /// What it would be.
        kind: Kind,
        /// Full name as asked for.
        name: String,
    },
    /// There is one already.
    #[error("{} '{name}' already exists", kind.label())]
    AlreadyExists {
        /// What it is.
        kind: Kind,
        /// Full name.
        name: String,
    },
    /// It holds others and `force` or `CASCADE` was not said.
    #[error("Cannot delete {} '{name}' because it is not empty: it has {content}", kind.label())]
    NotEmpty {
        /// What it is.
        kind: Kind,
        /// Full name.
        name: String,
        /// What it holds, such as `2 tables`.
        content: String,
    },
    /// A grant is missing.
    #[error("User does not have {privilege} on {} '{name}'.", kind.label())]
    Denied {
        /// Privilege that is missing.
        privilege: Privilege,
        /// On what.
        kind: Kind,
        /// Its full name.
        name: String,
    },
    /// Only owners may do this.
    #[error("User is not an owner of {} '{name}'.", kind.label())]
    NotOwner {
        /// Of what.
        kind: Kind,
        /// Its full name.
        name: String,
    },
    /// Grants and owners must be somebody.
    #[error("Could not find principal with name {name}")]
    NoPrincipal {
        /// The name.
        name: String,
    },
    /// A value that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The same with the platform's error class and SQLSTATE.
    #[error("{2}")]
    Classed(&'static str, &'static str, String),
    /// A part of the platform that is not here.
    #[error("The local workspace does not implement {0}")]
    Unsupported(String),
    /// The table's log.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// The workspace's state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A directory of a table or volume.
    #[error("Cannot use the directory `{}`", path.display())]
    Directory {
        /// The directory.
        path: std::path::PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl CatalogError {
    pub(super) fn not_found(kind: Kind, name: impl Into<String>) -> Self {
        Self::NotFound { kind, name: name.into() }
    }

    pub(super) fn already_exists(kind: Kind, name: impl Into<String>) -> Self {
        Self::AlreadyExists { kind, name: name.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// Error class, SQLSTATE and the sentence a SQL client reads, without `[CLASS]` and state.
    pub(crate) fn sql(&self) -> (&'static str, &'static str, String) {
        let (class, state) = match self {
            Self::NotFound { kind, .. } => match kind {
                Kind::Metastore | Kind::Catalog => ("NO_SUCH_CATALOG_EXCEPTION", "42704"),
                Kind::Schema => ("SCHEMA_NOT_FOUND", "42704"),
                Kind::Table => ("TABLE_OR_VIEW_NOT_FOUND", "42P01"),
                Kind::Volume => ("VOLUME_NOT_FOUND", "42704"),
                Kind::Function => ("ROUTINE_NOT_FOUND", "42883"),
                Kind::Connection => ("CONNECTION_NOT_FOUND", "42704"),
            },
            Self::AlreadyExists { kind, .. } => match kind {
                Kind::Metastore | Kind::Catalog => ("CATALOG_ALREADY_EXISTS", "42710"),
                Kind::Schema => ("SCHEMA_ALREADY_EXISTS", "42P06"),
                Kind::Table => ("TABLE_OR_VIEW_ALREADY_EXISTS", "42P07"),
                Kind::Volume => ("VOLUME_ALREADY_EXISTS", "42710"),
                Kind::Function => ("ROUTINE_ALREADY_EXISTS", "42723"),
                Kind::Connection => ("CONNECTION_ALREADY_EXISTS", "42710"),
            },
            Self::NotEmpty { .. } => ("SCHEMA_NOT_EMPTY", "2BP01"),
            Self::Denied { .. } | Self::NotOwner { .. } => ("INSUFFICIENT_PERMISSIONS", "42501"),
            Self::NoPrincipal { .. } => ("PRINCIPAL_DOES_NOT_EXIST", "42704"),
            Self::Invalid(_) => ("INVALID_PARAMETER_VALUE", "22023"),
            Self::Classed(class, state, _) => (*class, *state),
            Self::Unsupported(_) => ("UNSUPPORTED_FEATURE", "0A000"),
            Self::Delta(error) => error.sql(),
            Self::Store(_) | Self::Directory { .. } => ("INTERNAL_ERROR", "XX000"),
        };
        let sentence = match self {
            Self::NotFound { kind: Kind::Table, name } => format!(
                "The table or view {} cannot be found. Verify the spelling and correctness of the schema and \
                 catalog.\nIf you did not qualify the name with a schema, verify the current_schema() output, or \
                 qualify the name with the correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF \
                 EXISTS or DROP TABLE IF EXISTS.",
                super::name::quote(name)
            ),
            Self::NotFound { kind: Kind::Schema, name } => format!(
                "The schema {} cannot be found. Verify the spelling and correctness of the schema and catalog.",
                super::name::quote(name)
            ),
            Self::NotFound { kind: Kind::Catalog, name } => format!("Catalog '{name}' was not found."),
            Self::Denied { .. } | Self::NotOwner { .. } => format!("Insufficient privileges:\n{self}"),
            _ => self.to_string(),
        };
        (class, state, sentence)
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        let message = error.to_string();
        match &error {
            CatalogError::NotFound { kind, .. } => {
                let code = match kind {
                    Kind::Metastore => "METASTORE_DOES_NOT_EXIST",
                    Kind::Catalog => "CATALOG_DOES_NOT_EXIST",
                    Kind::Schema => "SCHEMA_DOES_NOT_EXIST",
                    Kind::Table => "TABLE_DOES_NOT_EXIST",
                    Kind::Volume => "VOLUME_DOES_NOT_EXIST",
                    Kind::Function => "ROUTINE_DOES_NOT_EXIST",
                    Kind::Connection => "CONNECTION_DOES_NOT_EXIST",
                };
                Self::new(StatusCode::NOT_FOUND, code, message)
            }
            CatalogError::AlreadyExists { .. } => Self::already_exists(message),
            CatalogError::NotEmpty { .. } => Self::new(StatusCode::BAD_REQUEST, "INVALID_STATE", message),
            CatalogError::Denied { .. } | CatalogError::NotOwner { .. } => Self::denied(message),
            CatalogError::NoPrincipal { .. } => {
                Self::new(StatusCode::NOT_FOUND, "PRINCIPAL_DOES_NOT_EXIST", message)
            }
            CatalogError::Invalid(_) | CatalogError::Classed(..) => Self::invalid(message),
            CatalogError::Unsupported(what) => Self::not_implemented(what),
            CatalogError::Delta(delta) if delta.is_users() => Self::invalid(message),
            CatalogError::Delta(_) | CatalogError::Store(_) | CatalogError::Directory { .. } => {
                Self::internal(&error)
            }
        }
    }
}
