//! Files of tables that others take the place of, as `OPTIMIZE` has it.

use std::path::Path;

use super::delta_log;
use crate::catalog::Catalog;
use crate::catalog::access::Identity;
use crate::catalog::column::Column;
use crate::catalog::delta::{self, Compacted, Group, Staged};
use crate::catalog::fault::CatalogError;
use crate::catalog::record::TableRecord;

#[expect(clippy::unused_self, reason = "who asks need not know where files are kept")]
impl Catalog {
    /// What `OPTIMIZE` would do: the version it is of, groups of files that become fewer, and how many files there are.
    pub(crate) fn compaction(
        &self,
        table: &TableRecord,
        all: bool,
    ) -> Result<(i64, Vec<Group>, usize), CatalogError> {
        let (version, _, groups, considered) = delta::groups(&delta_log(table)?, all)?;
        Ok((version, groups, considered))
    }

    /// Names of a Delta table's columns with the names that its files know them by.
    pub(crate) fn physical_columns(
        &self,
        table: &TableRecord,
    ) -> Result<Vec<(String, String)>, CatalogError> {
        let columns = self.columns(table)?.into_iter().map(|column| {
            let physical =
                column.metadata.get("delta.columnMapping.physicalName").and_then(|name| name.as_str());
            (column.name.clone(), physical.unwrap_or(&column.name).to_owned())
        });
        Ok(columns.collect())
    }

    /// Puts rewritten files in the place of others, as `OPTIMIZE` does.
    pub(crate) fn compact(
        &self,
        identity: &Identity,
        table: &TableRecord,
        version: i64,
        operation: (&str, &serde_json::Value),
        removed: &[serde_json::Value],
        added: &[Compacted],
    ) -> Result<(), CatalogError> {
        let log = delta_log(table)?;
        let done = delta::compact(&log, &identity.name, self.now(), version, operation, removed, added)?;
        if done { Ok(()) } else { Err(delta::DeltaError::Conflict.into()) }
    }

    /// Makes an empty table in between, of these columns and [`delta::FILE`].
    pub(crate) fn stage(&self, directory: &Path, id: &str, columns: Vec<Column>) -> Result<(), CatalogError> {
        Ok(delta::stage(directory, id, self.now(), columns)?)
    }

    /// What was written to a table in between.
    pub(crate) fn staged(&self, directory: &Path) -> Result<Vec<Staged>, CatalogError> {
        Ok(delta::staged(directory)?)
    }

    /// Whether a field within a column has another name in the files than in SQL.
    pub(crate) fn maps_fields(&self, table: &TableRecord) -> Result<bool, CatalogError> {
        Ok(delta::maps_fields(&delta_log(table)?.snapshot()?.metadata))
    }
}
