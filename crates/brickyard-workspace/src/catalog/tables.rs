mod change;
mod clustering;
mod columns;
mod compaction;
mod create;
mod dropped;
mod metadata;
mod upkeep;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::access::Identity;
use super::column::Column;
use super::delta::{self, ChangedRows, Commit, Detail, Log, Restored};
use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::{TableRecord, TableType};
use super::{Catalog, information_schema, name};
use crate::store::StoreError;

pub(crate) use change::TableChange;
pub(super) use create::local_path;
pub(crate) use create::{CloneOf, NewTable};
pub(crate) use upkeep::Definition;

pub(super) const TABLE: &str = "catalog_table";

/// Who made a commit that the engine wrote.
const WRITER: &str = "catalog_writer";

/// Hours that files which are no longer in a table are kept at least.
const LEAST_RETENTION: u32 = 168;

#[expect(clippy::unused_self, reason = "who asks need not know where columns and commits are kept")]
impl Catalog {
    /// Tables and views of a schema that may be shown, by name.
    pub(crate) fn list_tables(
        &self,
        identity: &Identity,
        schema: &str,
    ) -> Result<Vec<TableRecord>, CatalogError> {
        let parts = name::parts(Kind::Schema, schema)?;
        self.get_schema(identity, schema)?;
        let mut seen = Vec::new();
        if parts[1] == information_schema::NAME {
            return self.information_records(&parts[0]);
        }
        for record in self.table_records(&parts[0], &parts[1])? {
            let table = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
            if self.is_visible(identity, Kind::Table, &table)? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// A table or view that may be shown.
    pub(crate) fn get_table(&self, identity: &Identity, full: &str) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        self.catalog_record(&parts[0])?;
        if self.may(identity, Kind::Catalog, &parts[..1], Privilege::USE_CATALOG)? {
            self.schema_record(&parts[0], &parts[1])?;
        }
        let usable = self.may(identity, Kind::Catalog, &parts[..1], Privilege::USE_CATALOG)?
            && self.may(identity, Kind::Schema, &parts[..2], Privilege::USE_SCHEMA)?;
        if usable {
            let record = self.table_record(&parts.join("."))?;
            if self.is_visible(identity, Kind::Table, &parts)? {
                return Ok(record);
            }
        }
        self.check(identity, Kind::Table, full, Privilege::SELECT)?;
        self.table_record(&parts.join("."))
    }

    /// The columns of a table or view as they are now.
    pub(crate) fn columns(&self, table: &TableRecord) -> Result<Vec<Column>, CatalogError> {
        let Some(log) = log_of(table) else { return Ok(table.columns.clone()) };
        if log.latest()?.is_none() {
            return Ok(table.columns.clone()); // a sample that is not made yet
        }
        let snapshot = log.snapshot()?;
        let unknown = || CatalogError::Unsupported(format!("a type of a column of '{}'", table.full_name()));
        snapshot.metadata.columns().ok_or_else(unknown)
    }

    /// Names of the partition columns.
    pub(crate) fn partition_columns(&self, table: &TableRecord) -> Result<Vec<String>, CatalogError> {
        match log_of(table) {
            Some(log) if log.latest()?.is_some() => Ok(log.snapshot()?.metadata.partition_columns),
            _ => Ok(table.partition_columns.clone()),
        }
    }

    /// Properties as `SHOW TBLPROPERTIES` gives them.
    pub(crate) fn properties(&self, table: &TableRecord) -> Result<BTreeMap<String, String>, CatalogError> {
        match log_of(table) {
            Some(log) if log.latest()?.is_some() => {
                let snapshot = log.snapshot()?;
                let mut properties = snapshot.metadata.configuration;
                let version = |number: u32| number.to_string();
                properties.insert(
                    "delta.minReaderVersion".to_owned(),
                    version(snapshot.protocol.min_reader_version),
                );
                properties.insert(
                    "delta.minWriterVersion".to_owned(),
                    version(snapshot.protocol.min_writer_version),
                );
                if let Some(upkeep) = &table.upkeep {
                    properties.insert("pipelines.pipelineId".to_owned(), upkeep.pipeline.clone());
                }
                Ok(properties)
            }
            _ => Ok(table.properties.clone()),
        }
    }

    /// The last version of a Delta table; for [`Catalog::changed_rows`].
    pub(crate) fn version(&self, table: &TableRecord) -> Result<i64, CatalogError> {
        Ok(delta_log(table)?.latest()?.unwrap_or(-1))
    }

    /// When the last version of a Delta table was committed, in milliseconds since the epoch.
    pub(crate) fn commit_time(&self, table: &TableRecord) -> Option<i64> {
        Some(delta::history(&delta_log(table).ok()?, 1).ok()?.first()?.timestamp)
    }

    /// Rows that commits after version `since` inserted, updated or deleted.
    pub(crate) fn changed_rows(&self, table: &TableRecord, since: i64) -> Result<ChangedRows, CatalogError> {
        Ok(delta::changed_rows(&delta_log(table)?, since)?)
    }

    /// Remembers who made the commits after version `since`, which the engine does not write into the log.
    pub(crate) fn sign_commits(
        &self,
        identity: &Identity,
        table: &TableRecord,
        since: i64,
    ) -> Result<(), CatalogError> {
        for version in delta_log(table)?.versions()?.into_iter().filter(|version| *version > since) {
            self.store().put(WRITER, &writer_key(table, version), &identity.name)?;
        }
        Ok(())
    }

    /// Values of the partitions that a table has, by column.
    pub(crate) fn partitions(
        &self,
        table: &TableRecord,
    ) -> Result<Vec<BTreeMap<String, Option<String>>>, CatalogError> {
        Ok(delta::partitions(&delta_log(table)?)?)
    }

    /// `DESCRIBE HISTORY`: the latest commits first.
    pub(crate) fn history(
        &self,
        identity: &Identity,
        full: &str,
        limit: usize,
    ) -> Result<Vec<Commit>, CatalogError> {
        self.check(identity, Kind::Table, full, Privilege::SELECT)?;
        let table = self.table_record(full)?;
        let mut commits = delta::history(&delta_log(&table)?, limit)?;
        for commit in commits.iter_mut().filter(|commit| commit.user_name.is_none()) {
            commit.user_name = self.store().get(WRITER, &writer_key(&table, commit.version))?;
        }
        Ok(commits)
    }

    /// `DESCRIBE DETAIL`, beside what the record says.
    pub(crate) fn detail(&self, identity: &Identity, full: &str) -> Result<Detail, CatalogError> {
        self.check(identity, Kind::Table, full, Privilege::SELECT)?;
        Ok(delta::detail(&delta_log(&self.table_record(full)?)?)?)
    }

    /// `RESTORE TABLE … TO VERSION AS OF …`.
    pub(crate) fn restore(
        &self,
        identity: &Identity,
        full: &str,
        version: i64,
    ) -> Result<Restored, CatalogError> {
        self.check(identity, Kind::Table, full, Privilege::MODIFY)?;
        let table = self.table_record(full)?;
        let log = delta_log(&table)?;
        Ok(delta::restore(&log.table, &identity.name, self.now(), version)?)
    }

    /// `FSCK REPAIR TABLE`: takes out files that are no longer on disk and gives their paths; with `dry_run` they stay.
    pub(crate) fn repair(
        &self,
        identity: &Identity,
        full: &str,
        dry_run: bool,
    ) -> Result<Vec<String>, CatalogError> {
        self.check(identity, Kind::Table, full, Privilege::MODIFY)?;
        Ok(delta::repair(&delta_log(&self.table_record(full)?)?, &identity.name, self.now(), dry_run)?)
    }

    /// `VACUUM … RETAIN … HOURS`: removes files that no version of the last `hours` needs and gives their paths; with
    /// `dry_run` they stay. Less than seven days is refused.
    pub(crate) fn vacuum(
        &self,
        identity: &Identity,
        full: &str,
        hours: Option<u32>,
        dry_run: bool,
    ) -> Result<Vec<PathBuf>, CatalogError> {
        self.check(identity, Kind::Table, full, Privilege::MODIFY)?;
        let hours = hours.unwrap_or(LEAST_RETENTION);
        if hours < LEAST_RETENTION {
            return Err(CatalogError::invalid(format!(
                "Vacuuming with a retention of {hours} hours would break readers of older versions; it must be at least \
                 {LEAST_RETENTION} hours"
            )));
        }
        let log = delta_log(&self.table_record(full)?)?;
        let retention = i64::from(hours) * 3_600_000;
        Ok(delta::vacuum(&log.table, &identity.name, self.now(), retention, dry_run)?)
    }

    /// The version of a table at a time (milliseconds since the epoch): its last commit that is not later.
    pub(crate) fn version_at(&self, table: &TableRecord, time: i64) -> Result<i64, CatalogError> {
        let log = delta_log(table)?;
        let commits = delta::history(&log, usize::MAX)?;
        let found = commits.iter().find(|commit| commit.timestamp <= time);
        let first =
            || CatalogError::invalid("The provided timestamp is before the earliest version of the table");
        found.map(|commit| commit.version).ok_or_else(first)
    }

    /// Drops a table or view; the files of a managed table go after seven days, as `UNDROP TABLE` may ask for them.
    pub(crate) fn drop_table(&self, identity: &Identity, full: &str) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        self.catalog_record(&parts[0])?;
        self.schema_record(&parts[0], &parts[1])?;
        let record = self.table_record(full)?;
        self.check_manage(identity, Kind::Table, full)?;
        self.check_writable(&parts[0])?;
        if record.table_type == TableType::Managed && record.is_delta() {
            self.set_aside(&record)?;
        } else {
            self.remove_table(&record)?;
        }
        Ok(record)
    }

    /// The record of a table or view by its full name in any case, unasked.
    pub(crate) fn table_record(&self, full: &str) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        if parts[1] == information_schema::NAME {
            return self.information_record(&parts[0], &parts[2]);
        }
        let key = parts.join(".");
        self.store().get(TABLE, &key)?.ok_or_else(|| CatalogError::not_found(Kind::Table, key))
    }

    pub(super) fn table_records(&self, catalog: &str, schema: &str) -> Result<Vec<TableRecord>, StoreError> {
        let records = self.store().list(TABLE, &format!("{catalog}.{schema}."))?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn put_table(&self, record: &TableRecord) -> Result<(), StoreError> {
        self.store().put(TABLE, &record.full_name(), record)
    }

    pub(super) fn remove_table(&self, record: &TableRecord) -> Result<(), CatalogError> {
        let parts = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
        self.store().delete(TABLE, &record.full_name())?;
        self.forget_grants(Kind::Table, &parts)?;
        self.remove_files(record)
    }

    /// Removes what lies behind a record that is gone.
    fn remove_files(&self, record: &TableRecord) -> Result<(), CatalogError> {
        for (key, _) in self.store().list::<String>(WRITER, &format!("{}.", record.id))? {
            self.store().delete(WRITER, &key)?;
        }
        if record.owns_files()
            && let Some(location) = &record.location
            && location.starts_with(self.tables_directory())
        {
            remove_directory(location)?;
        }
        Ok(())
    }

    /// Where managed tables lie.
    pub(super) fn tables_directory(&self) -> PathBuf {
        self.inner.state.join("tables")
    }
}

fn writer_key(table: &TableRecord, version: i64) -> String {
    format!("{}.{version:020}", table.id)
}

/// The log of a Delta table.
fn log_of(table: &TableRecord) -> Option<Log> {
    table.location.clone().filter(|_| table.is_delta()).map(Log::of)
}

fn delta_log(table: &TableRecord) -> Result<Log, CatalogError> {
    log_of(table)
        .ok_or_else(|| CatalogError::invalid(format!("'{}' is not a Delta table", table.full_name())))
}

pub(super) fn remove_directory(path: &std::path::Path) -> Result<(), CatalogError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(CatalogError::Directory { path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}
