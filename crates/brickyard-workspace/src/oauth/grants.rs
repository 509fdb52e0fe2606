use super::Code;
use super::clients::{OAuthClient, PAGES};
use super::issue::{Grant, Tokens};
use super::refusal::Refusal;
use super::request::Parameters;
use super::token_endpoint::{Credentials, failed};
use crate::credential::{fingerprint, s256};
use crate::directory::Principal;
use crate::scope::{self, ALL_APIS};
use crate::workspace::Workspace;

/// Grant type of RFC 8693.
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Answers a token request or refuses it.
pub(super) fn grant(
    workspace: &Workspace,
    parameters: &Parameters,
    credentials: Option<&Credentials>,
    base: &str,
) -> Result<Tokens, Refusal> {
    let grant = parameters.require("grant_type")?;
    let credentials = || credentials.ok_or_else(Refusal::invalid_client);
    match grant {
        "client_credentials" => client_credentials(workspace, parameters, credentials()?),
        "authorization_code" => authorization_code(workspace, parameters, credentials()?, base),
        "refresh_token" => refresh_token(workspace, parameters, credentials()?, base),
        TOKEN_EXCHANGE => {
            if let Ok(credentials) = credentials() {
                authenticated_client(workspace, credentials)?;
            }
            token_exchange(workspace, parameters)
        }
        other => Err(Refusal::unsupported_grant_type(other)),
    }
}

fn client_credentials(
    workspace: &Workspace,
    parameters: &Parameters,
    credentials: &Credentials,
) -> Result<Tokens, Refusal> {
    let principal = service_principal(workspace, credentials)?;
    let mut scopes = parameters.scopes()?;
    if scopes.is_empty() {
        scopes.push(ALL_APIS.to_owned());
    }
    let grant = Grant {
        subject: principal.name(),
        client_id: principal.name(),
        scopes: &scopes,
        family: None,
        until: None,
    };
    let (access_token, expires_in) = workspace.access_token(&grant);
    let scope = scopes.join(" ");
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in,
        scope,
        refresh_token: None,
        id_token: None,
        issued_token_type: None,
    })
}

fn service_principal(workspace: &Workspace, credentials: &Credentials) -> Result<Principal, Refusal> {
    let secret = credentials.secret.as_deref().ok_or_else(Refusal::invalid_client)?;
    let id = &credentials.client_id;
    if !workspace.oauth().service_principal_has_secret(id, secret).map_err(failed)? {
        return Err(Refusal::invalid_client());
    }
    let found = workspace.directory().principal(id).map_err(failed)?;
    found.filter(|found| matches!(found, Principal::ServicePrincipal(_))).ok_or_else(Refusal::invalid_client)
}

/// The client these credentials prove: its secret, or none for a public one.
pub(super) fn authenticated_client(
    workspace: &Workspace,
    credentials: &Credentials,
) -> Result<OAuthClient, Refusal> {
    let client = workspace.oauth().client(&credentials.client_id).map_err(failed)?;
    let Some(client) = client else {
        // A service principal is a client of its own.
        let principal = service_principal(workspace, credentials)?;
        return Ok(OAuthClient::new(principal.name(), principal.display_name(), Some("")));
    };
    let proven = match &credentials.secret {
        Some(secret) => client.has_secret(secret),
        None => client.is_public(),
    };
    if proven { Ok(client) } else { Err(Refusal::invalid_client()) }
}

fn authorization_code(
    workspace: &Workspace,
    parameters: &Parameters,
    credentials: &Credentials,
    base: &str,
) -> Result<Tokens, Refusal> {
    let client = authenticated_client(workspace, credentials)?;
    let address = parameters.require("redirect_uri")?;
    let code = spend(
        workspace,
        &client.client_id,
        parameters.require("code")?,
        address,
        parameters.get("code_verifier"),
    )?;
    let request = &code.request;
    let principal = person(workspace, &code.user)?;
    let grant = Grant {
        subject: principal.name(),
        client_id: &client.client_id,
        scopes: &request.scopes,
        family: Some(&code.family),
        until: None,
    };
    workspace.user_tokens(&grant, &principal, base, request.nonce.as_deref()).map_err(failed)
}

/// Takes a code for what it stands for, once.
fn spend(
    workspace: &Workspace,
    client_id: &str,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<Code, Refusal> {
    let now = workspace.clock().unix_seconds();
    let unknown = || Refusal::invalid_grant("The code is unknown, expired, or was issued to somebody else");
    let key = fingerprint(code);
    let code = {
        let mut codes = workspace.oauth().codes();
        let code = codes.get_mut(&key).ok_or_else(unknown)?;
        let seen = code.clone();
        // Whoever brings the code spends it, rightly or not: there is one try.
        code.used = true;
        seen
    };
    if code.used {
        workspace.oauth().end_family(&code.family, now).map_err(failed)?;
        return Err(Refusal::invalid_grant(
            "The code was used before: every token that came from it is revoked",
        ));
    }
    let request = &code.request;
    if code.expires <= now || request.client_id != client_id {
        return Err(unknown());
    }
    if redirect_uri != request.redirect_uri {
        return Err(Refusal::invalid_grant("`redirect_uri` is not the one the code was issued for"));
    }
    match (&request.challenge, verifier) {
        (Some(challenge), Some(verifier)) if s256(verifier) == *challenge => {}
        (None, None) => {}
        _ => return Err(Refusal::invalid_grant("`code_verifier` does not fit the code's challenge")),
    }
    Ok(code)
}

/// Somebody who signed in at the workspace's own pages.
pub(crate) struct SignedIn {
    pub(crate) user: Principal,
    /// What the sign-in is ended by.
    pub(crate) family: String,
}

/// Takes a code of the workspace's own pages; the reason where it is refused.
pub(crate) fn sign_in(
    workspace: &Workspace,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Result<SignedIn, String> {
    let code = spend(workspace, PAGES, code, redirect_uri, Some(verifier));
    let found =
        code.and_then(|code| Ok(SignedIn { user: person(workspace, &code.user)?, family: code.family }));
    found.map_err(|refusal| refusal.description)
}

fn refresh_token(
    workspace: &Workspace,
    parameters: &Parameters,
    credentials: &Credentials,
    base: &str,
) -> Result<Tokens, Refusal> {
    let client = authenticated_client(workspace, credentials)?;
    let (oauth, now) = (workspace.oauth(), workspace.clock().unix_seconds());
    let text = parameters.require("refresh_token")?;
    let unknown =
        || Refusal::invalid_grant("The refresh token is unknown, expired, revoked, or somebody else's");
    let refresh = oauth.refresh(text).map_err(failed)?.ok_or_else(unknown)?;
    if refresh.client_id != client.client_id || refresh.expires <= now {
        return Err(unknown());
    }
    if oauth.is_ended(&refresh.family, &refresh.user, &refresh.client_id, refresh.issued()) {
        return Err(unknown());
    }
    if refresh.used {
        // Two hold the same token: nobody can tell the thief, so the sign-in ends (RFC 9700 §4.14.2).
        oauth.end_family(&refresh.family, now).map_err(failed)?;
        return Err(Refusal::invalid_grant("The refresh token was used before: the sign-in is revoked"));
    }
    let mut scopes = parameters.scopes()?;
    if scopes.is_empty() {
        scopes.clone_from(&refresh.scopes);
    }
    // `all-apis` does not bring `offline_access` back, and no scope may be asked for that the user did not consent to.
    if let Some(scope) = scopes.iter().find(|scope| !scope::includes(&refresh.scopes, scope)) {
        return Err(Refusal::invalid_scope(scope));
    }
    let principal = person(workspace, &refresh.user)?;
    oauth.mark_used(text, &refresh).map_err(failed)?;
    let whole = Grant {
        subject: principal.name(),
        client_id: &client.client_id,
        scopes: &refresh.scopes,
        family: Some(&refresh.family),
        until: None,
    };
    // The next refresh token keeps every scope (RFC 6749 §6); only the access token is narrowed.
    let mut tokens = workspace.user_tokens(&whole, &principal, base, None).map_err(failed)?;
    if scopes != refresh.scopes {
        let narrowed = Grant { scopes: &scopes, ..whole };
        (tokens.access_token, tokens.expires_in) = workspace.access_token(&narrowed);
        tokens.scope = scopes.join(" ");
        tokens.id_token = None;
    }
    Ok(tokens)
}

/// A token of this workspace for one of fewer scopes; tokens of others would need a federation policy.
fn token_exchange(workspace: &Workspace, parameters: &Parameters) -> Result<Tokens, Refusal> {
    let kind = parameters.require("subject_token_type")?;
    if !matches!(kind, JWT | ACCESS_TOKEN) {
        return Err(Refusal::invalid_request(format!("The subject token type `{kind}` is not supported")));
    }
    let refused = |error: &dyn std::fmt::Display| {
        Refusal::invalid_grant(format!(
            "No federation policy of this workspace accepts the subject token: {error}"
        ))
    };
    let claims =
        workspace.claims_of(parameters.require("subject_token")?).map_err(|error| refused(&error.message))?;
    let held: Vec<String> = claims.scope.split(' ').map(str::to_owned).collect();
    let mut scopes = parameters.scopes()?;
    if scopes.is_empty() {
        scopes.clone_from(&held);
    }
    if let Some(scope) = scopes.iter().find(|scope| !scope::includes(&held, scope)) {
        return Err(Refusal::invalid_scope(scope));
    }
    let family = claims.extra.get("sid").and_then(serde_json::Value::as_str);
    let grant = Grant {
        subject: &claims.sub,
        client_id: &claims.client_id,
        scopes: &scopes,
        family,
        until: Some(claims.exp),
    };
    let (access_token, expires_in) = workspace.access_token(&grant);
    let scope = scopes.join(" ");
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in,
        scope,
        refresh_token: None,
        id_token: None,
        issued_token_type: Some(ACCESS_TOKEN),
    })
}

fn person(workspace: &Workspace, name: &str) -> Result<Principal, Refusal> {
    let found = workspace.directory().principal(name).map_err(failed)?;
    found.ok_or_else(|| Refusal::invalid_grant("The user does not exist any more"))
}
