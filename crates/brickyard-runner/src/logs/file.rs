//! The log on disk: one JSON line each, appended, and turned over before it grows too large.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Line;

/// A file is turned over at this size.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Older files kept beside the current one, as `NAME.1` … `NAME.3`.
const KEPT_FILES: u32 = 3;

/// An open log file, readable by its owner alone.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
}

impl LogFile {
    /// Opens or makes the file, appending to what is there.
    pub fn open(path: impl Into<PathBuf>) -> std::io::Result<Self> {
        Self::open_bounded(path.into(), MAX_BYTES)
    }

    fn open_bounded(path: PathBuf, max_bytes: u64) -> std::io::Result<Self> {
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes, max_bytes })
    }

    pub(super) fn write(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if self.bytes > 0 && self.bytes + text.len() as u64 > self.max_bytes {
            self.turn_over()?;
        }
        self.file.write_all(&text)?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn turn_over(&mut self) -> std::io::Result<()> {
        for number in (1..KEPT_FILES).rev() {
            let older = numbered(&self.path, number);
            if older.exists() {
                std::fs::rename(older, numbered(&self.path, number + 1))?;
            }
        }
        std::fs::rename(&self.path, numbered(&self.path, 1))?;
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Source;

    #[test]
    fn turns_over_and_stays_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("app.jsonl");
        let mut file = LogFile::open_bounded(path.clone(), 200).unwrap();
        let line = Line { source: Source::App, timestamp: 0.0, message: "x".repeat(100).into(), number: 1 };
        for _ in 0..20 {
            file.write(&line).unwrap();
        }
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().flatten().collect();
        assert_eq!(names.len(), 4);
        assert!(names.iter().all(|entry| entry.metadata().unwrap().len() <= 200));
    }
}
