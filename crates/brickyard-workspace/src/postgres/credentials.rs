use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::names;
use crate::caller::Caller;
use crate::database::{Claim, read_only};
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{self, CredentialRequest};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// A request for a password.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    claims: Vec<Claim>,
    ttl: Option<Value>,
    expire_time: Option<String>,
    group_name: Option<String>,
}

/// Issues a credential for the caller's own role on an endpoint's branch.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(request): JsonBody<Request>,
) -> ApiResult<Value> {
    let invalid = || {
        ApiError::invalid(
            "endpoint has to be of the form projects/{project}/branches/{branch}/endpoints/{endpoint}",
        )
    };
    let (project, branch, rest) = names::split(&request.endpoint).ok_or_else(invalid)?;
    let id = rest.strip_prefix("endpoints/").ok_or_else(invalid)?;
    if request.group_name.is_some() {
        return Err(ApiError::not_implemented(
            "credentials for a group: log in as the group's role with your own",
        ));
    }
    let branch = names::branch(&workspace, project, branch)?;
    names::endpoint(&workspace, &branch, id)?;
    let lifetime = match (&request.ttl, &request.expire_time) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("Only one of ttl and expire_time can be set")),
        (Some(ttl), None) => Some(names::seconds(ttl)?),
        (None, Some(text)) => {
            let time: jiff::Timestamp =
                text.parse().map_err(|_| ApiError::invalid(format!("expire_time '{text}' is not a time")))?;
            Some(time.as_second() - workspace.clock().unix_seconds())
        }
        (None, None) => None,
    };
    let read_only = read_only(&request.claims)?;
    let wanted = CredentialRequest { subject: caller.name(), servers: &[branch.uid], read_only, lifetime };
    let credential = lakebase::issue(&workspace, &wanted)?;
    Ok(Json(json!({ "token": credential.token, "expire_time": credential.expires })))
}
