use std::path::PathBuf;

/// Why a Delta log cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeltaError {
    /// The directory holds no table.
    #[error("`{}` is not a Delta table", path.display())]
    NotATable {
        /// The directory.
        path: PathBuf,
    },
    /// There is a table already.
    #[error("`{}` holds a Delta table already", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// There is no such version.
    #[error("Cannot time travel Delta table to version {version}. Available versions: [0, {latest}]")]
    NoVersion {
        /// Asked for.
        version: i64,
        /// The last there is.
        latest: i64,
    },
    /// Somebody else wrote this version first, several times.
    #[error("Another statement writes to the table all the time; send the statement again")]
    Conflict,
    /// A change the table does not allow.
    #[error("{0}")]
    Refused(String),
    /// The same with the platform's error class and SQLSTATE.
    #[error("{2}")]
    Classed(&'static str, &'static str, String),
    /// A commit that cannot be understood.
    #[error("The Delta log `{}` is damaged or not understood: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The disk.
    #[error("Cannot read or write the Delta log `{}`", path.display())]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl DeltaError {
    /// Whether the request is at fault rather than the workspace.
    pub(crate) fn is_users(&self) -> bool {
        !matches!(self, Self::Damaged { .. } | Self::Disk { .. })
    }

    /// Error class and SQLSTATE.
    pub(crate) fn sql(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotATable { .. } => ("DELTA_TABLE_NOT_FOUND", "42P01"),
            Self::Exists { .. } => ("DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION", "42601"),
            Self::NoVersion { .. } => ("DELTA_VERSION_NOT_FOUND", "22003"),
            Self::Conflict => ("DELTA_CONCURRENT_WRITE", "2D521"),
            Self::Classed(class, state, _) => (*class, *state),
            Self::Refused(_) => ("INVALID_PARAMETER_VALUE", "22023"),
            Self::Damaged { .. } | Self::Disk { .. } => ("INTERNAL_ERROR", "XX000"),
        }
    }
}
