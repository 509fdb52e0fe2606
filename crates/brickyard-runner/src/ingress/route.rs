//! Names: which host was asked, which app that is, and which are never answered.
//!
//! A web page elsewhere can make its own name point at 127.0.0.1 (DNS rebinding) or post across origins. So only loopback
//! names are answered, and requests that change something must come from a loopback page.

use std::net::IpAddr;

use http::header::{HOST, HeaderName, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The host asked for, with its port: `Host`, or `:authority` in HTTP/2.
pub(super) fn host<B>(request: &Request<B>) -> Option<HeaderValue> {
    match request.uri().authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => request.headers().get(HOST).cloned(),
    }
}

/// The host without its port and brackets.
pub(super) fn bare(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Whether the name leads to this machine and nowhere else.
pub(super) fn is_loopback(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let localhost = name.len() >= 9 && name.is_char_boundary(name.len() - 9) && {
        let (before, last) = name.split_at(name.len() - 9);
        last.eq_ignore_ascii_case("localhost") && (before.is_empty() || before.ends_with('.'))
    };
    localhost || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The app's name in `APP.localhost`.
pub(super) fn app_name(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.strip_suffix(".localhost").map(|app| app.rsplit('.').next().unwrap_or(app).to_owned())
}

/// Whether a page of another site sends this, and it could change something; `own` is the app's own name, if it was asked
/// for under that.
pub(super) fn is_foreign(method: &Method, upgrade: bool, headers: &HeaderMap, own: Option<&str>) -> bool {
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) && !upgrade;
    if safe {
        return false;
    }
    match headers.get(ORIGIN) {
        Some(origin) => !origin.to_str().is_ok_and(|origin| {
            origin_is_loopback(origin) || own.is_some_and(|own| origin.strip_prefix("https://") == Some(own))
        }),
        None => headers.get(SEC_FETCH_SITE).is_some_and(|site| site.as_bytes() == b"cross-site"),
    }
}

fn origin_is_loopback(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, host)| is_loopback(bare(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for name in
            ["localhost", "LOCALHOST", "my-app.localhost", "localhost.", "127.0.0.1", "127.3.2.1", "::1"]
        {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "",
            "evil.example",
            "notlocalhost",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "::2",
            "ölocalhost",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }

    #[test]
    fn ports_and_brackets_go() {
        assert_eq!(bare("localhost:80"), "localhost");
        assert_eq!(bare("[::1]:80"), "::1");
        assert_eq!(bare("my-app.localhost"), "my-app.localhost");
        assert_eq!(app_name("My-App.localhost").as_deref(), Some("my-app"));
        assert_eq!(app_name("localhost"), None);
    }

    #[test]
    fn foreign_pages_change_nothing() {
        let with = |name: HeaderName, value: &'static str| {
            HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))])
        };
        assert!(is_foreign(&Method::POST, false, &with(ORIGIN, "https://evil.example"), None));
        assert!(is_foreign(&Method::POST, false, &with(ORIGIN, "null"), None));
        assert!(is_foreign(&Method::GET, true, &with(ORIGIN, "http://localhost.evil.example:8000"), None));
        assert!(is_foreign(&Method::POST, false, &with(SEC_FETCH_SITE, "cross-site"), None));
        assert!(!is_foreign(&Method::GET, false, &with(ORIGIN, "https://evil.example"), None));
        assert!(!is_foreign(&Method::POST, false, &with(ORIGIN, "http://localhost:5173"), None));
        assert!(!is_foreign(&Method::POST, false, &HeaderMap::new(), None));
        let named = with(ORIGIN, "https://app-1.apps.test");
        assert!(!is_foreign(&Method::GET, true, &named, Some("app-1.apps.test")));
        assert!(is_foreign(&Method::GET, true, &named, Some("app-2.apps.test")));
        assert!(is_foreign(&Method::GET, true, &named, None));
    }
}
