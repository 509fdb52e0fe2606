use std::collections::BTreeSet;

use brickyard_api::{ApiFailure, Client};
use bytes::Bytes;
use futures_util::stream::{self, TryStreamExt};

use super::files::LocalFile;
use super::plan::{DeployPlan, Manifest};
use crate::failure::Failure;

/// How many files are on their way at once.
const PARALLEL: usize = 16;

/// What was uploaded last, read from the file beside the folder; what lies there without it counts as unknown.
pub(super) async fn manifest(client: &Client, path: &str) -> Result<Manifest, Failure> {
    match client.export_file(&manifest_path(path)).await {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(failure) if failure.is_not_found() => Ok(Manifest::new()),
        Err(failure) => Err(failure.into()),
    }
}

/// Uploads what is new or differs and removes what is stale; says how many of each.
pub(super) async fn bring_in_line(
    client: &Client,
    path: &str,
    files: &[LocalFile],
    plan: &DeployPlan,
) -> Result<(usize, usize), Failure> {
    let wanted: BTreeSet<&str> = plan.added.iter().chain(&plan.changed).map(String::as_str).collect();
    if wanted.is_empty() && plan.removed.is_empty() {
        return Ok((0, 0));
    }
    // Until everything is there, nothing counts as known: a deployment that breaks off is completed by the next one.
    client.delete_object(&manifest_path(path), false).await?;
    let folders: BTreeSet<String> = files
        .iter()
        .filter(|file| wanted.contains(file.name.as_str()))
        .map(|file| format!("{path}/{}", file.name))
        .filter_map(|name| Some(name.rsplit_once('/')?.0.to_owned()))
        .collect();
    stream::iter(folders.iter().map(Ok::<_, Failure>))
        .try_for_each_concurrent(PARALLEL, |folder| async move { Ok(client.make_directories(folder).await?) })
        .await?;
    let uploads = files.iter().filter(|file| wanted.contains(file.name.as_str()));
    stream::iter(uploads.map(Ok::<_, Failure>))
        .try_for_each_concurrent(PARALLEL, |file| async move { upload(client, path, file).await })
        .await?;
    stream::iter(plan.removed.iter().map(Ok::<_, Failure>))
        .try_for_each_concurrent(PARALLEL, |name| async move {
            Ok(client.delete_object(&format!("{path}/{name}"), false).await?)
        })
        .await?;
    let manifest: Manifest = files.iter().map(|file| (file.name.clone(), file.digest.clone())).collect();
    let text = serde_json::to_vec(&manifest)
        .map_err(|error| Failure::machine("Cannot write the manifest").because(error))?;
    client.import_file(&manifest_path(path), Bytes::from(text)).await?;
    Ok((wanted.len(), plan.removed.len()))
}

async fn upload(client: &Client, path: &str, file: &LocalFile) -> Result<(), Failure> {
    let target = format!("{path}/{}", file.name);
    let bytes = tokio::fs::read(&file.path)
        .await
        .map_err(|error| Failure::user(format!("Cannot read `{}`", file.name)).because(error))?;
    match client.import_file(&target, Bytes::from(bytes)).await {
        // Something else has the place, such as a notebook where a file should be.
        Err(ApiFailure::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => Err(Failure::app(format!(
            "`{target}` is there already and is no file"
        ))
        .hint("a `.py` file that begins with `# Databricks notebook source` becomes a notebook: remove that line")),
        other => Ok(other?),
    }?;
    Ok(())
}

fn manifest_path(path: &str) -> String {
    format!("{path}.brickyard.json")
}
