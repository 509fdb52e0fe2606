//! Materialized views and streaming tables: tables whose rows a pipeline makes of a query.

use std::path::Path;

use serde_json::Value;

use super::create::check_columns;
use super::{NewTable, delta_log};
use crate::catalog::Catalog;
use crate::catalog::access::Identity;
use crate::catalog::delta::{self, Fill, Metadata, Slice};
use crate::catalog::fault::CatalogError;
use crate::catalog::record::{Schedule, TableRecord, TableType, Upkeep};

/// What a materialized view or a streaming table is to become when it is filled next.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    /// The record, with its new query where it has one.
    pub(crate) record: TableRecord,
    /// What its log will say.
    pub(crate) metadata: Metadata,
    /// Whether the record changes too.
    pub(crate) redefined: bool,
}

impl Catalog {
    /// Refuses what only a table that its users write takes.
    #[expect(clippy::unused_self, reason = "stands beside the other checks")]
    pub(crate) fn check_not_kept(&self, table: &TableRecord, operation: &str) -> Result<(), CatalogError> {
        let refused = |class, state, text| Err(CatalogError::Classed(class, state, text));
        match table.table_type {
            TableType::MaterializedView => refused(
                "MATERIALIZED_VIEW_UNSUPPORTED_OPERATION",
                "0A000",
                format!("Operation {operation} is currently not supported on Materialized Views."),
            ),
            TableType::StreamingTable => refused(
                "STREAMING_TABLE_OPERATION_NOT_ALLOWED.UNSUPPORTED_OPERATION",
                "42601",
                format!("The operation {operation} is not allowed: it is not supported on Streaming Tables."),
            ),
            _ => Ok(()),
        }
    }

    /// Refuses to read a table that its pipeline has not filled yet.
    #[expect(clippy::unused_self, reason = "stands beside the other checks")]
    pub(crate) fn check_filled(&self, table: &TableRecord) -> Result<(), CatalogError> {
        if table.upkeep.as_ref().is_none_or(|upkeep| upkeep.filled) {
            return Ok(());
        }
        let (class, what) = if table.is_materialized() {
            ("CANNOT_QUERY_TABLE_DURING_INITIALIZATION.MATERIALIZED_VIEW", "materialized view")
        } else {
            ("CANNOT_QUERY_TABLE_DURING_INITIALIZATION.STREAMING_TABLE", "streaming table")
        };
        let text = format!(
            "Cannot query MV/ST during initialization. The {what} {} cannot be queried during initialization.",
            table.full_name()
        );
        Err(CatalogError::Classed(class, "55019", text))
    }

    /// What an existing materialized view or streaming table becomes with another query, columns, properties or schedule.
    pub(crate) fn redefine(
        &self,
        identity: &Identity,
        present: &TableRecord,
        table: &NewTable,
    ) -> Result<Definition, CatalogError> {
        check_columns(table)?;
        let mut record = present.clone();
        let metadata = delta::metadata_of(&self.delta_table(identity, &present.id, table))?;
        if let (Some((text, context)), Some((_, upkeep))) = (&table.view, &table.upkeep) {
            record.view_definition = Some(text.clone());
            record.view_context = Some(context.clone());
            let own = present.upkeep.as_ref();
            record.upkeep = Some(Upkeep {
                pipeline: own.map_or_else(|| upkeep.pipeline.clone(), |own| own.pipeline.clone()),
                filled: own.is_some_and(|own| own.filled),
                refreshed: own.and_then(|own| own.refreshed),
                ..upkeep.clone()
            });
        }
        record.constraints.clone_from(&table.constraints);
        record.stamp.comment.clone_from(&table.comment);
        record.row_filter = None;
        record.column_masks.clear();
        Ok(Definition { record, metadata, redefined: true })
    }

    /// What a Delta table is now.
    #[expect(clippy::unused_self, reason = "who asks need not know where columns and commits are kept")]
    pub(crate) fn metadata(&self, table: &TableRecord) -> Result<Metadata, CatalogError> {
        Ok(delta_log(table)?.snapshot()?.metadata)
    }

    /// Makes an empty table in between, like what a table becomes.
    pub(crate) fn stage_like(&self, directory: &Path, metadata: &Metadata) -> Result<(), CatalogError> {
        Ok(delta::stage_like(directory, self.now(), metadata)?)
    }

    /// Takes the rows of a table in between into the table that `definition` tells of, and keeps the definition.
    ///
    /// The definition is kept first: when the workspace ends in between, the table has rows of its earlier query until it
    /// is refreshed, as it has whenever it is behind.
    pub(crate) fn take_in(
        &self,
        identity: &Identity,
        definition: Definition,
        stage: &Path,
        replaces: bool,
        read: Option<Value>,
    ) -> Result<(), CatalogError> {
        let full = definition.record.full_name();
        let _changing = self.changing();
        let before = self.table_record(&full)?;
        if before.id != definition.record.id {
            return Err(CatalogError::invalid(format!("'{full}' was dropped while it was refreshed")));
        }
        // What was changed meanwhile stays.
        let mut record = before.clone();
        if definition.redefined {
            record = definition.record;
            record.stamp.tags.clone_from(&before.stamp.tags);
            record.stamp.owner.clone_from(&before.stamp.owner);
            record.column_tags.clone_from(&before.column_tags);
            self.touch(identity, &mut record.stamp);
            self.put_table(&record)?;
        }
        let operation = if replaces { ("WRITE", "Overwrite") } else { ("STREAMING UPDATE", "Append") };
        let filled = delta::fill(
            &record.location.clone().unwrap_or_default(),
            &Fill {
                stage,
                replaces,
                metadata: definition.metadata,
                read,
                operation: (operation.0, serde_json::json!({ "mode": operation.1 })),
                user: &identity.name,
                now: self.now(),
            },
        );
        if let Err(error) = filled {
            self.put_table(&before)?;
            return Err(error.into());
        }
        if let Some(upkeep) = &mut record.upkeep {
            upkeep.filled = true;
            upkeep.refreshed = Some(self.now());
        }
        Ok(self.put_table(&record)?)
    }

    /// Notes that a refresh found nothing to do.
    pub(crate) fn note_refreshed(&self, full: &str) -> Result<(), CatalogError> {
        self.change_upkeep(full, |upkeep, now| upkeep.refreshed = Some(now))
    }

    /// Notes when a schedule was looked at.
    pub(crate) fn note_looked(&self, full: &str) -> Result<(), CatalogError> {
        self.change_upkeep(full, |upkeep, now| upkeep.looked = now)
    }

    fn change_upkeep(&self, full: &str, change: impl FnOnce(&mut Upkeep, i64)) -> Result<(), CatalogError> {
        let _changing = self.changing();
        let mut record = self.table_record(full)?;
        if let Some(upkeep) = &mut record.upkeep {
            change(upkeep, self.now());
            self.put_table(&record)?;
        }
        Ok(())
    }

    /// Gives a materialized view or a streaming table a schedule, or takes it away.
    pub(crate) fn set_schedule(
        &self,
        identity: &Identity,
        full: &str,
        schedule: Option<Schedule>,
    ) -> Result<(), CatalogError> {
        self.check_manage(identity, crate::catalog::Kind::Table, full)?;
        self.change_upkeep(full, |upkeep, now| {
            upkeep.schedule = schedule;
            upkeep.looked = now;
        })
    }

    /// What was read of streams for the rows of a streaming table, commit by commit.
    #[expect(clippy::unused_self, reason = "who asks need not know where columns and commits are kept")]
    pub(crate) fn read_so_far(&self, table: &TableRecord) -> Result<Vec<Value>, CatalogError> {
        Ok(delta::read_so_far(&delta_log(table)?.table)?)
    }

    /// What has come to a table after a version, see [`delta::slice`].
    #[expect(clippy::unused_self, reason = "who asks need not know where columns and commits are kept")]
    pub(crate) fn slice(
        &self,
        table: &TableRecord,
        since: Option<i64>,
        skip: bool,
    ) -> Result<Slice, CatalogError> {
        Ok(delta::slice(&delta_log(table)?, since, skip)?)
    }

    /// Makes a table of what has come to another.
    pub(crate) fn place_slice(
        &self,
        slice: &Slice,
        table: &TableRecord,
        directory: &Path,
    ) -> Result<(), CatalogError> {
        Ok(slice.place(&delta_log(table)?.table, directory, self.now())?)
    }
}
