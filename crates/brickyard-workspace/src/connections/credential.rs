use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::address::{is_far, names_loopback};
use crate::caller::Caller;
use crate::catalog::record::ConnectionRecord;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::secrets::Secret;
use crate::workspace::Workspace;

/// Options that nobody is shown.
const SECRET: [&str; 8] = [
    "bearer_token",
    "client_secret",
    "password",
    "access_token",
    "refresh_token",
    "api_key",
    "private_key",
    "pem_private_key",
];

/// Seconds before its end at which a token is no longer used.
const MARGIN: i64 = 60;

/// Tokens of connections with OAuth, with the second of their end.
#[derive(Default)]
pub(super) struct Tokens {
    held: Mutex<HashMap<String, (Secret, i64)>>,
}

/// Whether the option of this name is nobody's to see.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name) || name.ends_with("_secret") || name.ends_with("password")
}

/// `CredentialType` of a connection with these options.
pub(crate) fn credential_type(
    options: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
) -> &'static str {
    let per_user = options.contains_key("authorization_endpoint");
    match () {
        () if per_user => "OAUTH_U2M_MAPPING",
        () if secrets.contains_key("bearer_token") => "BEARER_TOKEN",
        () if secrets.contains_key("client_secret") => "OAUTH_M2M",
        () if secrets.contains_key("password") => "USERNAME_PASSWORD",
        () => "UNKNOWN_CREDENTIAL_TYPE",
    }
}

#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
}

/// `POST /api/brickyard/connections/{name}/login`: keeps the caller's own token for a connection.
pub(super) async fn login(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(login): JsonBody<Login>,
) -> ApiResult<Value> {
    let identity = workspace.catalog().identity(caller.name())?;
    let record = workspace.catalog().get_connection(&identity, &name)?;
    let token = Secret::new(login.token.into_bytes());
    let now = workspace.clock().unix_milliseconds();
    workspace.vault().put(&personal(&record.id), caller.name(), &token, now)?;
    Ok(Json(json!({})))
}

/// The value of `Authorization` for a request of this caller through a connection.
pub(super) async fn authorization(
    workspace: &Workspace,
    caller: &Caller,
    record: &ConnectionRecord,
) -> Result<Option<Secret>, ApiError> {
    let held = |key: &str| workspace.vault().get(&shared(&record.id), key);
    let text = |secret: &Secret| secret.expose_text().unwrap_or_default().to_owned();
    match record.credential_type.as_str() {
        "BEARER_TOKEN" => Ok(held("bearer_token")?.map(|token| bearer(&text(&token)))),
        "OAUTH_M2M" => {
            let secret = held("client_secret")?.ok_or_else(|| missing(record))?;
            let token = machine_token(workspace, record, &text(&secret)).await?;
            Ok(Some(bearer(&text(&token))))
        }
        "OAUTH_U2M_MAPPING" => {
            let token = workspace.vault().get(&personal(&record.id), caller.name())?;
            let token = token.ok_or_else(|| {
                ApiError::new(
                    http::StatusCode::UNAUTHORIZED,
                    "UNAUTHENTICATED",
                    format!(
                        "Credential for user identity({}) is not found for the connection {}. Please login first to \
                         the connection by POST /api/brickyard/connections/{}/login with {{\"token\": \"…\"}}",
                        caller.name(),
                        record.name,
                        record.name
                    ),
                )
            })?;
            Ok(Some(bearer(&text(&token))))
        }
        "USERNAME_PASSWORD" => {
            use base64::Engine as _;
            let password = held("password")?.ok_or_else(|| missing(record))?;
            let user = record.options.get("user").map_or("", String::as_str);
            let pair = format!("{user}:{}", text(&password));
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            Ok(Some(Secret::new(format!("Basic {pair}").into_bytes())))
        }
        _ => Ok(None),
    }
}

fn bearer(token: &str) -> Secret {
    Secret::new(format!("Bearer {token}").into_bytes())
}

fn missing(record: &ConnectionRecord) -> ApiError {
    ApiError::invalid(format!("The connection {} has lost its credential; update it", record.name))
}

/// A token by the client credentials grant (RFC 6749 §4.4), kept until it is about to end.
async fn machine_token(
    workspace: &Workspace,
    record: &ConnectionRecord,
    secret: &str,
) -> Result<Secret, ApiError> {
    let now = workspace.clock().unix_seconds();
    let tokens = &workspace.connections().tokens;
    {
        let held = tokens.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, end)) = held.get(&record.id)
            && *end - MARGIN > now
        {
            return Ok(Secret::new(token.expose().to_vec()));
        }
    }
    let option = |name: &str| record.options.get(name).map_or("", String::as_str);
    let endpoint = url::Url::parse(option("token_endpoint"))
        .map_err(|_| ApiError::invalid(format!("The connection {} has no token_endpoint", record.name)))?;
    if endpoint.scheme() != "https" && !names_loopback(&endpoint) {
        return Err(ApiError::invalid("token_endpoint must begin with https://"));
    }
    let client = client(&endpoint).await?;
    let mut form = vec![("grant_type", "client_credentials")];
    if !option("oauth_scope").is_empty() {
        form.push(("scope", option("oauth_scope")));
    }
    let in_body = option("oauth_credential_exchange_method") == "body_only";
    let mut request = client.post(endpoint);
    if in_body {
        form.extend([("client_id", option("client_id")), ("client_secret", secret)]);
    } else {
        request = request.basic_auth(option("client_id"), Some(secret));
    }
    let refused = |why: String| {
        ApiError::invalid(format!(
            "The token endpoint of the connection {} gave no token: {why}",
            record.name
        ))
    };
    let response =
        request.form(&form).send().await.map_err(|error| refused(error.without_url().to_string()))?;
    let status = response.status();
    let answer: Value = response.json().await.map_err(|_| refused(format!("status {status}, no JSON")))?;
    let token = answer["access_token"].as_str();
    let token = token.ok_or_else(|| {
        let why = answer["error"].as_str().unwrap_or("it has no access_token");
        refused(format!("status {status}, {why}"))
    })?;
    let token = Secret::new(token.as_bytes().to_vec());
    let end = now + answer["expires_in"].as_i64().unwrap_or(300).clamp(0, 86_400);
    let kept = Secret::new(token.expose().to_vec());
    tokens.held.lock().unwrap_or_else(PoisonError::into_inner).insert(record.id.clone(), (kept, end));
    Ok(token)
}

/// A client for one address that follows no redirect and reaches no machine that the address does not name.
pub(super) async fn client(url: &url::Url) -> Result<reqwest::Client, ApiError> {
    let near = names_loopback(url);
    let mut builder = brickyard_api::http_client_builder(!near).redirect(reqwest::redirect::Policy::none());
    if !near && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) {
        // The name is looked up once, so that it cannot mean another machine a moment later. A name that is not found
        // here may be known to the network's proxy.
        let host = host.trim_matches(['[', ']']);
        if let Ok(found) = tokio::net::lookup_host((host, port)).await {
            let found: Vec<std::net::SocketAddr> = found.collect();
            if let Some(refused) = found.iter().find(|address| !is_far(address)) {
                return Err(ApiError::invalid(format!(
                    "The connection's host {host} is {}, an address of this machine or its link; name it as such",
                    refused.ip()
                )));
            }
            builder = builder.resolve_to_addrs(host, &found);
        }
    }
    builder.build().map_err(|error| ApiError::internal(&error))
}

fn shared(id: &str) -> String {
    format!("\u{1}connection/{id}")
}

fn personal(id: &str) -> String {
    format!("\u{1}connection-login/{id}")
}

impl Workspace {
    /// Keeps the secrets of a connection.
    pub(crate) fn put_connection_secrets(
        &self,
        id: &str,
        secrets: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let now = self.clock().unix_milliseconds();
        for (name, value) in secrets {
            self.vault().put(&shared(id), &name, &Secret::new(value.into_bytes()), now)?;
        }
        self.connections().tokens.held.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }

    /// Whether a connection has secrets.
    pub(crate) fn has_connection_secrets(&self, id: &str) -> Result<bool, ApiError> {
        Ok(!self.vault().list(&shared(id))?.is_empty())
    }

    /// Drops the secrets of a connection, its people's among them.
    pub(crate) fn forget_connection_secrets(&self, id: &str) -> Result<(), ApiError> {
        self.vault().delete_scope(&shared(id))?;
        self.vault().delete_scope(&personal(id))?;
        self.connections().tokens.held.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }
}
