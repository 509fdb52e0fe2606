use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::refusal::Refusal;
use super::request::{AuthorizationRequest, Parameters};
use super::token_endpoint::failed;
use super::{CODE_LIFETIME, Code, page, prune};
use crate::credential::{fingerprint, unguessable};
use crate::gateway::Via;
use crate::workspace::Workspace;

/// Seconds a sign-in page may stay open.
const FORM_LIFETIME: i64 = 900;

const FORM_COOKIE: &str = "brickyard_sign_in";

/// A sign-in page that was shown and not yet answered, addressed by the fingerprint of its ticket.
pub(super) struct Form {
    request: AuthorizationRequest,
    /// Fingerprint of the cookie of the browser it was shown to.
    browser: String,
    expires: i64,
}

/// RFC 6749 §4.1.1: shows the page where a local user is chosen and consents.
pub(super) async fn show(
    State(workspace): State<Workspace>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => parameters,
        Err(refusal) => return stop(&refusal.description),
    };
    let client = match parameters.get("client_id").map(|id| workspace.sign_in_client(id)) {
        Some(Ok(Some(client))) => client,
        Some(Err(error)) => return failed(error).into_response(),
        _ => return stop("The app that sent you here is not registered in this workspace."),
    };
    // Before the address is proven nobody is sent anywhere (RFC 9700 §4.11).
    let Some(redirect_uri) = parameters.get("redirect_uri").filter(|uri| client.may_redirect_to(uri)) else {
        return stop(
            "The app that sent you here asks to send you back to an address that is not registered for it.",
        );
    };
    let request = match AuthorizationRequest::check(&parameters, &client, redirect_uri) {
        Ok(request) => request,
        Err(refusal) => return back(redirect_uri, parameters.get("state"), &refused(&refusal)),
    };
    if parameters.get("prompt") == Some("none") {
        let answer = [("error", "login_required".to_owned())];
        return back(redirect_uri, request.state.as_deref(), &answer);
    }
    let users = match workspace.directory().users() {
        Ok(users) => users,
        Err(error) => return failed(error).into_response(),
    };
    let (ticket, nonce) = (unguessable(32), unguessable(16));
    let browser = cookie(&headers, FORM_COOKIE).unwrap_or_else(|| unguessable(32));
    let content = page::sign_in(&client, &request, &users, &ticket, &nonce);
    let now = workspace.clock().unix_seconds();
    let form = Form { request, browser: fingerprint(&browser), expires: now + FORM_LIFETIME };
    let mut forms = workspace.oauth().forms();
    prune(&mut forms, now, |form| form.expires);
    forms.insert(fingerprint(&ticket), form);
    drop(forms);
    let mut response = page::respond(StatusCode::OK, content, &nonce, Some(redirect_uri));
    let cookie = format!("{FORM_COOKIE}={browser}; Path=/oidc; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Takes the user's answer and sends the browser back to the app with a code, or with a refusal.
pub(super) async fn decide(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(parameters) = Parameters::parse(&body) else { return stop("The form is malformed.") };
    let own = match via {
        Via::Gateway => vec![format!("https://{}", workspace.config().host)],
        Via::Plain => {
            let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
            vec![workspace.http_url(), format!("http://{}", host.unwrap_or_default())]
        }
    };
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    if origin.is_some_and(|origin| !own.iter().any(|own| own == origin)) {
        return stop("The form was sent by another web site.");
    }
    let form =
        parameters.get("ticket").and_then(|ticket| workspace.oauth().forms().remove(&fingerprint(ticket)));
    let browser = cookie(&headers, FORM_COOKIE).map(|cookie| fingerprint(&cookie));
    let now = workspace.clock().unix_seconds();
    let Some(form) = form.filter(|form| Some(&form.browser) == browser.as_ref() && form.expires > now) else {
        return stop("This page is no longer valid. Go back to the app and sign in again.");
    };
    let request = form.request;
    let state = request.state.clone();
    let redirect_uri = request.redirect_uri.clone();
    if parameters.get("decision") != Some("allow") {
        return back(&redirect_uri, state.as_deref(), &refused(&Refusal::access_denied()));
    }
    let user = match workspace.directory().principal(parameters.get("user").unwrap_or_default()) {
        Ok(Some(crate::directory::Principal::User(user))) => user,
        Ok(_) => return stop("There is no such user in this workspace."),
        Err(error) => return failed(error).into_response(),
    };
    let text = unguessable(32);
    let code = Code {
        request,
        user: user.user_name,
        family: uuid::Uuid::new_v4().to_string(),
        expires: now + CODE_LIFETIME,
        used: false,
    };
    let mut codes = workspace.oauth().codes();
    prune(&mut codes, now, |code| code.expires);
    codes.insert(fingerprint(&text), code);
    drop(codes);
    back(&redirect_uri, state.as_deref(), &[("code", text)])
}

fn refused(refusal: &Refusal) -> [(&'static str, String); 2] {
    [("error", refusal.code.to_owned()), ("error_description", refusal.description.clone())]
}

/// Sends the browser back to a proven address.
fn back(redirect_uri: &str, state: Option<&str>, answer: &[(&str, String)]) -> Response {
    let Ok(mut url) = url::Url::parse(redirect_uri) else { return stop("The app's address is malformed.") };
    for (name, value) in answer {
        url.query_pairs_mut().append_pair(name, value);
    }
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(url.as_str()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page that says why nothing can be done.
fn stop(reason: &str) -> Response {
    let nonce = unguessable(16);
    page::respond(StatusCode::BAD_REQUEST, page::stopped(reason, &nonce), &nonce, None)
}

/// The browser's cookie of this name; one too short to be ours counts as none.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        .filter(|value| value.len() >= 32)
}
