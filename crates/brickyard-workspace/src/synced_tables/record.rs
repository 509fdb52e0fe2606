use brickyard_postgres::identifier;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::{Column, ForeignTable, quote};
use crate::workspace::Workspace;

/// Which API a synced table was made through, and the name of its server there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Home {
    /// An instance, by name.
    Instance(String),
    /// `projects/…/branches/…`.
    Branch(String),
}

/// What is remembered of a synced table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SyncedTable {
    /// Full name in Unity Catalog, in lower case.
    pub(crate) name: String,
    /// Id of the table in Unity Catalog.
    pub(crate) uid: String,
    /// With whose rights the source is read.
    pub(crate) creator: String,
    pub(crate) home: Home,
    /// Uid of the server.
    pub(crate) server: String,
    /// Database, schema and table in Postgres.
    pub(crate) database: String,
    pub(crate) schema: String,
    pub(crate) table: String,
    /// Full name of the source.
    pub(crate) source: String,
    pub(crate) primary_key: Vec<String>,
    /// Of rows with the same key, the one with the greatest value here stays.
    pub(crate) timeseries_key: Option<String>,
    /// Types of Postgres that stand in for the usual ones, by column.
    pub(crate) overrides: Vec<(String, String)>,
    /// Columns of the table in Postgres as they were made: name and type.
    pub(crate) columns: Vec<(String, String)>,
    /// The request's `spec`.
    pub(crate) spec: Value,
    pub(crate) pipeline: String,
    /// When it was made, RFC 3339.
    pub(crate) created: String,
    /// The last snapshot that is online.
    pub(crate) last: Option<LastSync>,
    /// Why the last copy failed.
    pub(crate) failure: Option<String>,
}

/// A snapshot that is online.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LastSync {
    /// Version of the Delta table; 0 for a source that has none.
    pub(crate) version: i64,
    /// When that version was committed, RFC 3339.
    pub(crate) commit_time: Option<String>,
    /// RFC 3339.
    pub(crate) started: String,
    /// RFC 3339.
    pub(crate) ended: String,
    pub(crate) rows: u64,
}

impl SyncedTable {
    /// The name in Unity Catalog as SQL writes it.
    pub(crate) fn quoted_name(&self) -> String {
        quote(&self.name)
    }

    /// The name in Postgres as SQL writes it there.
    pub(crate) fn postgres_name(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.table))
    }

    /// Where its rows are.
    pub(crate) fn place(&self) -> ForeignTable {
        ForeignTable {
            server: self.server.clone(),
            database: self.database.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
        }
    }

    /// Whether it follows its source, version by version.
    pub(crate) fn is_continuous(&self) -> bool {
        self.spec["scheduling_policy"] == "CONTINUOUS"
    }

    /// Whether its source has another version than the one that is online.
    pub(crate) fn is_behind(&self, workspace: &Workspace) -> bool {
        let Ok(record) = workspace.catalog().table_record(&quote(&self.source)) else { return true };
        let version = workspace.catalog().version(&record).ok();
        version != self.last.as_ref().map(|last| last.version)
    }

    /// The query that gives the rows to copy, in the order of `columns`: rows without a whole key are left out.
    pub(super) fn query(&self, columns: &[Column]) -> String {
        let tick = |name: &str| format!("`{}`", name.replace('`', "``"));
        let list = |names: &[String]| names.iter().map(|name| tick(name)).collect::<Vec<_>>().join(", ");
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let names = list(&names);
        let keyed: Vec<String> =
            self.primary_key.iter().map(|name| format!("{} IS NOT NULL", tick(name))).collect();
        let (source, keyed) = (quote(&self.source), keyed.join(" AND "));
        match &self.timeseries_key {
            None => format!("SELECT {names} FROM {source} WHERE {keyed}"),
            Some(time) => format!(
                "SELECT {names} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {} DESC) AS __rank \
                 FROM {source} WHERE {keyed}) WHERE __rank = 1",
                list(&self.primary_key),
                tick(time)
            ),
        }
    }
}
