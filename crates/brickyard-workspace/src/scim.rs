//! Users, groups and service principals over SCIM 2.0 (RFC 7643, RFC 7644).

mod change;
mod filter;
mod resources;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Extension, Json};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;
use crate::request::Parameters;
use crate::store::StoreError;
use crate::workspace::Workspace;
use filter::Filter;

/// Most resources of one page.
const LARGEST_PAGE: usize = 10_000;

/// What a path below `/scim/v2/` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Users,
    Groups,
    ServicePrincipals,
}

/// `Me`, users, groups and service principals, under every path the SDKs use.
pub(crate) fn family() -> Family {
    let witness = Some("directory::every_door_opens");
    let partial = Fidelity::Partial(
        "What `brickyard.toml` names is there again after a restart; nobody is deactivated; entitlements are users'.",
    );
    let mut family = Family::new("SCIM");
    for (me, lists) in PATHS {
        family = family.endpoint("GET", me, get(show_me), Fidelity::Full, witness);
        for ((list, one), kind) in lists.iter().zip([Kind::Users, Kind::Groups, Kind::ServicePrincipals]) {
            family = family
                .endpoint("GET", list, get(show_list).layer(Extension(kind)), Fidelity::Full, witness)
                .endpoint("GET", one, get(show_one).layer(Extension(kind)), Fidelity::Full, witness)
                .endpoint("POST", list, post(change::create).layer(Extension(kind)), partial, witness)
                .endpoint("PUT", one, put(change::replace).layer(Extension(kind)), partial, witness)
                .endpoint("PATCH", one, patch(change::change).layer(Extension(kind)), partial, witness)
                .endpoint("DELETE", one, delete(change::remove).layer(Extension(kind)), partial, witness);
        }
    }
    family
}

type Paths = (&'static str, [(&'static str, &'static str); 3]);

const PATHS: [Paths; 3] = [
    (
        "/api/2.0/preview/scim/v2/Me",
        [
            ("/api/2.0/preview/scim/v2/Users", "/api/2.0/preview/scim/v2/Users/{id}"),
            ("/api/2.0/preview/scim/v2/Groups", "/api/2.0/preview/scim/v2/Groups/{id}"),
            ("/api/2.0/preview/scim/v2/ServicePrincipals", "/api/2.0/preview/scim/v2/ServicePrincipals/{id}"),
        ],
    ),
    (
        "/api/2.0/account/scim/v2/Me",
        [
            ("/api/2.0/account/scim/v2/Users", "/api/2.0/account/scim/v2/Users/{id}"),
            ("/api/2.0/account/scim/v2/Groups", "/api/2.0/account/scim/v2/Groups/{id}"),
            ("/api/2.0/account/scim/v2/ServicePrincipals", "/api/2.0/account/scim/v2/ServicePrincipals/{id}"),
        ],
    ),
    (
        "/api/2.0/scim/v2/Me",
        [
            ("/api/2.0/scim/v2/Users", "/api/2.0/scim/v2/Users/{id}"),
            ("/api/2.0/scim/v2/Groups", "/api/2.0/scim/v2/Groups/{id}"),
            ("/api/2.0/scim/v2/ServicePrincipals", "/api/2.0/scim/v2/ServicePrincipals/{id}"),
        ],
    ),
];

/// Who the caller is; the header tells clients the workspace's id.
async fn show_me(State(workspace): State<Workspace>, caller: Caller) -> Result<Response, ApiError> {
    let me = resources::principal(&workspace, &caller.principal).map_err(failed)?;
    let mut response = Json(me).into_response();
    if let Ok(id) = HeaderValue::from_str(&workspace.config().workspace_id.to_string()) {
        response.headers_mut().insert("x-databricks-org-id", id);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    sort_by: Option<String>,
    sort_order: Option<String>,
}

async fn show_list(
    State(workspace): State<Workspace>,
    Extension(kind): Extension<Kind>,
    _caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> Response {
    let filter = match query.filter.as_deref().map(Filter::parse).transpose() {
        Ok(filter) => filter,
        Err(reason) => return scim_error(StatusCode::BAD_REQUEST, Some("invalidFilter"), &reason),
    };
    let all = match resources::all(&workspace, kind) {
        Ok(all) => all,
        Err(error) => return failed(error).into_response(),
    };
    let mut found: Vec<Value> = match filter {
        Some(filter) => all.into_iter().filter(|resource| filter.accepts(resource)).collect(),
        None => all,
    };
    if let Some(attribute) = query.sort_by.as_deref() {
        found.sort_by_key(|resource| filter::attribute(resource, attribute).unwrap_or_default());
        if query.sort_order.as_deref() == Some("descending") {
            found.reverse();
        }
    }
    // RFC 7644 §3.4.2.4: the index counts from 1, what is below counts as 1, and a negative count as 0.
    let start = usize::try_from(query.start_index.unwrap_or(1).max(1)).unwrap_or(usize::MAX);
    let count = query.count.map_or(100, |count| usize::try_from(count.max(0)).unwrap_or(0)).min(LARGEST_PAGE);
    let total = found.len();
    let page: Vec<Value> = found.into_iter().skip(start - 1).take(count).collect();
    Json(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": page.len(),
        "Resources": page,
    }))
    .into_response()
}

async fn show_one(
    State(workspace): State<Workspace>,
    Extension(kind): Extension<Kind>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Response {
    match resources::all(&workspace, kind) {
        Ok(all) => {
            if let Some(found) = all.into_iter().find(|resource| resource["id"] == id.as_str()) {
                Json(found).into_response()
            } else {
                let noun = match kind {
                    Kind::Users => "User",
                    Kind::Groups => "Group",
                    Kind::ServicePrincipals => "ServicePrincipal",
                };
                scim_error(StatusCode::NOT_FOUND, None, &format!("{noun} with id {id} not found."))
            }
        }
        Err(error) => failed(error).into_response(),
    }
}

/// An error as RFC 7644 §3.12 writes it.
fn scim_error(status: StatusCode, kind: Option<&str>, detail: &str) -> Response {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": detail,
        "status": status.as_str(),
    });
    if let Some(kind) = kind {
        body["scimType"] = json!(kind);
    }
    (status, Json(body)).into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn failed(error: StoreError) -> ApiError {
    ApiError::internal(&error)
}
