use crate::error::EngineError;

/// Where a Spark Connect server listens and what it wants to be told.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `http://host:port`.
    pub(crate) uri: http::Uri,
    /// Bearer token.
    pub(crate) token: Option<String>,
    /// Further metadata sent with every call, such as `x-databricks-cluster-id`.
    pub(crate) metadata: Vec<(String, String)>,
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
        Self { uri, token: None, metadata: Vec::new() }
    }

    /// Reads `sc://host[:port][/;key=value…]`, the connection string of Spark Connect clients.
    ///
    /// `token` and unknown keys, which are sent as metadata, are understood; TLS is not.
    pub(crate) fn parse(url: &str) -> Result<Self, EngineError> {
        let refused =
            |reason: &str| EngineError::of_us("INVALID_ENGINE_URL", "08001", &format!("`sc://…`: {reason}"));
        let rest = url.strip_prefix("sc://").ok_or_else(|| refused("the address must start with `sc://`"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains('@') {
            return Err(refused("the address names no host"));
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let port = if has_port { "" } else { ":15002" };
        let uri =
            format!("http://{authority}{port}").parse().map_err(|_| refused("the host is not valid"))?;
        let mut endpoint = Self { uri, token: None, metadata: Vec::new() };
        for pair in path.trim_start_matches(';').split(';').filter(|pair| !pair.is_empty()) {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| refused("a parameter is not `key=value`"))?;
            match key {
                "token" => endpoint.token = Some(value.to_owned()),
                "use_ssl" if value == "true" => return Err(refused("`use_ssl=true` is not supported yet")),
                "use_ssl" | "user_id" | "user_agent" | "session_id" => {}
                _ => endpoint.metadata.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(endpoint)
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
        assert_eq!(Endpoint::parse("sc://localhost").unwrap().uri, "http://localhost:15002");
    }

    #[test]
    fn what_is_not_understood_is_refused_without_telling_the_token() {
        for url in ["spark.test", "sc://", "sc://h/;token", "sc://h:1/;use_ssl=true;token=secret", "sc://a b"]
        {
            let error = Endpoint::parse(url).unwrap_err();
            assert_eq!(error.class, "INVALID_ENGINE_URL");
            assert!(!error.message.contains("secret"));
        }
    }
}
