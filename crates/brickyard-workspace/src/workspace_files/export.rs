use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;

use super::path::ObjectPath;
use super::tree::Object;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(crate) struct ExportQuery {
    path: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    direct_download: bool,
}

/// Read a file or a notebook: base64 in JSON, or the bytes with `direct_download=true`.
pub(crate) async fn export(
    State(workspace): State<Workspace>,
    caller: Caller,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let path = ObjectPath::parse(&query.path)?;
    workspace.authorize_path(&caller, &path)?;
    if let Some(format) = query.format.filter(|format| !matches!(format.as_str(), "SOURCE" | "AUTO")) {
        return Err(ApiError::not_implemented(format_args!("workspace exports of format {format}")));
    }
    let tree = workspace.file_tree();
    let file_type = match tree.get(&path)? {
        Object::Directory => return Err(ApiError::not_implemented("exports of a whole folder")),
        Object::File(_) => {
            path.name().rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_owned())
        }
        Object::Notebook(note, _) => note.language.to_lowercase(),
    };
    let file = tree.on_disk(&path);
    if query.direct_download {
        let file = tokio::fs::File::open(file).await.map_err(|error| ApiError::internal(&error))?;
        let body = axum::body::Body::from_stream(tokio_util::io::ReaderStream::new(file));
        return Ok(([(CONTENT_TYPE, "application/octet-stream")], body).into_response());
    }
    let content = tokio::fs::read(file).await.map_err(|error| ApiError::internal(&error))?;
    let content = base64::engine::general_purpose::STANDARD.encode(content);
    Ok(Json(json!({ "content": content, "file_type": file_type })).into_response())
}
