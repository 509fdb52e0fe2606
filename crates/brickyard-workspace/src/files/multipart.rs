//! Files that come in parts: a folder per upload, put together when the client says it is complete.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::path::FilePath;
use super::presigned::{Operation, expiry};
use super::{LARGEST, upload};
use crate::caller::Caller;
use crate::credential::unguessable;
use crate::error::{ApiError, ApiResult};
use crate::gateway::Via;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Most parts of one file.
const MOST_PARTS: u32 = 10_000;

/// Store kind of running uploads, by their unguessable id.
const UPLOAD: &str = "upload_in_parts";

#[derive(Serialize, Deserialize)]
struct Upload {
    path: String,
    overwrite: bool,
    owner: String,
}

#[derive(Deserialize)]
pub(super) struct Act {
    action: Option<String>,
    overwrite: Option<bool>,
    session_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Parts {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    part_number: u32,
    etag: String,
}

/// Begins or completes an upload in parts.
pub(super) async fn act(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
    Parameters(act): Parameters<Act>,
    JsonBody(parts): JsonBody<Parts>,
) -> ApiResult<Value> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    match act.action.as_deref() {
        Some("initiate-upload") => {
            let overwrite = act.overwrite.unwrap_or(false);
            upload::check_free(&path, &place, overwrite)?;
            let id = unguessable(24);
            let begun = Upload { path: path.to_string(), overwrite, owner: caller.name().to_owned() };
            workspace.store().put(UPLOAD, &id, &begun).map_err(|error| ApiError::internal(&error))?;
            std::fs::create_dir_all(folder(&workspace, &id)).map_err(|error| ApiError::internal(&error))?;
            Ok(Json(json!({ "multipart_upload": { "session_token": id } })))
        }
        Some("complete-upload") => {
            let id = act.session_token.unwrap_or_default();
            let begun = workspace.running(&caller, &path, &id)?;
            let joining = workspace.clone();
            let (name, overwrite) = (id.clone(), begun.overwrite);
            let joined = tokio::task::spawn_blocking(move || join(&joining, &name, &parts.parts)).await;
            let written = joined.map_err(|error| ApiError::internal(&error))??;
            upload::settle(&path, &place, overwrite, written)?;
            abort(&workspace, &id)?;
            Ok(Json(json!({})))
        }
        other => Err(ApiError::invalid(format!("The action `{}` is unknown", other.unwrap_or_default()))),
    }
}

#[derive(Deserialize)]
pub(super) struct PartUrls {
    path: String,
    session_token: String,
    start_part_number: u32,
    #[serde(default = "one")]
    count: u32,
    expire_time: Option<String>,
}

fn one() -> u32 {
    1
}

pub(super) async fn create_part_urls(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
    JsonBody(wanted): JsonBody<PartUrls>,
) -> ApiResult<Value> {
    let path = FilePath::parse(&wanted.path)?;
    workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    workspace.running(&caller, &path, &wanted.session_token)?;
    let last = wanted.start_part_number.saturating_add(wanted.count.min(1000));
    if wanted.start_part_number == 0 || last > MOST_PARTS + 1 {
        return Err(ApiError::invalid(format!("Parts are numbered from 1 to {MOST_PARTS}")));
    }
    let base = crate::oauth::base(&workspace, via, &uri, &headers);
    let until = expiry(wanted.expire_time.as_deref())?;
    let urls = (wanted.start_part_number..last).map(|part| {
        let operation = Operation::WritePart { upload: wanted.session_token.clone(), part };
        let url = workspace.signed_address(&base, caller.name(), &path, &operation, until);
        json!({ "part_number": part, "url": url, "headers": [] })
    });
    Ok(Json(json!({ "upload_part_urls": urls.collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
pub(super) struct AbortUrl {
    path: String,
    session_token: String,
    expire_time: Option<String>,
}

pub(super) async fn create_abort_url(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
    JsonBody(wanted): JsonBody<AbortUrl>,
) -> ApiResult<Value> {
    let path = FilePath::parse(&wanted.path)?;
    workspace.running(&caller, &path, &wanted.session_token)?;
    let base = crate::oauth::base(&workspace, via, &uri, &headers);
    let until = expiry(wanted.expire_time.as_deref())?;
    let operation = Operation::Abort { upload: wanted.session_token };
    let url = workspace.signed_address(&base, caller.name(), &path, &operation, until);
    Ok(Json(json!({ "abort_upload_url": { "url": url, "headers": [] } })))
}

/// Keeps one part and gives its tag; a part that comes again replaces the first.
pub(super) async fn receive_part(
    workspace: &Workspace,
    upload: &str,
    part: u32,
    body: Body,
) -> Result<String, ApiError> {
    let folder = folder(workspace, upload);
    if !folder.is_dir() {
        return Err(ApiError::not_found("Upload", "session"));
    }
    let written = upload::receive(workspace, body).await?;
    let length = written.metadata().map_err(|error| ApiError::internal(&error))?.len();
    let settled = written.persist(folder.join(part.to_string()));
    settled.map_err(|failed| ApiError::internal(&failed.error))?;
    Ok(tag(part, length))
}

/// Drops an upload and its parts.
pub(super) fn abort(workspace: &Workspace, upload: &str) -> Result<(), ApiError> {
    workspace.store().delete(UPLOAD, upload).map_err(|error| ApiError::internal(&error))?;
    let _ = std::fs::remove_dir_all(folder(workspace, upload));
    Ok(())
}

impl Workspace {
    /// The caller's running upload of this path.
    fn running(&self, caller: &Caller, path: &FilePath, id: &str) -> Result<Upload, ApiError> {
        let found: Option<Upload> =
            self.store().get(UPLOAD, id).map_err(|error| ApiError::internal(&error))?;
        found
            .filter(|found| found.path == path.to_string() && found.owner == caller.name())
            .ok_or_else(|| ApiError::not_found("Upload", path))
    }

    /// Removes what broken uploads of an earlier run left behind.
    pub(crate) fn forget_uploads(&self) -> Result<(), ApiError> {
        let begun: Vec<(String, Upload)> =
            self.store().list(UPLOAD, "").map_err(|error| ApiError::internal(&error))?;
        begun.iter().try_for_each(|(id, _)| abort(self, id))?;
        match std::fs::remove_dir_all(self.uploads_directory()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ApiError::internal(&error)),
            _ => Ok(()),
        }
    }
}

fn join(workspace: &Workspace, id: &str, parts: &[Part]) -> Result<tempfile::TempPath, ApiError> {
    let internal = |error: std::io::Error| ApiError::internal(&error);
    if parts.is_empty() || parts.windows(2).any(|two| two[0].part_number >= two[1].part_number) {
        return Err(ApiError::invalid("The parts must be listed in the order of their numbers"));
    }
    let folder = folder(workspace, id);
    let joined =
        tempfile::NamedTempFile::new_in(workspace.uploads_directory()).map_err(internal)?.into_temp_path();
    let mut whole = OpenOptions::new().write(true).open(&joined).map_err(internal)?;
    let mut length = 0;
    for part in parts {
        let unknown = || ApiError::invalid(format!("Part {} was not received as listed", part.part_number));
        let mut file = File::open(folder.join(part.part_number.to_string())).map_err(|_| unknown())?;
        let part_length = file.metadata().map_err(internal)?.len();
        if tag(part.part_number, part_length).trim_matches('"') != part.etag.trim_matches('"') {
            return Err(unknown());
        }
        length += part_length;
        if length > LARGEST {
            let message = format!("A file has at most {LARGEST} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RESOURCE_EXHAUSTED", message));
        }
        std::io::copy(&mut file, &mut whole).map_err(internal)?;
    }
    Ok(joined)
}

fn tag(part: u32, length: u64) -> String {
    format!("\"{part}-{length:x}\"")
}

/// Folder of an upload; the id may come from a client, so only our own alphabet is taken.
fn folder(workspace: &Workspace, id: &str) -> PathBuf {
    let good = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    workspace.uploads_directory().join(format!("parts-{}", if good { id } else { "none" }))
}
