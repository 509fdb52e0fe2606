//! Paths by pattern, as shells and Python's `glob` read them: `*`, `?` and `[…]` within a name, `**` over folders.

use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;
use walkdir::WalkDir;

use crate::failure::Failure;

/// Most paths a pattern is compared with: more is a mistake, such as one that begins at the root.
const MOST: usize = 200_000;

/// Whether a path has wild cards.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The files and folders a pattern names, in order; what lies in a folder that is named itself is not named again. Names that
/// begin with a dot have to be spelled.
pub(super) fn find(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    let text = pattern.to_string_lossy();
    let glob = GlobBuilder::new(text.trim_end_matches('/'))
        .literal_separator(true)
        .build()
        .map_err(|error| Failure::user(format!("`{text}` is no pattern")).because(error))?
        .compile_matcher();
    let fixed: PathBuf =
        pattern.components().take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy())).collect();
    let depth = if text.contains("**") {
        usize::MAX
    } else {
        pattern.components().count() - fixed.components().count()
    };
    let spelled: Vec<&str> = text.split('/').filter(|part| part.starts_with('.')).collect();
    let hidden = |name: &str| name.starts_with('.') && !spelled.contains(&name);
    let mut found: Vec<PathBuf> = Vec::new();
    let walk = WalkDir::new(&fixed).min_depth(1).max_depth(depth).sort_by_file_name().into_iter();
    let walk =
        walk.filter_entry(|entry| entry.depth() == 0 || !entry.file_name().to_str().is_some_and(hidden));
    for (count, entry) in walk.enumerate() {
        if count > MOST {
            return Err(Failure::user(format!("`{text}` is compared with more than {MOST} paths"))
                .hint("name more of the path before the first wild card"));
        }
        // What cannot be read is not named.
        let Ok(entry) = entry else { continue };
        let covered = found.last().is_some_and(|last| last.is_dir() && entry.path().starts_with(last));
        if !covered && glob.is_match(plain(entry.path())) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

/// The path without `.` between.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_what_a_shell_would() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.py", "b.sql", ".secret.py", "sub/c.py", "sub/deep/d.py", "other/e.txt", ".git/f.py"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let named = |pattern: &str| -> Vec<String> {
            let found = find(&folder.path().join(pattern)).unwrap();
            found
                .iter()
                .map(|path| path.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(named("*.py"), ["a.py"]);
        assert_eq!(named("?.*"), ["a.py", "b.sql"]);
        assert_eq!(named("**/*.py"), ["a.py", "sub/c.py", "sub/deep/d.py"]);
        assert_eq!(named("*"), ["a.py", "b.sql", "other", "sub"]);
        assert_eq!(named("sub/*"), ["sub/c.py", "sub/deep"]);
        assert_eq!(named(".s*"), Vec::<String>::new());
        assert_eq!(named("*.rs"), Vec::<String>::new());
    }
}
