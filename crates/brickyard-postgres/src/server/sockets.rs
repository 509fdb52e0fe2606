use std::fs::{DirBuilder, File, Metadata, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ServerError;
use crate::account::Account;
use crate::place::short_hash;
use crate::{stale, tree};

/// What the names of these directories begin with.
const PREFIX: &str = "brickyard-lakebase-";

/// Longest path of a socket, safely below the 104 bytes of macOS.
const LONGEST: usize = 100;

/// How often, and how long apart, a directory is tried that somebody else looks at.
const TRIES: (u32, Duration) = (200, Duration::from_millis(5));

/// A directory for a server's socket that only its account may enter, the same one at every start.
///
/// It is locked (`flock(2)`) for as long as this value lives, and the system lets go of it however the process ends: so
/// whoever starts next knows which of them nobody needs any more.
pub(crate) struct SocketDirectory {
    path: PathBuf,
    held: File,
}

impl SocketDirectory {
    /// Makes it for the server of this data directory; one that an earlier life left is made anew.
    pub(crate) fn take(parent: &Path, data: &Path, account: Option<&Account>) -> Result<Self, ServerError> {
        let name = format!("{PREFIX}{}", short_hash(data));
        for attempt in 0..8 {
            let path = parent.join(if attempt == 0 { name.clone() } else { format!("{name}-{attempt}") });
            if path.as_os_str().len() + ".s.PGSQL.5432.lock".len() + 1 > LONGEST {
                break;
            }
            if let Some(held) = renew(&path, account) {
                return Ok(Self { path, held });
            }
        }
        Err(ServerError::Socket { path: parent.to_path_buf() })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join(".s.PGSQL.5432")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, after the server's end, unless another brickyard has put its own in the same place.
    pub(crate) fn remove(self) {
        if is_at(&self.held, &self.path) {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes the directories of servers that are gone with the brickyard that had started them.
pub(crate) async fn sweep(parent: PathBuf, account: Option<Account>) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        let Some(held) = open(&path, account.as_ref()) else { continue };
        // A server may outlive its brickyard for a moment, or have been started by one that locked nothing.
        if held.try_lock().is_err() || !is_at(&held, &path) || has_server(&path).await {
            continue;
        }
        tracing::debug!(path = %path.display(), "Removing the socket's directory of a server that is gone");
        let _ = std::fs::remove_dir_all(&path);
    }
}

/// Makes and locks a directory of ours, in place of one of ours that is there; nothing where another's is.
fn renew(path: &Path, account: Option<&Account>) -> Option<File> {
    loop {
        if std::fs::symlink_metadata(path).is_ok() {
            let earlier = open(path, account)?; // somebody else's: never a socket of ours in it
            wait_for(&earlier);
            if is_at(&earlier, path) {
                std::fs::remove_dir_all(path).ok()?;
            }
        }
        DirBuilder::new().mode(0o700).create(path).ok()?;
        tree::give(path, account).ok()?;
        let held = File::open(path).ok()?;
        held.lock().ok()?;
        if is_at(&held, path) {
            return Some(held);
        } // else it was taken for one that nobody needs
    }
}

/// Opens a directory if it is one of ours.
fn open(path: &Path, account: Option<&Account>) -> Option<File> {
    let owner = account.map_or_else(|| nix::unistd::geteuid().as_raw(), |account| account.uid);
    let ours = |found: &Metadata| found.is_dir() && found.uid() == owner && found.mode() & 0o777 == 0o700;
    std::fs::symlink_metadata(path).ok().filter(ours)?;
    File::open(path).ok().filter(|file| file.metadata().is_ok_and(|found| ours(&found)))
}

/// Waits until nobody looks at a directory; one that another brickyard holds for longer is taken from it, as its server is.
fn wait_for(directory: &File) {
    for _ in 0..TRIES.0 {
        if !matches!(directory.try_lock(), Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(TRIES.1);
    }
}

/// Whether this directory still stands at its path.
fn is_at(directory: &File, path: &Path) -> bool {
    let (Ok(held), Ok(there)) = (directory.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// Whether the server that the socket's lock file names runs.
async fn has_server(directory: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(directory.join(".s.PGSQL.5432.lock")) else { return false };
    let mut lines = text.lines();
    let (Some(pid), Some(data)) = (lines.next().and_then(stale::process), lines.next()) else { return false };
    stale::is_server_of(pid, Path::new(data)).await
}
