use std::path::Path;

use crate::error::EngineError;
use crate::tls::Tls;

/// Where a Spark Connect server listens and what it wants to be told.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// `http://host:port`, with TLS `https://host:port`.
    pub(crate) uri: http::Uri,
    /// Bearer token.
    pub(crate) token: Option<String>,
    /// Further metadata sent with every call, such as `x-databricks-cluster-id`.
    pub(crate) metadata: Vec<(String, String)>,
    /// How the server proves who it is; without it nothing is encrypted.
    pub(crate) tls: Option<Tls>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Endpoint").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// A server on this machine.
    pub(crate) fn local(address: std::net::SocketAddr) -> Self {
        let uri = format!("http://{address}").parse().expect("an address makes a URI");
        Self { uri, token: None, metadata: Vec::new(), tls: None }
    }

    /// Reads `sc://host[:port][/;key=value…]`, the connection string of Spark Connect clients.
    ///
    /// `token`, `use_ssl`, `ssl_ca` (a PEM file of authorities to trust in place of the system's) and unknown keys, which are
    /// sent as metadata, are understood.
    pub(crate) fn parse(url: &str) -> Result<Self, EngineError> {
        let refused =
            |reason: &str| EngineError::of_us("INVALID_ENGINE_URL", "08001", &format!("`sc://…`: {reason}"));
        let rest = url.strip_prefix("sc://").ok_or_else(|| refused("the address must start with `sc://`"))?;
        let (authority, parameters) = rest.split_at(rest.find(['/', ';']).unwrap_or(rest.len()));
        if authority.is_empty() || authority.contains('@') {
            return Err(refused("the address names no host"));
        }
        let (mut token, mut metadata, mut secure, mut trusted) = (None, Vec::new(), false, None);
        for pair in parameters.trim_start_matches('/').split(';').filter(|pair| !pair.is_empty()) {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| refused("a parameter is not `key=value`"))?;
            match key {
                "token" => token = Some(value.to_owned()),
                "use_ssl" if value.eq_ignore_ascii_case("true") => secure = true,
                "use_ssl" if value.eq_ignore_ascii_case("false") => secure = false,
                "use_ssl" => return Err(refused("`use_ssl` is `true` or `false`")),
                "ssl_ca" => trusted = Some(Path::new(value)),
                "user_id" | "user_agent" | "session_id" => {}
                _ => metadata.push((key.to_owned(), value.to_owned())),
            }
        }
        if trusted.is_some() && !secure {
            return Err(refused("`ssl_ca` needs `use_ssl=true`"));
        }
        let tls = if secure { Some(Tls::new(trusted).map_err(|reason| refused(&reason))?) } else { None };
        let scheme = if secure { "https" } else { "http" };
        // An address in brackets has colons of its own.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().unwrap_or(0)),
            _ => (authority, 15002),
        };
        if port == 0 {
            return Err(refused("the port is no number from 1 to 65535"));
        }
        if host.is_empty() {
            return Err(refused("the address names no host"));
        }
        let uri =
            format!("{scheme}://{host}:{port}").parse().map_err(|_| refused("the host is not valid"))?;
        Ok(Self { uri, token, metadata, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_read() {
        let endpoint = Endpoint::parse("sc://spark.test:7077/;token=secret;x-team=a").unwrap();
        assert_eq!(endpoint.uri, "http://spark.test:7077");
        assert_eq!(endpoint.token.as_deref(), Some("secret"));
        assert_eq!(endpoint.metadata, [("x-team".to_owned(), "a".to_owned())]);
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(endpoint.tls.is_none());
        assert_eq!(Endpoint::parse("sc://localhost").unwrap().uri, "http://localhost:15002");
        assert_eq!(Endpoint::parse("sc://[::1]").unwrap().uri, "http://[::1]:15002");
        assert_eq!(Endpoint::parse("sc://[::1]:7077").unwrap().uri, "http://[::1]:7077");
    }

    #[test]
    fn use_ssl_makes_the_connection_one_of_tls() {
        for url in ["sc://spark.test:443;use_ssl=true;token=t", "sc://spark.test:443/;token=t;use_ssl=True"] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.uri, "https://spark.test:443");
            assert!(endpoint.tls.is_some() && endpoint.token.is_some());
        }
        assert!(Endpoint::parse("sc://spark.test;use_ssl=false").unwrap().tls.is_none());
        for (url, named) in [
            ("sc://h;use_ssl=yes", "use_ssl"),
            ("sc://h;ssl_ca=/ca.pem", "use_ssl=true"),
            ("sc://h;use_ssl=true;ssl_ca=/nonexistent/ca.pem", "/nonexistent/ca.pem"),
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert!(error.message.contains(named), "{url}: {error}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_without_telling_the_token() {
        for url in [
            "spark.test",
            "sc://",
            "sc://h/;token",
            "sc://h:1/;use_ssl=1;token=secret",
            "sc://a b",
            "sc://h:99999",
            "sc://h:port/;token=secret",
            "sc://:15002",
            "sc://h:",
            "http://h:15002",
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert_eq!(error.class, "INVALID_ENGINE_URL");
            assert!(!error.message.contains("secret"));
        }
    }
}
