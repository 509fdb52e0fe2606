use serde::{Deserialize, Serialize};

use super::OAuth;
use crate::credential::fingerprint;
use crate::scope::ALL_APIS;
use crate::store::StoreError;
use crate::workspace::Workspace;

const CLIENT: &str = "oauth_client";
const SECRET: &str = "service_principal_secret";

/// Client of the workspace's own pages, such as dashboards; the token endpoint does not know it.
pub(crate) const PAGES: &str = "brickyard-dashboards";

/// Where the workspace's own pages take a code.
pub(crate) const PAGES_CALLBACK: &str = "/embed/callback";

/// What the workspace's own pages may do in a user's name.
pub(crate) const PAGES_SCOPE: &str = "sql";

/// Public client of the official command line and SDKs.
const CLI: &str = "databricks-cli";

/// Scopes any client may ask for: they tell who somebody is and keep the sign-in alive.
const IDENTITY_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Somebody who may send users to the sign-in page: an app, or the official command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthClient {
    /// Client id.
    pub client_id: String,
    /// Name shown to users who are asked for consent.
    pub name: String,
    /// SHA-256 of the client's secret; a public client has none and must use PKCE.
    secret: Option<String>,
    /// Where users may be sent back to, exactly as registered; `http://localhost:*` stands for every port of loopback
    /// (RFC 8252 §7.3).
    pub redirect_uris: Vec<String>,
    /// Scopes the client may ask for, beside those of identity.
    pub scopes: Vec<String>,
}

impl OAuthClient {
    /// A client with a secret, or a public one.
    pub fn new(client_id: &str, name: &str, secret: Option<&str>) -> Self {
        Self {
            client_id: client_id.to_owned(),
            name: name.to_owned(),
            secret: secret.map(fingerprint),
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
        }
    }

    pub(super) fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    pub(super) fn has_secret(&self, secret: &str) -> bool {
        self.secret.as_deref() == Some(&fingerprint(secret))
    }

    /// Whether users may be sent there: exact text, or any port of loopback where that is registered.
    pub(super) fn may_redirect_to(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| match registered.split_once(":*") {
            None => registered == uri,
            Some((start, path)) => {
                uri.strip_prefix(start).and_then(|rest| rest.strip_prefix(':')).is_some_and(|rest| {
                    let (port, found) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                    port.bytes().all(|byte| byte.is_ascii_digit())
                        && port.parse::<u16>().is_ok()
                        && (found == path || (path.is_empty() && found == "/"))
                })
            }
        })
    }

    /// Whether the client may ask for this scope.
    pub(super) fn may_ask_for(&self, scope: &str) -> bool {
        IDENTITY_SCOPES.contains(&scope) || crate::scope::includes(&self.scopes, scope)
    }
}

/// A client secret of a service principal; its text is shown once and not kept.
#[derive(Serialize, Deserialize)]
struct KeptSecret {
    fingerprint: String,
    created: i64,
}

impl Workspace {
    /// Who may send users to the sign-in page: a registered client, or the workspace's own pages.
    ///
    /// These are sent back to the workspace's own ports alone: a code that reached another program of this machine could
    /// be played back into a session.
    pub(super) fn sign_in_client(&self, client_id: &str) -> Result<Option<OAuthClient>, StoreError> {
        if client_id != PAGES {
            return self.oauth().client(client_id);
        }
        let mut client = OAuthClient::new(PAGES, "Dashboards", None);
        let port = self.http_port();
        client.redirect_uris = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .map(|name| format!("http://{name}:{port}{PAGES_CALLBACK}"))
            .chain([format!("https://{}{PAGES_CALLBACK}", self.config().host)])
            .collect();
        client.scopes = vec![PAGES_SCOPE.to_owned()];
        Ok(Some(client))
    }
}

impl OAuth {
    pub(crate) fn put_client(&self, client: &OAuthClient) -> Result<(), StoreError> {
        self.store.put(CLIENT, &client.client_id, client)
    }

    pub(crate) fn delete_client(&self, client_id: &str) -> Result<bool, StoreError> {
        self.store.delete(CLIENT, client_id)
    }

    pub(super) fn client(&self, client_id: &str) -> Result<Option<OAuthClient>, StoreError> {
        if client_id == CLI {
            let mut client = OAuthClient::new(CLI, "Databricks CLI", None);
            client.redirect_uris = vec!["http://localhost:*".to_owned(), "http://127.0.0.1:*".to_owned()];
            client.scopes = vec![ALL_APIS.to_owned()];
            return Ok(Some(client));
        }
        self.store.get(CLIENT, client_id)
    }

    /// Adds a secret of a service principal; `name` tells several apart and the same name replaces.
    pub(crate) fn put_secret(
        &self,
        application_id: &str,
        name: &str,
        secret: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let kept = KeptSecret { fingerprint: fingerprint(secret), created: now };
        self.store.put(SECRET, &format!("{application_id}/{name}"), &kept)
    }

    pub(super) fn service_principal_has_secret(
        &self,
        application_id: &str,
        secret: &str,
    ) -> Result<bool, StoreError> {
        let fingerprint = fingerprint(secret);
        let kept: Vec<(String, KeptSecret)> = self.store.list(SECRET, &format!("{application_id}/"))?;
        Ok(kept.iter().any(|(_, kept)| kept.fingerprint == fingerprint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(uri: &str) -> OAuthClient {
        let mut client = OAuthClient::new("c", "C", None);
        client.redirect_uris = vec![uri.to_owned()];
        client.scopes = vec!["sql".to_owned()];
        client
    }

    #[test]
    fn redirects_are_exact_but_for_the_port_of_loopback() {
        let app = client("http://localhost:8000/.auth/callback");
        assert!(app.may_redirect_to("http://localhost:8000/.auth/callback"));
        for other in [
            "http://localhost:8001/.auth/callback",
            "http://localhost:8000/.auth/callback/",
            "http://localhost:8000/.auth/callback?next=x",
            "https://evil.example/",
        ] {
            assert!(!app.may_redirect_to(other), "{other}");
        }
        let cli = client("http://localhost:*");
        assert!(cli.may_redirect_to("http://localhost:8020"));
        assert!(cli.may_redirect_to("http://localhost:1/"));
        let ingress = client("http://taxi.localhost:*/.auth/callback");
        assert!(ingress.may_redirect_to("http://taxi.localhost:8100/.auth/callback"));
        assert!(!ingress.may_redirect_to("http://taxi.localhost:8100/"));
        assert!(!ingress.may_redirect_to("http://other.localhost:8100/.auth/callback"));
        for other in [
            "http://localhost",
            "http://localhost:",
            "http://localhost:99999",
            "http://localhost:80@evil.example",
            "http://localhost.evil.example:80",
            "http://localhost:80/steal",
            "https://localhost:80",
        ] {
            assert!(!cli.may_redirect_to(other), "{other}");
        }
    }

    #[test]
    fn a_client_asks_for_its_own_scopes_and_identity() {
        let app = client("x");
        assert!(app.may_ask_for("openid") && app.may_ask_for("sql"));
        assert!(!app.may_ask_for("all-apis") && !app.may_ask_for("files.files"));
    }
}
