use std::io::ErrorKind;
use std::time::SystemTime;

use axum::Json;
use axum::extract::{Path as UrlPath, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::download::missing;
use super::path::FilePath;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::Parameters;
use crate::workspace::Workspace;

/// Most entries of one page.
const LARGEST_PAGE: usize = 1000;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    page_size: Option<i64>,
    page_token: Option<String>,
}

/// Lists a directory by name, in pages.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "READ_VOLUME")?;
    let after = match query.page_token.filter(|token| !token.is_empty()) {
        Some(token) => {
            let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Some(name.ok_or_else(|| ApiError::invalid("page_token is not one of this directory"))?)
        }
        None => None,
    };
    let size = query.page_size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0);
    let size = size.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    let entries = std::fs::read_dir(&place).map_err(|_| missing_directory(&path))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| after.as_ref().is_none_or(|after| name > after))
        .collect();
    names.sort_unstable();
    let more = names.len() > size;
    names.truncate(size);
    let contents: Vec<Value> = names
        .iter()
        .filter_map(|name| {
            let metadata = place.join(name).symlink_metadata().ok()?;
            let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            let modified = u64::try_from(modified.as_millis()).ok()?;
            let (directory, path) = (metadata.is_dir(), path.join(name).to_string());
            let mut entry =
                json!({ "path": path, "is_directory": directory, "name": name, "last_modified": modified });
            if metadata.is_file() {
                entry["file_size"] = json!(metadata.len());
            }
            (directory || metadata.is_file()).then_some(entry)
        })
        .collect();
    let mut answer = json!({ "contents": contents });
    if let Some(last) = names.last().filter(|_| more) {
        answer["next_page_token"] = json!(URL_SAFE_NO_PAD.encode(last));
    }
    Ok(Json(answer))
}

/// Whether a directory is there.
pub(super) async fn metadata(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
) -> Result<StatusCode, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "READ_VOLUME")?;
    if place.is_dir() { Ok(StatusCode::OK) } else { Err(missing_directory(&path)) }
}

/// Makes a directory and its parents; one that is there is no error.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
) -> Result<StatusCode, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    match std::fs::create_dir_all(&place) {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory) => {
            Err(ApiError::new(
                StatusCode::CONFLICT,
                "ALREADY_EXISTS",
                format!("A file with the name of the directory '{path}' already exists"),
            ))
        }
        Err(error) => Err(ApiError::internal(&error)),
    }
}

/// Removes an empty directory.
pub(super) async fn delete_directory(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
) -> Result<StatusCode, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    if path.inside.is_empty() {
        return Err(ApiError::invalid("A volume is not deleted as a directory"));
    }
    match std::fs::remove_dir(&place) {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(missing_directory(&path))
        }
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "FAILED_PRECONDITION",
            format!("The directory '{path}' is not empty"),
        )),
        Err(error) => Err(ApiError::internal(&error)),
    }
}

/// Removes a file.
pub(super) async fn delete_file(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
) -> Result<StatusCode, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    remove(&path, &place)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the file at a checked place.
pub(super) fn remove(path: &FilePath, place: &std::path::Path) -> Result<(), ApiError> {
    if place.is_dir() {
        return Err(ApiError::invalid(format!("The path '{path}' is a directory")));
    }
    match std::fs::remove_file(place) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(missing(path))
        }
        Err(error) => Err(ApiError::internal(&error)),
        Ok(()) => Ok(()),
    }
}

fn missing_directory(path: &FilePath) -> ApiError {
    let message = format!("The directory '{path}' does not exist; it was not found");
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}
