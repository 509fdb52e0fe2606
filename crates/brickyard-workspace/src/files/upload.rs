use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use futures_util::StreamExt;
use http::StatusCode;
use serde::Deserialize;
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use super::LARGEST;
use super::path::FilePath;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::request::Parameters;
use crate::workspace::Workspace;

/// How long a sender may be silent.
const SILENCE: Duration = Duration::from_mins(2);

const BUFFER: usize = 1024 * 1024;

#[derive(Deserialize)]
pub(super) struct UploadQuery {
    pub(super) overwrite: Option<bool>,
}

/// Takes a file whole or not at all: it lies under its name only when the last byte is here.
pub(super) async fn file(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
    Parameters(query): Parameters<UploadQuery>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    store(&workspace, &path, &place, query.overwrite.unwrap_or(false), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stores a body at a checked place.
pub(super) async fn store(
    workspace: &Workspace,
    path: &FilePath,
    place: &Path,
    overwrite: bool,
    body: Body,
) -> Result<(), ApiError> {
    check_free(path, place, overwrite)?;
    let written = receive(workspace, body).await?;
    settle(path, place, overwrite, written)
}

/// Refuses a place that cannot take the file, before a byte is read.
pub(super) fn check_free(path: &FilePath, place: &Path, overwrite: bool) -> Result<(), ApiError> {
    if path.inside.is_empty() || place.is_dir() {
        return Err(ApiError::invalid(format!("The path '{path}' is a directory")));
    }
    if !overwrite && place.exists() {
        return Err(exists(path));
    }
    Ok(())
}

/// Writes a body to a file of its own, which goes away unless it is settled.
pub(super) async fn receive(workspace: &Workspace, body: Body) -> Result<TempPath, ApiError> {
    let internal = |error: std::io::Error| ApiError::internal(&error);
    let directory = workspace.uploads_directory();
    std::fs::create_dir_all(&directory).map_err(internal)?;
    let (file, written) = NamedTempFile::new_in(directory).map_err(internal)?.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    file.set_max_buf_size(BUFFER);
    let (mut stream, mut length) = (body.into_data_stream(), 0);
    loop {
        let next = tokio::time::timeout(SILENCE, stream.next()).await;
        let Some(chunk) = next.map_err(|_| broken("the sender fell silent"))? else { break };
        let chunk = chunk.map_err(|error| broken(&error.to_string()))?;
        length += chunk.len() as u64;
        if length > LARGEST {
            let message = format!("A file has at most {LARGEST} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RESOURCE_EXHAUSTED", message));
        }
        file.write_all(&chunk).await.map_err(internal)?;
    }
    file.flush().await.map_err(internal)?;
    Ok(written)
}

/// Gives a complete file its name; parents are made as object storage would.
pub(super) fn settle(
    path: &FilePath,
    place: &Path,
    overwrite: bool,
    written: TempPath,
) -> Result<(), ApiError> {
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).map_err(|error| {
            ApiError::invalid(format!("The directory of '{path}' cannot be made: {error}"))
        })?;
    }
    let settled = if overwrite { written.persist(place) } else { written.persist_noclobber(place) };
    settled.map_err(|failed| match failed.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => ApiError::internal(&failed.error),
    })
}

fn exists(path: &FilePath) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "ALREADY_EXISTS",
        format!("The file '{path}' being created already exists."),
    )
}

fn broken(why: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", format!("The upload broke off: {why}"))
}
