use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown, lchown, symlink};
use std::path::Path;

use crate::account::Account;

/// Copies a directory with everything in it to a place that does not exist yet; files are cloned where the file system
/// can.
///
/// `skip` is asked with the path relative to `from`; a skipped directory is made, but stays empty. Files that vanish
/// meanwhile are passed over, as a running server removes some.
pub(crate) fn copy(
    from: &Path,
    to: &Path,
    owner: Option<&Account>,
    skip: &dyn Fn(&Path) -> bool,
) -> io::Result<()> {
    make(to, owner)?;
    copy_inside(from, to, Path::new(""), owner, skip)
}

fn copy_inside(
    from: &Path,
    to: &Path,
    relative: &Path,
    owner: Option<&Account>,
    skip: &dyn Fn(&Path) -> bool,
) -> io::Result<()> {
    for entry in std::fs::read_dir(from.join(relative))? {
        let entry = entry?;
        let below = relative.join(entry.file_name());
        let target = to.join(&below);
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if kind.is_dir() {
            make(&target, owner)?;
            if !skip(&below) {
                copy_inside(from, to, &below, owner, skip)?;
            }
        } else if kind.is_symlink() && !skip(&below) {
            symlink(std::fs::read_link(entry.path())?, &target)?;
            if let Some(owner) = owner {
                lchown(&target, Some(owner.uid), Some(owner.gid))?;
            }
        } else if kind.is_file() && !skip(&below) {
            match std::fs::copy(entry.path(), &target) {
                Ok(_) => give(&target, owner)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Makes a directory that only its owner may enter, and gives it to `owner`.
pub(crate) fn make(path: &Path, owner: Option<&Account>) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)?;
    give(path, owner)
}

/// Gives a file or directory to `owner`.
pub(crate) fn give(path: &Path, owner: Option<&Account>) -> io::Result<()> {
    match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)),
        None => Ok(()),
    }
}

/// Whether `account` can enter every directory on the way to `path`; parts that do not exist yet do not count.
pub(crate) fn reachable(path: &Path, account: &Account) -> bool {
    path.ancestors().all(|part| {
        let Ok(metadata) = std::fs::metadata(part) else { return true };
        let mode = metadata.mode();
        !metadata.is_dir()
            || mode & 0o001 != 0
            || (metadata.uid() == account.uid && mode & 0o100 != 0)
            || (metadata.gid() == account.gid && mode & 0o010 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_copied_but_for_what_is_skipped() {
        let directory = tempfile::tempdir().unwrap();
        let from = directory.path().join("from");
        std::fs::create_dir_all(from.join("base/1")).unwrap();
        std::fs::create_dir_all(from.join("pg_wal")).unwrap();
        std::fs::write(from.join("base/1/table"), "rows").unwrap();
        std::fs::write(from.join("pg_wal/segment"), "log").unwrap();
        std::fs::write(from.join("postmaster.pid"), "1").unwrap();
        let to = directory.path().join("to");
        copy(&from, &to, None, &|path| path == Path::new("pg_wal") || path == Path::new("postmaster.pid"))
            .unwrap();
        assert_eq!(std::fs::read_to_string(to.join("base/1/table")).unwrap(), "rows");
        assert!(to.join("pg_wal").is_dir());
        assert!(!to.join("pg_wal/segment").exists());
        assert!(!to.join("postmaster.pid").exists());
        assert_eq!(std::fs::metadata(&to).unwrap().mode() & 0o777, 0o700);
        assert!(copy(&from, &to, None, &|_| false).is_err(), "a copy never goes over what is there");
    }
}
