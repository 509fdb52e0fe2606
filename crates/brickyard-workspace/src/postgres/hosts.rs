use serde_json::{Value, json};

use super::record::Endpoint;
use crate::lakebase::{LakebaseError, NewFront, autoscaling_connections};
use crate::workspace::Workspace;

/// Uids of an endpoint's fronts: its own address and the pooled one.
pub(super) fn fronts(endpoint: &Endpoint) -> [String; 2] {
    [endpoint.uid.clone(), format!("{}-pooled", endpoint.uid)]
}

/// Remembers the fronts of an endpoint that are not there yet, and opens them.
pub(super) async fn open(
    workspace: &Workspace,
    endpoint: &Endpoint,
    server: &str,
) -> Result<(), LakebaseError> {
    let connections = autoscaling_connections(endpoint.sizes.largest);
    for (id, pooled) in fronts(endpoint).iter().zip([false, true]) {
        if workspace.databases().front(id)?.is_none() {
            let new = NewFront { id, server, read_only: endpoint.read_only, pooled, connections };
            workspace.lakebase().create_front(workspace, new).await?;
        }
    }
    Ok(())
}

/// Has the fronts take what the endpoint says: how many sessions, and whether any.
pub(super) fn change(workspace: &Workspace, endpoint: &Endpoint) -> Result<(), LakebaseError> {
    let connections = autoscaling_connections(endpoint.sizes.largest);
    let databases = workspace.databases();
    for id in fronts(endpoint) {
        if let Some(mut front) = databases.front(&id)? {
            front.disabled = endpoint.disabled;
            databases.put_front(&front)?;
            workspace.lakebase().resize_front(workspace, &id, connections)?;
        }
    }
    Ok(())
}

/// Forgets the fronts and ends their sessions.
pub(super) fn close(workspace: &Workspace, endpoint: &Endpoint) -> Result<(), LakebaseError> {
    fronts(endpoint).iter().try_for_each(|id| workspace.lakebase().delete_front(workspace, id))
}

/// The hosts in the shape of the API.
pub(super) async fn show(workspace: &Workspace, endpoint: &Endpoint) -> Result<Value, LakebaseError> {
    let [own, pooled] = fronts(endpoint);
    let host = workspace.lakebase().front(workspace, &own).await?.ip().to_string();
    let pooled = workspace.lakebase().front(workspace, &pooled).await?.ip().to_string();
    Ok(if endpoint.read_only {
        json!({ "host": host, "read_only_host": host, "read_only_pooled_host": pooled })
    } else {
        json!({ "host": host, "read_write_pooled_host": pooled })
    })
}
