use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::workspace::Workspace;

/// A SQL warehouse as it is kept: what the user chose, and since when it has been idle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// 16 hexadecimal digits.
    pub(crate) id: String,
    /// Unique name.
    pub(crate) name: String,
    /// `2X-Small` … `4X-Large`.
    pub(crate) cluster_size: String,
    /// Least clusters.
    pub(crate) min_num_clusters: u32,
    /// Most clusters; each runs [`STATEMENTS_PER_CLUSTER`] statements at once.
    pub(crate) max_num_clusters: u32,
    /// Idle minutes until it stops; 0 never.
    pub(crate) auto_stop_mins: u32,
    /// Who made it.
    pub(crate) creator_name: String,
    /// `PRO` or `CLASSIC`.
    pub(crate) warehouse_type: String,
    /// Whether it runs on serverless compute.
    pub(crate) enable_serverless_compute: bool,
    /// Whether Photon is asked for.
    pub(crate) enable_photon: bool,
    /// `COST_OPTIMIZED` or `RELIABILITY_OPTIMIZED`.
    pub(crate) spot_instance_policy: String,
    /// `{"name": …}`.
    pub(crate) channel: Value,
    /// `{"custom_tags": […]}`.
    pub(crate) tags: Value,
}

/// Statements that one cluster of a warehouse runs at once.
pub(crate) const STATEMENTS_PER_CLUSTER: u32 = 10;

impl Definition {
    /// The warehouse that every workspace has from the start.
    pub(crate) fn starter(workspace: &Workspace) -> Self {
        Self {
            id: starter_id(workspace.config().workspace_id),
            creator_name: workspace
                .config()
                .users
                .first()
                .map_or_else(|| "admin".to_owned(), |user| user.user_name.clone()),
            ..Self::named("Serverless Starter Warehouse")
        }
    }

    /// A warehouse with the platform's defaults.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            cluster_size: "2X-Small".to_owned(),
            min_num_clusters: 1,
            max_num_clusters: 1,
            auto_stop_mins: 10,
            creator_name: String::new(),
            warehouse_type: "PRO".to_owned(),
            enable_serverless_compute: true,
            enable_photon: true,
            spot_instance_policy: "COST_OPTIMIZED".to_owned(),
            channel: json!({ "name": "CHANNEL_NAME_CURRENT" }),
            tags: json!({}),
        }
    }

    /// Statements it runs at once.
    pub(crate) fn width(&self) -> usize {
        usize::try_from(self.max_num_clusters.max(1) * STATEMENTS_PER_CLUSTER).unwrap_or(10)
    }
}

/// Id of the starter warehouse: the same in every start of a workspace.
pub(crate) fn starter_id(workspace_id: u64) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("starter {workspace_id}").as_bytes());
    format!("{:016x}", digest.as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}
