use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kinds of documents in the store.
pub(super) const PROJECT: &str = "postgres_project";
pub(super) const BRANCH: &str = "postgres_branch";
pub(super) const ENDPOINT: &str = "postgres_endpoint";
pub(super) const SNAPSHOT: &str = "postgres_snapshot";

/// What is remembered of a project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) uid: String,
    pub(super) owner: String,
    pub(super) display_name: String,
    pub(super) native_login: bool,
    pub(super) history: String,
    /// Whether somebody asked for that history: else none is kept, which costs a copy and the log.
    #[serde(default)]
    pub(super) history_asked: bool,
    pub(super) default_branch: String,
    pub(super) custom_tags: Option<Value>,
    pub(super) budget_policy_id: Option<String>,
    pub(super) sizes: Sizes,
    pub(super) created: String,
    pub(super) updated: String,
}

impl Project {
    /// Seconds for which earlier states of its branches are kept.
    pub(super) fn kept(&self) -> Option<i64> {
        let seconds = self.history.trim_end_matches('s').parse().ok();
        seconds.filter(|seconds| self.history_asked && *seconds > 0)
    }
}

/// Sizes and suspension of endpoints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sizes {
    pub(super) smallest: f64,
    pub(super) largest: f64,
    /// Quiet seconds before it suspends; `None` for never.
    pub(super) suspend: Option<i64>,
    pub(super) pg_settings: Option<Value>,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { smallest: 1.0, largest: 1.0, suspend: Some(86_400), pg_settings: None }
    }
}

/// What is remembered of a branch; its uid is its server's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Branch {
    pub(super) project: String,
    pub(super) id: String,
    pub(super) uid: String,
    pub(super) source: Option<String>,
    pub(super) source_time: Option<String>,
    /// The snapshot it began as, in place of a source.
    #[serde(default)]
    pub(super) snapshot: Option<String>,
    pub(super) protected: bool,
    /// Second at which it goes away.
    pub(super) expires: Option<i64>,
    pub(super) created: String,
    pub(super) updated: String,
}

impl Branch {
    pub(super) fn name(&self) -> String {
        format!("projects/{}/branches/{}", self.project, self.id)
    }
}

/// What is remembered of a snapshot; its uid is that of a server which nobody logs in to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) project: String,
    pub(super) id: String,
    pub(super) uid: String,
    /// Branch it was taken from.
    pub(super) source: String,
    /// Bytes of its databases.
    pub(super) size: Option<i64>,
    /// Second at which it goes away.
    pub(super) expires: Option<i64>,
    pub(super) created: String,
}

impl Snapshot {
    pub(super) fn name(&self) -> String {
        format!("projects/{}/snapshots/{}", self.project, self.id)
    }
}

/// What is remembered of an endpoint; its uid is its front's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Endpoint {
    pub(super) branch: String,
    pub(super) id: String,
    pub(super) uid: String,
    pub(super) read_only: bool,
    pub(super) disabled: bool,
    pub(super) sizes: Sizes,
    pub(super) created: String,
    pub(super) updated: String,
}

impl Endpoint {
    pub(super) fn name(&self) -> String {
        format!("{}/endpoints/{}", self.branch, self.id)
    }
}
