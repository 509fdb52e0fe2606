use base64::Engine as _;
use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ApiFailure;

/// Everything but what a path may hold as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a workspace path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ObjectType {
    /// A folder.
    Directory,
    /// A plain file.
    File,
    /// A notebook: no file an app could read under its name.
    Notebook,
    /// A library, a repository, a dashboard, …
    #[serde(other)]
    Other,
}

/// One object of the workspace tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// Absolute path.
    pub path: String,
    /// Kind.
    pub object_type: ObjectType,
    /// Bytes, for files.
    #[serde(default)]
    pub size: Option<u64>,
    /// Milliseconds since the epoch.
    #[serde(default)]
    pub modified_at: Option<i64>,
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    objects: Vec<ObjectStatus>,
}

impl Client {
    /// `GET /api/2.0/workspace/get-status`; `None` when there is nothing at the path.
    pub async fn object_status(&self, path: &str) -> Result<Option<ObjectStatus>, ApiFailure> {
        match self.get("/api/2.0/workspace/get-status", &[("path", path)]).await {
            Err(failure) if failure.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// `GET /api/2.0/workspace/list`: the direct children; empty when the path is not there.
    pub async fn list_objects(&self, path: &str) -> Result<Vec<ObjectStatus>, ApiFailure> {
        match self.get::<Listing>("/api/2.0/workspace/list", &[("path", path)]).await {
            Err(failure) if failure.is_not_found() => Ok(Vec::new()),
            other => Ok(other?.objects),
        }
    }

    /// `POST /api/2.0/workspace/mkdirs`, parents included.
    pub async fn make_directories(&self, path: &str) -> Result<(), ApiFailure> {
        self.post_again::<Value>("/api/2.0/workspace/mkdirs", &json!({ "path": path })).await.map(drop)
    }

    /// `POST /api/2.0/workspace-files/import-file/PATH?overwrite=true`: the bytes as a plain file.
    pub async fn import_file(&self, path: &str, content: Bytes) -> Result<(), ApiFailure> {
        let path = utf8_percent_encode(path.trim_start_matches('/'), PATH);
        let url = format!("/api/2.0/workspace-files/import-file/{path}");
        self.send_bytes(Method::POST, &url, &[("overwrite", "true")], content).await.map(drop)
    }

    /// `GET /api/2.0/workspace/export`: the bytes of a file.
    pub async fn export_file(&self, path: &str) -> Result<Bytes, ApiFailure> {
        let query = [("path", path), ("format", "AUTO")];
        let answer: Value = self.get("/api/2.0/workspace/export", &query).await?;
        let content = answer["content"].as_str().unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(content);
        bytes
            .map(Bytes::from)
            .map_err(|source| ApiFailure::Unexpected { path: path.to_owned(), source: Box::new(source) })
    }

    /// `POST /api/2.0/workspace/delete`; nothing at the path is fine.
    pub async fn delete_object(&self, path: &str, recursive: bool) -> Result<(), ApiFailure> {
        match self
            .post_again::<Value>(
                "/api/2.0/workspace/delete",
                &json!({ "path": path, "recursive": recursive }),
            )
            .await
        {
            Err(failure) if failure.is_not_found() => Ok(()),
            other => other.map(drop),
        }
    }
}
