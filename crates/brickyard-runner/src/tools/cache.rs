//! The cache folder, and the locks that keep two runs from building the same thing at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ToolError;

/// How long one run waits for another that builds the same thing: as long as the slowest first build may take.
const LOCK_PATIENCE: Duration = Duration::from_mins(30);
const LOCK_INTERVAL: Duration = Duration::from_millis(40);

/// A folder for fetched tools and built environments, shared by every project of one user.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// A cache in `directory`, made when first needed.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The folder itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn prepare(&self, folder: &str) -> Result<PathBuf, ToolError> {
        let path = self.directory.join(folder);
        std::fs::create_dir_all(&path).map_err(|source| ToolError::Cache { path: path.clone(), source })?;
        Ok(path)
    }

    /// Takes the lock of that name, waiting for whoever holds it; the system releases it when the holder dies.
    pub async fn lock(&self, name: &str) -> Result<CacheLock, ToolError> {
        let path = self.prepare("locks")?.join(format!("{name}.lock"));
        let failed = |source| ToolError::Cache { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let deadline = tokio::time::Instant::now() + LOCK_PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(CacheLock { _file: file }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() > deadline => {
                    return Err(ToolError::Locked { path });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_INTERVAL).await,
            }
        }
    }
}

/// A held lock; dropping it lets the next one in.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}
