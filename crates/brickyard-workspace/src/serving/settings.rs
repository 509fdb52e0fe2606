//! Limits and logging of an endpoint through the API: `ai-gateway` and the older `rate-limits`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::describe::{KIND, missing};
use super::gate::ServingOptions;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct AiGateway {
    #[serde(default)]
    rate_limits: Vec<RateLimit>,
    inference_table_config: Option<InferenceTable>,
    guardrails: Option<Value>,
    fallback_config: Option<Value>,
    usage_tracking_config: Option<Value>,
}

#[derive(Deserialize)]
struct RateLimit {
    calls: Option<u32>,
    key: Option<String>,
    renewal_period: String,
    tokens: Option<u32>,
}

#[derive(Deserialize)]
struct InferenceTable {
    catalog_name: Option<String>,
    schema_name: Option<String>,
    table_name_prefix: Option<String>,
    #[serde(default)]
    enabled: bool,
}

/// Replaces limits and logging of an endpoint.
pub(super) async fn put_ai_gateway(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(wanted): JsonBody<AiGateway>,
) -> ApiResult<Value> {
    let endpoint = workspace.serving().find(&name).ok_or_else(|| missing(&name))?;
    workspace.authorize_object(&caller, KIND, &name, "CAN_MANAGE")?;
    for (what, value) in [
        ("guardrails", &wanted.guardrails),
        ("fallbacks", &wanted.fallback_config),
        ("usage tracking", &wanted.usage_tracking_config),
    ] {
        if value.as_ref().is_some_and(|value| value["enabled"] != json!(false)) {
            return Err(ApiError::not_implemented(format_args!("{what} of serving endpoints")));
        }
    }
    let known = workspace.serving().gate(&endpoint.name).options.clone();
    let mut options = ServingOptions {
        concurrency: known.concurrency,
        timeout: known.timeout,
        ..ServingOptions::default()
    };
    limit(&mut options, wanted.rate_limits)?;
    if let Some(table) = wanted.inference_table_config.filter(|table| table.enabled) {
        let developer = workspace.config().users.first();
        if developer.is_none_or(|developer| developer.user_name != caller.name()) {
            return Err(ApiError::denied("Only the developer may have requests logged to a table"));
        }
        let parts = [
            table.catalog_name.unwrap_or_default(),
            table.schema_name.unwrap_or_default(),
            format!("{}_payload", table.table_name_prefix.unwrap_or_else(|| name.replace('-', "_"))),
        ];
        options.log_table = Some(parts.map(|part| crate::catalog::quote(&part)).join("."));
    }
    workspace.serving().put_options(&endpoint.name, options);
    Ok(Json(ai_gateway(&workspace, &endpoint.name)))
}

fn limit(options: &mut ServingOptions, limits: Vec<RateLimit>) -> Result<(), ApiError> {
    for limit in limits {
        if limit.renewal_period != "minute" || limit.tokens.is_some() {
            return Err(ApiError::not_implemented("rate limits other than requests a minute"));
        }
        let calls = limit.calls.ok_or_else(|| ApiError::invalid("A rate limit says how many `calls`"))?;
        match limit.key.as_deref() {
            None | Some("endpoint") => options.calls_per_minute = Some(calls),
            Some("user") => options.calls_per_minute_and_user = Some(calls),
            Some(other) => {
                return Err(ApiError::not_implemented(format_args!("rate limits by {other}")));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct RateLimits {
    #[serde(default)]
    rate_limits: Vec<RateLimit>,
}

pub(super) async fn put_rate_limits(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(wanted): JsonBody<RateLimits>,
) -> ApiResult<Value> {
    let endpoint = workspace.serving().find(&name).ok_or_else(|| missing(&name))?;
    workspace.authorize_object(&caller, KIND, &name, "CAN_MANAGE")?;
    let mut options = workspace.serving().gate(&endpoint.name).options.clone();
    (options.calls_per_minute, options.calls_per_minute_and_user) = (None, None);
    limit(&mut options, wanted.rate_limits)?;
    workspace.serving().put_options(&endpoint.name, options);
    Ok(Json(json!({ "rate_limits": ai_gateway(&workspace, &endpoint.name)["rate_limits"] })))
}

/// Limits and logging as the API shows them.
pub(super) fn ai_gateway(workspace: &Workspace, endpoint: &str) -> Value {
    let gate = workspace.serving().gate(endpoint);
    let options = &gate.options;
    let limits = [("endpoint", options.calls_per_minute), ("user", options.calls_per_minute_and_user)];
    let limits = limits
        .into_iter()
        .filter_map(|(key, calls)| Some(json!({ "key": key, "calls": calls?, "renewal_period": "minute" })));
    let mut shown = json!({ "rate_limits": limits.collect::<Vec<_>>() });
    if let Some(table) = &options.log_table {
        let parts = crate::catalog::split(table).unwrap_or_default();
        let part = |index: usize| parts.get(index).cloned().unwrap_or_default();
        let prefix = part(2);
        shown["inference_table_config"] = json!({
            "enabled": true, "catalog_name": part(0), "schema_name": part(1),
            "table_name_prefix": prefix.strip_suffix("_payload").unwrap_or(&prefix),
        });
    }
    shown
}
