use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::catalog::{Assignment, GrantChange, Kind, Privilege};
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct PrincipalQuery {
    principal: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Changes {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    principal: Option<String>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((kind, full_name)): Path<(String, String)>,
    Parameters(query): Parameters<PrincipalQuery>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let grants = catalog.grants(&identity, kind_of(&kind)?, &full_name)?;
    Ok(Json(shown(grants.into_iter().filter(|grant| query.wants(grant)))))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((kind, full_name)): Path<(String, String)>,
    JsonBody(body): JsonBody<Changes>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let changes = body.changes.into_iter().map(|change| {
        Ok(GrantChange {
            principal: change.principal.ok_or_else(|| ApiError::invalid("A change names no principal"))?,
            add: privileges(&change.add)?,
            remove: privileges(&change.remove)?,
        })
    });
    let changes: Vec<GrantChange> = changes.collect::<Result<_, ApiError>>()?;
    let grants = catalog.change_grants(&identity, kind_of(&kind)?, &full_name, &changes)?;
    Ok(Json(shown(grants)))
}

pub(super) async fn effective(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((kind, full_name)): Path<(String, String)>,
    Parameters(query): Parameters<PrincipalQuery>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let kind = kind_of(&kind)?;
    let mut answers: Vec<(String, Vec<Value>)> = Vec::new();
    for (grant, from, name) in catalog.effective_grants(&identity, kind, &full_name)? {
        if !query.wants(&grant) {
            continue;
        }
        let inherited = from != kind;
        let privileges = grant.privileges.iter().map(|privilege| {
            if inherited {
                json!({ "privilege": privilege.code(), "inherited_from_type": from.code(),
                    "inherited_from_name": name })
            } else {
                json!({ "privilege": privilege.code() })
            }
        });
        match answers.iter_mut().find(|(principal, _)| *principal == grant.principal) {
            Some((_, known)) => known.extend(privileges),
            None => answers.push((grant.principal.clone(), privileges.collect())),
        }
    }
    let answers: Vec<Value> = answers
        .into_iter()
        .map(|(principal, privileges)| json!({ "principal": principal, "privileges": privileges }))
        .collect();
    Ok(Json(json!({ "privilege_assignments": answers })))
}

impl PrincipalQuery {
    fn wants(&self, grant: &Assignment) -> bool {
        self.principal.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&grant.principal))
    }
}

fn shown(grants: impl IntoIterator<Item = Assignment>) -> Value {
    let assignments = grants.into_iter().map(|grant| {
        let privileges: Vec<&str> = grant.privileges.iter().map(|privilege| privilege.code()).collect();
        json!({ "principal": grant.principal, "privileges": privileges })
    });
    json!({ "privilege_assignments": assignments.collect::<Vec<_>>() })
}

fn kind_of(text: &str) -> Result<Kind, ApiError> {
    // Old SDKs send `SecurableType.TABLE`.
    let text = text.rsplit('.').next().unwrap_or(text);
    Kind::parse(text)
        .ok_or_else(|| ApiError::not_implemented(format_args!("grants on securables of type {text}")))
}

fn privileges(names: &[String]) -> Result<Vec<Privilege>, ApiError> {
    let privilege = |name: &String| {
        Privilege::parse(name).ok_or_else(|| ApiError::invalid(format!("Privilege {name} is not known")))
    };
    names.iter().map(privilege).collect()
}
