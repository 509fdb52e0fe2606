use brickyard_postgres::{Point, read_lsn};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lakebase::LakebaseError;
use crate::workspace::Workspace;

/// A request for an instance or for changes to one, with the fields `databricks-sdk` sends.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct InstanceRequest {
    #[serde(default)]
    pub(super) name: String,
    pub(super) capacity: Option<String>,
    pub(super) stopped: Option<bool>,
    pub(super) node_count: Option<u32>,
    pub(super) enable_readable_secondaries: Option<bool>,
    pub(super) enable_pg_native_login: Option<bool>,
    pub(super) retention_window_in_days: Option<u32>,
    pub(super) custom_tags: Option<Vec<Map<String, Value>>>,
    pub(super) usage_policy_id: Option<String>,
    pub(super) parent_instance_ref: Option<InstanceRef>,
}

/// Another instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct InstanceRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) branch_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lsn: Option<String>,
}

impl InstanceRef {
    /// The point of its parent that a child begins with: by the workspace's clock, or a place of the log.
    pub(super) fn point(&self, workspace: &Workspace) -> Result<Option<Point>, LakebaseError> {
        let invalid = |text: &str| LakebaseError::invalid(format!("'{text}' is no point of the past"));
        match (&self.branch_time, &self.lsn) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(LakebaseError::invalid("Only one of branch_time and lsn can be set")),
            (None, Some(lsn)) => Ok(Some(Point::Lsn(read_lsn(lsn).ok_or_else(|| invalid(lsn))?))),
            (Some(text), None) => {
                let time: jiff::Timestamp = text.parse().map_err(|_| invalid(text))?;
                let clock = workspace.clock();
                if time > clock.now() {
                    return Err(invalid(text));
                }
                Ok(Some(Point::Time(clock.on_the_machine(time).as_microsecond())))
            }
        }
    }
}

/// What is remembered of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) creator: String,
    pub(super) creation_time: String,
    pub(super) capacity: String,
    pub(super) stopped: bool,
    pub(super) node_count: u32,
    pub(super) readable_secondaries: bool,
    pub(super) native_login: bool,
    pub(super) retention_days: u32,
    pub(super) custom_tags: Vec<Map<String, Value>>,
    pub(super) usage_policy_id: Option<String>,
    pub(super) parent: Option<InstanceRef>,
}

/// A catalog as `databricks-sdk` sends it.
#[derive(Debug, Deserialize)]
pub(super) struct Catalog {
    pub(super) name: String,
    pub(super) database_instance_name: String,
    pub(super) database_name: String,
    #[serde(default)]
    pub(super) create_database_if_not_exists: bool,
}
