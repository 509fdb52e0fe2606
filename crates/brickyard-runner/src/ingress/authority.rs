//! What the ingress has to ask the workspace, as one trait: it never sees the workspace itself.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

/// A token or the like: never shown by `Debug` or `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who somebody is, as the app is told (facts: platform §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `X-Forwarded-User`: `<user id>@<workspace id>`.
    pub user: String,
    /// `X-Forwarded-Preferred-Username`: the display name.
    pub preferred_username: String,
    /// `X-Forwarded-Email`; service principals have none.
    pub email: Option<String>,
}

/// A signed-in somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub identity: Identity,
    /// `X-Forwarded-Access-Token`; none when user authorization is off.
    pub access_token: Option<Secret>,
    /// Gets the next access token.
    pub refresh_token: Option<Secret>,
    /// How long the access token lives from now.
    pub expires_in: Duration,
}

/// What a browser is sent to the workspace with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// Comes back with the code.
    pub state: String,
    /// PKCE, method S256 (RFC 7636).
    pub code_challenge: String,
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// Whether the user wants to choose another identity.
    pub choose: bool,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a valid token, code or user.
    #[error("Not authenticated: {0}")]
    Unauthenticated(String),
    /// A valid one that may not do this.
    #[error("Not permitted: {0}")]
    Forbidden(String),
    /// The workspace does not answer.
    #[error("The workspace does not answer: {0}")]
    Unavailable(String),
}

/// Knows users and tokens; the workspace's side of the front door.
pub trait Authority: Send + Sync + 'static {
    /// The workspace's sign-in page for this request.
    fn authorize_url(&self, request: &AuthorizeRequest) -> String;

    /// Exchanges a code for a grant.
    fn redeem(
        &self,
        code: String,
        verifier: String,
        redirect_uri: String,
    ) -> BoxFuture<'_, Result<Grant, Refusal>>;

    /// A grant for a user of this machine, without asking.
    fn sign_in(&self, user: String) -> BoxFuture<'_, Result<Grant, Refusal>>;

    /// A grant that lives longer than this one.
    fn refresh(&self, grant: Grant) -> BoxFuture<'_, Result<Grant, Refusal>>;

    /// Seconds by which the workspace's clock is ahead of the machine's: tokens end by the workspace's.
    fn ahead(&self) -> i64 {
        0
    }

    /// Who a bearer token stands for, with the token to be forwarded to the app.
    fn verify(&self, bearer: String) -> BoxFuture<'_, Result<Grant, Refusal>>;
}
