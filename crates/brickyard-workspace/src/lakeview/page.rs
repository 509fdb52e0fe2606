use std::fmt::Write;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Map, Value};

use super::chart::draw;
use super::dashboards::{may, published};
use super::layout::{Widget, pages};
use super::sign_in;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::oauth::{Base, escape};
use crate::warehouse::{json_rows, rows_of};
use crate::workspace::Workspace;

/// Rows of one widget.
const MOST_ROWS: usize = 1000;

/// Widgets that one page shows.
const MOST_WIDGETS: usize = 60;

const STYLE: &str = "body{font:14px system-ui,sans-serif;margin:16px;color:#1f2328}h1{font-size:20px}h2{font-size:16px}\
    .grid{display:grid;grid-template-columns:repeat(6,1fr);gap:12px}section{border:1px solid #d0d7de;border-radius:6px;\
    padding:12px;min-width:0}h3{font-size:14px;margin:0 0 8px}svg{width:100%}svg text{font-size:11px;fill:#57606a}\
    table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:3px 8px;border-bottom:1px solid #d0d7de}\
    td.n{text-align:right;font-variant-numeric:tabular-nums}.scroll{overflow:auto;max-height:320px}.counter{font-size:36px;\
    margin:8px 0}.note,.error{color:#57606a}.error{color:#cf222e;white-space:pre-wrap}.legend{list-style:none;padding:0;\
    display:flex;flex-wrap:wrap;gap:4px 14px}.legend i{display:inline-block;width:10px;height:10px;margin-right:5px}";

/// `GET /embed/dashboardsv3/{id}`: a published dashboard as one page, for a program's token or a browser's session.
pub(super) async fn embed(
    State(workspace): State<Workspace>,
    caller: Result<Caller, ApiError>,
    Path(id): Path<String>,
    Base(base): Base,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if headers.contains_key(AUTHORIZATION) || !text(&headers, "accept").contains("text/html") {
        let (name, body) = dashboard(&workspace, caller?, &id).await?;
        return Ok(respond(&workspace, StatusCode::OK, &name, &body));
    }
    let place = uri.path_and_query().map_or(uri.path(), http::uri::PathAndQuery::as_str);
    let again = uri.path().replacen(sign_in::PLACE, sign_in::AGAIN, 1);
    let again = (again.as_str(), "Sign in as somebody else");
    let shown = match sign_in::viewer(&workspace, &headers, &method, uri.path()) {
        Ok(Some(viewer)) => {
            let name = viewer.name().to_owned();
            let shown = dashboard(&workspace, viewer, &id).await;
            if let Some(error) = shown.as_ref().err().filter(|error| error.status == StatusCode::FORBIDDEN) {
                workspace.note_denial(&name, &format!("GET {}", uri.path()), &error.message);
            }
            shown.map(|(title, body)| {
                let who = format!(
                    "<p class=\"note\">Signed in as {}. {}</p>",
                    escape(&name),
                    link(&headers, again)
                );
                respond(&workspace, StatusCode::OK, &title, &(body + &who))
            })
        }
        // The sign-in page is shown in no frame.
        Ok(None) if is_framed(&headers) => {
            let reason = format!(
                "A frame shows this dashboard where you are signed in at {base} and the page around it has the same host name"
            );
            let link = Some((place, "Open it in a new tab"));
            return Ok(note(&workspace, &headers, StatusCode::UNAUTHORIZED, "Sign in", &reason, link));
        }
        Ok(None) => return Ok(sign_in::begin(&workspace, &base, place)),
        Err(error) => Err(error),
    };
    Ok(shown.unwrap_or_else(|error| {
        note(
            &workspace,
            &headers,
            error.status,
            "This dashboard cannot be shown",
            &error.message,
            Some(again),
        )
    }))
}

/// Name and content of a page.
///
/// The data are read as the publisher where the dashboard was published so, else as whoever looks.
async fn dashboard(workspace: &Workspace, caller: Caller, id: &str) -> Result<(String, String), ApiError> {
    let record = may(workspace, &caller, id, "CAN_READ")?;
    let published = published(&record)?;
    let reader =
        if published.embed_credentials { Caller::acting(workspace, &published.publisher)? } else { caller };
    let dashboard: Value = serde_json::from_str(&published.serialized).unwrap_or(Value::Null);
    let mut body = format!("<h1>{}</h1>", escape(&published.name));
    let mut left = MOST_WIDGETS;
    let pages = pages(&dashboard);
    let several = pages.len() > 1;
    for (name, widgets) in pages {
        if several && !name.is_empty() {
            let _ = write!(body, "<h2>{}</h2>", escape(&name));
        }
        body.push_str("<div class=\"grid\">");
        for widget in widgets.iter().take(left) {
            let content = content(workspace, &reader, widget).await;
            let title = if widget.title.is_empty() {
                String::new()
            } else {
                format!("<h3>{}</h3>", escape(&widget.title))
            };
            let _ = write!(
                body,
                "<section style=\"grid-column:span {}\">{title}{content}</section>",
                widget.width
            );
        }
        left = left.saturating_sub(widgets.len());
        body.push_str("</div>");
    }
    Ok((published.name, body))
}

/// A page that says why the dashboard is not there, and where to go on.
pub(super) fn note(
    workspace: &Workspace,
    headers: &HeaderMap,
    status: StatusCode,
    title: &str,
    reason: &str,
    further: Option<(&str, &str)>,
) -> Response {
    let mut body = format!("<h1>{}</h1><p>{}</p>", escape(title), escape(reason));
    if let Some(further) = further {
        let _ = write!(body, "<p>{}</p>", link(headers, further));
    }
    respond(workspace, status, title, &body)
}

fn link(headers: &HeaderMap, (to, text): (&str, &str)) -> String {
    let target = if is_framed(headers) { " target=\"_blank\" rel=\"noopener\"" } else { "" };
    format!("<a href=\"{}\"{target}>{}</a>", escape(to), escape(text))
}

/// Whether the browser shows the answer inside another page.
fn is_framed(headers: &HeaderMap) -> bool {
    ["iframe", "frame", "embed", "object"].contains(&text(headers, "sec-fetch-dest"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn respond(workspace: &Workspace, status: StatusCode, title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>",
        escape(title)
    );
    // Nothing but this text and its styles: no script runs, nothing is fetched. Apps of this machine show it in a frame,
    // sites of the net do not.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' \
         http://localhost:* http://*.localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:* https://*.{}",
        workspace.config().app_domain
    );
    let headers = [
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(page)).into_response()
}

async fn content(workspace: &Workspace, reader: &Caller, widget: &Widget) -> String {
    if widget.kind == "text" {
        let paragraphs = widget.text.split('\n').map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            match line.strip_prefix('#') {
                Some(rest) => format!("<h2>{}</h2>", escape(rest.trim_start_matches('#').trim())),
                None => format!("<p>{}</p>", escape(line)),
            }
        });
        return paragraphs.collect();
    }
    if widget.sql.is_empty() {
        return format!("<p class=\"note\">A widget of type {} is not shown here</p>", escape(&widget.kind));
    }
    match rows(workspace, reader, &widget.sql).await {
        Ok((columns, rows)) => draw(widget, &columns, &rows),
        Err(error) => format!("<p class=\"error\">{}</p>", escape(&error.message)),
    }
}

type Rows = (Vec<String>, Vec<Map<String, Value>>);

async fn rows(workspace: &Workspace, reader: &Caller, sql: &str) -> Result<Rows, ApiError> {
    let found = rows_of(workspace, reader.clone(), sql, MOST_ROWS).await?;
    let columns = found.schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    for batch in &found.batches {
        rows.extend(json_rows(batch)?);
    }
    Ok((columns, rows))
}
