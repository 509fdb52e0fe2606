//! Signing in to the pages of dashboards: by code with PKCE at the workspace's own sign-in page, for a session that counts
//! for these pages alone.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::Deserialize;

use super::page::note;
use super::sessions::{LIFETIME, SIGN_IN_LIFETIME, Session};
use crate::caller::Caller;
use crate::credential::s256;
use crate::error::ApiError;
use crate::oauth::{Base, PAGES, PAGES_CALLBACK, PAGES_SCOPE, cookie};
use crate::request::Parameters;
use crate::workspace::Workspace;

/// Where the pages of dashboards are.
pub(super) const PLACE: &str = "/embed/dashboardsv3/";

/// Where a browser signs in again, also as somebody else.
pub(super) const AGAIN: &str = "/embed/sign-in/";

/// What the sign-in page sends back (RFC 6749 §4.1.2).
#[derive(Deserialize)]
pub(super) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Who the browser's session stands for; `None` where it has none, or where it ended.
pub(super) fn viewer(
    workspace: &Workspace,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
) -> Result<Option<Caller>, ApiError> {
    let Some(secret) = cookie(headers, &session_cookie(workspace)) else { return Ok(None) };
    let now = workspace.clock().unix_seconds();
    let Some(session) = workspace.dashboard_sessions().find(&secret, now) else { return Ok(None) };
    let found = workspace.directory().principal(&session.user).map_err(|error| ApiError::internal(&error))?;
    let found = found.filter(|principal| principal.id() == session.user_id);
    let ended = workspace.oauth().is_ended(&session.family, &session.user, PAGES, session.since);
    let Some(principal) = found.filter(|_| !ended) else {
        workspace.dashboard_sessions().close(&secret);
        return Ok(None);
    };
    let caller = Caller { principal, scopes: vec![PAGES_SCOPE.to_owned()] };
    caller.admitted(method, path).map(Some)
}

/// Sends the browser to the sign-in page, from where it comes back to this path of ours; `base` is where it sees the
/// workspace.
pub(super) fn begin(workspace: &Workspace, base: &str, return_to: &str) -> Response {
    let redirect_uri = format!("{base}{PAGES_CALLBACK}");
    let now = workspace.clock().unix_seconds();
    let begun = workspace.dashboard_sessions().begin(return_to.to_owned(), redirect_uri.clone(), now);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", PAGES)
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("scope", PAGES_SCOPE)
        .append_pair("state", &begun.state)
        .append_pair("code_challenge", &s256(&begun.verifier))
        .append_pair("code_challenge_method", "S256")
        .finish();
    // The form that leads back is sent by our own page, so the cookie comes with it though it is strict.
    let cookie = format!(
        "{}={}; Path={PAGES_CALLBACK}; HttpOnly; SameSite=Strict; Max-Age={SIGN_IN_LIFETIME}",
        sign_in_cookie(workspace),
        begun.cookie
    );
    redirect(&format!("/oidc/v1/authorize?{query}"), &cookie)
}

/// `GET /embed/sign-in/{id}`: signs in, also as somebody else, and leads to that dashboard.
pub(super) async fn again(State(workspace): State<Workspace>, Base(base): Base, uri: Uri) -> Response {
    let id = uri.path().strip_prefix(AGAIN).unwrap_or_default();
    begin(&workspace, &base, &format!("{PLACE}{id}"))
}

/// `GET /embed/callback`: takes the code, opens the session, and leads to the page that was asked for.
pub(super) async fn callback(
    State(workspace): State<Workspace>,
    Parameters(answer): Parameters<Answer>,
    headers: HeaderMap,
) -> Response {
    let now = workspace.clock().unix_seconds();
    let sessions = workspace.dashboard_sessions();
    let browser = cookie(&headers, &sign_in_cookie(&workspace)).unwrap_or_default();
    let Some(begun) = answer.state.and_then(|state| sessions.finish(&state, &browser, now)) else {
        let reason = "This sign-in was not begun in this browser, or it took too long";
        return failed(&workspace, &headers, reason, None);
    };
    let again = Some((begun.return_to.as_str(), "Sign in again"));
    if let Some(error) = answer.error {
        let more = answer.error_description.unwrap_or_default();
        return failed(&workspace, &headers, &format!("The workspace refused: {error} {more}"), again);
    }
    let code = answer.code.unwrap_or_default();
    match crate::oauth::sign_in(&workspace, &code, &begun.redirect_uri, &begun.verifier) {
        Err(reason) => failed(&workspace, &headers, &reason, again),
        Ok(found) => {
            let name = session_cookie(&workspace);
            if let Some(earlier) = cookie(&headers, &name) {
                sessions.close(&earlier);
            }
            let user = found.user.name().to_owned();
            let session = Session { user, user_id: found.user.id(), family: found.family, since: now };
            let secret = sessions.open(session);
            let cookie = format!("{name}={secret}; Path=/embed; HttpOnly; SameSite=Lax; Max-Age={LIFETIME}");
            redirect(&begun.return_to, &cookie)
        }
    }
}

fn failed(workspace: &Workspace, headers: &HeaderMap, reason: &str, link: Option<(&str, &str)>) -> Response {
    note(workspace, headers, StatusCode::FORBIDDEN, "Sign-in failed", reason, link)
}

fn redirect(to: &str, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    for (name, value) in [(LOCATION, to), (SET_COOKIE, cookie)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Cookies know no ports: the names carry ours, so that two workspaces of a machine do not meet.
fn session_cookie(workspace: &Workspace) -> String {
    format!("brickyard_dashboards_{}", workspace.http_port())
}

fn sign_in_cookie(workspace: &Workspace) -> String {
    format!("brickyard_dashboards_sign_in_{}", workspace.http_port())
}
