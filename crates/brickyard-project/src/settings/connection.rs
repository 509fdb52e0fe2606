use serde::Deserialize;

use super::SecretValue;

/// `[connections.NAME]`: an HTTP connection of Unity Catalog.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ConnectionSettings {
    /// Host with its scheme, such as `https://api.example.com`; plain `http://` for this machine alone.
    pub host: String,
    /// Port; default: the scheme's.
    pub port: Option<u16>,
    /// Path below which all requests stay.
    pub base_path: Option<String>,
    /// Token sent with every request.
    pub bearer_token: Option<SecretValue>,
    /// Client id for tokens of the service itself (OAuth, machine to machine).
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<SecretValue>,
    /// Where tokens come from.
    pub token_endpoint: Option<String>,
    /// Where people sign in; with it everybody needs a credential of their own.
    pub authorization_endpoint: Option<String>,
    /// Scope asked for.
    pub oauth_scope: Option<String>,
}
