use std::io::SeekFrom;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::path::FilePath;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

const CHUNK: usize = 512 * 1024;

/// Sends a file, or the range that is asked for.
pub(super) async fn file(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "READ_VOLUME")?;
    send(&path, &place, &headers, true).await
}

/// The headers of [`file`] alone.
pub(super) async fn metadata(
    State(workspace): State<Workspace>,
    caller: Caller,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let path = FilePath::parse(&path)?;
    let place = workspace.file_place(&caller, &path, "READ_VOLUME")?;
    send(&path, &place, &headers, false).await
}

/// Sends what lies at a checked place.
pub(super) async fn send(
    path: &FilePath,
    place: &Path,
    headers: &HeaderMap,
    with_body: bool,
) -> Result<Response, ApiError> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK);
    let opened = tokio::fs::OpenOptions::from(options).open(place).await;
    let mut file = opened.map_err(|_| missing(path))?;
    let metadata = file.metadata().await.map_err(|error| ApiError::internal(&error))?;
    if !metadata.is_file() {
        return Err(missing(path));
    }
    let length = metadata.len();
    let modified =
        metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default();
    if changed_since(headers, modified) {
        let message = format!("The file '{path}' was changed meanwhile");
        return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "FAILED_PRECONDITION", message));
    }
    let range = match headers.get(RANGE).and_then(|value| value.to_str().ok()) {
        Some(text) => match range(text, length) {
            Asked::Part(range) => Some(range),
            Asked::Whole => None,
            Asked::Nothing => {
                let message = format!("The file has {length} bytes");
                let error =
                    ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "INVALID_PARAMETER_VALUE", message);
                let mut response = error.into_response();
                insert(&mut response, CONTENT_RANGE, &format!("bytes */{length}"));
                return Ok(response);
            }
        },
        None => None,
    };
    let (status, part) = match &range {
        Some(part) => (StatusCode::PARTIAL_CONTENT, part.clone()),
        None => (StatusCode::OK, 0..length),
    };
    let body = if with_body {
        if part.start > 0 {
            file.seek(SeekFrom::Start(part.start)).await.map_err(|error| ApiError::internal(&error))?;
        }
        file.set_max_buf_size(CHUNK);
        Body::from_stream(ReaderStream::with_capacity(file.take(part.end - part.start), CHUNK))
    } else {
        Body::empty()
    };
    let mut response = (status, body).into_response();
    insert(&mut response, CONTENT_LENGTH, &(part.end - part.start).to_string());
    insert(&mut response, CONTENT_TYPE, "application/octet-stream");
    insert(&mut response, ACCEPT_RANGES, "bytes");
    insert(&mut response, ETAG, &format!("\"{:x}-{length:x}\"", modified.as_microsecond()));
    if let Ok(text) = DateTimePrinter::new().timestamp_to_rfc9110_string(&modified) {
        insert(&mut response, LAST_MODIFIED, &text);
    }
    if range.is_some() {
        insert(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{length}", part.start, part.end - 1));
    }
    Ok(response)
}

fn insert(response: &mut Response, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The platform's 404 for a file.
pub(super) fn missing(path: &FilePath) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        format!("The file '{path}' does not exist; it was not found"),
    )
}

fn changed_since(headers: &HeaderMap, modified: Timestamp) -> bool {
    let text = headers.get(IF_UNMODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = text.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    since.is_some_and(|since| modified.as_second() > since.timestamp().as_second())
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// Reads a `Range` header (RFC 9110 §14.2); several ranges or another unit ask for the whole file.
fn range(text: &str, length: u64) -> Asked {
    let Some(spec) = text.trim().strip_prefix("bytes=") else { return Asked::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Asked::Whole };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first.trim()), number(last.trim())) {
        (Some(first), _) if first >= length => Asked::Nothing,
        (Some(first), Some(last)) if last >= first => Asked::Part(first..last.saturating_add(1).min(length)),
        (Some(first), None) if last.trim().is_empty() => Asked::Part(first..length),
        (None, Some(0)) if first.trim().is_empty() => Asked::Nothing,
        (None, Some(count)) if first.trim().is_empty() && length > 0 => {
            Asked::Part(length.saturating_sub(count)..length)
        }
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_the_standard_reads_them() {
        for (text, asked) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=2-99", Asked::Part(2..10)),
            ("bytes=2-18446744073709551615", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=-0", Asked::Nothing),
            ("bytes=10-", Asked::Nothing),
            ("bytes=99999999999999999999-", Asked::Nothing),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("lines=0-1", Asked::Whole),
        ] {
            assert_eq!(range(text, 10), asked, "{text}");
        }
    }
}
