//! The name of an environment: a hash over everything it is made of.

use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use walkdir::WalkDir;

use super::EnvironmentError;

/// Changes when the way environments are built changes.
const LAYOUT: &str = "brickyard-environment-1";

/// Deeper chains of `-r` files are taken for a loop.
const MAX_DEPTH: usize = 16;

/// Collects the parts of a key.
pub(super) struct Key(Context);

impl Key {
    pub(super) fn new(python: &str) -> Self {
        let mut key = Self(Context::new(&SHA256));
        for part in [LAYOUT, std::env::consts::OS, std::env::consts::ARCH, python] {
            key.part("base", part.as_bytes());
        }
        key
    }

    /// Adds a part; its length goes in too, so that no two lists of parts look alike.
    pub(super) fn part(&mut self, name: &str, bytes: &[u8]) {
        for piece in [name.as_bytes(), bytes] {
            self.0.update(&(piece.len() as u64).to_le_bytes());
            self.0.update(piece);
        }
    }

    /// Adds a file of the app, if it is there.
    pub(super) fn file_if_any(&mut self, path: &Path) {
        if let Ok(bytes) = std::fs::read(path) {
            self.part(&path.file_name().unwrap_or_default().to_string_lossy(), &bytes);
        }
    }

    /// Adds a requirements file with every file it names, and the local folders it installs from.
    pub(super) fn requirements(&mut self, file: &Path) -> Result<(), EnvironmentError> {
        self.requirements_at(file, 0)
    }

    fn requirements_at(&mut self, file: &Path, depth: usize) -> Result<(), EnvironmentError> {
        let bytes = std::fs::read(file)
            .map_err(|source| EnvironmentError::Unreadable { path: file.to_owned(), source })?;
        self.part("requirements", &bytes);
        let folder = file.parent().unwrap_or(Path::new("."));
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            match reference(line) {
                Some(Reference::File(name)) if depth < MAX_DEPTH => {
                    self.requirements_at(&folder.join(name), depth + 1)?;
                }
                Some(Reference::Folder(name)) => self.folder(&folder.join(name)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds where a local package is and the state of its files: editing it means installing it again.
    fn folder(&mut self, folder: &Path) {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.part("folder", folder.as_os_str().as_encoded_bytes());
        let hidden = |name: &std::ffi::OsStr| {
            matches!(name.to_str(), Some(".git" | ".venv" | "__pycache__" | "node_modules" | ".brickyard"))
        };
        let files = WalkDir::new(&folder).sort_by_file_name().into_iter();
        for entry in files.filter_entry(|entry| !hidden(entry.file_name())).flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_file() {
                let changed =
                    meta.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
                let state = format!("{} {:?}", meta.len(), changed);
                self.part(&entry.path().to_string_lossy(), state.as_bytes());
            }
        }
    }

    pub(super) fn finish(self) -> String {
        let digest = self.0.finish();
        digest.as_ref()[..16].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

enum Reference {
    File(PathBuf),
    Folder(PathBuf),
}

/// What a line of a requirements file points at, if it is a place in the file system.
fn reference(line: &str) -> Option<Reference> {
    for flag in ["-r", "--requirement", "-c", "--constraint"] {
        if let Some(rest) = line.strip_prefix(flag).filter(|rest| rest.starts_with([' ', '=', '\t'])) {
            return Some(Reference::File(rest.trim_start_matches(['=', ' ', '\t']).into()));
        }
    }
    let place = line.strip_prefix("-e").or_else(|| line.strip_prefix("--editable")).unwrap_or(line);
    let place = place.trim_start_matches(['=', ' ']);
    let place = place.split_once(" @ ").map_or(place, |(_, after)| after.trim());
    let place = place.strip_prefix("file://").unwrap_or(place);
    let local = place.starts_with("./") || place.starts_with("../") || place.starts_with('/') || place == ".";
    local.then(|| Reference::Folder(place.split('[').next().unwrap_or_default().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(file: &Path) -> String {
        let mut key = Key::new("3.11");
        key.requirements(file).unwrap();
        key.finish()
    }

    #[test]
    fn a_named_file_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("requirements.txt");
        std::fs::write(&file, "-r more.txt\n").unwrap();
        std::fs::write(folder.path().join("more.txt"), "idna==3.10\n").unwrap();
        let before = key(&file);
        assert_eq!(before, key(&file));
        std::fs::write(folder.path().join("more.txt"), "idna==3.11\n").unwrap();
        assert_ne!(before, key(&file));
    }

    #[test]
    fn a_missing_named_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("requirements.txt");
        std::fs::write(&file, "-r gone.txt\n").unwrap();
        assert!(matches!(
            Key::new("3.11").requirements(&file),
            Err(EnvironmentError::Unreadable { path, .. }) if path.ends_with("gone.txt")
        ));
    }

    #[test]
    fn a_local_package_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("requirements.txt");
        std::fs::write(&file, "./package\n").unwrap();
        std::fs::create_dir(folder.path().join("package")).unwrap();
        let before = key(&file);
        std::fs::write(folder.path().join("package").join("setup.py"), "x").unwrap();
        assert_ne!(before, key(&file));
    }
}
