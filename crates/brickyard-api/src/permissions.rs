use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ApiFailure;

/// One entry of an access list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PermissionEntry {
    /// E-mail address of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Name of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// Client id of a service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_principal_name: Option<String>,
    /// Levels held.
    #[serde(skip_serializing)]
    pub all_permissions: Vec<HeldPermission>,
    /// Level asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_level: Option<String>,
}

/// A level somebody holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldPermission {
    /// Such as `CAN_USE`.
    pub permission_level: String,
}

#[derive(Deserialize)]
struct AccessList {
    #[serde(default)]
    access_control_list: Vec<PermissionEntry>,
}

impl Client {
    /// `GET /api/2.0/permissions/KIND/ID`.
    pub async fn permissions(&self, kind: &str, id: &str) -> Result<Vec<PermissionEntry>, ApiFailure> {
        let list: AccessList = self.get(&format!("/api/2.0/permissions/{kind}/{id}"), &[]).await?;
        Ok(list.access_control_list)
    }

    /// `PATCH /api/2.0/permissions/KIND/ID`: adds entries, and leaves the others.
    pub async fn add_permissions(
        &self,
        kind: &str,
        id: &str,
        entries: &[PermissionEntry],
    ) -> Result<(), ApiFailure> {
        let body = json!({ "access_control_list": entries });
        self.patch::<Value>(&format!("/api/2.0/permissions/{kind}/{id}"), &body).await.map(drop)
    }
}
