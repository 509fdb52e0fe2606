use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A vector search endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EndpointRecord {
    pub(super) id: String,
    pub(super) name: String,
    /// `STANDARD` or `STORAGE_OPTIMIZED`; both search alike here.
    pub(super) endpoint_type: String,
    pub(super) creator: String,
    /// Milliseconds since the epoch.
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) updated_by: String,
    #[serde(default)]
    pub(super) stopped: bool,
    #[serde(default)]
    pub(super) budget_policy_id: Option<String>,
    #[serde(default)]
    pub(super) custom_tags: Vec<Value>,
    /// Queries a second that somebody wished for; nothing here has to be scaled for them.
    #[serde(default)]
    pub(super) target_qps: Option<u32>,
}

/// An index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct IndexRecord {
    /// Also the name of the file that holds its rows.
    pub(super) id: String,
    /// Catalog, schema and name.
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) primary_key: String,
    /// As the client wrote it, or nothing.
    #[serde(default)]
    pub(super) subtype: Option<String>,
    pub(super) creator: String,
    /// Columns of a row and their SQL types.
    pub(super) columns: BTreeMap<String, String>,
    /// The column of the vectors and their length; none for an index of texts alone.
    #[serde(default)]
    pub(super) vector: Option<VectorColumn>,
    /// The text that is made a vector.
    #[serde(default)]
    pub(super) source: Option<SourceColumn>,
    /// Where the rows come from; none where clients write them.
    #[serde(default)]
    pub(super) delta: Option<DeltaSource>,
    /// Clients' own words for what they write.
    #[serde(default)]
    pub(super) schema_json: Option<String>,
}

/// The column that holds the vectors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VectorColumn {
    pub(super) name: String,
    /// 0 until the first vector says it, where a model makes them.
    pub(super) dimension: usize,
}

/// The column whose texts a serving endpoint makes vectors of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SourceColumn {
    /// Empty where only questions are made vectors of.
    pub(super) name: String,
    pub(super) model: String,
    #[serde(default)]
    pub(super) model_for_query: Option<String>,
}

/// The table an index follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DeltaSource {
    pub(super) table: String,
    /// `TRIGGERED` or `CONTINUOUS`.
    pub(super) pipeline_type: String,
    #[serde(default)]
    pub(super) columns_to_sync: Vec<String>,
    /// Version of the table that the rows are of.
    #[serde(default)]
    pub(super) synced_version: Option<i64>,
    /// Why the last synchronisation failed.
    #[serde(default)]
    pub(super) failure: Option<String>,
}

impl IndexRecord {
    /// The model that makes a question a vector.
    pub(super) fn query_model(&self) -> Option<&str> {
        let source = self.source.as_ref()?;
        Some(source.model_for_query.as_deref().unwrap_or(&source.model))
    }

    /// Columns whose values are texts.
    pub(super) fn text_columns(&self) -> Vec<String> {
        let texts = self.columns.iter().filter(|(_, sql_type)| sql_type.eq_ignore_ascii_case("string"));
        texts.map(|(name, _)| name.clone()).collect()
    }
}
