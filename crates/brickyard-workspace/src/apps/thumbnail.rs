use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

const THUMBNAIL: &str = "app_thumbnail";

/// Largest picture, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;

#[derive(Deserialize)]
pub(crate) struct Body {
    #[serde(default)]
    app_thumbnail: Picture,
}

#[derive(Deserialize, Default)]
struct Picture {
    /// Base64.
    #[serde(default)]
    thumbnail: String,
}

/// Set an app's picture.
pub(crate) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<Body>,
) -> ApiResult<Value> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let text = body.app_thumbnail.thumbnail;
    let picture = STANDARD.decode(&text).map_err(|_| ApiError::invalid("The thumbnail is not base64"))?;
    if picture.len() > LARGEST {
        return Err(ApiError::invalid(format!("The thumbnail has more than {LARGEST} bytes")));
    }
    kind(&picture).ok_or_else(|| ApiError::invalid("The thumbnail is no PNG, JPEG, GIF or WebP picture"))?;
    let stored = workspace.store().put(THUMBNAIL, &name, &text);
    stored.map_err(|error| ApiError::internal(&error))?;
    let url = format!("https://{}/api/2.0/apps/{name}/thumbnail", workspace.config().host);
    workspace.change_app(&name, |record| {
        record.app.thumbnail_url = Some(url);
        true
    })?;
    Ok(Json(json!({ "thumbnail": text })))
}

/// Remove an app's picture.
pub(crate) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    if !workspace.forget_thumbnail(&name)? {
        return Err(ApiError::not_found("The thumbnail of app", &name));
    }
    workspace.change_app(&name, |record| {
        record.app.thumbnail_url = None;
        true
    })?;
    Ok(Json(json!({})))
}

/// The picture itself, where `thumbnail_url` points.
pub(crate) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    workspace.app_for(&caller, &name, "CAN_USE")?;
    let text: Option<String> =
        workspace.store().get(THUMBNAIL, &name).map_err(|error| ApiError::internal(&error))?;
    let picture = text.and_then(|text| STANDARD.decode(text).ok());
    let picture = picture.ok_or_else(|| ApiError::not_found("The thumbnail of app", &name))?;
    let kind = kind(&picture).unwrap_or("application/octet-stream");
    Ok(([(CONTENT_TYPE, kind)], picture).into_response())
}

impl Workspace {
    pub(super) fn forget_thumbnail(&self, name: &str) -> Result<bool, ApiError> {
        self.store().delete(THUMBNAIL, name).map_err(|error| ApiError::internal(&error))
    }
}

/// Media type by the first bytes.
fn kind(picture: &[u8]) -> Option<&'static str> {
    match picture {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
