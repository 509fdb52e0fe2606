use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::ApiError;

/// Longest path, in bytes.
const LONGEST: usize = 4096;

/// What a path begins with: who may go there and where it lies is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// `CATALOG.SCHEMA.VOLUME` in lower case, as Unity Catalog keeps names.
    Volume(String),
    /// Artifacts of an `MLflow` experiment, by its id: of its runs, logged models and traces.
    Experiment(String),
    /// A version of a model in Unity Catalog: full name in lower case and number.
    Model {
        /// `CATALOG.SCHEMA.MODEL`.
        name: String,
        /// Its number.
        version: String,
    },
}

/// A path below a root, checked: no step leads out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePath {
    /// Where it begins.
    pub(crate) root: Root,
    /// Names below the root; none for the root itself.
    pub(crate) inside: Vec<String>,
}

impl FilePath {
    /// Reads `/Volumes/CATALOG/SCHEMA/VOLUME[/…]` (percent-decoded, with or without `dbfs:`); anything else is a 400 or 404.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = |why: &str| ApiError::invalid(format!("Invalid path '{text}': {why}"));
        if text.len() > LONGEST {
            return Err(ApiError::invalid(format!("The path is longer than {LONGEST} bytes")));
        }
        let plain = text.strip_prefix("dbfs:").unwrap_or(text).trim_start_matches('/');
        let names: Vec<&str> = plain.trim_end_matches('/').split('/').collect();
        for name in &names[1..] {
            if name.is_empty() || matches!(*name, "." | "..") {
                return Err(refused("it has an empty name, `.` or `..`"));
            }
            if name.len() > 255 || name.chars().any(char::is_control) || name.contains('\\') {
                return Err(refused(
                    "a name is longer than 255 bytes, or has a control character or backslash",
                ));
            }
        }
        let full_name = |parts: [&str; 3]| {
            if parts.iter().any(|name| name.contains('.')) {
                return Err(refused("the names of catalog, schema, volume and model have no dot"));
            }
            Ok(parts.join(".").to_lowercase())
        };
        let digits = |text: &str| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        let (root, inside) = match names.as_slice() {
            ["Volumes", catalog, schema, volume, inside @ ..] => {
                (Root::Volume(full_name([catalog, schema, volume])?), inside)
            }
            ["Volumes", ..] => {
                return Err(refused("it names no volume, as in /Volumes/CATALOG/SCHEMA/VOLUME"));
            }
            ["WorkspaceInternal", "Mlflow", "Artifacts", id, inside @ ..] if digits(id) => {
                (Root::Experiment((*id).to_owned()), inside)
            }
            ["Models", catalog, schema, model, version, inside @ ..] if digits(version) => {
                let name = full_name([catalog, schema, model])?;
                (Root::Model { name, version: (*version).to_owned() }, inside)
            }
            _ => {
                return Err(ApiError::new(
                    http::StatusCode::NOT_FOUND,
                    "NOT_FOUND",
                    format!(
                        "The path '{text}' was not found: only /Volumes/CATALOG/SCHEMA/VOLUME/… is served"
                    ),
                ));
            }
        };
        Ok(Self { root, inside: inside.iter().map(|&name| name.to_owned()).collect() })
    }

    /// The full name of the volume it lies in, `CATALOG.SCHEMA.VOLUME`; a 404 where it lies in none.
    pub(crate) fn volume(&self) -> Result<&str, ApiError> {
        match &self.root {
            Root::Volume(name) => Ok(name),
            _ => Err(ApiError::not_found("Volume", self)),
        }
    }

    /// Where the path lies below the folder of its volume. A symbolic link on the way is refused: it could lead out.
    pub(crate) fn below(&self, root: &Path) -> Result<PathBuf, ApiError> {
        let mut path = root.to_path_buf();
        for name in &self.inside {
            path.push(name);
            if path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_symlink()) {
                return Err(ApiError::denied(format!("The path '{self}' leads over a symbolic link")));
            }
        }
        Ok(path)
    }

    /// The path of something inside this one.
    pub(crate) fn join(&self, name: &str) -> Self {
        let mut joined = self.clone();
        joined.inside.push(name.to_owned());
        joined
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Volume(name) => write!(formatter, "/Volumes/{}", name.replace('.', "/"))?,
            Root::Experiment(id) => write!(formatter, "/WorkspaceInternal/Mlflow/Artifacts/{id}")?,
            Root::Model { name, version } => {
                write!(formatter, "/Models/{}/{version}", name.replace('.', "/"))?;
            }
        }
        self.inside.iter().try_for_each(|name| write!(formatter, "/{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_clients_are_read() {
        for (text, volume, inside) in [
            ("Volumes/Main/default/v/a/b.txt", "main.default.v", vec!["a", "b.txt"]),
            ("/Volumes/main/default/v", "main.default.v", vec![]),
            ("dbfs:/Volumes/main/default/v/x/", "main.default.v", vec!["x"]),
            ("/Volumes/main/default/v/ä %2e", "main.default.v", vec!["ä %2e"]),
        ] {
            let path = FilePath::parse(text).unwrap();
            assert_eq!(
                (path.volume().unwrap(), path.inside.clone()),
                (volume, inside.iter().map(|&s| s.into()).collect())
            );
        }
    }

    #[test]
    fn no_path_leads_out_of_its_volume() {
        for text in [
            "",
            "/",
            "/etc/passwd",
            "/Volumes",
            "/Volumes/a/b",
            "/Volumes/a/b/c/..",
            "/Volumes/a/b/c/../../../../etc/passwd",
            "/Volumes/../a/b/c",
            "/Volumes/a/b/c/./d",
            "/Volumes/a/b/c//d",
            "/Volumes/a/b/c/d\0",
            "/Volumes/a/b/c/d\\..\\e",
            "/Volumes/a.b/c/d",
            "/volumes/a/b/c",
            "/Models/a/b/c/../x",
            "/Models/a/b/c/d/x",
            "/WorkspaceInternal/Mlflow/Artifacts/../x",
            "/WorkspaceInternal/Mlflow/Artifacts/1/../x",
            "/WorkspaceInternal/Secrets/1",
        ] {
            assert!(FilePath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn symbolic_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("v");
        std::fs::create_dir_all(root.join("good")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("bad")).unwrap();
        let parse = |inside: &str| FilePath::parse(&format!("/Volumes/a/b/v/{inside}")).unwrap();
        assert_eq!(parse("good/x").below(&root).unwrap(), root.join("good/x"));
        for inside in ["bad", "bad/passwd"] {
            assert!(parse(inside).below(&root).is_err(), "{inside}");
        }
    }
}
