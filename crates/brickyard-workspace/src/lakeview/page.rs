use std::fmt::Write;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use serde_json::{Map, Value};

use super::chart::draw;
use super::dashboards::{may, published};
use super::layout::{Widget, pages};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::oauth::escape;
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

/// `GET /embed/dashboardsv3/{id}`: a published dashboard as one page.
///
/// The data are read as the publisher where the dashboard was published so, else as whoever looks.
pub(super) async fn embed(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let record = may(&workspace, &caller, &id, "CAN_READ")?;
    let published = published(&record)?;
    let reader =
        if published.embed_credentials { Caller::acting(&workspace, &published.publisher)? } else { caller };
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
            let content = content(&workspace, &reader, widget).await;
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
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>",
        escape(&published.name)
    );
    // Nothing but this text and its styles: no script runs, nothing is fetched. Apps show it in a frame.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    let headers =
        [(CONTENT_SECURITY_POLICY, policy), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Html(page)).into_response())
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
