use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;

use super::jupyter;
use super::path::ObjectPath;
use super::tree::{Notebook, Object};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::request::Parameters;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(crate) struct ExportQuery {
    path: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    direct_download: bool,
    /// `NONE` leaves out what the cells of a Jupyter notebook have given.
    #[serde(default)]
    outputs: Option<String>,
}

/// Read a file or a notebook: base64 in JSON, or the bytes with `direct_download=true`.
pub(crate) async fn export(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ExportQuery>,
) -> Result<Response, ApiError> {
    let path = ObjectPath::parse(&query.path)?;
    workspace.authorize_path(&caller, &path, "CAN_READ")?;
    let format = query.format.as_deref().unwrap_or("SOURCE");
    if !matches!(format, "SOURCE" | "AUTO" | "JUPYTER" | "HTML") {
        return Err(ApiError::not_implemented(format_args!(
            "workspace exports of format {format}: export each notebook, with format SOURCE, JUPYTER or HTML"
        )));
    }
    let tree = workspace.file_tree();
    let file_type = match tree.get(&path)? {
        Object::Directory => {
            return Err(ApiError::not_implemented(
                "exports of a whole folder, an archive of format DBC: export its objects one by one",
            ));
        }
        Object::File(_) if matches!(format, "JUPYTER" | "HTML") => {
            return Err(ApiError::invalid(format!("{path} is a file: format {format} is for notebooks")));
        }
        Object::File(_) => {
            path.name().rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_owned())
        }
        Object::Notebook(note, _) => {
            let source =
                tokio::fs::read(tree.on_disk(&path)?).await.map_err(|error| ApiError::internal(&error))?;
            let source = String::from_utf8_lossy(&source);
            let keep = query.outputs.as_deref() != Some("NONE");
            let (content, file_type) = notebook(&note, &source, path.name(), format, keep);
            if query.direct_download {
                return Ok(([(CONTENT_TYPE, "application/octet-stream")], content).into_response());
            }
            let content = base64::engine::general_purpose::STANDARD.encode(content);
            return Ok(Json(json!({ "content": content, "file_type": file_type })).into_response());
        }
    };
    if let Some(content) = tree.waiting(&path)? {
        if query.direct_download {
            return Ok(([(CONTENT_TYPE, "application/octet-stream")], content).into_response());
        }
        let content = base64::engine::general_purpose::STANDARD.encode(content);
        return Ok(Json(json!({ "content": content, "file_type": file_type })).into_response());
    }
    let file = tree.on_disk(&path)?;
    if query.direct_download {
        let file = tokio::fs::File::open(file).await.map_err(|error| ApiError::internal(&error))?;
        let body = axum::body::Body::from_stream(tokio_util::io::ReaderStream::new(file));
        return Ok(([(CONTENT_TYPE, "application/octet-stream")], body).into_response());
    }
    let content = tokio::fs::read(file).await.map_err(|error| ApiError::internal(&error))?;
    let content = base64::engine::general_purpose::STANDARD.encode(content);
    Ok(Json(json!({ "content": content, "file_type": file_type })).into_response())
}

/// A notebook in a format, and the name of the format's files.
fn notebook(
    note: &Notebook,
    source: &str,
    name: &str,
    format: &str,
    outputs: bool,
) -> (String, &'static str) {
    let language = note.language.as_str();
    match (format, &note.jupyter) {
        ("HTML", _) => (jupyter::to_html(source, language, name), "html"),
        ("JUPYTER", None) => (jupyter::from_source(source, language, name).to_string(), "ipynb"),
        // One that came as a Jupyter notebook goes as one.
        ("JUPYTER" | "AUTO", Some(document)) => {
            let mut document = document.clone();
            if !outputs {
                for cell in document["cells"].as_array_mut().into_iter().flatten() {
                    if cell["cell_type"] == "code" {
                        cell["outputs"] = json!([]);
                    }
                }
            }
            (document.to_string(), "ipynb")
        }
        _ => {
            let file_type = match language {
                "SQL" => "sql",
                "SCALA" => "scala",
                "R" => "r",
                _ => "python",
            };
            (jupyter::with_header(source, language), file_type)
        }
    }
}
