//! Entry point for fuzzers: any headers in, and none that the platform says itself is left.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::headers::{cookie, is_upgrade, strip_client, strip_hop, without_cookies};
use super::session::Sessions;

/// The name of a corpus and what its inputs are given to.
pub type Target = (&'static str, fn(&[u8]));

/// Every entry point.
pub const TARGETS: &[Target] = &[("headers", headers)];

/// The headers of a request, `NAME: VALUE` a line.
pub fn headers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(200) {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(at + 1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let _ = (is_upgrade(&headers), cookie(&headers, "a"));
    strip_hop(&mut headers);
    strip_client(&mut headers);
    without_cookies(&mut headers, Sessions::is_cookie);
    for name in headers.keys() {
        // How WSGI and CGI read a name: case and punctuation are gone.
        let plain: String =
            name.as_str().chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
        let reserved = ["forwarded", "authorization", "x-real-ip", "x-request-id", "connection", "upgrade"];
        assert!(!reserved.contains(&plain.as_str()), "{name}");
        assert!(plain == "x-forwarded-" || !plain.starts_with("x-forwarded-"), "{name}");
    }
}
