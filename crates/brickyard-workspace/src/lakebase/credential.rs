use serde_json::{Value, json};

use super::LakebaseError;
use crate::token::{Claims, LIFETIME};
use crate::workspace::Workspace;

/// Shortest life that may be asked for, in seconds.
const SHORTEST: i64 = 300;

/// A password for Postgres.
pub(crate) struct Credential {
    /// The signed token.
    pub(crate) token: String,
    /// When it ends, RFC 3339.
    pub(crate) expires: String,
}

/// What a credential is to be good for.
pub(crate) struct CredentialRequest<'a> {
    /// Whose role it opens: e-mail address or client id.
    pub(crate) subject: &'a str,
    /// Uids of the servers it opens.
    pub(crate) servers: &'a [String],
    /// Whether sessions can only read.
    pub(crate) read_only: bool,
    /// Seconds it lives; an hour where `None`.
    pub(crate) lifetime: Option<i64>,
}

/// Audience of credentials: another one than of access tokens, so that neither passes for the other.
pub(super) fn audience(workspace: &Workspace) -> String {
    format!("lakebase:{}", workspace.config().workspace_id)
}

/// Issues a credential. Whether the role exists is seen at login, as on the platform.
pub(crate) fn issue(
    workspace: &Workspace,
    request: &CredentialRequest<'_>,
) -> Result<Credential, LakebaseError> {
    let lifetime = request.lifetime.unwrap_or(LIFETIME);
    if !(SHORTEST..=LIFETIME).contains(&lifetime) {
        return Err(LakebaseError::invalid(format!(
            "The lifetime of a credential is {SHORTEST} to {LIFETIME} seconds, not {lifetime}"
        )));
    }
    let now = workspace.clock().unix_seconds();
    let mut extra = serde_json::Map::new();
    extra.insert("servers".to_owned(), json!(request.servers));
    extra.insert("read_only".to_owned(), Value::Bool(request.read_only));
    let claims = Claims {
        iss: workspace.issuer(),
        aud: audience(workspace),
        sub: request.subject.to_owned(),
        client_id: request.subject.to_owned(),
        scope: "lakebase".to_owned(),
        iat: now,
        exp: now + lifetime,
        jti: uuid::Uuid::new_v4().to_string(),
        extra,
    };
    let expires = jiff::Timestamp::from_second(claims.exp).unwrap_or_default().to_string();
    Ok(Credential { token: workspace.signer().sign(&claims), expires })
}
