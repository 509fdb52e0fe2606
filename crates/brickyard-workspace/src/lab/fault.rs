use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::ApiError;
use crate::workspace::Workspace;

/// Most faults ordered at once.
const MOST: usize = 1000;

/// Longest delay, in milliseconds.
const LONGEST_DELAY: u64 = 10 * 60 * 1000;

/// Something that goes wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How the path of the requests begins that it meets, such as `/api/2.0/sql`.
    pub path: String,
    /// HTTP method of those requests; every one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Answer this status and not the real answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `error_code` of that answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Seconds in `Retry-After` of that answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Do what is asked first and then fail: the client cannot know that it was done.
    #[serde(default)]
    pub after_effect: bool,
    /// Wait so many milliseconds before anything happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_milliseconds: Option<u64>,
    /// Break the answer off so many milliseconds after it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_after_milliseconds: Option<u64>,
    /// How many requests it meets; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// Faults ordered and not yet spent, in their order.
#[derive(Default)]
pub(crate) struct Faults {
    ordered: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(super) fn all(&self) -> Vec<Fault> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn clear(&self) {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn add(&self, fault: Fault) -> Result<(), ApiError> {
        if fault.status.is_none()
            && fault.delay_milliseconds.is_none()
            && fault.cut_after_milliseconds.is_none()
        {
            return Err(ApiError::invalid(
                "A fault has one of status, delay_milliseconds and cut_after_milliseconds",
            ));
        }
        if fault.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err(ApiError::invalid("The status of a fault lies between 400 and 599"));
        }
        let delays = [fault.delay_milliseconds, fault.cut_after_milliseconds];
        if delays.into_iter().flatten().any(|delay| delay > LONGEST_DELAY) {
            return Err(ApiError::invalid(format!("A fault waits at most {LONGEST_DELAY} milliseconds")));
        }
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        if ordered.len() >= MOST {
            return Err(ApiError::invalid(format!("At most {MOST} faults are ordered at once")));
        }
        ordered.push(fault);
        Ok(())
    }

    /// The first fault that meets the request, one of its count spent.
    fn meet(&self, method: &str, path: &str) -> Option<Fault> {
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let index = ordered.iter().position(|fault| {
            path.starts_with(&fault.path)
                && fault.count != Some(0)
                && fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })?;
        let fault = &mut ordered[index];
        fault.count = fault.count.map(|count| count - 1);
        let met = fault.clone();
        if met.count == Some(0) {
            ordered.remove(index);
        }
        Some(met)
    }
}

/// Lets ordered faults happen; the workspace's own tools are exempt.
pub(crate) async fn apply_faults(
    State(workspace): State<Workspace>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/brickyard/") {
        return next.run(request).await;
    }
    let Some(fault) = workspace.faults().meet(request.method().as_str(), path) else {
        return next.run(request).await;
    };
    tracing::info!(path, ?fault, "A fault was ordered for {path}");
    if let Some(delay) = fault.delay_milliseconds {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let Some(status) = fault.status.and_then(|status| StatusCode::from_u16(status).ok()) else {
        return cut(next.run(request).await, fault.cut_after_milliseconds);
    };
    if fault.after_effect {
        drop(next.run(request).await);
    }
    refusal(status, &fault)
}

fn refusal(status: StatusCode, fault: &Fault) -> Response {
    let code = fault.error_code.clone().unwrap_or_else(|| {
        let usual = match status {
            StatusCode::TOO_MANY_REQUESTS => "REQUEST_LIMIT_EXCEEDED",
            StatusCode::SERVICE_UNAVAILABLE => "TEMPORARILY_UNAVAILABLE",
            StatusCode::FORBIDDEN => "PERMISSION_DENIED",
            _ => "INTERNAL_ERROR",
        };
        usual.to_owned()
    });
    let body =
        serde_json::json!({ "error_code": code, "message": "This fault was ordered in the local workspace" });
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn cut(response: Response, after: Option<u64>) -> Response {
    let Some(after) = after else { return response };
    let end = Instant::now() + Duration::from_millis(after);
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    // Kept whole pieces come through; when the time is up the connection breaks.
    let stream = futures_util::stream::unfold(body.into_data_stream(), move |mut stream| async move {
        match tokio::time::timeout_at(end, stream.next()).await {
            Ok(next) => next.map(|next| (next.map_err(std::io::Error::other), stream)),
            Err(_) => Some((Err(std::io::Error::other("a fault cut the answer off")), stream)),
        }
    });
    Response::from_parts(parts, Body::from_stream(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(path: &str, count: Option<u32>) -> Fault {
        Fault {
            path: path.to_owned(),
            method: Some("get".to_owned()),
            status: Some(503),
            error_code: None,
            retry_after: None,
            after_effect: false,
            delay_milliseconds: None,
            cut_after_milliseconds: None,
            count,
        }
    }

    #[test]
    fn a_fault_meets_its_path_and_method_as_often_as_ordered() {
        let faults = Faults::default();
        faults.add(fault("/api/2.0/sql", Some(2))).unwrap();
        assert!(faults.meet("GET", "/api/2.0/jobs").is_none());
        assert!(faults.meet("POST", "/api/2.0/sql/warehouses").is_none());
        assert!(faults.meet("GET", "/api/2.0/sql/warehouses").is_some());
        assert!(faults.meet("GET", "/api/2.0/sql/warehouses").is_some());
        assert!(faults.meet("GET", "/api/2.0/sql/warehouses").is_none());
        assert!(faults.add(Fault { status: None, ..fault("/", None) }).is_err());
        assert!(faults.add(Fault { status: Some(200), ..fault("/", None) }).is_err());
    }
}
