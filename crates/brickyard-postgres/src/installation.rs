use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::proxy::BoxFuture;

/// Oldest and newest major version that is used.
pub const SUPPORTED: std::ops::RangeInclusive<u32> = 14..=18;

/// Longest time `postgres --version` may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL on this machine: a directory with `postgres` and `initdb`, and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Directory that holds `postgres` and `initdb`, without symbolic links.
    pub directory: PathBuf,
    /// Major version, such as 17.
    pub major: u32,
    /// Version as the server tells it, such as `17.9`.
    pub version: String,
}

/// Tells a server where its programs are, when it first starts.
pub trait Source: Send + Sync + 'static {
    /// Finds or fetches them: those of this major version where there is data of it, if they can be had.
    fn installation(&self, major: Option<u32>) -> BoxFuture<'_, Result<Installation, SourceError>>;
}

/// Why a [`Source`] has no programs.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What is missing.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
}

impl Source for Installation {
    fn installation(&self, _major: Option<u32>) -> BoxFuture<'_, Result<Installation, SourceError>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

/// Why there is no usable PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// None of the places has one.
    #[error("No PostgreSQL {} to {} was found on this machine", SUPPORTED.start(), SUPPORTED.end())]
    Absent {
        /// What is wrong with each that was found.
        passed_over: Vec<String>,
    },
    /// The directory lacks a program.
    #[error("`{}` does not hold both `postgres` and `initdb`", directory.display())]
    Incomplete {
        /// The directory.
        directory: PathBuf,
    },
    /// `postgres --version` did not answer.
    #[error("`{}` cannot be run", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Too old or too new.
    #[error(
        "PostgreSQL {version} in `{}` is not supported, only {} to {} are",
        directory.display(), SUPPORTED.start(), SUPPORTED.end()
    )]
    Unsupported {
        /// The directory.
        directory: PathBuf,
        /// What it said.
        version: String,
    },
}

impl Installation {
    /// The PostgreSQL of a directory that the caller names; symbolic links such as `/usr/local/bin/postgres` are followed.
    pub async fn at(directory: &Path) -> Result<Self, InstallationError> {
        let incomplete = || InstallationError::Incomplete { directory: directory.to_path_buf() };
        let program = directory.join("postgres").canonicalize().map_err(|_| incomplete())?;
        let home = program.parent().ok_or_else(incomplete)?.to_path_buf();
        if !home.join("initdb").is_file() {
            return Err(incomplete());
        }
        let run = |source| InstallationError::Run { program: program.clone(), source };
        let output = timeout(PATIENCE, Command::new(&program).arg("--version").kill_on_drop(true).output())
            .await
            .map_err(|_| run(std::io::ErrorKind::TimedOut.into()))?
            .map_err(run)?;
        let text = String::from_utf8_lossy(&output.stdout);
        match version(&text) {
            Some((major, version)) if SUPPORTED.contains(&major) => {
                Ok(Self { directory: home, major, version })
            }
            _ => Err(InstallationError::Unsupported { directory: home, version: text.trim().to_owned() }),
        }
    }

    /// The first supported PostgreSQL among these directories, or the first of this major version; see [`places`].
    pub async fn find(places: &[PathBuf], major: Option<u32>) -> Result<Self, InstallationError> {
        let mut passed_over = Vec::new();
        for place in places {
            match Self::at(place).await {
                Ok(installation) if major.is_none_or(|major| major == installation.major) => {
                    return Ok(installation);
                }
                Ok(_) | Err(InstallationError::Incomplete { .. }) => {}
                Err(error) => {
                    tracing::debug!(%error, "Passing over a PostgreSQL: {error}");
                    passed_over.push(error.to_string());
                }
            }
        }
        passed_over.dedup();
        Err(InstallationError::Absent { passed_over })
    }

    /// Path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Where a PostgreSQL may be: the entries of `PATH` first, then the places of Debian, Red Hat and Homebrew, newest first.
pub fn places(path_entries: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = path_entries.into_iter().collect();
    places.extend(usual_places(Path::new("/")));
    places
}

/// The places of distributions below a root directory.
fn usual_places(root: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for (parent, prefix) in [
        ("usr/lib/postgresql", ""),
        ("usr", "pgsql-"),
        ("opt/homebrew/opt", "postgresql@"),
        ("usr/local/opt", "postgresql@"),
        ("home/linuxbrew/.linuxbrew/opt", "postgresql@"),
        ("Applications/Postgres.app/Contents/Versions", ""),
    ] {
        let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(root.join(parent))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                Some((name.strip_prefix(prefix)?.parse().ok()?, entry.path().join("bin")))
            })
            .collect();
        found.sort_by_key(|(major, _)| Reverse(*major));
        places.extend(found.into_iter().map(|(_, path)| path));
    }
    places
}

/// Major and full version out of `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
fn version(text: &str) -> Option<(u32, String)> {
    let version = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", Some((15, "15.20"))),
            ("postgres (PostgreSQL) 18.4\n", Some((18, "18.4"))),
            ("postgres (PostgreSQL) 19beta1\n", Some((19, "19beta1"))),
            ("bash 5.2", None),
        ] {
            assert_eq!(version(text), expected.map(|(major, text)| (major, text.to_owned())), "{text}");
        }
    }

    /// What stands for a PostgreSQL: programs that tell a version. Another process writes them: while this one starts
    /// others, a file that it has open for writing cannot be run.
    fn install(directory: &Path, version: &str) {
        let script = r#"mkdir -p "$1" && cd "$1" && for name in postgres initdb; do
            printf '#!/bin/sh\necho "%s (PostgreSQL) %s"\n' "$name" "$2" > "$name" && chmod 755 "$name"; done"#;
        let mut made = std::process::Command::new("sh");
        made.args(["-c", script, "sh"]).arg(directory).arg(version);
        assert!(made.status().unwrap().success());
    }

    #[tokio::test]
    async fn the_newest_supported_one_is_found_where_distributions_put_it() {
        for (parent, prefix) in [
            ("usr/lib/postgresql", ""),
            ("usr", "pgsql-"),
            ("opt/homebrew/opt", "postgresql@"),
            ("usr/local/opt", "postgresql@"),
            ("home/linuxbrew/.linuxbrew/opt", "postgresql@"),
            ("Applications/Postgres.app/Contents/Versions", ""),
        ] {
            let root = tempfile::tempdir().unwrap();
            let place = |major: u32| root.path().join(parent).join(format!("{prefix}{major}/bin"));
            std::fs::create_dir_all(root.path().join(parent).join(format!("{prefix}latest"))).unwrap();
            for too in [13, 19] {
                install(&place(too), &format!("{too}.1"));
            }
            let none = Installation::find(&usual_places(root.path()), None).await.unwrap_err();
            let InstallationError::Absent { passed_over } = none else { panic!("{parent}: {none}") };
            for (told, version) in passed_over.iter().zip(["19.1", "13.1"]) {
                assert!(told.contains(version) && told.contains("only 14 to 18 are"), "{told}");
            }
            assert_eq!(passed_over.len(), 2);
            for major in 14..=18 {
                install(&place(major), &format!("{major}.4"));
                let found = Installation::find(&usual_places(root.path()), None).await.unwrap();
                let expected = place(major).canonicalize().unwrap();
                assert_eq!((found.directory, found.major), (expected, major), "{parent}");
                assert_eq!(found.version, format!("{major}.4"));
            }
            // Data of an earlier version is opened by its own.
            let older = Installation::find(&usual_places(root.path()), Some(15)).await.unwrap();
            assert_eq!((older.directory, older.major), (place(15).canonicalize().unwrap(), 15));
        }
    }

    #[tokio::test]
    async fn a_link_on_the_path_leads_to_the_programs() {
        let root = tempfile::tempdir().unwrap();
        let (cellar, path) = (root.path().join("Cellar/postgresql@16/16.9/bin"), root.path().join("bin"));
        install(&cellar, "16.9");
        std::fs::create_dir(&path).unwrap();
        std::os::unix::fs::symlink(cellar.join("postgres"), path.join("postgres")).unwrap();
        let found = Installation::find(&[root.path().join("absent"), path], None).await.unwrap();
        assert_eq!((found.directory, found.major), (cellar.canonicalize().unwrap(), 16));
    }

    #[tokio::test]
    async fn an_empty_directory_is_told_apart_from_none_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let at = Installation::at(directory.path()).await.unwrap_err();
        assert!(matches!(at, InstallationError::Incomplete { .. }), "{at}");
        let find = Installation::find(&[directory.path().to_path_buf()], None).await.unwrap_err();
        assert!(
            matches!(&find, InstallationError::Absent { passed_over } if passed_over.is_empty()),
            "{find}"
        );
    }
}
