//! Calls that run outside the engine: functions in Python and `http_request`. Their arguments are constant, the engine gives
//! their values, and the answer takes the place of the call.

use brickyard_sql::{ModelCall, OUTSIDE, string_literal};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::ask::json_rows;
use super::fault::Fault;
use super::name::full_name;
use super::scene::Scene;
use crate::connections::{Sent, content, send};
use crate::error::ApiError;

/// Most bytes of a service's answer that a statement takes.
const LARGEST: usize = 1 << 20;

/// The answer of a function of the catalog, which the caller was found to be allowed to execute.
pub(super) async fn function(scene: &Scene<'_>, arguments: &[String]) -> Result<String, Fault> {
    let [name, arguments @ ..] = arguments else {
        return Err(Fault::internal("A call outside the engine names no function"));
    };
    let parts: Vec<&str> = name.split('.').collect();
    let function = scene.catalog().function_record(&full_name(&parts))?;
    let values = values(scene, arguments).await?;
    crate::functions::call(scene.workspace, &function, &values).await.map_err(|error| {
        let class = match error.status {
            http::StatusCode::NOT_IMPLEMENTED => return Fault::from(error),
            _ => "UDF_USER_CODE_ERROR.GENERIC",
        };
        Fault::new(class, "39000", error.message)
    })
}

/// `http_request`: connection, method, path, body, headers and parameters, in this order.
pub(super) async fn http_request(scene: &Scene<'_>, arguments: &[String]) -> Result<String, Fault> {
    let values = values(scene, arguments).await?;
    let [connection, method, path, body, headers, parameters] = values.as_slice() else {
        return Err(Fault::internal("http_request has another number of arguments"));
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = |value: &Value| -> Vec<(String, String)> {
        let pairs = value.as_object().into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let method = text(method).to_uppercase();
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
        return Err(ApiError::invalid(format!("method {} is not known", method.escape_debug())).into());
    }
    let mut sent = HeaderMap::new();
    for (name, value) in pairs(headers) {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(&value)) else {
            return Err(ApiError::invalid("A header cannot be sent").into());
        };
        sent.insert(name, value);
    }
    let body = body.as_str().map(|body| Bytes::from(body.to_owned()));
    if body.is_some() {
        sent.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    let request = Sent {
        method: Method::try_from(method.as_str()).unwrap_or_default(),
        path: text(path),
        headers: sent,
        parameters: pairs(parameters).into_iter().collect(),
        body,
    };
    let answer = send(scene.workspace, &scene.session.caller, &text(connection), request).await?;
    let status = answer.status().as_u16();
    let content = content(answer).await?;
    if content.len() > LARGEST {
        let told = format!("The answer of the service is larger than {LARGEST} bytes");
        return Err(ApiError::invalid(told).into());
    }
    let content = string_literal(&String::from_utf8_lossy(&content));
    Ok(format!("named_struct('status_code', CAST({status} AS INT), 'text', {content})"))
}

/// What stands for an answer where only its type is wanted.
pub(super) fn supposed(scene: &Scene<'_>, call: &ModelCall) -> Result<String, Fault> {
    let data_type = match (call.name.as_str(), call.arguments.first()) {
        (OUTSIDE, Some(name)) => {
            let parts: Vec<&str> = name.split('.').collect();
            scene.catalog().function_record(&full_name(&parts))?.return_type
        }
        ("http_request", _) => "STRUCT<status_code: INT, text: STRING>".to_owned(),
        _ => "STRING".to_owned(),
    };
    Ok(format!("CAST(NULL AS {data_type})"))
}

/// The values of constant expressions in the engine's SQL.
async fn values(scene: &Scene<'_>, expressions: &[String]) -> Result<Vec<Value>, Fault> {
    if expressions.is_empty() {
        return Ok(Vec::new());
    }
    let columns = expressions.iter().enumerate().map(|(at, text)| format!("{text} AS `{at}`"));
    let columns: Vec<String> = columns.collect();
    let batches = scene.raw(&format!("SELECT {}", columns.join(", ")), Vec::new()).await?;
    let mut row = match batches.iter().find(|batch| batch.num_rows() > 0) {
        Some(batch) => json_rows(batch)?.pop().unwrap_or_default(),
        None => return Err(Fault::internal("The engine gave no value for a constant")),
    };
    Ok((0..expressions.len()).map(|at| row.remove(&at.to_string()).unwrap_or_default()).collect())
}
