use std::collections::BTreeMap;
use std::time::Duration;

use brickyard_sql::{Parameter, Parameters};
use serde::Deserialize;
use serde_json::Value;

use super::kept::Wish;
use crate::error::ApiError;
use crate::warehouse::result::file::Layout;

/// Bytes that a result may have behind links (100 GiB).
const LINK_LIMIT: u64 = 100 * 1024 * 1024 * 1024;

/// A statement as clients send it.
#[derive(Deserialize)]
pub(crate) struct Execute {
    pub(super) statement: Option<String>,
    pub(super) warehouse_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) catalog: Option<String>,
    pub(super) schema: Option<String>,
    #[serde(default)]
    pub(super) parameters: Vec<Sent>,
    pub(super) wait_timeout: Option<String>,
    pub(super) on_wait_timeout: Option<String>,
    pub(super) disposition: Option<String>,
    pub(super) format: Option<String>,
    pub(super) result_compression: Option<String>,
    pub(super) row_limit: Option<u64>,
    pub(super) byte_limit: Option<u64>,
}

/// One parameter of it.
#[derive(Deserialize)]
pub(super) struct Sent {
    name: Option<String>,
    ordinal: Option<u32>,
    value: Option<Value>,
    #[serde(rename = "type")]
    sql_type: Option<String>,
}

/// `wait_timeout`: 0 or 5 to 50 seconds; 10 when nothing is said.
pub(super) fn wait(text: Option<&str>) -> Result<Duration, ApiError> {
    let Some(text) = text else { return Ok(Duration::from_secs(10)) };
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok());
    match seconds {
        Some(seconds @ (0 | 5..=50)) => Ok(Duration::from_secs(seconds)),
        _ => Err(ApiError::invalid(
            "wait_timeout must be 0s or between 5s and 50s: the time in seconds the call will wait for the statement's result set",
        )),
    }
}

/// How the client wants the result.
pub(super) fn wish(execute: &Execute) -> Result<Wish, ApiError> {
    let hybrid = execute.disposition.as_deref() == Some("INLINE_OR_EXTERNAL_LINKS");
    let links = match execute.disposition.as_deref() {
        None | Some("INLINE") => false,
        Some("EXTERNAL_LINKS" | "INLINE_OR_EXTERNAL_LINKS") => true,
        Some(other) => return Err(ApiError::invalid(format!("disposition {other} is not known"))),
    };
    let format = match execute.format.as_deref() {
        None | Some("JSON_ARRAY") => Layout::JsonArray,
        Some("ARROW_STREAM") => Layout::ArrowStream,
        Some("CSV") => Layout::Csv,
        Some(other) => return Err(ApiError::invalid(format!("format {other} is not known"))),
    };
    if !links && !hybrid && format != Layout::JsonArray {
        return Err(ApiError::invalid(
            "The format field must be JSON_ARRAY when the disposition field is INLINE.",
        ));
    }
    let lz4 = match execute.result_compression.as_deref() {
        None | Some("NONE" | "RESULT_COMPRESSION_UNSPECIFIED") => false,
        Some("LZ4_FRAME") => true,
        Some(other) => return Err(ApiError::invalid(format!("result_compression {other} is not known"))),
    };
    let byte_limit = Some(execute.byte_limit.unwrap_or(u64::MAX).min(LINK_LIMIT));
    Ok(Wish { format, links, lz4, row_limit: execute.row_limit, byte_limit })
}

/// The values for the statement's markers.
pub(super) fn parameters(sent: Vec<Sent>) -> Result<Parameters, ApiError> {
    if sent.is_empty() {
        return Ok(Parameters::None);
    }
    let (mut named, mut positional) = (BTreeMap::new(), Vec::new());
    for parameter in sent {
        let value = parameter.value.and_then(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        });
        let sql_type = parameter.sql_type.unwrap_or_else(|| "STRING".to_owned());
        let bound = Parameter { sql_type, value, arguments: None };
        match (parameter.name, parameter.ordinal) {
            (Some(name), _) => drop(named.insert(name, bound)),
            (None, Some(ordinal)) => positional.push((ordinal, bound)),
            (None, None) => return Err(ApiError::invalid("A parameter has no name")),
        }
    }
    if !named.is_empty() && !positional.is_empty() {
        return Err(ApiError::invalid("Parameters are either named or numbered, not both"));
    }
    if named.is_empty() {
        positional.sort_by_key(|(ordinal, _)| *ordinal);
        return Ok(Parameters::Positional(positional.into_iter().map(|(_, bound)| bound).collect()));
    }
    Ok(Parameters::Named(named))
}
