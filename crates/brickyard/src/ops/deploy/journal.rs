use std::collections::{BTreeMap, BTreeSet};

use brickyard_api::{Client, ObjectType};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::files::{LocalFile, remote_name};
use crate::failure::Failure;

/// How many folders are listed at once.
const PARALLEL: usize = 16;

/// Most objects of a folder that are looked at.
const MOST: usize = 50_000;

/// What a folder of the workspace holds because we put it there, written beside it before anything changes: after a
/// crash at any place the next deployment knows what it cannot trust.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Journal {
    pub(super) version: u32,
    /// Digest of each file by name; empty while it is on its way or has to go.
    pub(super) files: BTreeMap<String, String>,
    /// Which of them are notebooks.
    pub(super) notebooks: BTreeSet<String>,
    /// The deployment that took exactly these files.
    pub(super) deployment: Option<Deployed>,
}

/// A deployment and what it was made with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployed {
    /// Its id.
    pub(super) id: String,
    /// Digest of its command and variables.
    pub(super) configuration: String,
}

impl Journal {
    /// Reads the journal of a folder; without one nothing that lies there is known.
    pub(super) async fn read(client: &Client, path: &str) -> Result<Self, Failure> {
        match client.export_file(&place(path)).await {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(failure) if failure.is_not_found() => Ok(Self::default()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes it.
    pub(super) async fn write(&self, client: &Client, path: &str) -> Result<(), Failure> {
        let text = serde_json::to_vec(self)
            .map_err(|error| Failure::machine("Cannot write the journal").because(error))?;
        Ok(client.import_file(&place(path), Bytes::from(text)).await?)
    }

    /// The journal when everything is there.
    pub(super) fn complete(files: &[LocalFile], deployment: Option<Deployed>) -> Self {
        Self {
            version: 1,
            files: files.iter().map(|file| (file.name.clone(), file.digest.clone())).collect(),
            notebooks: files.iter().filter(|file| file.notebook).map(|file| file.name.clone()).collect(),
            deployment,
        }
    }

    /// The journal while these names change: what they hold is not known until the end.
    pub(super) fn doubting<'a>(&self, files: &[LocalFile], names: impl Iterator<Item = &'a str>) -> Self {
        let mut doubting = Self { version: 1, deployment: None, ..self.clone() };
        for name in names {
            doubting.files.insert(name.to_owned(), String::new());
        }
        doubting.notebooks.extend(files.iter().filter(|file| file.notebook).map(|file| file.name.clone()));
        doubting
    }

    /// The name in the workspace of a file we put there.
    pub(super) fn remote_name<'a>(&self, name: &'a str) -> &'a str {
        remote_name(name, self.notebooks.contains(name))
    }
}

/// Sizes of what lies below a folder of the workspace, by name; `None` for notebooks.
pub(super) type Remote = BTreeMap<String, Option<u64>>;

/// Lists a folder with everything below it.
pub(super) async fn listing(client: &Client, path: &str) -> Result<Remote, Failure> {
    let prefix = path.strip_prefix("/Workspace").unwrap_or(path).to_owned();
    let mut remote = Remote::new();
    let mut folders = vec![path.to_owned()];
    while !folders.is_empty() {
        let lists: Vec<_> = stream::iter(folders.drain(..))
            .map(|folder| async move { client.list_objects(&folder).await })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        for object in lists.into_iter().flatten() {
            let plain = object.path.strip_prefix("/Workspace").unwrap_or(&object.path);
            let Some(name) = plain.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('/')) else {
                continue;
            };
            match object.object_type {
                ObjectType::Directory => folders.push(object.path.clone()),
                ObjectType::File => _ = remote.insert(name.to_owned(), object.size),
                ObjectType::Notebook | ObjectType::Other => _ = remote.insert(name.to_owned(), None),
            }
        }
        if remote.len() > MOST {
            return Err(Failure::app(format!("{path} holds more than {MOST} objects"))
                .hint("name a folder of its own with `--source-code-path`"));
        }
    }
    Ok(remote)
}

fn place(path: &str) -> String {
    format!("{path}.brickyard.json")
}
