use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::catalogs::put_stamp;
use super::metastore::metastore_id;
use super::page::Paging;
use crate::caller::Caller;
use crate::catalog::record::ConnectionRecord;
use crate::catalog::{Change, Identity, NewConnection};
use crate::connections::{credential_type, is_secret};
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct New {
    name: String,
    connection_type: String,
    #[serde(default)]
    options: BTreeMap<String, String>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    comment: Option<String>,
    #[serde(default)]
    read_only: bool,
}

#[derive(Deserialize)]
pub(super) struct Update {
    new_name: Option<String>,
    owner: Option<String>,
    comment: Option<String>,
    options: Option<BTreeMap<String, String>>,
    secrets: Option<BTreeMap<String, String>>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(paging): Parameters<Paging>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let items = catalog.list_connections(&identity)?.into_iter().map(|record| {
        let workspace = workspace.clone();
        (record.name.clone(), move || Ok(shown(&workspace, &record)))
    });
    Ok(Json(paging.cut("connections", items.collect())?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<New>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let connection = NewConnection {
        name: new.name,
        connection_type: new.connection_type,
        options: new.options,
        properties: new.properties,
        credential_type: String::new(),
        comment: new.comment,
        read_only: new.read_only,
    };
    let record = workspace.make_connection(&identity, connection, new.secrets)?;
    Ok(Json(shown(&workspace, &record)))
}

impl Workspace {
    /// Makes a connection; what is secret among its options is kept apart and shown to nobody.
    pub(crate) fn make_connection(
        &self,
        identity: &Identity,
        mut connection: NewConnection,
        secrets: BTreeMap<String, String>,
    ) -> Result<ConnectionRecord, ApiError> {
        let (options, secrets) = divided(connection.options, secrets);
        if connection.connection_type == "HTTP" {
            crate::connections::check(&options)?;
        }
        credential_type(&options, &secrets).clone_into(&mut connection.credential_type);
        connection.options = options;
        let record = self.catalog().create_connection(identity, connection)?;
        self.put_connection_secrets(&record.id, secrets)?;
        Ok(record)
    }
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    Ok(Json(shown(&workspace, &catalog.get_connection(&identity, &name)?)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(update): JsonBody<Update>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let given = update.options.is_some() || update.secrets.is_some();
    let (options, secrets) =
        divided(update.options.clone().unwrap_or_default(), update.secrets.unwrap_or_default());
    let before = catalog.connection_record(&name)?;
    if update.options.is_some() && before.connection_type == "HTTP" {
        crate::connections::check(&options)?;
        // A secret is for one host: with another host it must be given again, or whoever may change the connection could
        // have it sent to themselves.
        if crate::connections::address(&options)? != crate::connections::address(&before.options)?
            && secrets.is_empty()
            && workspace.has_connection_secrets(&before.id)?
        {
            return Err(ApiError::invalid(
                "With another host or base path the credentials must be given again",
            ));
        }
    }
    let change =
        Change { name: update.new_name, owner: update.owner, comment: update.comment, ..Change::default() };
    let options = update.options.map(|_| options);
    let record = catalog.update_connection(&identity, &name, &change, options)?;
    if given {
        workspace.put_connection_secrets(&record.id, secrets)?;
    }
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.drop_connection(&identity, &name)?;
    workspace.forget_connection_secrets(&record.id)?;
    Ok(Json(json!({})))
}

/// Options that anybody may see, and those that nobody may.
fn divided(
    options: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (hidden, seen): (BTreeMap<_, _>, BTreeMap<_, _>) =
        options.into_iter().partition(|(name, _)| is_secret(name));
    (seen, hidden.into_iter().chain(secrets).collect())
}

fn shown(workspace: &Workspace, record: &ConnectionRecord) -> Value {
    let mut value = json!({
        "name": record.name,
        "full_name": record.name,
        "connection_id": record.id,
        "connection_type": record.connection_type,
        "credential_type": record.credential_type,
        "options": record.options,
        "properties": record.properties,
        "read_only": record.read_only,
        "securable_type": "CONNECTION",
        "metastore_id": metastore_id(workspace),
        "provisioning_info": { "state": "ACTIVE" },
    });
    if let Some(host) = record.options.get("host") {
        value["url"] = json!(host);
    }
    put_stamp(&mut value, &record.stamp);
    value
}
