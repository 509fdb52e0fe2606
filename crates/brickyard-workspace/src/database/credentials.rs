use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::instances::find;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{self, CredentialRequest};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Most instances one credential opens.
const MOST: usize = 100;

/// A request for a password.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    #[serde(default)]
    instance_names: Vec<String>,
    #[serde(default)]
    claims: Vec<Claim>,
}

/// What the credential is to be held to.
#[derive(Debug, Deserialize)]
pub(crate) struct Claim {
    permission_set: Option<String>,
    #[serde(default)]
    resources: Vec<Value>,
}

/// Issues a credential for the caller's own role on these instances.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(request): JsonBody<Request>,
) -> ApiResult<Value> {
    if request.instance_names.is_empty() || request.instance_names.len() > MOST {
        return Err(ApiError::invalid(format!("instance_names has to name 1 to {MOST} database instances")));
    }
    let read_only = read_only(&request.claims)?;
    let mut servers = Vec::new();
    for name in &request.instance_names {
        servers.push(find(&workspace, name)?.uid);
    }
    let wanted = CredentialRequest { subject: caller.name(), servers: &servers, read_only, lifetime: None };
    let credential = lakebase::issue(&workspace, &wanted)?;
    Ok(Json(json!({ "token": credential.token, "expiration_time": credential.expires })))
}

/// Whether the claims hold the credential to reading; claims on single tables are refused rather than passed over.
pub(crate) fn read_only(claims: &[Claim]) -> Result<bool, ApiError> {
    if claims.iter().any(|claim| !claim.resources.is_empty()) {
        return Err(ApiError::not_implemented("credentials held to single tables"));
    }
    Ok(claims.iter().any(|claim| claim.permission_set.as_deref() == Some("READ_ONLY")))
}
