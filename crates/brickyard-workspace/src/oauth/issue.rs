use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::OAuth;
use super::discovery::person;
use crate::credential::{fingerprint, s256, unguessable};
use crate::directory::Principal;
use crate::error::ApiError;
use crate::store::StoreError;
use crate::token::{Claims, LIFETIME};
use crate::workspace::Workspace;

/// Store kind: sign-ins that were ended before their tokens expired.
pub(super) const ENDED: &str = "ended_sign_in";

const REFRESH: &str = "refresh_token";

/// Seconds a refresh token lives without being used.
const REFRESH_LIFETIME: i64 = 30 * 24 * 3600;

/// Claim that binds a token to the sign-in it came from.
const FAMILY: &str = "sid";

/// The answer of the token endpoint (RFC 6749 §5.1); not printable, it is all secrets.
#[derive(Serialize)]
pub(super) struct Tokens {
    /// Bearer token, a JWT.
    pub(super) access_token: String,
    /// Always `Bearer`.
    pub(super) token_type: &'static str,
    /// Seconds from now.
    pub(super) expires_in: i64,
    /// Scopes, separated by spaces.
    pub(super) scope: String,
    /// Where the client asked for `offline_access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    /// Where the client asked for `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<String>,
    /// Only in the answer to a token exchange (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issued_token_type: Option<&'static str>,
}

/// A refresh token, addressed by its fingerprint; used ones stay until they expire, to notice a second use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) client_id: String,
    pub(super) user: String,
    pub(super) scopes: Vec<String>,
    pub(super) family: String,
    pub(super) expires: i64,
    pub(super) used: bool,
}

/// Whom an access token is for.
pub(super) struct Grant<'a> {
    pub(super) subject: &'a str,
    pub(super) client_id: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) family: Option<&'a str>,
    /// Second after which the token must not live; `None` for a full hour.
    pub(super) until: Option<i64>,
}

impl Workspace {
    /// A signed access token and its seconds to live.
    pub(super) fn access_token(&self, grant: &Grant<'_>) -> (String, i64) {
        let now = self.clock().unix_seconds();
        let exp = grant.until.map_or(now + LIFETIME, |until| until.min(now + LIFETIME));
        let mut extra = serde_json::Map::new();
        if let Some(family) = grant.family {
            extra.insert(FAMILY.to_owned(), json!(family));
        }
        let claims = Claims {
            iss: self.issuer(),
            aud: self.config().workspace_id.to_string(),
            sub: grant.subject.to_owned(),
            client_id: grant.client_id.to_owned(),
            scope: grant.scopes.join(" "),
            iat: now,
            exp,
            jti: uuid::Uuid::new_v4().to_string(),
            extra,
        };
        (self.signer().sign(&claims), exp - now)
    }

    /// Every token of a user's sign-in; `base` is the issuer's URL as the client sees it.
    pub(super) fn user_tokens(
        &self,
        grant: &Grant<'_>,
        principal: &Principal,
        base: &str,
        nonce: Option<&str>,
    ) -> Result<Tokens, StoreError> {
        let asked = |name: &str| grant.scopes.iter().any(|scope| scope == name);
        let (access_token, expires_in) = self.access_token(grant);
        let refresh_token = match grant.family {
            Some(family) if asked("offline_access") => Some(self.refresh_token(grant, family)?),
            _ => None,
        };
        let id_token = asked("openid").then(|| self.id_token(grant, principal, base, nonce, &access_token));
        Ok(Tokens {
            access_token,
            token_type: "Bearer",
            expires_in,
            scope: grant.scopes.join(" "),
            refresh_token,
            id_token,
            issued_token_type: None,
        })
    }

    fn refresh_token(&self, grant: &Grant<'_>, family: &str) -> Result<String, StoreError> {
        let text = format!("dorf_{}", unguessable(32));
        let refresh = Refresh {
            client_id: grant.client_id.to_owned(),
            user: grant.subject.to_owned(),
            scopes: grant.scopes.to_vec(),
            family: family.to_owned(),
            expires: self.clock().unix_seconds() + REFRESH_LIFETIME,
            used: false,
        };
        self.oauth().store.put(REFRESH, &fingerprint(&text), &refresh)?;
        Ok(text)
    }

    fn id_token(
        &self,
        grant: &Grant<'_>,
        principal: &Principal,
        base: &str,
        nonce: Option<&str>,
        access_token: &str,
    ) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let now = self.clock().unix_seconds();
        let mut claims = person(self, principal);
        claims["iss"] = json!(format!("{base}/oidc"));
        claims["aud"] = json!(grant.client_id);
        claims["iat"] = json!(now);
        claims["auth_time"] = json!(now);
        claims["exp"] = json!(now + LIFETIME);
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        // OpenID Connect Core §3.1.3.6: the left half of the hash.
        let hash = URL_SAFE_NO_PAD.decode(s256(access_token)).unwrap_or_default();
        claims["at_hash"] = json!(URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]));
        self.signer().sign(&claims)
    }
}

impl OAuth {
    pub(super) fn refresh(&self, text: &str) -> Result<Option<Refresh>, StoreError> {
        self.store.get(REFRESH, &fingerprint(text))
    }

    pub(super) fn mark_used(&self, text: &str, refresh: &Refresh) -> Result<(), StoreError> {
        self.store.put(REFRESH, &fingerprint(text), &Refresh { used: true, ..refresh.clone() })
    }

    /// Ends a sign-in: its refresh tokens and living access tokens are refused from now on.
    pub(super) fn end_family(&self, family: &str, now: i64) -> Result<(), StoreError> {
        self.end(&format!("family {family}"), now)
    }

    /// Ends every sign-in of a user at a client that began until now.
    pub(super) fn end_consent(&self, user: &str, client_id: &str, now: i64) -> Result<(), StoreError> {
        self.end(&consent_key(user, client_id), now)
    }

    fn end(&self, key: &str, now: i64) -> Result<(), StoreError> {
        self.store.put(ENDED, key, &now)?;
        self.ended().insert(key.to_owned(), now);
        Ok(())
    }

    /// Whether the sign-in of a refresh token was ended; `since` is when it was issued.
    pub(crate) fn is_ended(&self, family: &str, user: &str, client_id: &str, since: i64) -> bool {
        let ended = self.ended();
        ended.contains_key(&format!("family {family}"))
            || ended.get(&consent_key(user, client_id)).is_some_and(|&at| since <= at)
    }

    /// Refuses the token of an ended sign-in.
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), ApiError> {
        let Some(family) = family_of(claims) else { return Ok(()) };
        if self.is_ended(family, &claims.sub, &claims.client_id, claims.iat) {
            return Err(ApiError::unauthenticated("Invalid access token: the sign-in was ended"));
        }
        Ok(())
    }

    /// Removes refresh tokens nobody can use any more.
    pub(crate) fn forget_expired(&self, now: i64) -> Result<(), StoreError> {
        for (key, refresh) in self.store.list::<Refresh>(REFRESH, "")? {
            if refresh.expires <= now {
                self.store.delete(REFRESH, &key)?;
            }
        }
        Ok(())
    }
}

impl Refresh {
    /// When the token was issued.
    pub(super) fn issued(&self) -> i64 {
        self.expires - REFRESH_LIFETIME
    }
}

/// The sign-in a token is of; none for client credentials.
pub(super) fn family_of(claims: &Claims) -> Option<&str> {
    claims.extra.get(FAMILY).and_then(Value::as_str)
}

fn consent_key(user: &str, client_id: &str) -> String {
    format!("consent {user} {client_id}")
}
