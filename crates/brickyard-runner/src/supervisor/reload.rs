//! Notices when the app's sources change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use walkdir::WalkDir;

/// An editor's save is several changes; they count as one when they come within this time.
const DEBOUNCE: Duration = Duration::from_millis(150);

const IGNORED_FOLDERS: [&str; 7] =
    [".git", "__pycache__", ".venv", "venv", "node_modules", ".brickyard", ".mypy_cache"];

/// What makes an app: data it writes itself must not restart it.
const SOURCE_ENDINGS: [&str; 17] = [
    "py", "pyi", "yaml", "yml", "toml", "html", "htm", "css", "js", "mjs", "ts", "jsx", "tsx", "jinja",
    "jinja2", "j2", "sql",
];

/// Watches a folder; the watch ends when this is dropped.
pub(super) struct Changes {
    watcher: RecommendedWatcher,
    events: mpsc::UnboundedReceiver<notify::Event>,
}

impl Changes {
    pub(super) fn of(folder: &Path) -> notify::Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event
                && matters(&event)
            {
                // Nobody listens any more: the watch is about to end.
                let _unheard = sender.send(event);
            }
        })?;
        watch_tree(&mut watcher, folder)?;
        Ok(Self { watcher, events })
    }

    /// The files changed since last asked, once there are some and things are quiet again.
    pub(super) async fn next(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        loop {
            let Some(event) = self.events.recv().await else { return std::future::pending().await };
            self.take(event, &mut changed);
            while let Ok(Some(event)) = tokio::time::timeout(DEBOUNCE, self.events.recv()).await {
                self.take(event, &mut changed);
            }
            if !changed.is_empty() {
                changed.sort();
                changed.dedup();
                return changed;
            }
        }
    }

    fn take(&mut self, event: notify::Event, changed: &mut Vec<PathBuf>) {
        for path in event.paths {
            if path.is_dir() && matches!(event.kind, EventKind::Create(_)) {
                // A folder that vanished again needs no watch.
                let _gone = watch_tree(&mut self.watcher, &path);
            } else if is_source(&path) {
                changed.push(path);
            }
        }
    }
}

/// Watches each folder by itself: a recursive watch would spend the system's watches on `node_modules`.
fn watch_tree(watcher: &mut RecommendedWatcher, folder: &Path) -> notify::Result<()> {
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    let below = WalkDir::new(folder).min_depth(1).into_iter();
    for entry in
        below.filter_entry(|entry| entry.file_type().is_dir() && !ignored(entry.file_name())).flatten()
    {
        watcher.watch(entry.path(), RecursiveMode::NonRecursive)?;
    }
    Ok(())
}

fn ignored(name: &std::ffi::OsStr) -> bool {
    IGNORED_FOLDERS.iter().any(|ignored| name == *ignored)
}

fn matters(event: &notify::Event) -> bool {
    let kind = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Access(_) | EventKind::Other => false,
    };
    kind && event.paths.iter().any(|path| !path.components().any(|part| ignored(part.as_os_str())))
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') || name.ends_with('~') || name.starts_with('#');
    name == "requirements.txt"
        || name == "uv.lock"
        || (!hidden && SOURCE_ENDINGS.iter().any(|known| ending == *known))
}
