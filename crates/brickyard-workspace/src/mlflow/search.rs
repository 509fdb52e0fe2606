use std::cmp::Ordering;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::experiments::stage_fits;
use super::filter::{Filter, compare, field};
use super::record::{Run, page_of};
use crate::caller::Caller;
use crate::error::ApiResult;
use crate::request::JsonBody;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    experiment_ids: Vec<String>,
    filter: Option<String>,
    run_view_type: Option<String>,
    max_results: Option<usize>,
    #[serde(default)]
    order_by: Vec<String>,
    page_token: Option<String>,
}

/// Runs of several experiments that fit a filter, ordered, in pages.
pub(super) async fn runs(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(search): JsonBody<Search>,
) -> ApiResult<Value> {
    let filter = Filter::parse(search.filter.as_deref().unwrap_or_default())?;
    let orders = search.order_by.iter().map(|text| order(text)).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for id in &search.experiment_ids {
        workspace.experiment_for(&caller, id, "CAN_READ")?;
        found.extend(workspace.runs_of(id)?);
    }
    found.retain(|run| {
        stage_fits(&run.lifecycle_stage, search.run_view_type.as_deref())
            && filter.accepts(|kind, key| value(run, kind, key))
    });
    found.sort_by(|left, right| {
        let ordered = orders.iter().map(|(kind, key, descending)| {
            let ordering = match (value(left, kind, key), value(right, kind, key)) {
                (Some(left), Some(right)) => compare(&left, &right),
                // Runs without the value come last, either way.
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            if *descending { ordering.reverse() } else { ordering }
        });
        let first = ordered.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal);
        first
            .then_with(|| right.start_time.cmp(&left.start_time))
            .then_with(|| left.run_id.cmp(&right.run_id))
    });
    let size = search.max_results.unwrap_or(1000).clamp(1, 50_000);
    page_of("runs", found, search.page_token.as_deref(), size, |run| Ok(run.shown())).map(Json)
}

fn order(text: &str) -> Result<(String, String, bool), crate::error::ApiError> {
    let text = text.trim();
    let (name, descending) = match text.rsplit_once(' ') {
        Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name, true),
        Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name, false),
        _ => (text, false),
    };
    let (kind, key) = field(name.trim())?;
    Ok((kind, key, descending))
}

fn value(run: &Run, kind: &str, key: &str) -> Option<Value> {
    match kind {
        "metrics" => run.metrics.iter().find(|metric| metric.key == key).map(|metric| metric.value.clone()),
        "params" => run.params.iter().find(|param| param.key == key).map(|param| json!(param.value)),
        "tags" => run.tags.iter().find(|tag| tag.key == key).map(|tag| json!(tag.value)),
        _ => match key {
            "run_id" => Some(json!(run.run_id)),
            "run_name" | "Run name" => Some(json!(run.run_name)),
            "status" => Some(json!(run.status)),
            "user_id" | "User" => Some(json!(run.user_id)),
            "artifact_uri" => Some(json!(run.artifact_uri)),
            "start_time" | "created" | "Created" => Some(json!(run.start_time)),
            "end_time" => run.end_time.map(|end| json!(end)),
            _ => None,
        },
    }
}
