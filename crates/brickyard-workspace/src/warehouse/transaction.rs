//! Transactions: private branches of the tables that their statements touch, committed as one or dropped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::fault::Fault;
use crate::catalog::{Branch, Catalog, Column, TableRecord};

/// SQLSTATE of statements that a transaction does not take.
const NOT_SUPPORTED: &str = "0A000";

/// A transaction that is open. Its branches go with it.
pub(crate) struct Transaction {
    id: Uuid,
    catalog: Catalog,
    folder: PathBuf,
    /// The only table it has a branch of, where it is a statement's own and nobody asked for it.
    only: Option<String>,
    state: Mutex<State>,
    aborted: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Folders that were begun.
    count: usize,
    /// Branches by the tables' full names.
    branches: BTreeMap<String, Branch>,
    /// Tables of its own by full name in lower case.
    private: BTreeMap<String, Branch>,
}

impl Transaction {
    /// One that somebody asked for: it sees every table as it was when it first touched it.
    pub(crate) fn new(catalog: &Catalog) -> Arc<Self> {
        Self::of(catalog, None)
    }

    /// One of a single statement that changes one table in several steps.
    pub(crate) fn of_statement(catalog: &Catalog, table: &TableRecord) -> Arc<Self> {
        Self::of(catalog, Some(table.full_name()))
    }

    fn of(catalog: &Catalog, only: Option<String>) -> Arc<Self> {
        let id = Uuid::new_v4();
        Arc::new(Self {
            id,
            catalog: catalog.clone(),
            folder: catalog.branches_directory().join(id.to_string()),
            only,
            state: Mutex::default(),
            aborted: AtomicBool::new(false),
        })
    }

    /// Its id, which its commits carry.
    pub(crate) fn id(&self) -> String {
        self.id.to_string()
    }

    /// Whether somebody asked for it, so that its rules hold.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.only.is_none()
    }

    /// A statement of it has failed: nothing but ROLLBACK is left.
    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::SeqCst);
    }

    /// Refuses a statement after one that failed.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if !self.aborted.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Fault::new(
            "TRANSACTION_ROLLBACK_REQUIRED_AFTER_ABORT.PREVIOUS_QUERY_FAILURE",
            "40000",
            "The current transaction has been aborted. Please run ROLLBACK TRANSACTION before continuing. Abort reason: The previous query in the transaction failed.",
        ))
    }

    /// The table as this transaction sees it: its branch, made now where there is none.
    pub(crate) fn branch(&self, table: TableRecord) -> Result<TableRecord, Fault> {
        Ok(self.branch_of(&table)?.map_or(table, |branch| branch.record))
    }

    /// The branch of a table, made now where there is none; none of what is no Delta table or not there yet.
    pub(crate) fn branch_of(&self, table: &TableRecord) -> Result<Option<Branch>, Fault> {
        let name = table.full_name();
        let concerns = self.only.as_ref().is_none_or(|only| *only == name);
        if !concerns || !table.is_delta() || self.catalog.version(table)? < 0 {
            return Ok(None);
        }
        let mut state = self.state();
        if let Some(branch) = state.branches.get(&name) {
            return Ok(Some(branch.clone()));
        }
        let folder = self.next_folder(&mut state);
        let branch = self.catalog.branch(table, &folder)?;
        state.branches.insert(name, branch.clone());
        Ok(Some(branch))
    }

    /// An empty table of these columns that only this transaction knows, in the schema of another table.
    pub(crate) fn private_table(&self, beside: &TableRecord, columns: Vec<Column>) -> Result<Branch, Fault> {
        let mut state = self.state();
        let folder = self.next_folder(&mut state);
        let table = self.catalog.private_table(beside, &folder, columns)?;
        state.private.insert(table.full_name().to_lowercase(), table.clone());
        Ok(table)
    }

    /// The private table of this full name in lower case.
    pub(crate) fn private(&self, full_name: &str) -> Option<Branch> {
        self.state().private.get(full_name).cloned()
    }

    /// Remembers that a table was read.
    pub(crate) fn note_read(&self, full_name: &str) {
        if let Some(branch) = self.state().branches.get_mut(full_name) {
            branch.read = true;
        }
    }

    /// Its branches by their tables' full names.
    pub(crate) fn branches(&self) -> Vec<Branch> {
        self.state().branches.values().cloned().collect()
    }

    /// Full names of all that the engine must be let read for it.
    pub(crate) fn engine_names(&self) -> Vec<String> {
        let state = self.state();
        state.branches.values().chain(state.private.values()).map(Branch::full_name).collect()
    }

    /// A fault whose text names tables as the user does.
    pub(crate) fn told(&self, mut fault: Fault) -> Fault {
        for branch in self.branches() {
            let quoted = [&branch.table.catalog, &branch.table.schema, &branch.table.name]
                .map(|part| brickyard_sql::quote_name(part))
                .join(".");
            fault.message = fault.message.replace(&branch.engine_name(), &quoted);
            fault.message = fault.message.replace(&branch.full_name(), &branch.table.full_name());
        }
        fault
    }

    fn next_folder(&self, state: &mut State) -> PathBuf {
        state.count += 1;
        self.folder.join(state.count.to_string())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let state = std::mem::take(&mut *self.state());
        self.catalog.forget_branches(state.branches.values().chain(state.private.values()));
        if state.count > 0
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::debug!("The branches in `{}` stay until the next start: {error}", self.folder.display());
        }
    }
}

/// A statement that a transaction does not take, by the platform's class for it.
pub(crate) fn not_supported(kind: &str, text: impl std::fmt::Display) -> Fault {
    let text = format_args!("Failed to execute the statement. {text}");
    Fault::new(&format!("TRANSACTION_NOT_SUPPORTED.{kind}"), NOT_SUPPORTED, text)
}

/// A command that a transaction does not take.
pub(crate) fn no_command(command: &str) -> Fault {
    not_supported(
        "COMMAND",
        format_args!(
            "Command {command} is not supported in a multi-statement transaction. Only SELECT / INSERT / MERGE / UPDATE / DELETE / DESCRIBE TABLE and SHOW COLUMNS are."
        ),
    )
}

/// `COMMIT` of nothing.
pub(crate) fn no_active(action: &str) -> Fault {
    Fault::new("NO_ACTIVE_TRANSACTION", "25000", format_args!("There is no active transaction to {action}."))
}

/// The transactions of a session.
pub(crate) struct Transactions {
    state: Mutex<Current>,
    /// One statement at a time while a transaction is open.
    turn: tokio::sync::Mutex<()>,
}

struct Current {
    autocommit: bool,
    open: Option<Arc<Transaction>>,
}

impl Default for Transactions {
    fn default() -> Self {
        Self {
            state: Mutex::new(Current { autocommit: true, open: None }),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl Transactions {
    /// The transaction that is open.
    pub(crate) fn open(&self) -> Option<Arc<Transaction>> {
        self.state().open.clone()
    }

    /// Opens one, or ends it with none.
    pub(crate) fn set(&self, open: Option<Arc<Transaction>>) {
        let before = std::mem::replace(&mut self.state().open, open);
        drop(before); // not under the lock: its branches may take a while to go
    }

    /// Whether each statement commits itself.
    pub(crate) fn autocommit(&self) -> bool {
        self.state().autocommit
    }

    /// Changes that; the caller has seen that nothing is open.
    pub(crate) fn set_autocommit(&self, autocommit: bool) {
        self.state().autocommit = autocommit;
    }

    /// Waits until no other statement of a transaction runs; at once where statements commit themselves.
    pub(crate) async fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let needed = {
            let state = self.state();
            !state.autocommit || state.open.is_some()
        };
        if needed { Some(self.turn.lock().await) } else { None }
    }

    /// A statement has failed: the transaction that is open, if any, takes no more.
    pub(crate) fn abort(&self) {
        if let Some(open) = self.open() {
            open.abort();
        }
    }

    fn state(&self) -> MutexGuard<'_, Current> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
