use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::landing::{self, Kind, Landing};
use super::path::ObjectPath;
use super::stat::Stat;
use crate::error::ApiError;
use crate::store::Store;

const NOTEBOOK: &str = "notebook";

/// Changes a listener may lag behind.
const CHANGES: usize = 4096;

/// So long nothing may come before what has landed is put in its place.
const QUIET: Duration = Duration::from_millis(300);

/// The tree of workspace files on disk, with notes about notebooks in the store.
#[derive(Clone)]
pub(crate) struct FileTree {
    root: PathBuf,
    store: Store,
    changes: broadcast::Sender<ObjectPath>,
    landing: Arc<Mutex<Landing>>,
    /// Told when something waits that did not before.
    landed: Arc<Notify>,
}

/// What is put into the tree.
pub(super) enum Content {
    /// At most [`landing::LARGEST`] bytes, or a notebook.
    Small(Vec<u8>),
    /// Already on the disk.
    Large(NamedTempFile),
}

/// What the store knows of a notebook.
#[derive(Serialize, Deserialize)]
pub(crate) struct Notebook {
    /// `PYTHON`, `SQL`, `SCALA` or `R`.
    pub(crate) language: String,
    /// The Jupyter notebook it was imported as, with the outputs that source text has no place for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jupyter: Option<Value>,
}

/// What lies at a path.
pub(crate) enum Object {
    Directory,
    File(Stat),
    Notebook(Notebook, Stat),
}

impl FileTree {
    /// The tree below `root`, which is made when it is not there.
    pub(crate) fn open(root: PathBuf, store: Store) -> io::Result<Self> {
        for folder in ["Users", "Shared"] {
            std::fs::create_dir_all(root.join(folder))?;
        }
        let notebooks = store.keys(NOTEBOOK).map_err(io::Error::other)?.into_iter().collect();
        let landing = Landing::open(root.clone(), notebooks)?;
        let landed = Arc::new(Notify::new());
        if landing.state().1 {
            landed.notify_one();
        }
        let landing = Arc::new(Mutex::new(landing));
        Ok(Self { root, store, changes: broadcast::channel(CHANGES).0, landing, landed })
    }

    fn landing(&self) -> MutexGuard<'_, Landing> {
        self.landing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The landing place when nothing waits there; while it is held nothing comes.
    fn settled(&self) -> Result<MutexGuard<'_, Landing>, ApiError> {
        let mut landing = self.landing();
        landing.settle().map_err(|error| ApiError::internal(&error))?;
        Ok(landing)
    }

    /// The landing place for those who read: what waits there is put in its place, and where the disk has no room for
    /// that it is read where it is.
    fn readable(&self) -> MutexGuard<'_, Landing> {
        let mut landing = self.landing();
        if let Err(error) = landing.settle() {
            tracing::warn!(%error, "Workspace files could not be put in their places, and wait: {error}");
        }
        landing
    }

    /// The content of a file that waits for a place on the disk.
    pub(super) fn waiting(&self, path: &ObjectPath) -> Result<Option<Vec<u8>>, ApiError> {
        self.readable().content(path).map_err(|error| ApiError::internal(&error))
    }

    /// Puts what has landed in its place as soon as nothing more comes, until the workspace stops.
    pub(crate) async fn keep_settled(self, cancellation: CancellationToken) {
        let mut seen = None;
        loop {
            let more = async {
                match seen {
                    Some(_) => tokio::time::sleep(QUIET).await,
                    None => self.landed.notified().await,
                }
            };
            let stops = tokio::select! {
                () = cancellation.cancelled() => true,
                () = more => false,
            };
            let mut landing = self.landing();
            let (count, waits) = landing.state();
            if (stops || seen == Some(count))
                && let Err(error) = landing.settle()
            {
                tracing::warn!(%error, "Workspace files could not be put in their places, and wait: {error}");
            }
            if stops {
                return;
            }
            seen = (waits && seen != Some(count)).then_some(count);
        }
    }

    /// The path of everything that is written or removed from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<ObjectPath> {
        self.changes.subscribe()
    }

    fn changed(&self, path: &ObjectPath) {
        // Most often nobody listens.
        let _ = self.changes.send(path.clone());
    }

    /// Where new files are put together before they are moved into place.
    pub(crate) fn staging(&self) -> &Path {
        &self.root
    }

    /// Where a path lies on disk, with everything that has come until now.
    pub(crate) fn on_disk(&self, path: &ObjectPath) -> Result<PathBuf, ApiError> {
        drop(self.settled()?);
        Ok(path.on_disk(&self.root))
    }

    /// Whether anything is at a path.
    pub(super) fn exists(&self, path: &ObjectPath) -> Result<bool, ApiError> {
        Ok(self.landing().kind(path).map_err(|error| ApiError::internal(&error))?.is_some())
    }

    /// What lies at the path, if anything.
    pub(crate) fn find(&self, path: &ObjectPath) -> Result<Option<Object>, ApiError> {
        let noted = {
            let landing = self.readable();
            if let Some(waiting) = landing.waiting(path) {
                return Ok(Some(Object::File(Stat::waiting(waiting))));
            }
            landing.is_noted(path)
        };
        let metadata = match std::fs::symlink_metadata(path.on_disk(&self.root)) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(ApiError::internal(&error)),
        };
        if metadata.is_dir() {
            return Ok(Some(Object::Directory));
        }
        let note = if noted { self.store.get(NOTEBOOK, path.as_str()) } else { Ok(None) };
        Ok(Some(match note.map_err(|error| ApiError::internal(&error))? {
            Some(note) => Object::Notebook(note, Stat::of(&metadata)),
            None => Object::File(Stat::of(&metadata)),
        }))
    }

    /// What lies at the path, or the platform's 404.
    pub(crate) fn get(&self, path: &ObjectPath) -> Result<Object, ApiError> {
        self.find(path)?.ok_or_else(|| missing(path))
    }

    /// Names in a folder, in order.
    pub(crate) fn children(&self, path: &ObjectPath) -> Result<Vec<ObjectPath>, ApiError> {
        let mut children = self.readable().waiting_within(path);
        children.retain(|child| child.parent() == *path);
        let entries =
            std::fs::read_dir(path.on_disk(&self.root)).map_err(|error| ApiError::internal(&error))?;
        for entry in entries {
            let name = entry.map_err(|error| ApiError::internal(&error))?.file_name();
            // Files being put together begin with a dot and lie in the root alone.
            match name.to_str() {
                Some(name) if path.as_str() == "/" && name.starts_with('.') => {}
                Some(name) => children.push(path.join(name)),
                None => {}
            }
        }
        children.sort();
        children.dedup();
        Ok(children)
    }

    /// What lies at the path and everything below it.
    pub(super) fn all_within(&self, path: &ObjectPath) -> Result<Vec<ObjectPath>, ApiError> {
        let (mut all, mut next) = (vec![path.clone()], 0);
        while let Some(path) = all.get(next) {
            if matches!(self.get(path)?, Object::Directory) {
                all.extend(self.children(path)?);
            }
            next += 1;
        }
        Ok(all)
    }

    /// Makes a folder and its parents.
    pub(crate) fn make_directories(&self, path: &ObjectPath) -> Result<(), ApiError> {
        let _landing = self.settled()?;
        std::fs::create_dir_all(path.on_disk(&self.root)).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => ApiError::new(
                http::StatusCode::BAD_REQUEST,
                "RESOURCE_ALREADY_EXISTS",
                format!("Path ({path}) already exists."),
            ),
            _ => ApiError::internal(&error),
        })
    }

    /// Puts a file or a notebook at a path, whose folder must be there. What is there is replaced where that is asked for
    /// and it is of the same kind.
    pub(super) fn put(
        &self,
        path: &ObjectPath,
        content: Content,
        notebook: Option<&Notebook>,
        overwrite: bool,
    ) -> Result<(), ApiError> {
        let failed = |error: io::Error| ApiError::internal(&error);
        let mut landing = self.landing();
        match landing.kind(path).map_err(failed)? {
            None => {}
            Some(Kind::File) if overwrite && notebook.is_none() => {}
            Some(Kind::Notebook) if overwrite && notebook.is_some() => {}
            Some(Kind::File) if !overwrite && notebook.is_none() => {
                return Err(ApiError::already_exists(format!("{path} already exists.")));
            }
            Some(_) => {
                return Err(ApiError::new(
                    http::StatusCode::BAD_REQUEST,
                    "RESOURCE_ALREADY_EXISTS",
                    format!("Path ({path}) already exists."),
                ));
            }
        }
        if landing.kind(&path.parent()).map_err(failed)? != Some(Kind::Directory) {
            return Err(ApiError::not_found("The parent folder", path.parent()));
        }
        match notebook {
            Some(note) => {
                self.store.put(NOTEBOOK, path.as_str(), note).map_err(|error| ApiError::internal(&error))?;
                landing.note(path, true);
            }
            // Left of one whose file never came.
            None if landing.is_noted(path) => {
                self.store.delete(NOTEBOOK, path.as_str()).map_err(|error| ApiError::internal(&error))?;
                landing.note(path, false);
            }
            None => {}
        }
        match content {
            Content::Small(content)
                if notebook.is_none() && content.len() <= landing::LARGEST && landing.has_room() =>
            {
                let (_, waited) = landing.state();
                landing.land(path, &content).map_err(failed)?;
                if !waited {
                    self.landed.notify_one();
                }
            }
            content => {
                let file = match content {
                    Content::Large(file) => file,
                    Content::Small(content) => self.stage(&content).map_err(failed)?,
                };
                // What waits for this place would be put over it.
                if landing.waits(path) {
                    landing.settle().map_err(failed)?;
                }
                file.persist(path.on_disk(&self.root)).map_err(|error| failed(error.error))?;
            }
        }
        drop(landing);
        self.changed(path);
        Ok(())
    }

    fn stage(&self, content: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new_in(&self.root)?;
        file.write_all(content)?;
        Ok(file)
    }

    /// Removes what lies at the path; a folder that is not empty needs `recursive`.
    pub(crate) fn remove(&self, path: &ObjectPath, recursive: bool) -> Result<(), ApiError> {
        let found = self.get(path)?;
        let mut landing = self.readable();
        let place = path.on_disk(&self.root);
        // Room is made by removing: what waits for some is removed too.
        let waited = !landing.waiting_within(path).is_empty();
        if waited && (recursive || !matches!(found, Object::Directory)) {
            landing.forget(path).map_err(|error| ApiError::internal(&error))?;
        }
        let removed = match found {
            Object::Directory if waited && !recursive => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            Object::Directory if recursive => std::fs::remove_dir_all(&place),
            Object::Directory => std::fs::remove_dir(&place),
            Object::File(_) | Object::Notebook(..) => match std::fs::remove_file(&place) {
                Err(error) if waited && error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        };
        removed.map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => ApiError::new(
                http::StatusCode::BAD_REQUEST,
                "DIRECTORY_NOT_EMPTY",
                format!("Folder ({path}) is not empty"),
            ),
            _ => ApiError::internal(&error),
        })?;
        let notes = self
            .store
            .list::<Notebook>(NOTEBOOK, path.as_str())
            .map_err(|error| ApiError::internal(&error))?;
        for (key, _) in notes {
            if ObjectPath::parse(&key)?.is_within(path) {
                self.store.delete(NOTEBOOK, &key).map_err(|error| ApiError::internal(&error))?;
                landing.note(&ObjectPath::parse(&key)?, false);
            }
        }
        drop(landing);
        self.changed(path);
        Ok(())
    }
}

/// So many bytes at the start of a file say whether it is a notebook.
pub(super) const HEADER: usize = 64;

/// The language of a notebook source file, by its first line (`# Databricks notebook source`).
pub(super) fn notebook_language(start: &[u8], name: &str) -> Option<&'static str> {
    const WORDS: &str = "Databricks notebook source";
    let line = start[..start.len().min(HEADER)].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = std::str::from_utf8(line).unwrap_or_default().trim_end();
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match (extension, first.split_once(' ')) {
        ("py", Some(("#", WORDS))) => Some("PYTHON"),
        ("sql", Some(("--", WORDS))) => Some("SQL"),
        ("scala", Some(("//", WORDS))) => Some("SCALA"),
        ("r" | "R", Some(("#", WORDS))) => Some("R"),
        _ => None,
    }
}

/// The platform's words for a path that is not there.
fn missing(path: &ObjectPath) -> ApiError {
    ApiError::new(
        http::StatusCode::NOT_FOUND,
        "RESOURCE_DOES_NOT_EXIST",
        format!("Path ({path}) doesn't exist; it was not found"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebook_is_told_by_its_first_line() {
        let language = |text: &str, name: &str| notebook_language(text.as_bytes(), name);
        assert_eq!(language("# Databricks notebook source\nprint(1)", "app.py"), Some("PYTHON"));
        assert_eq!(language("# Databricks notebook source\r\n", "app.py"), Some("PYTHON"));
        assert_eq!(language("-- Databricks notebook source", "q.sql"), Some("SQL"));
        assert_eq!(language("import x\n# Databricks notebook source", "app.py"), None);
        assert_eq!(language("# Databricks notebook source", "app.txt"), None);
        assert_eq!(language("", "app.py"), None);
    }
}
