//! Headers: what a client may not say, what the app is told instead, and what belongs to one hop alone.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use uuid::fmt::Hyphenated;

use super::request_id;
use super::session::Visitor;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const FORWARDED_EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const FORWARDED_USERNAME: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");
const FORWARDED_TOKEN: HeaderName = HeaderName::from_static("x-forwarded-access-token");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Of one hop (RFC 9110 §7.6.1); `Connection` may name more.
static HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a request came by.
pub(super) struct Asked<'a> {
    /// The host asked for, with its port.
    pub(super) host: &'a HeaderValue,
    /// Whether it is one of this machine's names; TLS ends before us under another.
    pub(super) loopback: bool,
    /// When.
    pub(super) at: Instant,
    pub(super) caller: &'a Caller,
}

/// The other end of a connection.
#[derive(Debug)]
pub(super) struct Caller {
    /// Its IP address.
    pub(super) peer: HeaderValue,
    /// The lane that carries the connection.
    pub(super) lane: usize,
}

/// Headers that [`tell`] adds, at most.
const TOLD: usize = 9;

/// Removes whatever the platform says itself, in every spelling a server behind us could take for it: WSGI and CGI make
/// `-`, `_` and case the same.
pub(super) fn strip_client(headers: &mut HeaderMap) {
    let spoofed: Vec<HeaderName> =
        headers.keys().filter(|name| is_reserved(name.as_str())).cloned().collect();
    for name in spoofed {
        headers.remove(name);
    }
}

fn is_reserved(name: &str) -> bool {
    // Cheap for the many names that are not concerned; names arrive in lower case.
    if !matches!(name.as_bytes().first(), Some(b'x' | b'f' | b'a' | b'p' | b'e')) {
        return false;
    }
    let same = |known: &str| {
        name.len() == known.len()
            && name
                .bytes()
                .zip(known.bytes())
                .all(|(a, b)| a == b || (b == b'-' && !a.is_ascii_alphanumeric()))
    };
    let starts = |known: &str| {
        name.len() > known.len()
            && name
                .bytes()
                .zip(known.bytes())
                .all(|(a, b)| a == b || (b == b'-' && !a.is_ascii_alphanumeric()))
    };
    starts("x-forwarded-")
        || starts("x-databricks-")
        || ["x-real-ip", "x-request-id", "forwarded", "authorization", "proxy-authorization", "expect"]
            .iter()
            .any(|known| same(known))
}

/// Removes what belongs to the hop that ends here.
pub(super) fn strip_hop(headers: &mut HeaderMap) {
    let mut of_hop: Vec<HeaderName> =
        headers.keys().filter(|name| HOP_BY_HOP.contains(name)).cloned().collect();
    if of_hop.is_empty() {
        return;
    }
    for value in headers.get_all(header::CONNECTION) {
        let named = value.to_str().unwrap_or_default().split(',').map(str::trim);
        // What most connections say names no header.
        let named = named.filter(|name| !["keep-alive", "close"].contains(name));
        of_hop.extend(named.filter_map(|name| name.parse().ok()));
    }
    for name in of_hop {
        headers.remove(name);
    }
}

/// Says who asks, and for what (facts: platform §4.1).
pub(super) fn tell(headers: &mut HeaderMap, visitor: &Visitor, asked: &Asked<'_>) {
    headers.reserve(TOLD);
    headers.insert(FORWARDED_HOST, asked.host.clone());
    headers.insert(FORWARDED_FOR, asked.caller.peer.clone());
    headers.insert(REAL_IP, asked.caller.peer.clone());
    let scheme = if asked.loopback { "http" } else { "https" };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    let mut id = vec![0; Hyphenated::LENGTH];
    request_id::next().as_hyphenated().encode_lower(&mut id);
    if let Ok(id) = HeaderValue::from_maybe_shared(Bytes::from(id)) {
        headers.insert(REQUEST_ID, id);
    }
    let said = visitor.said(asked.caller.lane);
    headers.insert(FORWARDED_USER, said.user);
    headers.insert(FORWARDED_USERNAME, said.preferred_username);
    if let Some(email) = said.email {
        headers.insert(FORWARDED_EMAIL, email);
    }
    if let Some(token) = said.access_token {
        headers.insert(FORWARDED_TOKEN, token);
    }
}

/// Every cookie but ours, in one header: HTTP/2 may split them.
pub(super) fn without_cookies(headers: &mut HeaderMap, ours: impl Fn(&str) -> bool) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    for value in headers.get_all(header::COOKIE) {
        for cookie in value.as_bytes().split(|byte| *byte == b';') {
            let cookie = cookie.trim_ascii();
            let name = cookie.split(|byte| *byte == b'=').next().unwrap_or_default();
            if !cookie.is_empty() && !std::str::from_utf8(name).is_ok_and(&ours) {
                kept.push(cookie);
            }
        }
    }
    let joined = HeaderValue::from_bytes(&kept.join(&b"; "[..]));
    headers.remove(header::COOKIE);
    if let Ok(joined) = joined
        && !joined.is_empty()
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Whether the client asks to leave HTTP.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    if !headers.contains_key(header::UPGRADE) {
        return false;
    }
    let mut asks = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    asks.any(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_goes() {
        for name in [
            "X-Forwarded-User",
            "x_forwarded_user",
            "X-Forwarded_Email",
            "x-forwarded-access-token",
            "X_Real_Ip",
            "x-request_id",
            "Forwarded",
            "authorization",
            "X-Databricks-Org-Id",
            "x.forwarded.user",
            "x-forwarded-new",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static("spoofed"),
            );
            strip_client(&mut headers);
            assert!(headers.is_empty(), "{name}");
        }
        for name in ["x-forwarded", "accept", "x-requested-with", "x-my-request-id", "user-agent", "x"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn our_cookies_stay_here() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; ours=secret"));
        headers.append(header::COOKIE, HeaderValue::from_static("b=2=3"));
        assert_eq!(cookie(&headers, "ours"), Some("secret"));
        without_cookies(&mut headers, |name| name == "ours");
        assert_eq!(headers[header::COOKIE], "a=1; b=2=3");
        without_cookies(&mut headers, |_| true);
        assert!(!headers.contains_key(header::COOKIE));
    }

    #[test]
    fn connection_names_more() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close, X-Mine"));
        headers.insert("x-mine", HeaderValue::from_static("1"));
        headers.insert("x-other", HeaderValue::from_static("1"));
        strip_hop(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-other"]);
    }
}
