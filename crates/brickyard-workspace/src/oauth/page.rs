use std::fmt::Write;

use axum::response::{Html, IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use super::clients::OAuthClient;
use super::request::AuthorizationRequest;
use crate::directory::User;

/// The page where a local user is chosen and consents to what the app asks for.
pub(super) fn sign_in(
    client: &OAuthClient,
    request: &AuthorizationRequest,
    users: &[User],
    ticket: &str,
    nonce: &str,
) -> String {
    let hinted = request.login_hint.as_deref();
    let first = users
        .iter()
        .position(|user| hinted.is_some_and(|hint| user.user_name.eq_ignore_ascii_case(hint)))
        .unwrap_or_default();
    let mut people = String::new();
    for (index, user) in users.iter().enumerate() {
        let checked = if index == first { " checked" } else { "" };
        let initial = user.display_name.chars().next().unwrap_or('?').to_uppercase().to_string();
        let _ = write!(
            people,
            r#"<label class="person"><input type="radio" name="user" value="{name}"{checked}><span class="face" aria-hidden="true">{initial}</span><span><b>{shown}</b><small>{name}</small></span></label>"#,
            name = escape(&user.user_name),
            shown = escape(&user.display_name),
            initial = escape(&initial),
        );
    }
    let mut scopes = String::new();
    for scope in &request.scopes {
        let meaning = meaning(scope).map(|text| format!(" <small>{text}</small>")).unwrap_or_default();
        let _ = write!(scopes, "<li><code>{}</code>{meaning}</li>", escape(scope));
    }
    let name = escape(&client.name);
    let body = format!(
        r#"<h1>Sign in to {name}</h1>
<p class="quiet">{name} runs in your local workspace. Choose who you are.</p>
<form method="post" action="/oidc/v1/authorize">
<input type="hidden" name="ticket" value="{ticket}">
<fieldset><legend>User</legend>{people}</fieldset>
<fieldset><legend>{name} will be able to</legend><ul>{scopes}</ul></fieldset>
<div class="row"><button name="decision" value="deny" class="plain">Cancel</button><button name="decision" value="allow">Sign in</button></div>
</form>"#
    );
    document(&format!("Sign in to {name}"), &body, nonce)
}

/// A page that says why the sign-in cannot go on.
pub(super) fn stopped(reason: &str, nonce: &str) -> String {
    let body = format!("<h1>Sign-in stopped</h1><p>{}</p>", escape(reason));
    document("Sign-in stopped", &body, nonce)
}

/// The page with headers that keep it out of frames, caches and foreign scripts.
pub(super) fn respond(status: StatusCode, content: String, nonce: &str, target: Option<&str>) -> Response {
    // A form's target counts after redirects too, so the app's own origin is allowed.
    let target = target.and_then(|target| url::Url::parse(target).ok());
    let target = target.map(|target| target.origin().ascii_serialization()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {target}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = (status, Html(content)).into_response();
    let headers = response.headers_mut();
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer` a browser would send the form with `Origin: null`, which nobody could tell from another site.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn meaning(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "all-apis" => "do everything you may do",
        "openid" | "profile" | "email" | "iam.current-user:read" => "know who you are",
        "offline_access" => "stay signed in",
        "sql" => "run SQL in your name",
        "iam.access-control:read" => "read users and groups",
        "files.files" | "files" => "read and write your files",
        "dashboards.genie" | "genie" => "ask Genie in your name",
        "serving.serving-endpoints" | "model-serving" => "ask models in your name",
        _ => return None,
    })
}

/// Text that is safe in HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn document(title: &str, body: &str, nonce: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title><style nonce="{nonce}">{STYLE}</style></head>
<body><main><p class="brand"><span aria-hidden="true"></span>brickyard</p>{body}</main></body></html>"#
    )
}

const STYLE: &str = "
:root{--back:#f4f2ef;--card:#fff;--ink:#1d1b19;--quiet:#6b645d;--line:#e2ddd7;--accent:#b4451f;--on:#fff}
@media(prefers-color-scheme:dark){:root{--back:#171514;--card:#211e1c;--ink:#f2eeea;--quiet:#a79f97;--line:#3a3531;--accent:#e8784d;--on:#1d1007}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif;padding:1.5rem}
main{width:min(27rem,100%);background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem}
.brand{display:flex;align-items:center;gap:.5rem;margin:0 0 1.5rem;font-weight:600;color:var(--quiet)}
.brand span{width:1.3rem;height:.8rem;border-radius:3px;background:var(--accent)}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 .4rem}
.quiet,small{color:var(--quiet)}
fieldset{border:0;margin:1.4rem 0 0;padding:0}
legend{font-size:.85rem;font-weight:600;color:var(--quiet);padding:0;margin-bottom:.5rem}
.person{display:flex;align-items:center;gap:.75rem;padding:.6rem .75rem;border:1px solid var(--line);border-radius:10px;margin-bottom:.5rem;cursor:pointer}
.person:has(input:checked){border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
.person input{accent-color:var(--accent);margin:0}
.person b,.person small{display:block}
.face{width:2.1rem;height:2.1rem;border-radius:50%;display:grid;place-items:center;background:var(--line);font-weight:600}
ul{margin:0;padding-left:1.1rem}li{margin:.2rem 0}
code{font:.9em ui-monospace,monospace}
.row{display:flex;justify-content:flex-end;gap:.75rem;margin-top:1.75rem}
button{font:inherit;font-weight:600;padding:.55rem 1.2rem;border-radius:9px;border:1px solid var(--accent);background:var(--accent);color:var(--on);cursor:pointer}
button.plain{background:transparent;color:var(--ink);border-color:var(--line)}
button:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_user_or_client_becomes_markup() {
        let client = OAuthClient::new("c", "<script>alert(1)</script>", None);
        let request = AuthorizationRequest {
            client_id: "c".to_owned(),
            redirect_uri: "http://localhost:1/".to_owned(),
            scopes: vec!["<b>".to_owned()],
            state: None,
            nonce: None,
            challenge: None,
            login_hint: Some("x".to_owned()),
        };
        let user = User { user_name: "a\"><i>@example.com".to_owned(), ..User::developer() };
        let page = sign_in(&client, &request, &[user], "ticket", "nonce");
        for markup in ["<script>", "<i>", "<b>alert", "<code><b>"] {
            assert!(!page.contains(markup), "{markup}");
        }
    }
}
