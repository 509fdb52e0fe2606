use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

use crate::account::Account;
use crate::tree;

/// Where data goes when brickyard is root and the server's account cannot enter the wanted directory.
const ELSEWHERE: &str = "/var/lib/brickyard";

/// Directories whose content nobody expects to stay: data kept elsewhere for them goes when they go.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Why a directory for the server could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It cannot be made or given away.
    #[error("Cannot prepare the directory `{}`", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Programs that the account cannot run and that cannot be copied either.
    #[error("The user `{account}`, as whom PostgreSQL has to run, cannot read `{}`", path.display())]
    Unreadable {
        /// The directory of the programs.
        path: PathBuf,
        /// The account.
        account: String,
    },
}

/// The directory to really use for `wanted`: itself, or one below `/var/lib/brickyard` that `account` can enter.
///
/// The parent of what is returned exists.
pub(crate) fn data(wanted: &Path, account: Option<&Account>) -> Result<PathBuf, PlaceError> {
    let parent = wanted.parent().unwrap_or(Path::new("/"));
    let made = |path: &Path| {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(path)
            .map_err(|source| PlaceError::Directory { path: path.to_path_buf(), source })
    };
    match account {
        Some(account) if !tree::reachable(wanted, account) => {
            let root = Path::new(ELSEWHERE).join("data");
            made(parent)?; // its presence says that the data is still wanted
            sweep(&root);
            let place = root.join(short_hash(wanted));
            made(&place)?;
            let origin = place.join("origin");
            std::fs::write(&origin, wanted.as_os_str().as_encoded_bytes())
                .map_err(|source| PlaceError::Directory { path: origin, source })?;
            Ok(place.join("data"))
        }
        _ => {
            made(parent)?;
            Ok(wanted.to_path_buf())
        }
    }
}

/// The directory of programs to really run: itself, or a copy of the whole installation that `account` can read.
pub(crate) fn programs(directory: &Path, account: Option<&Account>) -> Result<PathBuf, PlaceError> {
    let Some(account) = account.filter(|account| !tree::reachable(directory, account)) else {
        return Ok(directory.to_path_buf());
    };
    let unreadable =
        || PlaceError::Unreadable { path: directory.to_path_buf(), account: account.name.clone() };
    let prefix =
        directory.parent().filter(|prefix| prefix.components().count() > 2).ok_or_else(unreadable)?;
    let name = directory.file_name().ok_or_else(unreadable)?;
    let root = Path::new(ELSEWHERE).join("programs");
    let copy = root.join(short_hash(prefix));
    let failed = |source| PlaceError::Directory { path: copy.clone(), source };
    if !copy.exists() {
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&root).map_err(failed)?;
        let draft = root.join(format!("{}.{}", short_hash(prefix), std::process::id()));
        tree::copy(prefix, &draft, Some(account), &|_| false).map_err(failed)?;
        if std::fs::rename(&draft, &copy).is_err() {
            let _ = std::fs::remove_dir_all(&draft); // another one was quicker
        }
    }
    Ok(copy.join(name))
}

/// Removes a data directory and what was noted about it.
pub(crate) fn remove(data: &Path) -> std::io::Result<()> {
    if data.exists() {
        std::fs::remove_dir_all(data)?;
    }
    if let Some(place) = data.parent() {
        if place.starts_with(ELSEWHERE) {
            std::fs::remove_dir_all(place)?;
        } else {
            let _ = std::fs::remove_dir(place); // unless it holds something else
        }
    }
    Ok(())
}

/// Removes data kept for temporary directories that are gone, such as those of tests.
fn sweep(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let Ok(origin) = std::fs::read_to_string(entry.path().join("origin")) else { continue };
        let origin = Path::new(&origin);
        let temporary = TEMPORARY.iter().any(|parent| origin.starts_with(parent));
        if temporary && !origin.parent().is_some_and(Path::exists) {
            tracing::debug!(path = %entry.path().display(), "Removing data of a temporary workspace");
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Sixteen hexadecimal digits that stand for a path.
pub(crate) fn short_hash(path: &Path) -> String {
    use std::fmt::Write;
    let digest = digest(&SHA256, path.as_os_str().as_encoded_bytes());
    digest.as_ref()[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_account_the_wanted_directory_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let wanted = directory.path().join("lakebase/one/data");
        assert_eq!(data(&wanted, None).unwrap(), wanted);
        assert!(wanted.parent().unwrap().is_dir());
        assert_eq!(short_hash(&wanted).len(), 16);
    }

    #[test]
    fn a_directory_the_account_cannot_enter_is_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account { name: "nobody".to_owned(), uid: 65_533, gid: 65_533 };
        assert!(!tree::reachable(&directory.path().join("x"), &stranger));
        assert!(tree::reachable(Path::new("/usr/bin"), &stranger));
    }
}
