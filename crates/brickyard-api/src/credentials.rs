use std::fmt;

use crate::login::Login;

/// How the client proves who it is; never printed.
#[derive(Clone)]
pub enum Credentials {
    /// A bearer token: a personal access token, or an OAuth token that is used as it is.
    Token(String),
    /// A service principal's client id and secret, exchanged at the token endpoint (RFC 6749 §4.4).
    ServicePrincipal {
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: String,
    },
    /// A user who signed in with a browser; the tokens lie in a cache.
    Login(Login),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => formatter.write_str("Token(…)"),
            Self::Login(login) => login.fmt(formatter),
            Self::ServicePrincipal { client_id, .. } => write!(formatter, "ServicePrincipal({client_id})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn secrets_are_not_printed() {
        let token = Credentials::Token("dapi-secret".to_owned());
        let principal =
            Credentials::ServicePrincipal { client_id: "id".to_owned(), client_secret: "s3cret".to_owned() };
        assert!(!format!("{token:?}{principal:?}").contains("s3cret"));
        assert!(!format!("{token:?}{principal:?}").contains("dapi"));
    }
}
