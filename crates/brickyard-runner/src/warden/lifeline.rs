//! A pipe with a name: open as long as the process that made it lives, however that ends.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;
use tokio::net::unix::pipe;

/// Tells the warden of a child with `--attached PATH` that we live; a child that keeps our terminal leaves no standard input to
/// tell it by.
#[derive(Debug)]
pub struct Lifeline {
    directory: TempDir,
    _held: File,
}

impl Lifeline {
    /// Makes the pipe in a folder of its own, which nobody else may enter.
    pub fn new() -> std::io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = path(directory.path());
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Both ends: a writing end alone would wait for a reader.
        let held = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self { directory, _held: held })
    }

    /// What the warden is told.
    pub fn path(&self) -> PathBuf {
        path(self.directory.path())
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("lifeline")
}

/// The warden's end; the name is needed no more, and nobody would remove it after a `kill -9`.
pub(super) fn open(path: &Path) -> std::io::Result<pipe::Receiver> {
    let receiver = pipe::OpenOptions::new().open_receiver(path)?;
    std::fs::remove_file(path)?;
    if let Some(directory) = path.parent() {
        std::fs::remove_dir(directory)?;
    }
    Ok(receiver)
}
