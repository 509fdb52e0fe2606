//! What connectors ask and tell beside their work; answered at once, kept nowhere.

use axum::Json;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::request::JsonBody;

/// No feature is switched on for a client.
pub(crate) async fn feature_flags(_caller: Caller) -> Json<Value> {
    Json(json!({ "flags": [], "ttl_seconds": 900 }))
}

/// Takes the client's telemetry and drops it.
pub(crate) async fn telemetry(JsonBody(body): JsonBody<Value>) -> Json<Value> {
    let count = |name: &str| body[name].as_array().map_or(0, Vec::len);
    Json(json!({ "errors": [], "numProtoSuccess": count("protoLogs") + count("items") }))
}
