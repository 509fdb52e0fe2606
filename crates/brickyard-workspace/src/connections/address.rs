use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::error::ApiError;

/// Refuses options with which no request could be made.
pub(crate) fn check(options: &BTreeMap<String, String>) -> Result<(), ApiError> {
    address(options).map(drop)
}

/// Where a connection begins: scheme, host, port and base path, without a slash at its end.
pub(crate) fn address(options: &BTreeMap<String, String>) -> Result<Url, ApiError> {
    let given = options.get("host").map_or("", String::as_str);
    let host = given.trim_end_matches('/');
    let refused = |why: &str| ApiError::invalid(format!("Connection host '{}' {why}", host.escape_debug()));
    let with_scheme = if given.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let mut url = Url::parse(&with_scheme).map_err(|_| refused("is not a host"))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(refused("must begin with https:// or http://"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("has a path; give it as base_path"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("holds a user; give credentials as options"));
    }
    if url.scheme() == "http" && !names_loopback(&url) {
        return Err(refused("must begin with https://: credentials never travel in the clear"));
    }
    if let Some(port) = options.get("port").filter(|port| !port.is_empty()) {
        let port: u16 = port.parse().map_err(|_| refused("has a port that is no number"))?;
        url.set_port(Some(port)).map_err(|()| refused("has a port that cannot be"))?;
    }
    let base = options.get("base_path").map_or("", String::as_str);
    if !is_plain(base) {
        return Err(ApiError::invalid(format!("base_path '{}' is not a plain path", base.escape_debug())));
    }
    url.set_path(base.trim_matches('/'));
    Ok(url)
}

/// The address of a request: `path` below the connection's base path and nowhere else.
pub(super) fn below(base: &Url, path: &str) -> Result<Url, ApiError> {
    let refused =
        || ApiError::invalid(format!("Path '{}' does not stay below the connection", path.escape_debug()));
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if !is_plain(path) {
        return Err(refused());
    }
    let mut url = base.clone();
    if path.is_empty() {
        url.set_query(query);
        return Ok(url);
    }
    let root = base.path().trim_end_matches('/');
    url.set_path(&format!("{root}/{}", path.trim_start_matches('/')));
    url.set_query(query);
    let inside =
        url.path() == root || url.path().strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    if inside && url.origin() == base.origin() { Ok(url) } else { Err(refused()) }
}

/// Whether a path leads only downwards: no `..`, no backslash, nothing that a server might decode to either.
fn is_plain(path: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let steps_up = |text: &str| text.split(['/', '\\']).any(|part| part == ".." || part == ".");
    !path.contains(['\\', '#'])
        && !path.chars().any(char::is_control)
        && !decoded.chars().any(char::is_control)
        && !decoded.contains('\\')
        && !steps_up(path)
        && !steps_up(&decoded)
        && !steps_up(&percent_encoding::percent_decode_str(&decoded).decode_utf8_lossy())
}

/// Whether the connection itself names this machine.
pub(super) fn names_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an address may be reached though the connection does not name this machine: neither this machine nor what
/// only machines like it reach.
pub(super) fn is_far(address: &SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => {
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_multicast())
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_unicast_link_local() || ip.is_multicast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(host: &str, base: &str) -> BTreeMap<String, String> {
        [("host", host), ("port", "8443"), ("base_path", base)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn paths_stay_below_the_connection() {
        let base = address(&options("https://api.example.com", "/v1/")).unwrap();
        assert_eq!(base.as_str(), "https://api.example.com:8443/v1");
        for (path, url) in [
            ("users", "https://api.example.com:8443/v1/users"),
            ("/users?x=1", "https://api.example.com:8443/v1/users?x=1"),
            ("//evil.example/x", "https://api.example.com:8443/v1/evil.example/x"),
            ("https://evil.example/", "https://api.example.com:8443/v1/https://evil.example/"),
            ("@evil.example", "https://api.example.com:8443/v1/@evil.example"),
            ("", "https://api.example.com:8443/v1"),
        ] {
            assert_eq!(below(&base, path).unwrap().as_str(), url, "{path}");
        }
        for path in [
            "../admin",
            "a/../../b",
            "%2e%2e/admin",
            "..%2fadmin",
            "..\\admin",
            "%5c..",
            "a\nb",
            "%252e%252e/x",
            "/./x",
            "x#y",
        ] {
            assert!(below(&base, path).is_err(), "{path}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for host in
            ["http://127.0.0.1", "http://localhost", "http://[::1]", "https://example.com", "example.com"]
        {
            assert!(address(&options(host, "")).is_ok(), "{host}");
        }
        for host in
            ["http://example.com", "ftp://x", "https://a@b", "https://a/b", "", "https://", "http://10.0.0.1"]
        {
            assert!(address(&options(host, "")).is_err(), "{host}");
        }
        assert!(address(&options("https://a", "/x/../y")).is_err());
        for near in ["127.0.0.1:1", "169.254.169.254:80", "0.0.0.0:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(!is_far(&near.parse().unwrap()), "{near}");
        }
        assert!(is_far(&"93.184.216.34:443".parse().unwrap()));
    }
}
