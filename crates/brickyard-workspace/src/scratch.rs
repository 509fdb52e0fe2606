//! Rooms for what runs and is gone again.
//!
//! They stand below the state directory and not in `/tmp`: what a `kill -9` leaves there the next start clears, since
//! nobody else has the directory then.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::workspace::Workspace;

fn place(state_directory: &Path) -> PathBuf {
    state_directory.join("scratch")
}

/// Removes the rooms of an earlier life; only for who holds the state directory's lock.
pub(crate) fn clear(state_directory: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(place(state_directory)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Workspace {
    /// An empty room, which goes when it is dropped.
    pub(crate) fn scratch(&self) -> std::io::Result<TempDir> {
        let place = place(&self.config().state_directory);
        std::fs::create_dir_all(&place)?;
        tempfile::tempdir_in(place)
    }
}
