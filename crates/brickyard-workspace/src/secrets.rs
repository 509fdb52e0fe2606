//! Secrets: scopes, values encrypted at rest, and who may read them.

mod access;
mod vault;

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

pub use vault::VaultError;
pub(crate) use vault::{Secret, Vault};

use crate::caller::Caller;
use crate::endpoint::{Family, Fidelity};
use crate::error::{ApiError, ApiResult};
use crate::handle::WorkspaceHandle;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Largest value, in bytes, as on the platform.
const LARGEST: usize = 128 * 1024;

/// The secrets API.
pub(crate) fn family() -> Family {
    let witness = Some("secrets::the_sdk_keeps_and_reads_secrets");
    let full = Fidelity::Full;
    Family::new("Secrets")
        .endpoint(
            "POST",
            "/api/2.0/secrets/scopes/create",
            post(create_scope),
            Fidelity::Partial("Scopes are kept by the workspace alone, never by Azure Key Vault."),
            witness,
        )
        .endpoint("POST", "/api/2.0/secrets/scopes/delete", post(delete_scope), full, witness)
        .endpoint("GET", "/api/2.0/secrets/scopes/list", get(list_scopes), full, witness)
        .endpoint("POST", "/api/2.0/secrets/put", post(put), full, witness)
        .endpoint("GET", "/api/2.0/secrets/get", get(read), full, witness)
        .endpoint("GET", "/api/2.0/secrets/list", get(list), full, witness)
        .endpoint("POST", "/api/2.0/secrets/delete", post(delete), full, witness)
        .endpoint("POST", "/api/2.0/secrets/acls/put", post(access::put), full, witness)
        .endpoint("POST", "/api/2.0/secrets/acls/delete", post(access::delete), full, witness)
        .endpoint("GET", "/api/2.0/secrets/acls/get", get(access::get), full, witness)
        .endpoint("GET", "/api/2.0/secrets/acls/list", get(access::list), full, witness)
}

#[derive(Deserialize)]
struct CreateScope {
    scope: String,
    initial_manage_principal: Option<String>,
    scope_backend_type: Option<String>,
}

async fn create_scope(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<CreateScope>,
) -> ApiResult<Value> {
    let wanted = body;
    if wanted.scope_backend_type.is_some_and(|backend| backend != "DATABRICKS") {
        return Err(ApiError::not_implemented("secret scopes of Azure Key Vault"));
    }
    let everybody = match wanted.initial_manage_principal.as_deref() {
        None => false,
        Some("users") => true,
        Some(other) => {
            return Err(ApiError::invalid(format!(
                "initial_manage_principal must be `users`, not `{other}`"
            )));
        }
    };
    check_name("Scope", &wanted.scope)?;
    if !workspace.vault().create_scope(&wanted.scope)? {
        return Err(ApiError::already_exists(format!("Scope {} already exists!", wanted.scope)));
    }
    workspace.own_object(&caller, access::KIND, &wanted.scope)?;
    if everybody {
        workspace.grant_object("users", access::KIND, &wanted.scope, "MANAGE", None)?;
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct ScopeName {
    scope: String,
}

async fn delete_scope(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<ScopeName>,
) -> ApiResult<Value> {
    let scope = body.scope;
    workspace.authorize_scope(&caller, &scope, "MANAGE")?;
    workspace.vault().delete_scope(&scope)?;
    workspace.forget_object(access::KIND, &scope)?;
    Ok(Json(json!({})))
}

async fn list_scopes(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let scopes = workspace.vault().scopes()?;
    let seen = scopes.into_iter().filter(|scope| workspace.authorize_scope(&caller, scope, "READ").is_ok());
    let shown = seen.map(|scope| json!({ "name": scope, "backend_type": "DATABRICKS" }));
    Ok(Json(json!({ "scopes": shown.collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
struct Put {
    scope: String,
    key: String,
    string_value: Option<String>,
    bytes_value: Option<String>,
}

async fn put(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<Put>,
) -> ApiResult<Value> {
    let put = body;
    workspace.authorize_scope(&caller, &put.scope, "WRITE")?;
    check_name("Secret key", &put.key)?;
    let value = match (put.string_value, put.bytes_value) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(encoded)) => {
            STANDARD.decode(encoded).map_err(|_| ApiError::invalid("bytes_value must be base64"))?
        }
        _ => return Err(ApiError::invalid("Give one of string_value and bytes_value")),
    };
    if value.len() > LARGEST {
        return Err(ApiError::invalid(format!("A secret has at most {LARGEST} bytes")));
    }
    let now = workspace.clock().unix_milliseconds();
    workspace.vault().put(&put.scope, &put.key, &Secret::new(value), now)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct SecretName {
    scope: String,
    key: String,
}

async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(name): Parameters<SecretName>,
) -> ApiResult<Value> {
    workspace.authorize_scope(&caller, &name.scope, "READ")?;
    let secret = workspace.secret(&name.scope, &name.key)?;
    Ok(Json(json!({ "key": name.key, "value": STANDARD.encode(secret.expose()) })))
}

async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(scope): Parameters<ScopeName>,
) -> ApiResult<Value> {
    workspace.authorize_scope(&caller, &scope.scope, "READ")?;
    let secrets = workspace.vault().list(&scope.scope)?;
    let shown = secrets.into_iter().map(|(key, at)| json!({ "key": key, "last_updated_timestamp": at }));
    Ok(Json(json!({ "secrets": shown.collect::<Vec<_>>() })))
}

async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<SecretName>,
) -> ApiResult<Value> {
    let name = body;
    workspace.authorize_scope(&caller, &name.scope, "WRITE")?;
    if !workspace.vault().delete(&name.scope, &name.key)? {
        return Err(no_secret(&name.scope, &name.key));
    }
    Ok(Json(json!({})))
}

impl Workspace {
    /// Refuses whoever has no such permission on the scope; a scope that is not there is a 404 for everybody.
    pub(crate) fn authorize_scope(
        &self,
        caller: &Caller,
        scope: &str,
        level: &'static str,
    ) -> Result<(), ApiError> {
        if !self.vault().has_scope(scope)? {
            let mut error = ApiError::not_found("Scope", scope);
            error.message = format!("Scope {scope} does not exist! It was not found");
            return Err(error);
        }
        self.authorize_object(caller, access::KIND, scope, level)
    }

    /// The decrypted secret; a 404 where there is none.
    pub(crate) fn secret(&self, scope: &str, key: &str) -> Result<Secret, ApiError> {
        self.vault().get(scope, key)?.ok_or_else(|| no_secret(scope, key))
    }
}

impl WorkspaceHandle {
    /// Puts a secret, making its scope where it is not there; the developer manages the scope.
    pub fn put_secret(&self, scope: &str, key: &str, value: &str) -> Result<(), ApiError> {
        check_name("Scope", scope)?;
        check_name("Secret key", key)?;
        let workspace = self.workspace();
        workspace.vault().create_scope(scope)?;
        let now = workspace.clock().unix_milliseconds();
        workspace.vault().put(scope, key, &Secret::new(value.as_bytes().to_vec()), now)?;
        Ok(())
    }
}

fn no_secret(scope: &str, key: &str) -> ApiError {
    let mut error = ApiError::not_found("Secret", key);
    error.message = format!("Secret does not exist with scope: {scope} and key: {key}; it was not found");
    error
}

fn check_name(what: &str, name: &str) -> Result<(), ApiError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_@./ ".contains(&byte);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(good) {
        return Err(ApiError::invalid(format!(
            "{what} must have 1 to 128 letters, digits, spaces, and - _ @ . /: `{name}`"
        )));
    }
    Ok(())
}
