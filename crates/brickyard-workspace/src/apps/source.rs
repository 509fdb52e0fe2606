use std::path::{Component, Path, PathBuf};

use crate::workspace::Workspace;
use crate::workspace_files::ObjectPath;

/// Largest file of an app, in bytes (platform §2.1).
const LARGEST_FILE: u64 = 10_485_760;

/// Versions of an app whose source is kept to go back to.
const KEPT: usize = 20;

/// Folders that versions ran in which are kept beside the one that serves.
const KEPT_RUNS: usize = 3;

impl Workspace {
    /// Folder with the sources of an app's deployments as they came, by deployment.
    pub(super) fn artifacts(&self, name: &str) -> PathBuf {
        self.config().state_directory.join("artifacts").join(name)
    }

    /// Folder with the sources its processes run in, which they may change, by deployment.
    pub(super) fn runs(&self, name: &str) -> PathBuf {
        self.config().state_directory.join("apps").join(name)
    }

    /// Copies a folder of the workspace; a notebook arrives without its ending, as on the platform.
    pub(super) fn snapshot(&self, from: &str, to: &Path) -> Result<(), String> {
        let path = ObjectPath::parse(from).map_err(|error| error.message)?;
        let folder = self.file_tree().on_disk(&path).map_err(|error| error.message)?;
        copy(&folder, to, from)
    }

    /// Keeps the youngest sources alone.
    pub(super) fn prune_artifacts(&self, name: &str, keep: &str) {
        let folder = self.artifacts(name);
        let mut ids: Vec<_> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|id| id != keep)
            .collect();
        // Ids begin with the time.
        ids.sort();
        let surplus = (ids.len() + 1).saturating_sub(KEPT);
        for id in ids.into_iter().take(surplus) {
            if let Err(error) = std::fs::remove_dir_all(folder.join(id)) {
                tracing::warn!(%error, app = name, "An old source could not be removed: {error}");
            }
        }
    }

    /// Removes the folders of versions that surely run no more: the one before may still answer its last requests, and
    /// the one after may be on its way.
    pub(super) fn prune_runs(&self, name: &str, keep: &Path) {
        let entries = std::fs::read_dir(self.runs(name)).into_iter().flatten().flatten();
        let mut runs: Vec<(std::time::SystemTime, PathBuf)> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.created().ok()?, entry.path())))
            .filter(|(_, path)| path != keep)
            .collect();
        runs.sort();
        let surplus = runs.len().saturating_sub(KEPT_RUNS);
        for (_, path) in runs.into_iter().take(surplus) {
            if let Err(error) = std::fs::remove_dir_all(&path) {
                tracing::warn!(%error, app = name, "An old version could not be removed: {error}");
            }
        }
    }
}

/// Copies a source folder in one step: half a copy is never there under its name, and what was there stays where the copy
/// fails. `named` is how messages call it.
pub(super) fn copy(from: &Path, to: &Path, named: &str) -> Result<(), String> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("Error: cannot copy the source code of {named}: {error}");
    if !from.is_dir() {
        return Err(cannot(&"there is no such folder"));
    }
    let staging = to.with_extension("part");
    let remove = |stale: &Path| match std::fs::remove_dir_all(stale) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot(&error)),
        _ => Ok(()),
    };
    remove(&staging)?;
    let copied = fill(from, &staging, named)
        .and_then(|()| remove(to))
        .and_then(|()| std::fs::rename(&staging, to).map_err(|error| cannot(&error)));
    if copied.is_err() {
        // What is left of it only takes room.
        let _ = std::fs::remove_dir_all(&staging);
    }
    copied
}

fn fill(from: &Path, staging: &Path, named: &str) -> Result<(), String> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("Error: cannot copy the source code of {named}: {error}");
    let walk = walkdir::WalkDir::new(from).follow_links(false).into_iter();
    for entry in walk.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(|error| cannot(&error))?;
        let relative = entry.path().strip_prefix(from).map_err(|error| cannot(&error))?;
        let target = staging.join(relative);
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target).map_err(|error| cannot(&error))?;
        } else if entry.file_type().is_file() {
            let size = entry.metadata().map_err(|error| cannot(&error))?.len();
            if size > LARGEST_FILE {
                return Err(format!(
                    "Error: File {named}/{} is larger than the maximum allowed file size of {LARGEST_FILE} bytes. Please \
                     reduce the file size and try again.",
                    relative.display()
                ));
            }
            std::fs::copy(entry.path(), &target).map_err(|error| cannot(&error))?;
        }
    }
    Ok(())
}

/// A folder inside another one: no way out by `..` or links.
pub(super) fn inside(root: &Path, relative: &str) -> Result<PathBuf, String> {
    let mut place = root.to_path_buf();
    for part in Path::new(relative.trim_start_matches('/')).components() {
        match part {
            Component::Normal(part) => place.push(part),
            Component::CurDir => {}
            _ => return Err(format!("Error: {relative} leads out of the repository")),
        }
    }
    let (real, root) = (place.canonicalize(), root.canonicalize());
    match (real, root) {
        (Ok(real), Ok(root)) if real.starts_with(&root) && real.is_dir() => Ok(real),
        _ => Err(format!("Error: there is no folder {relative} in the repository")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_fails_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        std::fs::write(from.join("a.txt"), "one").unwrap();
        copy(&from, &to, "x").unwrap();
        std::fs::write(from.join("a.txt"), "two").unwrap();
        std::fs::File::create(from.join("large")).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        assert!(copy(&from, &to, "x").unwrap_err().contains("x/large is larger"));
        assert_eq!(std::fs::read_to_string(to.join("a.txt")).unwrap(), "one");
        std::fs::remove_file(from.join("large")).unwrap();
        copy(&from, &to, "x").unwrap();
        assert_eq!(std::fs::read_to_string(to.join("a.txt")).unwrap(), "two");
    }
}
