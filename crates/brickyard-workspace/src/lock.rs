use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Holds a state directory for this process; the system lets go of it when the process ends, however it ends.
pub(crate) struct StateLock {
    _file: Flock<File>,
}

/// Why a state directory cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("LOCKED: the workspace in `{}` is in use by process {holder}", directory.display())]
    Locked {
        /// The state directory.
        directory: PathBuf,
        /// Process id of the holder, or `?` in the moment before it has written it.
        holder: String,
    },
    /// The lock file cannot be made or locked.
    #[error("Cannot use the lock file `{}`", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl StateLock {
    /// Takes the lock (`flock(2)`) at once or says who has it. A file left by a dead process is no lock.
    pub(crate) fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("lock");
        let failed = |source| LockError::File { path: path.clone(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = match Flock::lock(file.map_err(failed)?, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut holder = String::new();
                let _ = (&mut file).take(32).read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "?" } else { holder.trim() }.to_owned();
                return Err(LockError::Locked { directory: directory.to_path_buf(), holder });
            }
            Err((_, errno)) => return Err(failed(errno.into())),
        };
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            file.flush()
        };
        write(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_holder_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let lock = StateLock::take(directory.path()).unwrap();
        let error = StateLock::take(directory.path()).err().unwrap();
        assert!(error.to_string().starts_with("LOCKED: "), "{error}");
        assert!(error.to_string().ends_with(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        StateLock::take(directory.path()).unwrap();
    }

    #[test]
    fn a_file_left_behind_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("lock"), "4711\n").unwrap();
        StateLock::take(directory.path()).unwrap();
        let content = std::fs::read_to_string(directory.path().join("lock")).unwrap();
        assert_eq!(content.trim(), std::process::id().to_string());
    }
}
