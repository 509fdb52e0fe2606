use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::ETAG;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::path::FilePath;
use super::{directory, download, multipart, upload};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::gateway::Via;
use crate::request::{Fields, FlagOr, Parameters};
use crate::token::Claims;
use crate::workspace::Workspace;

/// Audience of the tokens in signed addresses: no other door takes them.
const AUDIENCE: &str = "storage";

/// Longest life of a signed address, in seconds.
const LONGEST: i64 = 3600;

const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What the bearer of a signed address may do with one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Operation {
    /// Read it.
    Read,
    /// Write it, replacing or not.
    Write {
        /// Whether a file that is there is replaced.
        overwrite: bool,
    },
    /// Remove it.
    Remove,
    /// Send one part of a file that comes in parts.
    WritePart {
        /// Id of the upload.
        upload: String,
        /// Number of the part, from 1.
        part: u32,
    },
    /// Drop an upload in parts.
    Abort {
        /// Id of the upload.
        upload: String,
    },
}

impl Workspace {
    /// An address below `base` that lets its bearer do one thing with one file until `until` (seconds since the epoch),
    /// at most an hour. Whoever makes it has checked that the caller may.
    pub(crate) fn signed_address(
        &self,
        base: &str,
        owner: &str,
        path: &FilePath,
        operation: &Operation,
        until: Option<i64>,
    ) -> String {
        let now = self.clock().unix_seconds();
        let mut extra = serde_json::Map::new();
        extra.insert("path".to_owned(), json!(path.to_string()));
        extra.insert("operation".to_owned(), json!(operation));
        let claims = Claims {
            iss: self.issuer(),
            aud: AUDIENCE.to_owned(),
            sub: owner.to_owned(),
            client_id: String::new(),
            scope: String::new(),
            iat: now,
            exp: until.map_or(now + LONGEST, |until| until.clamp(now, now + LONGEST)),
            jti: uuid::Uuid::new_v4().to_string(),
            extra,
        };
        let token = self.signer().sign(&claims);
        let path = path.to_string();
        format!("{base}/storage{}?signature={token}", utf8_percent_encode(&path, &PATH))
    }

    fn signed(&self, path: &str, signature: &str) -> Result<(FilePath, Operation), ApiError> {
        let claims = self
            .signer()
            .verify(signature, &self.issuer(), AUDIENCE, self.clock().unix_seconds())
            .map_err(|error| ApiError::denied(format!("The signed address is refused: {error}")))?;
        let path = FilePath::parse(path)?;
        if claims.extra.get("path").and_then(Value::as_str) != Some(&path.to_string()) {
            return Err(ApiError::denied("The signed address is for another file"));
        }
        let operation = claims.extra.get("operation").cloned().unwrap_or_default();
        let operation = serde_json::from_value(operation);
        Ok((path, operation.map_err(|_| ApiError::denied("The signed address names no operation"))?))
    }
}

/// Reads an RFC 3339 time as seconds since the epoch.
pub(super) fn expiry(text: Option<&str>) -> Result<Option<i64>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let time: Result<Timestamp, _> = text.parse();
    time.map(|time| Some(time.as_second()))
        .map_err(|_| ApiError::invalid(format!("expire_time must be an RFC 3339 time, not `{text}`")))
}

#[derive(Deserialize)]
pub(super) struct CreateQuery {
    path: String,
    expire_time: Option<String>,
    overwrite: Option<FlagOr>,
}

pub(super) async fn create_download(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
    Fields(query): Fields<CreateQuery>,
) -> ApiResult<Value> {
    let path = FilePath::parse(&query.path)?;
    let place = workspace.file_place(&caller, &path, "READ_VOLUME")?;
    if !place.is_file() {
        return Err(download::missing(&path));
    }
    let base = crate::oauth::base(&workspace, via, &uri, &headers);
    let until = expiry(query.expire_time.as_deref())?;
    let url = workspace.signed_address(&base, caller.name(), &path, &Operation::Read, until);
    Ok(Json(json!({ "url": url, "headers": [] })))
}

pub(super) async fn create_upload(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
    caller: Caller,
    Fields(query): Fields<CreateQuery>,
) -> ApiResult<Value> {
    let path = FilePath::parse(&query.path)?;
    workspace.file_place(&caller, &path, "WRITE_VOLUME")?;
    let base = crate::oauth::base(&workspace, via, &uri, &headers);
    let until = expiry(query.expire_time.as_deref())?;
    let operation = Operation::Write { overwrite: query.overwrite.is_none_or(|flag| flag.is_set()) };
    let url = workspace.signed_address(&base, caller.name(), &path, &operation, until);
    Ok(Json(json!({ "url": url, "headers": [] })))
}

#[derive(Deserialize)]
pub(super) struct Signature {
    #[serde(default)]
    signature: String,
}

pub(super) async fn download(
    State(workspace): State<Workspace>,
    UrlPath(path): UrlPath<String>,
    Parameters(signature): Parameters<Signature>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (path, operation) = workspace.signed(&path, &signature.signature)?;
    if operation != Operation::Read {
        return Err(ApiError::denied("The signed address is not for reading"));
    }
    download::send(&path, &workspace.signed_place(&path)?, &headers, true).await
}

pub(super) async fn upload(
    State(workspace): State<Workspace>,
    UrlPath(path): UrlPath<String>,
    Parameters(signature): Parameters<Signature>,
    body: Body,
) -> Result<Response, ApiError> {
    let (path, operation) = workspace.signed(&path, &signature.signature)?;
    match operation {
        Operation::Write { overwrite } => {
            upload::store(&workspace, &path, &workspace.signed_place(&path)?, overwrite, body).await?;
            Ok(StatusCode::OK.into_response())
        }
        Operation::WritePart { upload, part } => {
            let tag = multipart::receive_part(&workspace, &upload, part, body).await?;
            let mut response = StatusCode::OK.into_response();
            if let Ok(tag) = HeaderValue::from_str(&tag) {
                response.headers_mut().insert(ETAG, tag);
            }
            Ok(response)
        }
        _ => Err(ApiError::denied("The signed address is not for writing")),
    }
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    UrlPath(path): UrlPath<String>,
    Parameters(signature): Parameters<Signature>,
) -> Result<StatusCode, ApiError> {
    let (path, operation) = workspace.signed(&path, &signature.signature)?;
    match operation {
        Operation::Remove => {
            directory::remove(&path, &workspace.signed_place(&path)?)?;
            Ok(StatusCode::NO_CONTENT)
        }
        // The SDK takes 200 and 201 alone for done.
        Operation::Abort { upload } => {
            multipart::abort(&workspace, &upload)?;
            Ok(StatusCode::OK)
        }
        _ => Err(ApiError::denied("The signed address is not for removing")),
    }
}
