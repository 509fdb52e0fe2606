//! Private branches of tables and the commit of several of them as one.
//!
//! A branch is a folder beside the tables with links to a table's files ([`delta::branch`]). The engine knows it as a table of
//! the same schema under a name of its own that nobody can guess, and only in statements that it was delegated to.
//!
//! Several tables are committed by way of the store: what is to be written to each log is kept there first, which decides the
//! commit, and whatever of it a crash left undone is done when the catalog is opened again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::Identity;
use super::column::Column;
use super::delta::{self, Log, Squashed};
use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::TableRecord;
use super::tables::{TableChange, remove_directory};
use super::{Catalog, CatalogOpenError, name};

/// Commits of several tables that have been decided and may not stand in all logs yet.
const DECIDED: &str = "catalog_commit";

/// How often a commit is tried when others write without asking for the table's lock.
const TRIES: usize = 16;

/// A table's private branch.
#[derive(Debug, Clone)]
pub(crate) struct Branch {
    /// The table as it was when the branch was made.
    pub(crate) table: TableRecord,
    /// The same with the branch's folder as its location.
    pub(crate) record: TableRecord,
    /// Name by which the engine knows it, in the schema of the table.
    engine_name: String,
    /// Version that the branch begins at.
    pub(crate) base: i64,
    /// Whether a statement has read it.
    pub(crate) read: bool,
}

/// What a decided commit writes to one log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The table's directory.
    location: PathBuf,
    /// The version it is written at, or the next that is free.
    version: i64,
    actions: Vec<Value>,
}

impl Branch {
    /// The full name by which the engine knows it, quoted as in SQL.
    pub(crate) fn engine_name(&self) -> String {
        [&self.table.catalog, &self.table.schema, &self.engine_name]
            .map(|part| brickyard_sql::quote_name(part))
            .join(".")
    }

    /// The full name by which the engine asks for it.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}.{}", self.table.catalog, self.table.schema, self.engine_name)
    }
}

impl Catalog {
    /// Where branches lie, a folder for each transaction.
    pub(crate) fn branches_directory(&self) -> PathBuf {
        self.inner.state.join("transactions")
    }

    /// Makes a branch of a table's latest version in a new folder. The engine may know it until it is forgotten.
    pub(crate) fn branch(&self, table: &TableRecord, folder: &Path) -> Result<Branch, CatalogError> {
        let log = Log::of(table.location.clone().unwrap_or_default());
        let base = delta::branch(&log, folder)?;
        let engine_name = format!("__branch_{}", uuid::Uuid::new_v4().simple());
        let record = TableRecord { location: Some(folder.to_path_buf()), ..table.clone() };
        let branch = Branch { table: table.clone(), record, engine_name, base, read: false };
        let told = TableRecord { name: branch.engine_name.clone(), ..branch.record.clone() };
        self.slots().show(&branch.full_name(), told);
        Ok(branch)
    }

    /// Makes an empty table in a new folder that is nobody's but a transaction's, in the schema of another table.
    pub(crate) fn private_table(
        &self,
        beside: &TableRecord,
        folder: &Path,
        columns: Vec<Column>,
    ) -> Result<Branch, CatalogError> {
        let id = uuid::Uuid::new_v4();
        let new = delta::NewTable { columns, now: self.now(), id: id.to_string(), ..Default::default() };
        delta::create(folder, &new)?;
        let table = TableRecord {
            id: new.id,
            name: format!("__rows_{}", id.simple()),
            location: Some(folder.to_path_buf()),
            row_filter: None,
            column_masks: BTreeMap::new(),
            constraints: Vec::new(),
            ..beside.clone()
        };
        let engine_name = table.name.clone();
        let branch = Branch { record: table.clone(), table, engine_name, base: 0, read: false };
        self.slots().show(&branch.full_name(), branch.record.clone());
        Ok(branch)
    }

    /// Makes a branch what it was at one of its versions.
    pub(crate) fn restore_branch(
        &self,
        identity: &Identity,
        branch: &TableRecord,
        version: i64,
    ) -> Result<(), CatalogError> {
        let folder = branch.location.clone().unwrap_or_default();
        delta::restore(&folder, &identity.name, self.now(), version)?;
        Ok(())
    }

    /// Changes the columns of a branch; the caller may change the table's rows.
    pub(crate) fn alter_branch(
        &self,
        identity: &Identity,
        branch: &TableRecord,
        change: &TableChange,
    ) -> Result<(), CatalogError> {
        self.change_log(identity, branch, change)
    }

    /// Ends branches: the engine no longer knows them.
    pub(crate) fn forget_branches<'a>(&self, branches: impl Iterator<Item = &'a Branch>) {
        branches.for_each(|branch| self.slots().hide(&branch.full_name()));
    }

    /// Makes what was done in branches part of their tables: all of it or, with an error, nothing. The caller lets nobody else
    /// write to the tables meanwhile. `single` says that one statement did it.
    pub(crate) fn commit_branches(
        &self,
        identity: &Identity,
        id: &str,
        branches: &[Branch],
        single: bool,
    ) -> Result<(), CatalogError> {
        for _ in 0..TRIES {
            let entries = self.decide(identity, id, branches, single)?;
            match entries.as_slice() {
                [entry] if !Log::of(&entry.location).write(entry.version, &entry.actions)? => {
                    // Whoever does not ask for the tables' locks was faster: it is to be seen whether that is a conflict.
                }
                [_] => return Ok(()),
                entries => return self.carry_out(id, entries).map_err(unfinished),
            }
        }
        Err(delta::DeltaError::Conflict.into())
    }

    /// Looks for conflicts, gives the tables their new files, and keeps what is to be written to their logs if it is several.
    pub(super) fn decide(
        &self,
        identity: &Identity,
        id: &str,
        branches: &[Branch],
        single: bool,
    ) -> Result<Vec<Entry>, CatalogError> {
        let mut changes: Vec<(&Branch, Log, Squashed)> = Vec::new();
        for branch in branches {
            let log = Log::of(branch.record.location.clone().unwrap_or_default());
            let author = delta::Author { user: &identity.name, now: self.now(), id, single };
            if let Some(squashed) = delta::squash(&log, branch.base, branch.read, author)? {
                changes.push((branch, log, squashed));
            }
        }
        let mut entries = Vec::new();
        for (branch, _, squashed) in &changes {
            let full = self.unchanged(&branch.table)?;
            self.check(identity, Kind::Table, &full, Privilege::MODIFY)?;
            let location = branch.table.location.clone().unwrap_or_default();
            let version = delta::rebased(&Log::of(&location), branch.base, squashed)?;
            entries.push(Entry { location, version, actions: squashed.actions.clone() });
        }
        for ((_, log, squashed), entry) in changes.iter().zip(&entries) {
            delta::bring(log, &entry.location, squashed)?;
        }
        if entries.len() > 1 {
            self.store().put(DECIDED, id, &entries)?;
        }
        Ok(entries)
    }

    /// Writes a decided commit to the logs of several tables.
    pub(super) fn carry_out(&self, id: &str, entries: &[Entry]) -> Result<(), CatalogError> {
        for entry in entries {
            delta::apply(&Log::of(&entry.location), entry.version, &entry.actions)?;
        }
        if !entries.is_empty() {
            self.store().delete(DECIDED, id)?;
        }
        Ok(())
    }

    /// Ends what an earlier life left: commits that were decided are carried out, branches go.
    pub(super) fn recover_branches(&self) -> Result<(), CatalogOpenError> {
        for (id, entries) in self.store().list::<Vec<Entry>>(DECIDED, "")? {
            let left: Vec<Entry> = entries.into_iter().filter(|entry| entry.location.is_dir()).collect();
            for entry in &left {
                delta::apply(&Log::of(&entry.location), entry.version, &entry.actions)
                    .map_err(|error| CatalogOpenError::Commit(error.to_string()))?;
            }
            self.store().delete(DECIDED, &id)?;
        }
        remove_directory(&self.branches_directory())
            .map_err(|error| CatalogOpenError::Commit(error.to_string()))
    }

    /// The full name of a table that is still the one it was.
    fn unchanged(&self, table: &TableRecord) -> Result<String, CatalogError> {
        let full = [&table.catalog, &table.schema, &table.name].map(|part| name::quote(part)).join(".");
        match self.table_record(&full) {
            Ok(now) if now.id == table.id && now.location == table.location => Ok(full),
            Ok(_) | Err(CatalogError::NotFound { .. }) => Err(CatalogError::Classed(
                "TRANSACTION_ROLLBACK_REQUIRED_AFTER_ABORT.UNDERLYING_TABLE_CHANGED",
                "40000",
                format!(
                    "The current transaction has been aborted. Please run ROLLBACK TRANSACTION before continuing. Abort reason: \
                     the table behind the name {full} is another one now."
                ),
            )),
            Err(error) => Err(error),
        }
    }
}

/// A decided commit that could not be written to every log.
fn unfinished(error: CatalogError) -> CatalogError {
    let text = format!(
        "The transaction is committed, but not every table's log could be written; the next start of the workspace does that. {error}"
    );
    CatalogError::Classed("INTERNAL_ERROR", "XX000", text)
}
