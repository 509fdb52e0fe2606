use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::workspace::Workspace;

const DASHBOARD: &str = "lakeview_dashboard";

/// A dashboard: its draft, and what was published of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DashboardRecord {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) serialized: String,
    #[serde(default)]
    pub(super) warehouse_id: Option<String>,
    #[serde(default)]
    pub(super) parent_path: Option<String>,
    pub(super) owner: String,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    /// Changes of the draft so far.
    pub(super) edits: u64,
    #[serde(default)]
    pub(super) trashed: bool,
    #[serde(default)]
    pub(super) published: Option<PublishedRecord>,
}

/// What was published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PublishedRecord {
    pub(super) name: String,
    pub(super) serialized: String,
    #[serde(default)]
    pub(super) warehouse_id: Option<String>,
    /// Whether readers see the data with the publisher's grants.
    pub(super) embed_credentials: bool,
    pub(super) publisher: String,
    pub(super) at: i64,
}

impl Workspace {
    pub(super) fn dashboard(&self, id: &str) -> Result<DashboardRecord, ApiError> {
        let found = self.store().get(DASHBOARD, id).map_err(|error| ApiError::internal(&error))?;
        found.ok_or_else(|| ApiError::not_found("Dashboard", id))
    }

    pub(super) fn dashboards(&self) -> Result<Vec<DashboardRecord>, ApiError> {
        let all = self.store().list::<DashboardRecord>(DASHBOARD, "");
        let all = all.map_err(|error| ApiError::internal(&error))?;
        Ok(all.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn put_dashboard(&self, record: &DashboardRecord) -> Result<(), ApiError> {
        self.store().put(DASHBOARD, &record.id, record).map_err(|error| ApiError::internal(&error))
    }
}
