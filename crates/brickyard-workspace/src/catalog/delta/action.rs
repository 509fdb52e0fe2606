use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::catalog::column::Column;

/// What a reader and a writer must understand (`protocol` action).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: u32,
    pub(crate) min_writer_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reader_features: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) writer_features: Option<Vec<String>>,
}

/// What the table is (`metaData` action).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) format: Value,
    /// The schema as JSON text.
    pub(crate) schema_string: String,
    pub(crate) partition_columns: Vec<String>,
    #[serde(default, with = "kept")]
    pub(crate) configuration: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_time: Option<i64>,
}

/// Features of readers too.
const READER_FEATURES: &[&str] =
    &["columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "variantType"];

impl Protocol {
    /// The protocol of a new table: features by name, those that its columns and properties need.
    pub(crate) fn new(metadata: &Metadata) -> Self {
        let mut protocol = Self {
            min_reader_version: 3,
            min_writer_version: 7,
            reader_features: Some(Vec::new()),
            writer_features: Some(Vec::new()),
        };
        protocol.add("appendOnly");
        protocol.add("invariants");
        protocol.require(metadata);
        protocol
    }

    /// Adds what the metadata needs; whether that was anything.
    pub(crate) fn require(&mut self, metadata: &Metadata) -> bool {
        let before = self.clone();
        let columns = metadata.columns().unwrap_or_default();
        let has = |plain: &str| columns.iter().any(|column| column.data_type.has(plain));
        let carries = |key: &str| columns.iter().any(|column| column.metadata.contains_key(key));
        // `delta.enableChangeDataFeed` asks for no feature: the engine writes no feed.
        let is_set = |key: &str| metadata.configuration.get(key).is_some_and(|value| value == "true");
        for (feature, needed) in [
            ("timestampNtz", has("timestamp_ntz")),
            ("variantType", has("variant")),
            ("deletionVectors", is_set("delta.enableDeletionVectors")),
            ("allowColumnDefaults", carries("CURRENT_DEFAULT")),
            ("columnMapping", super::mapping::is_on(metadata)),
            ("generatedColumns", carries("delta.generationExpression")),
            ("identityColumns", carries("delta.identity.start")),
            (
                "checkConstraints",
                metadata.configuration.keys().any(|key| key.starts_with("delta.constraints.")),
            ),
        ] {
            if needed {
                self.add(feature);
            }
        }
        *self != before
    }

    fn add(&mut self, feature: &str) {
        if self.min_writer_version < 7 {
            self.name_features();
        }
        let push = |list: &mut Option<Vec<String>>| {
            let list = list.get_or_insert_default();
            if !list.iter().any(|known| known == feature) {
                list.push(feature.to_owned());
            }
        };
        push(&mut self.writer_features);
        if READER_FEATURES.contains(&feature) {
            self.min_reader_version = 3;
            push(&mut self.reader_features);
        }
    }

    /// Raises an old protocol to one that names its features.
    fn name_features(&mut self) {
        let old = self.min_writer_version;
        self.min_writer_version = 7;
        for (since, feature) in [
            (2, "appendOnly"),
            (2, "invariants"),
            (3, "checkConstraints"),
            (4, "changeDataFeed"),
            (4, "generatedColumns"),
            (5, "columnMapping"),
            (6, "identityColumns"),
        ] {
            if old >= since {
                self.writer_features.get_or_insert_default().push(feature.to_owned());
            }
        }
        if self.min_reader_version == 2 {
            self.reader_features.get_or_insert_default().push("columnMapping".to_owned());
        }
        if self.min_reader_version < 3 && self.reader_features.is_some() {
            self.min_reader_version = 3;
        }
    }
}

impl Metadata {
    /// The columns; `None` where a type is not known here.
    pub(crate) fn columns(&self) -> Option<Vec<Column>> {
        let schema: Value = serde_json::from_str(&self.schema_string).ok()?;
        schema["fields"].as_array()?.iter().map(Column::from_delta).collect()
    }

    /// Replaces the columns; a type that is known already stays as it stands, with the metadata of fields within.
    pub(crate) fn set_columns(&mut self, columns: &[Column]) {
        let before: Value = serde_json::from_str(&self.schema_string).unwrap_or_default();
        let before = before["fields"].as_array().cloned().unwrap_or_default();
        let fields = columns.iter().map(|column| {
            let mut field = column.delta();
            let same = before.iter().find(|known| known["name"] == field["name"]);
            if let Some(known) = same
                && Column::from_delta(known).is_some_and(|known| known.data_type == column.data_type)
            {
                field["type"] = known["type"].clone();
            }
            field
        });
        self.schema_string = json!({ "type": "struct", "fields": fields.collect::<Vec<_>>() }).to_string();
    }
}

/// Columns as JSON text.
pub(crate) fn schema_string(columns: &[Column]) -> String {
    let fields: Vec<Value> = columns.iter().map(Column::delta).collect();
    json!({ "type": "struct", "fields": fields }).to_string()
}

/// How the configuration stands in the log: `delta.enableChangeDataFeed` under a name of ours, since the engine, which
/// writes no feed, would not write at all to a table that has the property. For statistics see [`super::statistics`].
mod kept {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    const NAME: &str = "delta.enableChangeDataFeed";
    const OURS: &str = "brickyard.enableChangeDataFeed";

    fn renamed(mut map: BTreeMap<String, String>, from: &str, to: &str) -> BTreeMap<String, String> {
        if let Some(value) = map.remove(from) {
            map.insert(to.to_owned(), value);
        }
        map
    }

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<String, String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        renamed(map.clone(), NAME, OURS).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, String>, D::Error> {
        let mut map = renamed(BTreeMap::deserialize(deserializer)?, OURS, NAME);
        super::super::statistics::widen(&mut map);
        Ok(map)
    }
}
