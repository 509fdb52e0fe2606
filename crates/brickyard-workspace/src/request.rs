//! What handlers take from a request, with refusals in the platform's own shape.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ApiError;

/// Most of a refusal's words that are kept, in bytes.
const LONGEST_REFUSAL: usize = 16 * 1024;

/// A JSON body; an empty one counts as `{}`, since clients leave it out where every field is optional.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            ApiError::new(rejection.status(), "MALFORMED_REQUEST", rejection.body_text())
        })?;
        let content: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { &bytes };
        let parsed = serde_json::from_slice(content);
        parsed.map(Self).map_err(|error| malformed(format!("Could not parse request object: {error}")))
    }
}

/// Fields of a request, behind `?` where any are there, else in a JSON body: clients of one API do either.
pub(crate) struct Fields<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let query = request.uri().query().unwrap_or_default();
        if query.is_empty() {
            return JsonBody::from_request(request, state).await.map(|JsonBody(fields)| Self(fields));
        }
        let mut fields = serde_json::Map::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = Value::String(value.into_owned());
            match fields.get_mut(name.as_ref()) {
                Some(Value::Array(list)) => list.push(value),
                Some(known) => *known = Value::Array(vec![known.take(), value]),
                None => drop(fields.insert(name.into_owned(), value)),
            }
        }
        let parsed = serde_json::from_value(Value::Object(fields));
        parsed.map(Self).map_err(|error| malformed(format!("Could not parse request object: {error}")))
    }
}

/// A number that may come as text, as behind `?`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum NumberOr {
    /// As JSON has it.
    Number(usize),
    /// As a query has it.
    Text(String),
}

impl NumberOr {
    /// The number; `None` where the text is none.
    pub(crate) fn number(&self) -> Option<usize> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// A flag that may come as text, as behind `?`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum FlagOr {
    /// As JSON has it.
    Flag(bool),
    /// As a query has it.
    Text(String),
}

impl FlagOr {
    /// Whether it is set; any text but `true` is not.
    pub(crate) fn is_set(&self) -> bool {
        match self {
            Self::Flag(flag) => *flag,
            Self::Text(text) => text.eq_ignore_ascii_case("true"),
        }
    }
}

/// A list that may come as its only item, as behind `?`.
#[derive(Debug, Default)]
pub(crate) struct ListOr(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for ListOr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let list = if let Value::Array(list) = value { list } else { vec![value] };
        Ok(Self(list.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()))
    }
}

/// The parameters behind `?`.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let parsed = Query::try_from_uri(&parts.uri);
        parsed.map(|Query(parsed)| Self(parsed)).map_err(|error| malformed(error.body_text()))
    }
}

/// Marks the answer of another service, which is passed on as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PassedOn;

/// Says in the platform's own shape what the framework refuses in plain text, such as a path that is not UTF-8.
pub(crate) async fn in_own_shape(response: Response) -> Response {
    let plain = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/plain; charset=utf-8");
    let passed_on = response.extensions().get::<PassedOn>().is_some();
    if passed_on || !(plain && response.status().is_client_error()) {
        return response;
    }
    let status = response.status();
    let words = axum::body::to_bytes(response.into_body(), LONGEST_REFUSAL).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words).into_owned();
    ApiError::new(status, "MALFORMED_REQUEST", words).into_response()
}

fn malformed(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", message)
}
