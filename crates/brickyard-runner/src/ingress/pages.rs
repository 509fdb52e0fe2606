//! The few pages that are ours: plain HTML, no script but to look again, no outside resource.

use std::fmt::Write;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::Body;
use crate::supervisor::{State, Status};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f7f9;color:#1b2430}\
main{max-width:44rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:12px;box-shadow:0 1px 4px #0002}\
h1{font-size:1.4rem;margin:0 0 .5rem}pre{background:#10151c;color:#d7dee8;padding:1rem;border-radius:8px;overflow:auto;font-size:13px}\
a{color:#2272b4}.muted{color:#5f6b7a}@media(prefers-color-scheme:dark){body{background:#10151c;color:#e3e8ef}main{background:#1a212b}}";

/// Escapes text for HTML.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A page with a title and a body of HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str, reload: bool) -> Response<Body> {
    let refresh = if reload { "<meta http-equiv=refresh content=1>" } else { "" };
    let title = escape(title);
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">{refresh}\
         <title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>\n"
    );
    let mut response = Response::new(Body::text(html));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if reload {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A short answer for programs.
pub(super) fn json(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A short answer in words.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::text(text.into() + "\n"));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The app is not up: starting (503, looks again by itself), or not available (502).
pub(super) fn not_up(name: &str, status: &Status) -> Response<Body> {
    let mut body = String::new();
    if let Some(diagnosis) = &status.diagnosis {
        paragraph(&mut body, &format!("{diagnosis}."));
    }
    match &status.state {
        // As on the platform: the app runs, and nobody finds it.
        State::Starting if status.diagnosis.is_some() => {
            log_link(&mut body);
            page(StatusCode::BAD_GATEWAY, "App Not Available", &body, true)
        }
        State::Starting => {
            paragraph(
                &mut body,
                "The app has been started and does not listen on its port yet. This page looks again by itself.",
            );
            log_link(&mut body);
            page(StatusCode::SERVICE_UNAVAILABLE, &format!("{name} is starting"), &body, true)
        }
        State::Crashed(crash) => {
            paragraph(&mut body, &format!("The app crashed: {crash}."));
            if !crash.last_lines.is_empty() {
                let _infallible = write!(body, "<pre>{}</pre>", escape(&crash.last_lines.join("\n")));
            }
            log_link(&mut body);
            page(StatusCode::BAD_GATEWAY, "App Not Available", &body, false)
        }
        State::Running { .. } | State::Stopping | State::Stopped => {
            paragraph(&mut body, "The app is not running, or does not accept connections.");
            log_link(&mut body);
            page(StatusCode::BAD_GATEWAY, "App Not Available", &body, false)
        }
    }
}

/// Why an app cannot answer: people get the page, programs the status and one sentence.
pub(super) fn unavailable(headers: &HeaderMap, name: &str, status: &Status) -> Response<Body> {
    let response = not_up(name, status);
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return response;
    }
    let starting = response.status() != StatusCode::BAD_GATEWAY;
    plain(response.status(), if starting { "The app is starting" } else { "App Not Available" })
}

fn paragraph(body: &mut String, text: &str) {
    let _infallible = write!(body, "<p>{}</p>", escape(text));
}

fn log_link(body: &mut String) {
    body.push_str("<p class=muted><a href=/logz>Log</a></p>");
}
