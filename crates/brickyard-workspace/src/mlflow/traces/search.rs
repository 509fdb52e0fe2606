//! Searching traces, in both versions of the API.

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use serde_json::Value;

use super::super::filter::{Filter, compare, field};
use super::super::record::page_of;
use super::{Location, Trace};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Traces of a page where nothing is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 500;

#[derive(Deserialize)]
pub(in crate::mlflow) struct Search {
    #[serde(default)]
    locations: Vec<Location>,
    filter: Option<String>,
    max_results: Option<usize>,
    #[serde(default)]
    order_by: Vec<String>,
    page_token: Option<String>,
}

pub(in crate::mlflow) async fn search(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(search): JsonBody<Search>,
) -> ApiResult<Value> {
    let experiments =
        search.locations.into_iter().map(Location::experiment).collect::<Result<Vec<_>, _>>()?;
    let filter = search.filter.as_deref().unwrap_or_default();
    let found = find(&workspace, &caller, &experiments, filter, &search.order_by)?;
    let size = search.max_results.unwrap_or(USUAL).clamp(1, MOST);
    page_of("traces", found, search.page_token.as_deref(), size, |trace| Ok(trace.shown())).map(Json)
}

fn find(
    workspace: &Workspace,
    caller: &Caller,
    experiments: &[String],
    filter: &str,
    order_by: &[String],
) -> Result<Vec<Trace>, ApiError> {
    let filter = Filter::parse(filter)?;
    let mut found = Vec::new();
    for id in experiments {
        workspace.authorize_experiment(caller, id, "CAN_READ")?;
        found.extend(workspace.traces_of(id)?);
    }
    found.retain(|trace| filter.accepts(|kind, key| trace.value(kind, key)));
    found.sort_by_key(|trace| std::cmp::Reverse(trace.request_time));
    for order in order_by.iter().rev() {
        let (name, word) = order.trim().rsplit_once(' ').unwrap_or((order.trim(), "ASC"));
        let (kind, key) = field(name.trim())?;
        let descending = word.eq_ignore_ascii_case("desc");
        found.sort_by(|left, right| match (left.value(&kind, &key), right.value(&kind, &key)) {
            (Some(left), Some(right)) if descending => compare(&right, &left),
            (Some(left), Some(right)) => compare(&left, &right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        });
    }
    Ok(found)
}

/// Searches in the second version, whose lists are repeated parameters.
pub(in crate::mlflow) async fn search_v2(
    State(workspace): State<Workspace>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> ApiResult<Value> {
    let query = query.unwrap_or_default();
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let all = |name: &str| -> Vec<String> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    };
    let one = |name: &str| all(name).pop();
    let filter = one("filter").unwrap_or_default();
    let found = find(&workspace, &caller, &all("experiment_ids"), &filter, &all("order_by"))?;
    let size = one("max_results").and_then(|size| size.parse().ok()).unwrap_or(USUAL).clamp(1, MOST);
    page_of("traces", found, one("page_token").as_deref(), size, |trace| Ok(trace.shown_v2())).map(Json)
}
