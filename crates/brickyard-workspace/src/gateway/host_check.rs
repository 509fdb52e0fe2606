use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{HeaderMap, StatusCode, Uri};

use crate::error::ApiError;
use crate::workspace::Workspace;

/// Turns away a request that names another host than ours (DNS rebinding: a web page whose name points to loopback).
pub(crate) async fn check_host(State(workspace): State<Workspace>, request: Request, next: Next) -> Response {
    let name = named_host(request.uri(), request.headers());
    if is_ours(&name, &workspace.config().host) {
        return next.run(request).await;
    }
    let message = format!("`{name}` is not a name of this workspace");
    ApiError::new(StatusCode::MISDIRECTED_REQUEST, "MISDIRECTED_REQUEST", message).into_response()
}

fn named_host(uri: &Uri, headers: &HeaderMap) -> String {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    authority.or_else(header).unwrap_or_default().to_ascii_lowercase()
}

fn is_ours(authority: &str, host: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    name.eq_ignore_ascii_case(host)
        || name == "localhost"
        || name == "[::1]"
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_with_any_port_and_no_others() {
        for ours in ["w.test", "W.test:443", "127.0.0.1:8080", "127.0.0.2", "localhost:1", "[::1]:80"] {
            assert!(is_ours(&ours.to_lowercase(), "w.test"), "{ours}");
        }
        for foreign in ["", "evil.example", "w.test.evil", "localhost.evil:80", "10.0.0.1", "127.0.0.1.evil"]
        {
            assert!(!is_ours(foreign, "w.test"), "{foreign}");
        }
    }
}
