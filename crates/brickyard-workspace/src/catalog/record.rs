use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::column::{Column, stored};

/// Owner, comment and times of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// E-mail address, client id or group.
    pub(crate) owner: String,
    /// What people wrote about it.
    pub(crate) comment: Option<String>,
    /// Milliseconds since the epoch.
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    /// Milliseconds since the epoch.
    pub(crate) updated_at: i64,
    pub(crate) updated_by: String,
    /// Tags by key; a tag may have no value.
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// A catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatalogRecord {
    pub(crate) name: String,
    pub(crate) id: String,
    /// `MANAGED_CATALOG`, `SYSTEM_CATALOG`.
    pub(crate) catalog_type: String,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) stamp: Stamp,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SchemaRecord {
    pub(crate) catalog: String,
    pub(crate) name: String,
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) stamp: Stamp,
}

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TableType {
    /// The catalog owns the files.
    Managed,
    /// The files are somebody else's.
    External,
    /// A query.
    View,
    /// A query whose rows are kept.
    MaterializedView,
    /// A table fed by a stream.
    StreamingTable,
    /// The rows are in another system: Lakebase.
    Foreign,
}

impl TableType {
    /// As the API writes it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Managed => "MANAGED",
            Self::External => "EXTERNAL",
            Self::View => "VIEW",
            Self::MaterializedView => "MATERIALIZED_VIEW",
            Self::StreamingTable => "STREAMING_TABLE",
            Self::Foreign => "FOREIGN",
        }
    }
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) table_type: TableType,
    /// `DELTA`, `PARQUET`, `CSV`, `JSON`, …; empty for a view.
    pub(crate) format: String,
    /// Directory or file of the rows; none for a view.
    pub(crate) location: Option<PathBuf>,
    /// Columns of a view or of a table that is not Delta; a Delta table's are in its log.
    #[serde(with = "stored", default)]
    pub(crate) columns: Vec<Column>,
    /// Names of the partition columns of a table that is not Delta.
    #[serde(default)]
    pub(crate) partition_columns: Vec<String>,
    /// Options of the reader of a table that is not Delta, such as `header`; for a foreign table, where it is.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    /// The query of a view.
    #[serde(default)]
    pub(crate) view_definition: Option<String>,
    /// Catalog and schema that names in the view's query are resolved in.
    #[serde(default)]
    pub(crate) view_context: Option<(String, String)>,
    /// Primary and foreign keys, which say but do not check.
    #[serde(default)]
    pub(crate) constraints: Vec<Constraint>,
    /// Which rows a reader sees.
    #[serde(default)]
    pub(crate) row_filter: Option<Policy>,
    /// What a reader sees of a column, by its name in lower case.
    #[serde(default)]
    pub(crate) column_masks: BTreeMap<String, Policy>,
    /// Tags of columns, by name in lower case.
    #[serde(default)]
    pub(crate) column_tags: BTreeMap<String, BTreeMap<String, String>>,
    /// How a materialized view or a streaming table is kept up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upkeep: Option<Upkeep>,
    pub(crate) stamp: Stamp,
}

impl TableRecord {
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.name)
    }

    /// Whether it is a query rather than files.
    pub(crate) fn is_view(&self) -> bool {
        matches!(self.table_type, TableType::View)
    }

    /// Whether a pipeline makes its rows: a materialized view or a streaming table.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.table_type, TableType::MaterializedView | TableType::StreamingTable)
    }

    /// Whether it is a query whose rows are kept.
    pub(crate) fn is_materialized(&self) -> bool {
        self.table_type == TableType::MaterializedView
    }

    /// Whether the catalog owns its files.
    pub(crate) fn owns_files(&self) -> bool {
        self.table_type == TableType::Managed || self.is_kept()
    }

    /// Whether its rows are a Delta table.
    pub(crate) fn is_delta(&self) -> bool {
        self.format == "DELTA" && self.location.is_some()
    }

    /// Whether readers see it through a row filter or column masks, so that nobody may read its files as they are.
    pub(crate) fn is_guarded(&self) -> bool {
        self.row_filter.is_some() || !self.column_masks.is_empty()
    }
}

/// How a materialized view or a streaming table is kept up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upkeep {
    /// Id of the pipeline that makes its rows.
    pub(crate) pipeline: String,
    pub(crate) schedule: Option<Schedule>,
    /// Whether its columns were named with their types, so that the query's must become them.
    pub(crate) fixed: bool,
    /// Whether it has been filled since it was made; it cannot be read before.
    pub(crate) filled: bool,
    /// When it was refreshed last, in milliseconds since the epoch.
    pub(crate) refreshed: Option<i64>,
    /// When its schedule was looked at last, in milliseconds since the epoch.
    #[serde(default)]
    pub(crate) looked: i64,
}

/// When a materialized view or a streaming table is to be refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Schedule {
    /// Every so many hours, days or weeks.
    Every { number: u64, unit: String },
    /// In Quartz's notation, in a zone.
    Cron { expression: String, zone: String },
    /// Whenever what it reads has changed.
    OnUpdate { at_most_every: Option<String> },
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Every { number, unit } => {
                write!(formatter, "EVERY {number} {unit}{}", if *number == 1 { "" } else { "S" })
            }
            Self::Cron { expression, zone } => write!(formatter, "CRON '{expression}' AT TIME ZONE '{zone}'"),
            Self::OnUpdate { at_most_every: None } => formatter.write_str("TRIGGER ON UPDATE"),
            Self::OnUpdate { at_most_every: Some(interval) } => {
                write!(formatter, "TRIGGER ON UPDATE AT MOST EVERY {interval}")
            }
        }
    }
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Constraint {
    pub(crate) name: String,
    /// Columns of this table.
    pub(crate) columns: Vec<String>,
    /// The other table and its columns, for a foreign key.
    #[serde(default)]
    pub(crate) references: Option<(String, Vec<String>)>,
    #[serde(default)]
    pub(crate) rely: bool,
}

/// A function that decides about rows or values, and the columns it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Full name of the function.
    pub(crate) function: String,
    /// Columns given to it, as the statement wrote them; for a mask, beside the masked one.
    pub(crate) columns: Vec<String>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeRecord {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) id: String,
    /// Whether the catalog owns the files.
    pub(crate) managed: bool,
    /// Directory on this machine.
    pub(crate) location: PathBuf,
    pub(crate) stamp: Stamp,
}

impl VolumeRecord {
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.name)
    }
}

/// A parameter of a function, or a column of a table function's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// SQL type, such as `decimal(10,2)`.
    pub(crate) type_text: String,
    /// Default value as SQL.
    #[serde(default)]
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) comment: Option<String>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionRecord {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) parameters: Vec<Parameter>,
    /// SQL type of the result; `TABLE_TYPE` for a table function.
    pub(crate) return_type: String,
    /// Columns of a table function.
    #[serde(default)]
    pub(crate) return_columns: Vec<Parameter>,
    /// `SQL` or `PYTHON`.
    pub(crate) language: String,
    /// The expression, the query or the program.
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) deterministic: bool,
    /// Catalog and schema that names in the body are resolved in.
    #[serde(default)]
    pub(crate) context: Option<(String, String)>,
    #[serde(default)]
    pub(crate) properties: Option<String>,
    /// Requirements of a function in Python.
    #[serde(default)]
    pub(crate) dependencies: Vec<String>,
    /// `IN`, `OUT` or `INOUT` for each parameter of a procedure; none for a function.
    #[serde(default)]
    pub(crate) modes: Option<Vec<String>>,
    pub(crate) stamp: Stamp,
}

impl FunctionRecord {
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.name)
    }
}

/// A registered model; its versions are the registry's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelRecord {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) stamp: Stamp,
}

impl ModelRecord {
    pub(crate) fn full_name(&self) -> String {
        self.parts().join(".")
    }

    pub(crate) fn parts(&self) -> [String; 3] {
        [self.catalog.clone(), self.schema.clone(), self.name.clone()]
    }
}

/// A way to a service outside; its secrets are in the vault under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionRecord {
    pub(crate) name: String,
    pub(crate) id: String,
    /// `HTTP`, `POSTGRESQL`, …
    pub(crate) connection_type: String,
    /// Without secrets.
    pub(crate) options: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    /// `BEARER_TOKEN`, `OAUTH_M2M`, `OAUTH_U2M_MAPPING`, …
    pub(crate) credential_type: String,
    #[serde(default)]
    pub(crate) read_only: bool,
    pub(crate) stamp: Stamp,
}
