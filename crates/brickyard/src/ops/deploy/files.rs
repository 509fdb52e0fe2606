use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ignore::WalkBuilder;

use crate::failure::Failure;

/// Largest file of an app, in bytes (platform §2.1).
const LARGEST: u64 = 10_485_760;

/// Largest file that stays in memory from when it was looked at until it is sent, in bytes.
const SMALL: u64 = 64 * 1024;

/// Most files that do so.
const IN_MEMORY: usize = 2000;

/// Most files of an app: more is a mistake, such as an environment that is not ignored.
const MOST: usize = 20_000;

/// Never part of an app, whatever the ignore files say.
const NEVER: [&str; 10] = [
    ".git",
    ".databricks",
    ".brickyard",
    "node_modules",
    "__pycache__",
    ".venv",
    "venv",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
];

/// Endings of files that a first line turns into notebooks, and that line (platform §9.1).
const NOTEBOOKS: [(&str, &str); 5] = [
    ("py", "# Databricks notebook source"),
    ("sql", "-- Databricks notebook source"),
    ("scala", "// Databricks notebook source"),
    ("r", "# Databricks notebook source"),
    ("R", "# Databricks notebook source"),
];

/// A file that belongs to the app.
#[derive(Debug, Clone)]
pub(crate) struct LocalFile {
    /// Path below the app's folder, with `/`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) digest: String,
    /// Bytes.
    pub(crate) size: u64,
    /// The workspace makes a notebook of it, which has no ending.
    pub(crate) notebook: bool,
    /// Its bytes, where they stayed in memory.
    pub(super) content: Option<Bytes>,
}

impl LocalFile {
    /// Its name in the workspace.
    pub(crate) fn remote_name(&self) -> &str {
        remote_name(&self.name, self.notebook)
    }

    /// The bytes that were looked at. Others would make the journal lie: a later deployment believed it.
    pub(super) async fn content(&self) -> Result<Bytes, Failure> {
        if let Some(content) = &self.content {
            return Ok(content.clone());
        }
        let bytes = tokio::fs::read(&self.path)
            .await
            .map_err(|error| Failure::user(format!("Cannot read `{}`", self.name)).because(error))?;
        if digest(&bytes) != self.digest {
            return Err(Failure::user(format!("`{}` changed while it was being deployed", self.name))
                .hint("deploy again"));
        }
        Ok(Bytes::from(bytes))
    }
}

/// The name a file has in the workspace: a notebook loses its ending.
pub(super) fn remote_name(name: &str, notebook: bool) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if notebook => stem,
        _ => name,
    }
}

/// What an app's folder holds.
#[derive(Debug)]
pub(crate) struct Folder {
    /// The files that belong to the app, by name.
    pub(crate) files: Vec<LocalFile>,
    /// Names of symbolic links: the workspace has none, and the official CLI leaves them at home too.
    pub(crate) links: Vec<String>,
}

/// The files of an app's folder by name: what `.gitignore` and `.databricksignore` leave.
///
/// All sizes are looked at before the first file is read.
pub(crate) fn collect(directory: &Path) -> Result<Folder, Failure> {
    let walk = WalkBuilder::new(directory)
        .hidden(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .parents(false)
        .add_custom_ignore_filename(".databricksignore")
        .filter_entry(|entry| !entry.file_name().to_str().is_some_and(|name| NEVER.contains(&name)))
        .sort_by_file_path(Path::cmp)
        .build();
    let mut found = Vec::new();
    let (mut large, mut links) = (Vec::new(), Vec::new());
    for entry in walk {
        let entry = entry.map_err(|error| Failure::user("Cannot read the app's folder").because(error))?;
        let Some(kind) = entry.file_type().filter(|kind| kind.is_file() || kind.is_symlink()) else {
            continue;
        };
        let path = entry.into_path();
        let relative = path.strip_prefix(directory).unwrap_or(&path);
        let Some(name) = relative.to_str().map(|name| name.replace('\\', "/")) else {
            return Err(Failure::app(format!("The name of `{}` is not UTF-8", relative.display())));
        };
        if kind.is_symlink() {
            links.push(name);
            continue;
        }
        let size = std::fs::metadata(&path)
            .map_err(|error| Failure::user(format!("Cannot read `{name}`")).because(error))?
            .len();
        if size > LARGEST {
            large.push(format!("`{name}` has {size} bytes; a file of an app may have {LARGEST}"));
        }
        found.push((name, path, size));
        if found.len() > MOST {
            return Err(Failure::app(format!("The app's folder has more than {MOST} files"))
                .hint("name what does not belong to the app in `.databricksignore`"));
        }
    }
    if !large.is_empty() {
        return Err(Failure::app(large.join("\n"))
            .hint("put large data into a volume, or name the file in `.databricksignore`"));
    }
    if found.is_empty() {
        return Err(Failure::app("The app's folder has no files to deploy")
            .hint("look what `.gitignore` and `.databricksignore` leave out"));
    }
    let files = read_all(found)?;
    one_place_each(&files)?;
    Ok(Folder { files, links })
}

/// Reads the files, on as many threads as there are processors.
fn read_all(found: Vec<(String, PathBuf, u64)>) -> Result<Vec<LocalFile>, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = found.len().div_ceil(threads);
    let few = found.len() <= IN_MEMORY;
    std::thread::scope(|scope| {
        let readers: Vec<_> = found
            .chunks(share)
            .map(|part| {
                let part = part.iter().map(|(name, path, _)| read(name.clone(), path.clone(), few));
                scope.spawn(move || part.collect::<Result<Vec<_>, _>>())
            })
            .collect();
        let mut files = Vec::with_capacity(found.len());
        for reader in readers {
            files.append(&mut reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(files)
    })
}

/// `report.py` that becomes a notebook and a file `report` would fight for one place.
fn one_place_each(files: &[LocalFile]) -> Result<(), Failure> {
    let mut places: BTreeMap<&str, &str> = BTreeMap::new();
    for file in files {
        if let Some(other) = places.insert(file.remote_name(), &file.name) {
            return Err(Failure::app(format!(
                "`{other}` and `{}` have one place in the workspace: a notebook has no ending",
                file.name
            ))
            .hint("remove the first line `# Databricks notebook source`"));
        }
    }
    Ok(())
}

fn read(name: String, path: PathBuf, keep: bool) -> Result<LocalFile, Failure> {
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|error| Failure::user(format!("Cannot read `{name}`")).because(error))?;
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let notebook = NOTEBOOKS.iter().any(|(kind, line)| *kind == ending && line.as_bytes() == first)
        || ending == "ipynb" && is_jupyter(&name, &bytes);
    let (digest, size) = (digest(&bytes), bytes.len() as u64);
    let content = (keep && size <= SMALL).then(|| Bytes::from(bytes));
    Ok(LocalFile { name, path, digest, size, notebook, content })
}

/// A Jupyter notebook (nbformat 4) becomes a notebook too; those of the pipeline designer do not.
fn is_jupyter(name: &str, bytes: &[u8]) -> bool {
    let is_one = |document: serde_json::Value| document["nbformat"] == 4 && document["cells"].is_array();
    !name.ends_with(".designer.ipynb") && serde_json::from_slice(bytes).is_ok_and(is_one)
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let halves = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| DIGITS[usize::from(half)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        directory
    }

    #[test]
    fn ignored_files_stay_at_home() {
        let directory = folder(&[
            ("app.py", "1"),
            ("pages/one.py", "2"),
            (".streamlit/config.toml", "3"),
            (".gitignore", "dist\n"),
            (".databricksignore", "*.csv\n"),
            ("dist/x.js", ""),
            ("data.csv", ""),
            (".venv/lib/x.py", ""),
            ("__pycache__/a.pyc", ""),
        ]);
        let names: Vec<String> =
            collect(directory.path()).unwrap().files.into_iter().map(|file| file.name).collect();
        assert_eq!(
            names,
            [".databricksignore", ".gitignore", ".streamlit/config.toml", "app.py", "pages/one.py"]
        );
    }

    #[test]
    fn a_file_too_large_is_refused_before_anything_is_sent() {
        let directory = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(directory.path().join("model.bin")).unwrap();
        file.set_len(LARGEST + 1).unwrap();
        let failure = collect(directory.path()).unwrap_err();
        assert_eq!(failure.to_string(), "`model.bin` has 10485761 bytes; a file of an app may have 10485760");
    }

    #[test]
    fn links_stay_at_home_and_are_told() {
        let directory = folder(&[("app.py", "1"), ("pages/one.py", "2"), (".gitignore", "ignored\n")]);
        for (to, name) in
            [("app.py", "same.py"), ("pages", "more"), ("nowhere", "broken"), ("app.py", "ignored")]
        {
            std::os::unix::fs::symlink(to, directory.path().join(name)).unwrap();
        }
        let folder = collect(directory.path()).unwrap();
        let names: Vec<&str> = folder.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, [".gitignore", "app.py", "pages/one.py"]);
        assert_eq!(folder.links, ["broken", "more", "same.py"]);
    }

    #[tokio::test]
    async fn what_is_sent_is_what_was_looked_at() {
        let directory = folder(&[("small", "one"), ("large", &"x".repeat(100_000))]);
        let files = collect(directory.path()).unwrap().files;
        for name in ["small", "large"] {
            std::fs::write(directory.path().join(name), "two").unwrap();
        }
        let [large, small] = files.as_slice() else { panic!("{files:?}") };
        assert_eq!(small.content().await.unwrap(), "one");
        let failure = large.content().await.unwrap_err();
        assert_eq!(failure.to_string(), "`large` changed while it was being deployed");
    }

    #[test]
    fn a_notebook_loses_its_ending_and_must_not_meet_a_file() {
        let notebook = "# Databricks notebook source\nprint(1)\n";
        let directory = folder(&[
            ("report.py", notebook),
            ("app.py", "import x\n# Databricks notebook source"),
            ("study.ipynb", r#"{"nbformat": 4, "cells": []}"#),
            ("odd.ipynb", "{}"),
        ]);
        let files = collect(directory.path()).unwrap().files;
        let names: Vec<&str> = files.iter().map(LocalFile::remote_name).collect();
        assert_eq!(names, ["app.py", "odd.ipynb", "report", "study"]);
        std::fs::write(directory.path().join("report"), "").unwrap();
        assert!(collect(directory.path()).unwrap_err().to_string().contains("one place in the workspace"));
    }
}
