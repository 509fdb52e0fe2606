use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Instance, InstanceRef, InstanceRequest};
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{Lakebase, LakebaseError, NewFront, Placed, ServerRecord, provisioned_connections};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const KIND: &str = "database_instance";
/// Kind of an instance in the permissions API.
const OBJECTS: &str = "database-instances";
const CAPACITIES: [&str; 4] = ["CU_1", "CU_2", "CU_4", "CU_8"];

/// What `?update_mask=` and the delete options say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    update_mask: Option<String>,
    #[serde(default)]
    purge: bool,
    #[serde(default)]
    force: bool,
    uid: Option<String>,
}

/// Makes an instance; with `parent_instance_ref` as a copy of another.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(request): JsonBody<InstanceRequest>,
) -> ApiResult<Value> {
    let instance = make(&workspace, &request, caller.name()).await?;
    workspace.own_object(&caller, OBJECTS, &instance.name)?;
    Ok(Json(show(&workspace, &instance).await?))
}

/// Lists all instances.
pub(super) async fn list(State(workspace): State<Workspace>, _caller: Caller) -> ApiResult<Value> {
    let mut shown = Vec::new();
    for instance in all(&workspace)? {
        shown.push(show(&workspace, &instance).await?);
    }
    Ok(Json(json!({ "database_instances": shown })))
}

/// Gets one by name.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &name)?;
    Ok(Json(show(&workspace, &instance).await?))
}

/// Gets one by uid.
pub(super) async fn find_by_uid(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Parameters(options): Parameters<Options>,
) -> ApiResult<Value> {
    let uid = options.uid.unwrap_or_default();
    let found = all(&workspace)?.into_iter().find(|instance| instance.uid == uid);
    let instance = found.ok_or_else(|| ApiError::not_found("Database instance with uid", &uid))?;
    Ok(Json(show(&workspace, &instance).await?))
}

/// Changes one: stop and start, size, readable secondaries, native login, retention, tags.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(options): Parameters<Options>,
    JsonBody(request): JsonBody<InstanceRequest>,
) -> ApiResult<Value> {
    let mut instance = find(&workspace, &name)?;
    manage(&workspace, &caller, &instance)?;
    let mask = options.update_mask.unwrap_or_else(|| "*".to_owned());
    let wanted = |field: &str| mask.split(',').any(|path| path == "*" || path == field);
    if let Some(capacity) = request.capacity.filter(|_| wanted("capacity")) {
        instance.capacity = checked_capacity(&capacity)?;
    }
    if let Some(readable) =
        request.enable_readable_secondaries.filter(|_| wanted("enable_readable_secondaries"))
    {
        instance.readable_secondaries = readable;
    }
    if let Some(nodes) = request.node_count.filter(|_| wanted("node_count")) {
        instance.node_count = nodes;
    }
    if let Some(native) = request.enable_pg_native_login.filter(|_| wanted("enable_pg_native_login")) {
        instance.native_login = native;
    }
    let asked_days = request.retention_window_in_days.filter(|_| wanted("retention_window_in_days"));
    if let Some(days) = asked_days {
        instance.retention_days = checked_retention(days)?;
    }
    if let Some(tags) = request.custom_tags.filter(|_| wanted("custom_tags")) {
        instance.custom_tags = tags;
    }
    if let Some(stopped) = request.stopped.filter(|_| wanted("stopped")) {
        instance.stopped = stopped;
    }
    put(&workspace, &instance)?;
    let databases = workspace.databases();
    if let Some(mut server) = databases.server(&instance.uid).map_err(LakebaseError::from)? {
        server.stopped = instance.stopped;
        server.native_login = instance.native_login;
        databases.put_server(&server).map_err(LakebaseError::from)?;
    }
    if let Some(days) = asked_days {
        let lakebase = workspace.lakebase();
        lakebase.change_history(&workspace, &instance.uid, Some(i64::from(days) * 86_400)).await?;
    }
    if instance.stopped {
        workspace.lakebase().stop(&instance.uid).await;
    }
    Ok(Json(show(&workspace, &instance).await?))
}

/// Deletes one with its data; `purge=true` is required, as on the platform.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(options): Parameters<Options>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &name)?;
    manage(&workspace, &caller, &instance)?;
    if !options.purge {
        return Err(ApiError::invalid(
            "Deleting a database instance without purge is not supported: set purge=true",
        ));
    }
    let children: Vec<Instance> = all(&workspace)?
        .into_iter()
        .filter(|child| {
            child.parent.as_ref().is_some_and(|parent| parent.uid.as_deref() == Some(&instance.uid))
        })
        .collect();
    if !children.is_empty() && !options.force {
        return Err(ApiError::invalid(format!(
            "Database instance '{name}' has child instances: delete them first, or set force=true"
        )));
    }
    for instance in children.iter().chain([&instance]) {
        delete(&workspace, instance).await?;
    }
    Ok(Json(json!({})))
}

/// The instance of this name.
pub(super) fn find(workspace: &Workspace, name: &str) -> Result<Instance, LakebaseError> {
    let found = workspace.store().get(KIND, name)?;
    found.ok_or_else(|| LakebaseError::not_found("Database instance", name))
}

/// Uid of the server of an instance, when there is one of this name.
pub(crate) fn uid_of(workspace: &Workspace, name: &str) -> Result<Option<String>, LakebaseError> {
    Ok(workspace.store().get::<Instance>(KIND, name)?.map(|instance| instance.uid))
}

/// Where an app's resource of this name leads; makes the instance, owned by `owner`, where there is none.
pub(crate) async fn find_or_create(
    workspace: &Workspace,
    name: &str,
    owner: &str,
) -> Result<Placed, LakebaseError> {
    let instance = match find(workspace, name) {
        Ok(instance) => instance,
        Err(LakebaseError::NotFound { .. }) => {
            let request = InstanceRequest { name: name.to_owned(), ..InstanceRequest::default() };
            make(workspace, &request, owner).await?
        }
        Err(error) => return Err(error),
    };
    Ok(Placed {
        server: instance.uid.clone(),
        front: instance.uid,
        endpoint_path: None,
        title: instance.name,
    })
}

/// Removes all instances.
pub(crate) async fn remove_all(workspace: &Workspace) -> Result<Vec<String>, LakebaseError> {
    let mut removed = Vec::new();
    for instance in all(workspace)? {
        delete(workspace, &instance).await?;
        removed.push(instance.name);
    }
    Ok(removed)
}

/// Refuses whoever is neither the creator nor may manage it.
pub(super) fn manage(workspace: &Workspace, caller: &Caller, instance: &Instance) -> Result<(), ApiError> {
    if caller.name() == instance.creator {
        return Ok(());
    }
    workspace.authorize(caller, Wish::Object { kind: OBJECTS, id: &instance.name, level: "CAN_MANAGE" })
}

/// Refuses whoever is neither the creator nor may use it.
pub(super) fn use_instance(
    workspace: &Workspace,
    caller: &Caller,
    instance: &Instance,
) -> Result<(), ApiError> {
    if caller.name() == instance.creator {
        return Ok(());
    }
    workspace.authorize(caller, Wish::Object { kind: OBJECTS, id: &instance.name, level: "CAN_USE" })
}

fn all(workspace: &Workspace) -> Result<Vec<Instance>, LakebaseError> {
    Ok(workspace.store().list(KIND, "")?.into_iter().map(|(_, instance)| instance).collect())
}

fn put(workspace: &Workspace, instance: &Instance) -> Result<(), LakebaseError> {
    Ok(workspace.store().put(KIND, &instance.name, instance)?)
}

async fn delete(workspace: &Workspace, instance: &Instance) -> Result<(), LakebaseError> {
    workspace.lakebase().destroy(workspace, &instance.uid).await?;
    workspace
        .forget_object(OBJECTS, &instance.name)
        .map_err(|error| LakebaseError::invalid(error.message))?;
    workspace.store().delete(KIND, &instance.name)?;
    Ok(())
}

async fn make(
    workspace: &Workspace,
    request: &InstanceRequest,
    creator: &str,
) -> Result<Instance, LakebaseError> {
    let name = checked_name(&request.name)?;
    let (parent, point) = match &request.parent_instance_ref {
        None => (None, None),
        Some(parent) => {
            let named = find(workspace, parent.name.as_deref().unwrap_or_default())?;
            (Some(named), parent.point(workspace)?)
        }
    };
    let instance = Instance {
        name: name.clone(),
        uid: uuid::Uuid::new_v4().to_string(),
        creator: creator.to_owned(),
        creation_time: workspace.clock().now().to_string(),
        capacity: checked_capacity(request.capacity.as_deref().unwrap_or("CU_1"))?,
        stopped: request.stopped.unwrap_or(false),
        node_count: request.node_count.unwrap_or(1),
        readable_secondaries: request.enable_readable_secondaries.unwrap_or(false),
        native_login: request.enable_pg_native_login.unwrap_or(false),
        retention_days: checked_retention(request.retention_window_in_days.unwrap_or(7))?,
        custom_tags: request.custom_tags.clone().unwrap_or_default(),
        usage_policy_id: request.usage_policy_id.clone(),
        parent: parent.as_ref().map(|parent| InstanceRef {
            name: Some(parent.name.clone()),
            uid: Some(parent.uid.clone()),
            ..InstanceRef::default()
        }),
    };
    if !workspace.store().insert(KIND, &name, &instance)? {
        return Err(LakebaseError::Exists { message: format!("Database instance '{name}' already exists") });
    }
    let server = ServerRecord {
        uid: instance.uid.clone(),
        title: name.clone(),
        creator: creator.to_owned(),
        prepared: parent.is_some(),
        stopped: instance.stopped,
        native_login: instance.native_login,
        connections: provisioned_connections(),
        suspend_after: None,
        history: request.retention_window_in_days.map(|days| i64::from(days) * 86_400),
        sql_roles: false,
        scripts: Vec::new(),
    };
    let lakebase = workspace.lakebase();
    let made = match &parent {
        Some(parent) => lakebase.create_copy(workspace, &server, &parent.uid, point.as_ref()).await,
        None => Lakebase::create(workspace, &server),
    };
    if let Err(error) = made {
        workspace.store().delete(KIND, &name)?;
        return Err(error);
    }
    let (id, connections) = (&instance.uid, server.connections);
    lakebase
        .create_front(workspace, NewFront { id, server: id, read_only: false, pooled: false, connections })
        .await?;
    Ok(instance)
}

/// The instance in the shape of the API.
async fn show(workspace: &Workspace, instance: &Instance) -> Result<Value, LakebaseError> {
    let lakebase = workspace.lakebase();
    let (address, second) = if instance.readable_secondaries && instance.node_count > 1 {
        let id = format!("{}-ro", instance.uid);
        let second = if workspace.databases().front(&id)?.is_some() {
            lakebase.front(workspace, &id).await?
        } else {
            let connections = provisioned_connections();
            let new =
                NewFront { id: &id, server: &instance.uid, read_only: true, pooled: false, connections };
            lakebase.create_front(workspace, new).await?
        };
        (lakebase.front(workspace, &instance.uid).await?, Some(second))
    } else {
        (lakebase.front(workspace, &instance.uid).await?, None)
    };
    let mut shown = json!({
        "name": instance.name,
        "uid": instance.uid,
        "creator": instance.creator,
        "creation_time": instance.creation_time,
        "capacity": instance.capacity,
        "effective_capacity": instance.capacity,
        "state": if instance.stopped { "STOPPED" } else { "AVAILABLE" },
        "stopped": instance.stopped,
        "effective_stopped": instance.stopped,
        "node_count": instance.node_count,
        "effective_node_count": instance.node_count,
        "enable_readable_secondaries": instance.readable_secondaries,
        "effective_enable_readable_secondaries": instance.readable_secondaries,
        "enable_pg_native_login": instance.native_login,
        "effective_enable_pg_native_login": instance.native_login,
        "retention_window_in_days": instance.retention_days,
        "effective_retention_window_in_days": instance.retention_days,
        "custom_tags": instance.custom_tags,
        "effective_custom_tags": instance.custom_tags,
        "read_write_dns": address.ip().to_string(),
    });
    if let Some(second) = second {
        shown["read_only_dns"] = json!(second.ip().to_string());
    }
    if let Some(policy) = &instance.usage_policy_id {
        shown["usage_policy_id"] = json!(policy);
    }
    if let Some(parent) = &instance.parent {
        shown["parent_instance_ref"] = json!(parent);
    }
    if let Some(version) = lakebase.version(&instance.uid) {
        shown["pg_version"] = json!(format!("PG_VERSION_{version}"));
    }
    let children: Vec<Value> = all(workspace)?
        .into_iter()
        .filter(|child| {
            child.parent.as_ref().is_some_and(|parent| parent.uid.as_deref() == Some(&instance.uid))
        })
        .map(|child| json!({ "name": child.name, "uid": child.uid }))
        .collect();
    if !children.is_empty() {
        shown["child_instance_refs"] = json!(children);
    }
    Ok(shown)
}

fn checked_name(name: &str) -> Result<String, LakebaseError> {
    let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    let first = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if first && letters && name.len() <= 63 && !name.ends_with('-') {
        return Ok(name.to_owned());
    }
    Err(LakebaseError::invalid(format!(
        "Database instance name '{name}' is not valid: 1 to 63 letters, digits and hyphens, beginning with a letter"
    )))
}

fn checked_capacity(capacity: &str) -> Result<String, LakebaseError> {
    if CAPACITIES.contains(&capacity) {
        return Ok(capacity.to_owned());
    }
    Err(LakebaseError::invalid(format!("Capacity '{capacity}' is not one of {}", CAPACITIES.join(", "))))
}

fn checked_retention(days: u32) -> Result<u32, LakebaseError> {
    if (2..=35).contains(&days) {
        return Ok(days);
    }
    Err(LakebaseError::invalid(format!("The retention window is 2 to 35 days, not {days}")))
}
