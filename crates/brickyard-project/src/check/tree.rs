use std::path::{Path, PathBuf};

use crate::app_yaml;
use crate::bundle::Bundle;
use crate::settings::CheckSettings;
use crate::source::Source;

/// Most files looked at below one directory.
const MOST_FILES: usize = 50_000;
/// Deepest directory looked at.
const DEEPEST: usize = 32;
/// Directories that are never part of an app (platform §11 F30).
pub(super) const JUNK: [&str; 14] = [
    ".venv",
    "venv",
    "env",
    "node_modules",
    "__pycache__",
    ".git",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".databricks",
    ".brickyard",
    ".eggs",
];

/// What lies below an app's directory.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Files that would be uploaded, relative, with `/`, and their sizes.
    pub(super) files: Vec<(String, u64)>,
    /// Directories of [`JUNK`] with a file that git does not ignore.
    pub(super) junk: Vec<String>,
}

/// The directories below `root` that hold an app: those with an `app.yaml`, and the sources of bundle apps; `root`
/// itself where there is none and it holds something to start.
pub(super) fn apps(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in walker(root, &[]).flatten().take(MOST_FILES) {
        let name = entry.file_name().to_string_lossy();
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let hidden = inside.parent().is_some_and(|folder| {
            folder.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
        });
        if hidden || is_something_else(entry.path(), &name) {
            continue;
        }
        if app_yaml::NAMES.contains(&name.as_ref()) && entry.file_type().is_some_and(|kind| kind.is_file()) {
            found.extend(entry.path().parent().map(Path::to_owned));
        }
        if crate::bundle::NAMES.contains(&name.as_ref())
            && let Ok(bundle) = Bundle::load_with_apps(entry.path())
        {
            let sources = bundle.apps.iter().filter_map(|app| app.source_code_path.clone());
            found.extend(sources.filter_map(|path| tidy(root, &path)));
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() && crate::project::is_app(root) {
        found.push(root.to_owned());
    }
    found
}

/// Whether an `app.yaml` is not an app's own file: the part of a bundle that declares an app, or the settings of a program
/// that has nothing to start beside them.
fn is_something_else(path: &Path, name: &str) -> bool {
    if !app_yaml::NAMES.contains(&name) {
        return false;
    }
    let source = Source::read_up_to(path, crate::yaml::LARGEST).ok().flatten();
    let Some(tree) = source.and_then(|source| crate::yaml::parse(&source).ok()) else { return false };
    let starts = || {
        let dir = path.parent().unwrap_or(Path::new("."));
        let files = ["package.json", "requirements.txt", "pyproject.toml", crate::settings::NAME];
        files.iter().any(|file| dir.join(file).is_file()) || !crate::project::python_files(dir).is_empty()
    };
    let known =
        |key: &str| matches!(key, "command" | "env" | "resources" | "permissions" | "cmd" | "environment");
    let foreign =
        !tree.pairs().is_empty() && !tree.pairs().iter().any(|(key, _)| key.text().is_some_and(known));
    tree.path(&["resources", "apps"]).is_some() || (foreign && !starts())
}

/// A path below `root` without `.` and `..`, or `None` where it leads outside or is no directory.
fn tidy(root: &Path, path: &Path) -> Option<PathBuf> {
    let (real_root, real) = (root.canonicalize().ok()?, path.canonicalize().ok()?);
    let inside = real.strip_prefix(&real_root).ok()?;
    real.is_dir().then(|| if inside.as_os_str().is_empty() { root.to_owned() } else { root.join(inside) })
}

/// Reads the tree of one app, leaving out `others` (apps of their own inside it).
pub(super) fn read(dir: &Path, others: &[PathBuf], settings: &CheckSettings) -> Tree {
    let mut tree = Tree::default();
    let exclude: Vec<_> = settings
        .exclude
        .iter()
        .filter_map(|pattern| globset::Glob::new(pattern).ok().map(|glob| glob.compile_matcher()))
        .collect();
    for entry in walker(dir, others).flatten().take(MOST_FILES) {
        let Ok(inside) = entry.path().strip_prefix(dir) else { continue };
        let name = inside.to_string_lossy().replace('\\', "/");
        if exclude.iter().any(|glob| glob.is_match(inside)) {
            continue;
        }
        match entry.file_type() {
            Some(kind) if kind.is_file() => {
                let size = entry.metadata().map_or(0, |data| data.len());
                tree.files.push((name, size));
            }
            Some(kind) if kind.is_dir() && is_junk(&entry) && is_uploaded(entry.path()) => {
                tree.junk.push(name);
            }
            _ => {}
        }
    }
    tree.files.sort();
    tree
}

fn is_junk(entry: &ignore::DirEntry) -> bool {
    entry.depth() > 0 && JUNK.contains(&entry.file_name().to_string_lossy().as_ref())
}

/// Whether git keeps a file near the top of a directory of [`JUNK`]: virtual environments and the caches of tools hold an
/// ignore file of their own, and `*.pyc` leaves nothing of a `__pycache__`.
fn is_uploaded(dir: &Path) -> bool {
    let mut walk = ignore::WalkBuilder::new(dir);
    walk.hidden(false).require_git(false).git_global(false).follow_links(false).max_depth(Some(3));
    walk.build().flatten().take(500).any(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
}

/// Walks what git does not ignore, not following links, not entering [`JUNK`] or other apps.
fn walker(dir: &Path, others: &[PathBuf]) -> ignore::Walk {
    let others: Vec<PathBuf> = others.iter().filter(|other| *other != dir).cloned().collect();
    ignore::WalkBuilder::new(dir)
        .hidden(false)
        .require_git(false)
        .git_global(false)
        .follow_links(false)
        .max_depth(Some(DEEPEST))
        .filter_entry(move |entry| {
            let parent_is_junk = entry
                .path()
                .parent()
                .and_then(Path::file_name)
                .is_some_and(|name| entry.depth() > 1 && JUNK.contains(&name.to_string_lossy().as_ref()));
            !parent_is_junk && !others.iter().any(|other| other == entry.path())
        })
        .build()
}
