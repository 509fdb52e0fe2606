use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::fault::CatalogError;

/// What the names of the directories with links begin with.
const PREFIX: &str = "brickyard-state-";

/// How the engine is told of the state directory.
///
/// The engine does not understand paths with a space or another character that a URL would quote; so a state directory
/// with one gets a link without, in a private temporary directory.
pub(super) struct EngineLocation {
    state: PathBuf,
    link: Option<(TempDir, PathBuf)>,
}

impl EngineLocation {
    pub(super) fn new(state: &Path) -> std::io::Result<Self> {
        let state = state.to_path_buf();
        if is_plain(&state) {
            return Ok(Self { state, link: None });
        }
        let prefix = format!("{PREFIX}{}-", nix::unistd::geteuid());
        sweep(&prefix, &state);
        let directory = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        let link = directory.path().join("state");
        std::os::unix::fs::symlink(&state, &link)?;
        Ok(Self { state, link: Some((directory, link)) })
    }

    /// The same place under a name that the engine understands.
    pub(super) fn of(&self, path: &Path) -> Result<PathBuf, CatalogError> {
        let known = match (&self.link, path.strip_prefix(&self.state)) {
            (Some((_, link)), Ok(below)) => link.join(below),
            _ => path.to_path_buf(),
        };
        if is_plain(&known) {
            return Ok(known);
        }
        Err(CatalogError::Unsupported(format!(
            "tables in directories whose name has a space or a special character: `{}`",
            path.display()
        )))
    }
}

/// Removes the links to this state directory that an earlier life left: nobody else uses it now.
fn sweep(prefix: &str, state: &Path) {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let named = entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes());
        let link = entry.path().join("state");
        if named && std::fs::read_link(&link).is_ok_and(|target| target == state) {
            let _ = std::fs::remove_file(link);
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

fn is_plain(path: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    path.as_os_str().as_encoded_bytes().iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_a_space_is_reached_by_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("my state");
        std::fs::create_dir_all(state.join("tables/1")).unwrap();
        let killed = EngineLocation::new(&state).unwrap();
        let left = killed.link.as_ref().unwrap().1.clone();
        let location = EngineLocation::new(&state).unwrap();
        assert!(!left.parent().unwrap().exists(), "what an earlier life left is gone");
        let known = location.of(&state.join("tables/1")).unwrap();
        assert!(is_plain(&known) && known.is_dir(), "{}", known.display());
        assert!(location.of(&directory.path().join("another one")).is_err());
        let plain = directory.path().join("state");
        assert_eq!(EngineLocation::new(&plain).unwrap().of(&plain.join("a")).unwrap(), plain.join("a"));
    }
}
