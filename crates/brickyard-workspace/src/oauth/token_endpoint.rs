use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::discovery::base;
use super::grants;
use super::issue::family_of;
use super::refusal::Refusal;
use super::request::Parameters;
use crate::error::ApiError;
use crate::gateway::Via;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// Who asks at the token endpoint, as far as he says: id and secret.
pub(super) struct Credentials {
    pub(super) client_id: String,
    pub(super) secret: Option<String>,
}

/// RFC 6749 §3.2.
pub(super) async fn token(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let base = base(&workspace, via, &uri, &headers);
    let answer = || {
        let parameters = form(&headers, &body)?;
        let credentials = credentials(&headers, &parameters)?;
        grants::grant(&workspace, &parameters, credentials.as_ref(), &base)
    };
    match answer() {
        Ok(tokens) => no_store(Json(tokens).into_response()),
        Err(refusal) => refusal.into_response(),
    }
}

/// RFC 7009: ends the sign-in that a refresh or access token is of; an unknown token is no error.
pub(super) async fn revoke(State(workspace): State<Workspace>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = || {
        let parameters = form(&headers, &body)?;
        let credentials = credentials(&headers, &parameters)?.ok_or_else(Refusal::invalid_client)?;
        grants::authenticated_client(&workspace, &credentials)?;
        let token = parameters.require("token")?;
        let (client_id, family) = match workspace.oauth().refresh(token).map_err(failed)? {
            Some(refresh) => (refresh.client_id, Some(refresh.family)),
            None => match workspace.claims_of(token) {
                Ok(claims) => (claims.client_id.clone(), family_of(&claims).map(str::to_owned)),
                Err(_) => return Ok(()),
            },
        };
        if client_id == credentials.client_id {
            let family = family.ok_or_else(Refusal::unsupported_token_type)?;
            workspace.oauth().end_family(&family, workspace.clock().unix_seconds()).map_err(failed)?;
        }
        Ok::<_, Refusal>(())
    };
    match answer() {
        Ok(()) => no_store(StatusCode::OK.into_response()),
        Err(refusal) => refusal.into_response(),
    }
}

fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn failed(error: StoreError) -> Refusal {
    Refusal::server_error(&ApiError::internal(&error))
}

fn form(headers: &HeaderMap, body: &Bytes) -> Result<Parameters, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Refusal::invalid_request("The body must be application/x-www-form-urlencoded"));
    }
    Parameters::parse(body)
}

/// Id and secret from the header or the form, never from both (RFC 6749 §2.3.1).
fn credentials(headers: &HeaderMap, parameters: &Parameters) -> Result<Option<Credentials>, Refusal> {
    let basic = headers
        .get(AUTHORIZATION)
        .map(|value| basic(value).ok_or_else(Refusal::invalid_client))
        .transpose()?;
    let (id, secret) = (parameters.get("client_id"), parameters.get("client_secret"));
    match basic {
        Some(_) if secret.is_some() => Err(Refusal::invalid_request("The client authenticates in two ways")),
        Some(basic) if id.is_some_and(|id| id != basic.client_id) => Err(Refusal::invalid_client()),
        Some(basic) => Ok(Some(basic)),
        None => Ok(id.map(|id| Credentials { client_id: id.to_owned(), secret: secret.map(str::to_owned) })),
    }
}

fn basic(value: &HeaderValue) -> Option<Credentials> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some(Credentials {
        client_id: plain(id)?,
        secret: Some(plain(secret)?).filter(|secret| !secret.is_empty()),
    })
}
