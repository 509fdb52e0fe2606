use std::collections::HashMap;

use super::clients::OAuthClient;
use super::refusal::Refusal;
use crate::scope;

/// Parameters of one OAuth request; each at most once (RFC 6749 §3.1, §3.2).
pub(super) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut found = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            if found.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Refusal::invalid_request(format!(
                    "The parameter `{name}` is given more than once"
                )));
            }
        }
        Ok(Self(found))
    }

    /// A parameter with a value; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub(super) fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::invalid_request(format!("The parameter `{name}` is missing")))
    }

    /// The scopes asked for, in order, each once.
    pub(super) fn scopes(&self) -> Result<Vec<String>, Refusal> {
        let mut scopes: Vec<String> = Vec::new();
        for scope in self.get("scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()) {
            if !scope::is_valid(scope) {
                return Err(Refusal::invalid_scope("?"));
            }
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }
}

/// An authorization request that was found good.
#[derive(Debug, Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) login_hint: Option<String>,
}

impl AuthorizationRequest {
    /// Checks the request of a known client whose redirect address is already proven (RFC 6749 §4.1.1, RFC 7636 §4.3).
    pub(super) fn check(
        parameters: &Parameters,
        client: &OAuthClient,
        redirect_uri: &str,
    ) -> Result<Self, Refusal> {
        if parameters.require("response_type")? != "code" {
            return Err(Refusal::unsupported_response_type());
        }
        if parameters.get("request").is_some() || parameters.get("request_uri").is_some() {
            return Err(Refusal::invalid_request("Request objects are not supported"));
        }
        let challenge = parameters.get("code_challenge").map(str::to_owned);
        match (&challenge, parameters.get("code_challenge_method")) {
            (Some(challenge), Some("S256")) if challenge.len() == 43 => {}
            (Some(_), _) => return Err(Refusal::invalid_request("`code_challenge_method` must be S256")),
            (None, _) if client.is_public() => {
                return Err(Refusal::invalid_request("A public client must send `code_challenge`"));
            }
            (None, _) => {}
        }
        let mut scopes = parameters.scopes()?;
        if scopes.is_empty() {
            scopes.clone_from(&client.scopes);
        }
        if let Some(scope) = scopes.iter().find(|scope| !client.may_ask_for(scope)) {
            return Err(Refusal::invalid_scope(scope));
        }
        let owned = |name: &str| parameters.get(name).map(str::to_owned);
        Ok(Self {
            client_id: client.client_id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            state: owned("state"),
            nonce: owned("nonce"),
            challenge,
            login_hint: owned("login_hint"),
        })
    }
}
