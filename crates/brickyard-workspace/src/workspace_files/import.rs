use std::io::Write;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use base64::Engine as _;
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use http_body::Body as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::object::has_home;
use super::path::ObjectPath;
use super::tree::{Content, HEADER, Notebook, notebook_language};
use super::{jupyter, landing};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::Parameters;
use crate::workspace::Workspace;

/// Largest file, in bytes; the platform's limit for workspace files.
const LARGEST: usize = 500 * 1024 * 1024;

/// Largest file that comes whole before it is asked who sends it, in bytes.
const SMALL: usize = 64 * 1024;

/// Largest JSON or form body: the content is held in memory there.
const LARGEST_INLINE: usize = 16 * 1024 * 1024;

#[derive(Deserialize, Default)]
pub(crate) struct ImportBody {
    path: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    content: String,
    #[serde(default)]
    overwrite: bool,
}

#[derive(Deserialize)]
pub(crate) struct Overwrite {
    #[serde(default)]
    overwrite: bool,
}

/// Import a notebook or a file, from JSON with base64 or from a form, as the SDK's `workspace.upload` sends it.
pub(crate) async fn import(
    State(workspace): State<Workspace>,
    caller: Caller,
    request: Request,
) -> ApiResult<Value> {
    let (body, content) = read_import(request).await?;
    let path = ObjectPath::parse(&body.path)?;
    may_become(&workspace, &caller, &path)?;
    let detected = notebook_language(&content, path.name());
    let note = match body.format.as_deref().unwrap_or("SOURCE") {
        // The language may be named or guessed from the ending: either way it becomes a notebook.
        "SOURCE" => {
            let language = body.language.or_else(|| language_of(path.name()).map(str::to_owned));
            let language = language.ok_or_else(|| {
                ApiError::invalid(format!("The language of {path} must be given for format SOURCE"))
            })?;
            Some(Notebook { language, jupyter: None })
        }
        "JUPYTER" => Some(from_jupyter(jupyter::parse(&content).map_err(ApiError::invalid)?)),
        "AUTO" if is_jupyter(path.name()) => jupyter::parse(&content).ok().map(from_jupyter),
        "AUTO" => detected.map(|language| Notebook { language: language.to_owned(), jupyter: None }),
        "RAW" => None,
        "DBC" => {
            return Err(ApiError::not_implemented(
                "workspace imports of format DBC: import each notebook of the archive, with format SOURCE or JUPYTER",
            ));
        }
        other => {
            return Err(ApiError::not_implemented(format_args!(
                "workspace imports of format {other}: use SOURCE, JUPYTER, AUTO or RAW"
            )));
        }
    };
    place_notebook(&workspace, &caller, path, content, note, body.overwrite)
}

/// Import a plain file by its bytes; a notebook's source becomes a notebook here too.
pub(crate) async fn import_file(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(path): Path<String>,
    Parameters(query): Parameters<Overwrite>,
    body: Body,
) -> ApiResult<Value> {
    let path = ObjectPath::parse(&format!("/{}", path.trim_start_matches('/')))?;
    // A large one is refused before it has come; of a small one that is asked once, at its place.
    if body.size_hint().upper().is_none_or(|size| size > SMALL as u64) {
        may_become(&workspace, &caller, &path)?;
    }
    let (mut small, mut large) = (Vec::new(), None::<NamedTempFile>);
    let mut stream = body.into_data_stream();
    let (mut size, mut start) = (0, Vec::new());
    while let Some(piece) = stream.next().await {
        let piece =
            piece.map_err(|error| ApiError::invalid(format!("The upload of {path} broke off: {error}")))?;
        size += piece.len();
        if size > LARGEST {
            return Err(ApiError::invalid(format!(
                "File {path} is larger than the maximum of {LARGEST} bytes"
            )));
        }
        start.extend_from_slice(&piece[..piece.len().min(HEADER - start.len())]);
        if let Some(file) = &mut large {
            file.write_all(&piece).map_err(|error| ApiError::internal(&error))?;
            continue;
        }
        small.extend_from_slice(&piece);
        if small.len() > landing::LARGEST {
            let file = NamedTempFile::new_in(workspace.file_tree().staging());
            let mut file = file.map_err(|error| ApiError::internal(&error))?;
            file.write_all(&small).map_err(|error| ApiError::internal(&error))?;
            (small, large) = (Vec::new(), Some(file));
        }
    }
    if is_jupyter(path.name()) && size <= LARGEST_INLINE {
        let content = match &large {
            Some(file) => std::fs::read(file.path()).map_err(|error| ApiError::internal(&error))?,
            None => small.clone(),
        };
        if let Ok(document) = jupyter::parse(&content) {
            let note = Some(from_jupyter(document));
            return place_notebook(&workspace, &caller, path, content, note, query.overwrite);
        }
    }
    let content = large.map_or(Content::Small(small), Content::Large);
    let language = notebook_language(&start, path.name());
    let path = if language.is_some() { path.with_name(notebook_name(path.name())) } else { path };
    let note = language.map(|language| Notebook { language: language.to_owned(), jupyter: None });
    place(&workspace, &caller, &path, content, note, query.overwrite)
}

/// Refuses early who may put nothing at a path, whether its content turns out to be a file's or a notebook's, which has
/// another name.
fn may_become(workspace: &Workspace, caller: &Caller, path: &ObjectPath) -> Result<(), ApiError> {
    let file = workspace.authorize_writing(caller, path);
    let notebook = || workspace.authorize_writing(caller, &path.with_name(notebook_name(path.name())));
    file.or_else(|refused| notebook().map_err(|_| refused))
}

/// Whether the ending is Jupyter's; those of the pipeline designer stay files.
fn is_jupyter(name: &str) -> bool {
    name.strip_suffix(".ipynb").is_some_and(|stem| !stem.is_empty() && !stem.ends_with(".designer"))
}

fn from_jupyter(document: Value) -> Notebook {
    Notebook { language: jupyter::language(&document).to_owned(), jupyter: Some(document) }
}

/// Puts the content down: a notebook as source text without an ending, anything else as it is.
fn place_notebook(
    workspace: &Workspace,
    caller: &Caller,
    path: ObjectPath,
    content: Vec<u8>,
    note: Option<Notebook>,
    overwrite: bool,
) -> ApiResult<Value> {
    let path = if note.is_some() { path.with_name(notebook_name(path.name())) } else { path };
    let source =
        note.as_ref().and_then(|note| Some(jupyter::to_source(note.jupyter.as_ref()?, &note.language)));
    let content = Content::Small(source.map_or(content, String::into_bytes));
    place(workspace, caller, &path, content, note, overwrite)
}

fn place(
    workspace: &Workspace,
    caller: &Caller,
    path: &ObjectPath,
    content: Content,
    note: Option<Notebook>,
    overwrite: bool,
) -> ApiResult<Value> {
    workspace.authorize_writing(caller, path)?;
    has_home(workspace, caller, &path.parent())?;
    workspace.file_tree().put(path, content, note.as_ref(), overwrite)?;
    Ok(Json(json!({})))
}

async fn read_import(request: Request) -> Result<(ImportBody, Vec<u8>), ApiError> {
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("multipart/form-data"));
    if is_form {
        return read_form(request).await;
    }
    let bytes = axum::body::to_bytes(request.into_body(), LARGEST_INLINE)
        .await
        .map_err(|error| ApiError::invalid(format!("The request could not be read: {error}")))?;
    let body: ImportBody = serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::invalid(format!("The request is not valid: {error}")))?;
    let content = base64::engine::general_purpose::STANDARD
        .decode(&body.content)
        .map_err(|_| ApiError::invalid("The content is not valid base64"))?;
    Ok((body, content))
}

async fn read_form(request: Request) -> Result<(ImportBody, Vec<u8>), ApiError> {
    let broken =
        |error: &dyn std::fmt::Display| ApiError::invalid(format!("The form could not be read: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    let mut body = ImportBody::default();
    let mut content = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "content" {
            content = field.bytes().await.map_err(|error| broken(&error))?.to_vec();
            continue;
        }
        let text = field.text().await.map_err(|error| broken(&error))?;
        match name.as_str() {
            "path" => body.path = text,
            "format" => body.format = Some(text),
            "language" => body.language = Some(text),
            "overwrite" => body.overwrite = text.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
    Ok((body, content))
}

fn language_of(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "py" => Some("PYTHON"),
        "sql" => Some("SQL"),
        "scala" => Some("SCALA"),
        "r" | "R" => Some("R"),
        _ => None,
    }
}

/// A notebook has no ending: `app.py` becomes `app`.
fn notebook_name(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, "py" | "sql" | "scala" | "r" | "R" | "ipynb")) if !stem.is_empty() => stem,
        _ => name,
    }
}
