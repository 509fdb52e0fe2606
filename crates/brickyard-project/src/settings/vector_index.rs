use std::collections::BTreeMap;

use serde::Deserialize;

/// `[vector-indexes."catalog.schema.name"]`: an index, made when the seed has run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct VectorIndexSettings {
    /// Endpoint it is on; default `brickyard`.
    pub endpoint: Option<String>,
    /// Column of the keys; default `id`.
    pub primary_key: Option<String>,
    /// Delta table it follows; without one the app writes the rows and `schema` says which.
    pub source_table: Option<String>,
    /// Column whose texts `model` makes vectors of.
    pub text_column: Option<String>,
    /// Serving endpoint that makes texts vectors.
    pub model: Option<String>,
    /// Column that holds vectors.
    pub vector_column: Option<String>,
    /// Length of these vectors.
    pub dimension: Option<u32>,
    /// Names and types of the columns the app writes.
    pub schema: BTreeMap<String, String>,
}
