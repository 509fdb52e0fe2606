//! The workspace as OAuth 2.0 and `OpenID` Connect provider: RFC 6749, 7009, 7636, 8252, 8414, 8693.

mod administration;
mod authorize;
mod clients;
mod consent;
mod discovery;
mod grants;
mod issue;
mod page;
mod personal_tokens;
mod refusal;
mod request;
mod token_endpoint;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::routing::{delete, get, post};

use crate::directory::Kept;
use crate::endpoint::{Family, Fidelity};
use crate::store::{Store, StoreError};

pub(crate) use authorize::cookie;
pub use clients::OAuthClient;
pub(crate) use clients::{PAGES, PAGES_CALLBACK, PAGES_SCOPE};
pub(crate) use discovery::{Base, base};
pub(crate) use grants::sign_in;
pub(crate) use page::escape;
pub(crate) use personal_tokens::PREFIX as PERSONAL_TOKEN_PREFIX;
use personal_tokens::PersonalToken;

/// Seconds a code may wait to be redeemed.
const CODE_LIFETIME: i64 = 300;

/// Most codes and open sign-in pages kept; the oldest go first.
const MOST_PENDING: usize = 1000;

/// What sign-ins leave behind in memory; tokens that outlive the process are in the store.
pub(crate) struct OAuth {
    store: Store,
    codes: Mutex<HashMap<String, Code>>,
    forms: Mutex<HashMap<String, authorize::Form>>,
    ended: Mutex<HashMap<String, i64>>,
    /// Personal access tokens that were asked for, by their fingerprints.
    personal_tokens: Kept<PersonalToken>,
}

/// An authorization code, addressed by its fingerprint.
#[derive(Clone)]
struct Code {
    request: request::AuthorizationRequest,
    user: String,
    family: String,
    expires: i64,
    used: bool,
}

impl OAuth {
    pub(crate) fn open(store: Store) -> Result<Self, StoreError> {
        let ended = store.list(issue::ENDED, "")?.into_iter().collect();
        let (codes, forms, ended) = (Mutex::default(), Mutex::default(), Mutex::new(ended));
        Ok(Self { store, codes, forms, ended, personal_tokens: Kept::default() })
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<String, Code>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forms(&self) -> MutexGuard<'_, HashMap<String, authorize::Form>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what has expired, and the oldest of what is too much.
pub(crate) fn prune<T>(pending: &mut HashMap<String, T>, now: i64, expires: impl Fn(&T) -> i64) {
    pending.retain(|_, one| expires(one) > now);
    while pending.len() >= MOST_PENDING {
        let oldest = pending.iter().min_by_key(|(_, one)| expires(one)).map(|(key, _)| key.clone());
        oldest.and_then(|key| pending.remove(&key));
    }
}

/// Discovery, keys, the token endpoint and the sign-in page.
pub(crate) fn family() -> Family {
    let sdk = Some("identity::sdk_signs_in_as_service_principal");
    let strict = Some("identity::a_strict_client_signs_a_user_in");
    let partial = Fidelity::Partial("No password is asked: the page lets a local user be chosen.");
    Family::new("OAuth")
        .endpoint(
            "GET",
            "/.well-known/databricks-config",
            get(discovery::databricks_config),
            Fidelity::Full,
            sdk,
        )
        .endpoint(
            "GET",
            "/oidc/.well-known/oauth-authorization-server",
            get(discovery::authorization_server),
            Fidelity::Full,
            sdk,
        )
        .endpoint(
            "GET",
            "/oidc/.well-known/openid-configuration",
            get(discovery::openid_configuration),
            Fidelity::Full,
            strict,
        )
        .endpoint("GET", "/oidc/jwks.json", get(discovery::jwks), Fidelity::Full, strict)
        .endpoint("GET", "/oidc/v1/authorize", get(authorize::show), partial, strict)
        .endpoint("POST", "/oidc/v1/authorize", post(authorize::decide), partial, strict)
        .endpoint("POST", "/oidc/v1/token", post(token_endpoint::token), Fidelity::Full, sdk)
        .endpoint("POST", "/oidc/v1/revoke", post(token_endpoint::revoke), Fidelity::Full, strict)
        .endpoint("GET", "/oidc/v1/userinfo", get(discovery::userinfo), Fidelity::Full, strict)
        .endpoint(
            "DELETE",
            "/api/2.0/oauth-app-integrations/{client_id}/user-consent/me",
            delete(consent::revoke),
            Fidelity::Partial("No client has a method for it; the SDK's `api_client` asks."),
            strict,
        )
}

/// Personal access tokens.
pub(crate) fn personal_token_family() -> Family {
    let witness = Some("identity::sdk_makes_and_uses_a_personal_access_token");
    Family::new("Personal access tokens")
        .endpoint("POST", "/api/2.0/token/create", post(personal_tokens::create), Fidelity::Full, witness)
        .endpoint("GET", "/api/2.0/token/list", get(personal_tokens::list), Fidelity::Full, witness)
        .endpoint("POST", "/api/2.0/token/delete", post(personal_tokens::delete), Fidelity::Full, witness)
}
