//! Links to parts of large results: signed addresses on the workspace's own host that need no other credential.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use ring::hmac;
use serde::Deserialize;
use uuid::Uuid;

use super::result::file::{Pieces, Rendering};
use super::spool::Spool;
use crate::error::ApiError;
use crate::request::Parameters;
use crate::workspace::Workspace;

/// Seconds a link is good for, as on the platform.
const LIFETIME: i64 = 900;

/// Signs links; made anew in every start, as results do not outlive one.
static KEY: LazyLock<hmac::Key> =
    LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, Uuid::new_v4().as_bytes().repeat(2).as_slice()));

/// A result whose chunks can be fetched as files.
pub(crate) struct Download {
    /// Its rows.
    pub(crate) spool: Spool,
    /// What the files hold.
    pub(crate) rendering: Rendering,
}

/// Downloads by the id of their statement, as long as somebody holds them.
#[derive(Default)]
pub(crate) struct Downloads {
    by_statement: Mutex<HashMap<Uuid, Weak<Download>>>,
}

impl Downloads {
    /// Makes a result known; it is forgotten when the caller drops it.
    pub(crate) fn add(&self, statement: Uuid, download: &Arc<Download>) {
        let mut known = self.by_statement.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, download| download.strong_count() > 0);
        known.insert(statement, Arc::downgrade(download));
    }

    fn get(&self, statement: Uuid) -> Option<Arc<Download>> {
        self.by_statement.lock().unwrap_or_else(PoisonError::into_inner).get(&statement)?.upgrade()
    }
}

#[derive(Deserialize)]
pub(super) struct Signed {
    expires: i64,
    signature: String,
}

/// The second at which a link made now expires.
pub(super) fn expiry(workspace: &Workspace) -> i64 {
    workspace.clock().unix_seconds() + LIFETIME
}

/// The address below `base` of a chunk's file, good until second `expires`.
pub(super) fn address(base: &str, id: Uuid, chunk: usize, expires: i64) -> String {
    let tag = hmac::sign(&KEY, signed(id, chunk, expires).as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(tag.as_ref());
    format!("{base}/sql-results/{id}/{chunk}?expires={expires}&signature={signature}")
}

/// `GET /sql-results/{statement}/{chunk}`: the link is the credential.
pub(super) async fn download(
    State(workspace): State<Workspace>,
    Path((id, index)): Path<(Uuid, usize)>,
    Parameters(link): Parameters<Signed>,
) -> Result<Response, ApiError> {
    let refused = |message: &str| ApiError::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message);
    let tag = URL_SAFE_NO_PAD.decode(&link.signature).map_err(|_| refused("The link is not signed"))?;
    hmac::verify(&KEY, signed(id, index, link.expires).as_bytes(), &tag)
        .map_err(|_| refused("The link is not signed"))?;
    if link.expires <= workspace.clock().unix_seconds() {
        return Err(refused("The link has expired"));
    }
    let download = workspace.warehouses().downloads().get(id);
    let download = download.ok_or_else(|| ApiError::not_found("Result", id))?;
    let chunk = download.spool.chunk(index).ok_or_else(|| ApiError::not_found("Chunk", index))?;
    let pieces = Pieces::new(download, chunk, index == 0).map_err(|fault| ApiError::internal(&fault))?;
    let length = pieces.length();
    let mut response = Response::new(Body::from_stream(stream::iter(pieces)));
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

fn signed(id: Uuid, chunk: usize, expires: i64) -> String {
    format!("{id}/{chunk}/{expires}")
}
