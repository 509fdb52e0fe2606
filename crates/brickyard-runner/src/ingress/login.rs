//! `/.auth/…`: signing in at the workspace by authorization code with PKCE, and out again (facts: platform §4.2).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use ring::digest::{SHA256, digest};
use url::form_urlencoded;

use super::app::App;
use super::body::Body;
use super::pages::{escape, page};
use super::session::Visitor;
use super::{AuthorizeRequest, Refusal};

/// Where the app's own paths end and ours begin.
pub(super) const PREFIX: &str = "/.auth/";

/// Answers a path below [`PREFIX`]; `base` is where the browser sees the app.
pub(super) async fn answer(app: &App, base: &str, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
    match uri.path() {
        "/.auth/sign-in" => begin(app, base, local(parameter(uri, "to")), true),
        "/.auth/callback" => callback(app, uri, headers).await,
        "/.auth/sign-out" => sign_out(app, headers),
        _ => page(StatusCode::NOT_FOUND, "Not Found", "<p>There is no such page.</p>", false),
    }
}

/// Sends the browser to the workspace.
pub(super) fn begin(app: &App, base: &str, return_to: String, choose: bool) -> Response<Body> {
    let redirect_uri = format!("{base}/.auth/callback");
    let (state, verifier, cookie) = app.sessions.begin(return_to, redirect_uri.clone());
    let code_challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let request = AuthorizeRequest { state, code_challenge, redirect_uri, choose };
    redirect(&app.authority.authorize_url(&request), &cookie)
}

async fn callback(app: &App, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
    let login = parameter(uri, "state").and_then(|state| app.sessions.finish(&state, headers));
    let Some(login) = login else {
        return refused(
            StatusCode::FORBIDDEN,
            "This sign-in was not begun in this browser, or it took too long.",
        );
    };
    if let Some(error) = parameter(uri, "error") {
        let more = parameter(uri, "error_description").unwrap_or_default();
        return refused(StatusCode::FORBIDDEN, &format!("The workspace refused: {error} {more}"));
    }
    let Some(code) = parameter(uri, "code") else {
        return refused(StatusCode::BAD_REQUEST, "The workspace sent no code.");
    };
    let granted = app.authority.redeem(code, login.verifier, login.redirect_uri).await;
    match granted.and_then(|grant| Visitor::new(grant, &*app.authority)) {
        Ok(visitor) => redirect(&login.return_to, &app.sessions.open(Arc::new(visitor))),
        Err(refusal) => refused(status(&refusal), &refusal.to_string()),
    }
}

fn sign_out(app: &App, headers: &HeaderMap) -> Response<Body> {
    let mut response = page(
        StatusCode::OK,
        "Signed out",
        "<p><a href=\"/.auth/sign-in?to=/\">Sign in</a>, also as another user.</p>",
        false,
    );
    add_cookie(&mut response, &app.sessions.close(headers));
    response
}

/// The status that tells a refusal.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
        Refusal::Unavailable(_) => StatusCode::BAD_GATEWAY,
    }
}

fn refused(status: StatusCode, reason: &str) -> Response<Body> {
    let again = "<p><a href=\"/.auth/sign-in?to=/\">Sign in again</a></p>";
    page(status, "Sign-in failed", &format!("<p>{}</p>{again}", escape(reason)), false)
}

fn redirect(to: &str, cookie: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_cookie(&mut response, cookie);
    response
}

fn add_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// A path of this app, or its root: never another site.
fn local(path: Option<String>) -> String {
    path.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'))
        .unwrap_or_else(|| "/".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_to_another_site() {
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert_eq!(local(Some(path.into())), "/", "{path}");
        }
        assert_eq!(local(Some("/a?b=c".into())), "/a?b=c");
    }
}
