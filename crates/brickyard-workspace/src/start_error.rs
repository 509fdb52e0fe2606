use brickyard_engine::EngineError;

use crate::catalog::CatalogOpenError;
use crate::gateway::AuthorityError;
use crate::lock::LockError;
use crate::secrets::VaultError;
use crate::store::StoreError;
use crate::token::SignerError;

/// Why a workspace does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be made or written.
    #[error("Cannot use the state directory `{}`", path.display())]
    Directory {
        /// The state directory.
        path: std::path::PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file for requests cannot be written.
    #[error("Cannot write the request log `{}`", path.display())]
    RequestLog {
        /// The file.
        path: std::path::PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The address is taken or not ours.
    #[error("Cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Another workspace uses the state directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The certificate authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Unity Catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogOpenError),
    /// The signing key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The address of the SQL engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
