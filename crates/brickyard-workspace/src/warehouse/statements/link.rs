use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use ring::hmac;
use serde::Deserialize;
use uuid::Uuid;

use super::chunk;
use crate::error::ApiError;
use crate::request::Parameters;
use crate::workspace::Workspace;

/// Seconds a link is good for, as on the platform.
pub(super) const LIFETIME: i64 = 900;

/// Signs links; made anew in every start, as results do not outlive one.
static KEY: LazyLock<hmac::Key> =
    LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, Uuid::new_v4().as_bytes().repeat(2).as_slice()));

#[derive(Deserialize)]
pub(crate) struct Signed {
    expires: i64,
    signature: String,
}

/// The address of a chunk's file, on the host the client used, good until second `expires`.
pub(super) fn address(
    headers: &HeaderMap,
    workspace: &Workspace,
    id: Uuid,
    chunk: usize,
    expires: i64,
) -> String {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = if host.starts_with("127.0.0.1") || host.starts_with("localhost") {
        format!("http://{host}")
    } else {
        format!("https://{}", workspace.config().host)
    };
    let tag = hmac::sign(&KEY, signed(id, chunk, expires).as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(tag.as_ref());
    format!("{base}/sql-results/{id}/{chunk}?expires={expires}&signature={signature}")
}

/// `GET /sql-results/{statement}/{chunk}`: the link is the credential.
pub(crate) async fn download(
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
    let kept = workspace.warehouses().results().get(id);
    let kept = kept.ok_or_else(|| ApiError::not_found("Statement", id))?;
    let stored = kept.stored().await.map_err(|fault| ApiError::invalid(fault.message))?;
    let content = chunk::file(stored, &kept.wish, index).map_err(|fault| ApiError::internal(&fault))?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], content).into_response())
}

fn signed(id: Uuid, chunk: usize, expires: i64) -> String {
    format!("{id}/{chunk}/{expires}")
}
