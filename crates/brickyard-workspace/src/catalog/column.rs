use serde_json::{Value, json};

use super::data_type::DataType;
use super::fault::CatalogError;

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// As it was written; compared without case.
    pub(crate) name: String,
    /// Its type.
    pub(crate) data_type: DataType,
    /// Whether it may be null.
    pub(crate) nullable: bool,
    /// What people wrote about it.
    pub(crate) comment: Option<String>,
    /// Further keys of its Delta metadata: default, generation expression, identity, …
    pub(crate) metadata: serde_json::Map<String, Value>,
}

/// Key of a Delta column's metadata that tells `char` and `varchar`.
const CHAR: &str = "__CHAR_VARCHAR_TYPE_STRING";

impl Column {
    /// A column that may be null.
    pub(crate) fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type, nullable: true, comment: None, metadata: serde_json::Map::new() }
    }

    /// The columns of an Arrow schema, such as the engine gives for a query.
    pub(crate) fn of_schema(schema: &arrow_schema::Schema) -> Result<Vec<Self>, CatalogError> {
        let column =
            |field: &arrow_schema::FieldRef| Ok(Self::new(field.name().clone(), DataType::of_field(field)?));
        schema.fields().iter().map(column).collect()
    }

    /// The field of a Delta (and Spark) schema.
    pub(crate) fn delta(&self) -> Value {
        let mut metadata = self.metadata.clone();
        if let Some(comment) = &self.comment {
            metadata.insert("comment".to_owned(), comment.as_str().into());
        }
        if self.data_type.has_length() {
            metadata.insert(CHAR.to_owned(), self.data_type.text().into());
        }
        json!({
            "name": self.name, "type": self.data_type.delta(), "nullable": self.nullable, "metadata": metadata,
        })
    }

    /// Reads a field of a Delta schema.
    pub(crate) fn from_delta(field: &Value) -> Option<Self> {
        let mut metadata = field["metadata"].as_object().cloned().unwrap_or_default();
        let comment = metadata.remove("comment").and_then(|comment| comment.as_str().map(str::to_owned));
        let written = metadata.remove(CHAR).and_then(|text| DataType::parse(text.as_str()?).ok());
        Some(Self {
            name: field["name"].as_str()?.to_owned(),
            data_type: match (DataType::from_delta(&field["type"]), written) {
                (Some(own), Some(written)) => own.with_lengths_of(&written),
                (own, written) => own.or(written)?,
            },
            nullable: field["nullable"].as_bool().unwrap_or(true),
            comment,
            metadata,
        })
    }
}

/// Columns as the workspace's state keeps them: the Delta fields.
pub(crate) mod stored {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    use super::Column;

    pub(crate) fn serialize<S: Serializer>(columns: &[Column], serializer: S) -> Result<S::Ok, S::Error> {
        columns.iter().map(Column::delta).collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Column>, D::Error> {
        let fields = Vec::<Value>::deserialize(deserializer)?;
        let columns = fields.iter().map(Column::from_delta).collect::<Option<_>>();
        columns.ok_or_else(|| D::Error::custom("a column cannot be read"))
    }
}
