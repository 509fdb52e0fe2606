//! Answers of gRPC: messages in frames, and a status at the end.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::wire::put;
use crate::warehouse::Fault;

/// Codes of gRPC that are used here.
const OK: u32 = 0;
const INTERNAL: u32 = 13;
const UNIMPLEMENTED: u32 = 12;

/// What cannot stand in `grpc-message` as it is.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// One answer, or its refusal.
pub(super) fn single(answer: Result<Vec<u8>, Fault>) -> Response {
    let frames = match answer {
        Ok(message) => vec![Ok(message), Err(None)],
        Err(fault) => vec![Err(Some(fault))],
    };
    stream(futures_util::stream::iter(frames))
}

/// Many answers; the last item is their end, `Err(None)` where all went well.
pub(super) fn stream(items: impl Stream<Item = Result<Vec<u8>, Option<Fault>>> + Send + 'static) -> Response {
    use futures_util::StreamExt;
    let frames = items.map(|item| {
        Ok::<_, std::convert::Infallible>(match item {
            Ok(message) => Frame::data(framed(&message)),
            Err(fault) => Frame::trailers(trailers(fault.as_ref())),
        })
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    response
}

/// The message of a request; one that is compressed, or none, is a fault.
pub(super) fn unframed(body: &[u8]) -> Result<&[u8], Fault> {
    let malformed =
        || Fault::new("CONNECT_INVALID_PLAN", "56K00", "The request is not one uncompressed message.");
    let (head, message) = body.split_at_checked(5).ok_or_else(malformed)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let whole = head[0] == 0 && usize::try_from(length).is_ok_and(|length| length == message.len());
    if whole { Ok(message) } else { Err(malformed()) }
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(message.len() + 5);
    frame.push(0);
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

fn trailers(fault: Option<&Fault>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            trailers.insert(HeaderName::from_static(name), value);
        }
    };
    let Some(fault) = fault else {
        set("grpc-status", OK.to_string());
        return trailers;
    };
    let code = if fault.class == "UNSUPPORTED_CONNECT_METHOD" { UNIMPLEMENTED } else { INTERNAL };
    set("grpc-status", code.to_string());
    set("grpc-message", utf8_percent_encode(&fault.message, MESSAGE).to_string());
    set("grpc-status-details-bin", STANDARD_NO_PAD.encode(details(code, fault)));
    trailers
}

/// A message `google.rpc.Status` with the `ErrorInfo` from which clients make their exception.
fn details(code: u32, fault: &Fault) -> Vec<u8> {
    let class = match fault.sql_state.get(..2) {
        Some("42") if fault.class == "PARSE_SYNTAX_ERROR" => {
            "org.apache.spark.sql.catalyst.parser.ParseException"
        }
        Some("42" | "0A") => "org.apache.spark.sql.AnalysisException",
        _ => "org.apache.spark.SparkException",
    };
    let mut information = Vec::new();
    put(&mut information, 1, class.as_bytes());
    put(&mut information, 2, b"org.apache.spark");
    for (key, value) in [
        ("classes", format!("[\"{class}\"]")),
        ("errorClass", fault.class.clone()),
        ("sqlState", fault.sql_state.clone()),
    ] {
        let mut entry = Vec::new();
        put(&mut entry, 1, key.as_bytes());
        put(&mut entry, 2, value.as_bytes());
        put(&mut information, 3, &entry);
    }
    let mut any = Vec::new();
    put(&mut any, 1, b"type.googleapis.com/google.rpc.ErrorInfo");
    put(&mut any, 2, &information);
    let mut status = Vec::new();
    super::wire::put_number(&mut status, 1, u64::from(code));
    put(&mut status, 2, fault.message.as_bytes());
    put(&mut status, 3, &any);
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_whole_or_refused() {
        assert_eq!(unframed(&framed(b"abc")).unwrap(), b"abc");
        for wrong in [&b""[..], b"\0\0\0\0", b"\x01\0\0\0\0", b"\0\0\0\0\x02a"] {
            assert!(unframed(wrong).is_err(), "{wrong:?}");
        }
        let trailers = trailers(Some(&Fault::unsupported("a\nb", "c")));
        assert_eq!(trailers["grpc-status"], "13");
        assert!(trailers["grpc-message"].to_str().unwrap().contains("a%0Ab"));
    }
}
