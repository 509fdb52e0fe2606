//! New apps from templates.
//!
//! A template is a set of small files under `new/files`; names are filled in, and of the parts those that
//! belong to what was chosen are kept. [`files`] gives the finished texts, [`create`] writes them.

use std::path::{Path, PathBuf};

mod choice;
mod fill;
mod name;
mod plan;

pub use choice::{Auth, Data, Deploy, Template};
pub use name::{NameError, check_name};
pub use plan::files;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Name of the app; see [`check_name`].
    pub name: String,
    /// Framework.
    pub template: Template,
    /// Where data comes from; at least one.
    pub data: Vec<Data>,
    /// Who acts.
    pub auth: Auth,
    /// How it is deployed.
    pub deploy: Deploy,
    /// Whether a backend with invented data is added, chosen by `USE_MOCK_BACKEND`.
    pub mock: bool,
}

/// Why an app could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is something already.
    #[error("`{}` exists and is not empty", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("Could not write `{}`", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes a new app into a directory that does not exist or is empty; returns the files, relative to it.
///
/// The files appear all at once: they are written beside the directory first, so an interrupted or failed call leaves
/// nothing half made.
pub fn create(dir: &Path, request: &Request) -> Result<Vec<PathBuf>, NewError> {
    check_name(&request.name)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| NewError::Write { path, source }
    };
    let occupied = match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    if occupied {
        return Err(NewError::Exists { path: dir.to_owned() });
    }
    let parent = match dir.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(NewError::Exists { path: dir.to_owned() }),
    };
    std::fs::create_dir_all(parent).map_err(failed(parent))?;
    let draft = parent.join(format!(".{}.new-{}", request.name, std::process::id()));
    let written = write_all(&draft, request).and_then(|files| {
        std::fs::rename(&draft, dir).map_err(failed(dir))?;
        Ok(files)
    });
    if written.is_err() {
        let _ = std::fs::remove_dir_all(&draft);
    }
    written
}

fn write_all(draft: &Path, request: &Request) -> Result<Vec<PathBuf>, NewError> {
    let mut names = Vec::new();
    for (name, text) in files(request) {
        let path = draft.join(&name);
        let folder = path.parent().unwrap_or(draft).to_owned();
        std::fs::create_dir_all(&folder).map_err(|source| NewError::Write { path: folder, source })?;
        std::fs::write(&path, text).map_err(|source| NewError::Write { path, source })?;
        names.push(PathBuf::from(name));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            name: "demo".to_owned(),
            template: Template::Streamlit,
            data: vec![Data::Warehouse],
            auth: Auth::App,
            deploy: Deploy::Cli,
            mock: false,
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_left_half_made() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("demo");
        let files = create(&target, &request()).unwrap();
        assert!(files.contains(&PathBuf::from("app.py")) && target.join("app.py").is_file());
        std::fs::write(target.join("app.py"), "mine").unwrap();
        assert!(matches!(create(&target, &request()), Err(NewError::Exists { .. })));
        assert_eq!(std::fs::read_to_string(target.join("app.py")).unwrap(), "mine");
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        create(&dir.path().join("empty"), &request()).unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(create(&dir.path().join("file"), &request()).is_err());
        let left: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left.len(), 3, "{left:?}");
    }

    #[test]
    fn a_wrong_name_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let wrong = Request { name: "My_App".to_owned(), ..request() };
        assert!(matches!(create(&dir.path().join("x"), &wrong), Err(NewError::Name(_))));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
