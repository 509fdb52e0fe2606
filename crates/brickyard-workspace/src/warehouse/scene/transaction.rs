//! What a statement's transaction takes and what not; where it begins and ends.

use std::sync::Arc;

use brickyard_sql::command::{Describe, Show};
use brickyard_sql::statement::{Dml, DmlKind};
use brickyard_sql::{Body, Command, Reference, ReferenceKind, Statement, references};

use super::Scene;
use crate::catalog::{Branch, TableRecord, TableType};
use crate::warehouse::fault::Fault;
use crate::warehouse::name::{full_name, shown};
use crate::warehouse::outcome::Outcome;
use crate::warehouse::system;
use crate::warehouse::transaction::{Transaction, no_active, no_command, not_supported};

/// Properties of tables whose commits the catalog manages; others cannot be written to in a transaction.
const MANAGED: [&str; 2] = ["delta.feature.catalogManaged", "delta.feature.catalogOwned-preview"];

impl Scene<'_> {
    /// The transaction that the statement is part of.
    pub(crate) fn transaction(&self) -> Option<Arc<Transaction>> {
        self.seen().transaction.clone()
    }

    /// A fault that names tables as the user does, not their branches.
    pub(super) fn told(&self, fault: Fault) -> Fault {
        match self.transaction() {
            Some(transaction) => transaction.told(fault),
            None => fault,
        }
    }

    fn set_transaction(&self, transaction: Option<Arc<Transaction>>) {
        let before = std::mem::replace(&mut self.seen().transaction, transaction);
        drop(before); // not under the lock: its branches may take a while to go
    }

    /// Begins the transaction that a statement starts where statements do not commit themselves; refuses what an open one does
    /// not take.
    pub(super) fn admit(&self, sql: &str, statement: &Statement) -> Result<(), Fault> {
        if let Body::Command(command) = &statement.body
            && matches!(**command, Command::Transaction(_))
        {
            return Ok(());
        }
        if self.transaction().is_none()
            && !self.session.transactions().autocommit()
            && begins(&statement.body)
        {
            self.begin()?;
        }
        let Some(transaction) = self.transaction().filter(|transaction| transaction.is_asked_for()) else {
            return Ok(());
        };
        transaction.check()?;
        match &statement.body {
            Body::Command(command) if !is_taken(command) => {
                let words: Vec<String> = sql.split_whitespace().take(2).map(str::to_uppercase).collect();
                Err(no_command(&words.join(" ")))
            }
            Body::Command(command) if matches!(**command, Command::CopyInto(_)) => Err(Fault::unsupported(
                "COPY INTO in a transaction",
                "COPY INTO a table of its own before, and INSERT from it",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses references that a transaction does not take.
    pub(super) fn admit_references(
        &self,
        transaction: &Transaction,
        references: &[Reference],
    ) -> Result<(), Fault> {
        if !transaction.is_asked_for() {
            return Ok(());
        }
        for reference in references {
            match reference.kind {
                ReferenceKind::Path | ReferenceKind::UnknownPath => {
                    let path = reference.parts.last().map(String::as_str).unwrap_or_default();
                    return Err(not_supported(
                        "PATH_BASED_ACCESS",
                        format_args!(
                            "Path-based access ({path}) is not allowed in a multi-statement transaction. Please use table names instead."
                        ),
                    ));
                }
                ReferenceKind::Read => self.admit_system(reference)?,
                ReferenceKind::Write => self.admit_target(transaction, reference)?,
                ReferenceKind::Function => {}
            }
        }
        Ok(())
    }

    fn admit_system(&self, reference: &Reference) -> Result<(), Fault> {
        let Some(name) = system::whole(&reference.parts, &self.settings().catalog) else { return Ok(()) };
        let (kind, of) = if name[1] == "information_schema" {
            ("INFORMATION_SCHEMA_TABLE", "tables from INFORMATION_SCHEMA")
        } else {
            ("DELTA_SHARING", "the shared table")
        };
        let text = format_args!(
            "Accessing {of} ({}) is not supported in a multi-statement transaction.",
            shown(&name)
        );
        Err(not_supported(kind, text))
    }

    fn admit_target(&self, transaction: &Transaction, reference: &Reference) -> Result<(), Fault> {
        let parts = self.parts(&reference.parts)?;
        if transaction.private(&parts.join(".").to_lowercase()).is_some() {
            return Ok(());
        }
        let table = self.table(&reference.parts)?;
        let properties = self.catalog().properties(&table)?;
        let supported = |name: &str| properties.get(name).is_some_and(|value| value == "supported");
        if table.table_type == TableType::Managed
            && table.is_delta()
            && MANAGED.iter().any(|name| supported(name))
        {
            return Ok(());
        }
        Err(not_supported(
            "WRITE_NON_CATALOG_OWNED_TABLE",
            format_args!(
                "Table {} is not a managed table with catalog-managed commits, and only those can be written in a multi-statement transaction. Run ALTER TABLE … SET TBLPROPERTIES ('{}' = 'supported') and retry the transaction.",
                shown(&parts),
                MANAGED[0]
            ),
        ))
    }

    /// Remembers which tables a planned statement reads.
    pub(super) fn note_reads(
        &self,
        transaction: &Transaction,
        statement: &Statement,
        touched: &[Reference],
        definers: &[(String, Reference)],
    ) -> Result<(), Fault> {
        self.admit_references(
            transaction,
            &definers.iter().map(|(_, reference)| reference.clone()).collect::<Vec<_>>(),
        )?;
        let replaces = matches!(&statement.body, Body::Dml(dml) if matches!(&dml.kind, DmlKind::Insert(insert)
            if insert.overwrite || insert.replace_where.is_some() || insert.replace_span.is_some()));
        let behind = definers.iter().map(|(_, reference)| reference);
        for reference in touched.iter().chain(behind) {
            let reads =
                reference.kind == ReferenceKind::Read || (reference.kind == ReferenceKind::Write && replaces);
            if reads
                && let Ok(parts) = self.parts(&reference.parts)
                && let Ok(table) = self.catalog().table_record(&full_name(&parts))
            {
                transaction.note_read(&table.full_name());
            }
        }
        Ok(())
    }

    /// Refuses a transaction of several statements where each has a session of its own.
    pub(crate) fn is_interactive(&self) -> Result<(), Fault> {
        if self.session.is_kept() {
            return Ok(());
        }
        Err(not_supported(
            "INTERACTIVE_TRANSACTION",
            "Interactive transactions need a session on a SQL warehouse that goes over several statements. To execute multiple SQL statements atomically in the current context, please use SQL scripting syntax with BEGIN ATOMIC … END; blocks.",
        ))
    }

    /// `BEGIN TRANSACTION`.
    pub(crate) fn begin(&self) -> Result<(), Fault> {
        self.is_interactive()?;
        if self.transaction().is_some() {
            return Err(nested());
        }
        let transaction = Transaction::new(self.catalog());
        self.session.transactions().set(Some(Arc::clone(&transaction)));
        self.set_transaction(Some(transaction));
        Ok(())
    }

    /// `COMMIT`. One that fails leaves the transaction to `ROLLBACK`.
    pub(crate) async fn commit(&self) -> Result<(), Fault> {
        let open = self.opened("COMMIT")?.ok_or_else(|| no_active("commit"))?;
        open.check()?;
        self.commit_of(&open).await?;
        self.session.transactions().set(None);
        self.set_transaction(None);
        Ok(())
    }

    /// `ROLLBACK`; of nothing it is no error.
    pub(crate) fn rollback(&self) -> Result<(), Fault> {
        if self.opened("ROLLBACK")?.is_some() {
            self.session.transactions().set(None);
            self.set_transaction(None);
        }
        Ok(())
    }

    /// The session's transaction; in a script that is one, words that end it are refused.
    fn opened(&self, word: &str) -> Result<Option<Arc<Transaction>>, Fault> {
        let open = self.session.transactions().open();
        match (self.transaction(), &open) {
            (Some(own), Some(open)) if Arc::ptr_eq(&own, open) => {}
            (None, _) => {}
            _ => return Err(no_command(word)),
        }
        Ok(open)
    }

    /// Runs the steps of a `BEGIN ATOMIC` block as one transaction.
    pub(crate) async fn atomically<T>(
        &self,
        steps: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        if self.transaction().is_some() {
            return Err(nested());
        }
        let transaction = Transaction::new(self.catalog());
        self.set_transaction(Some(Arc::clone(&transaction)));
        let ended = steps.await;
        self.set_transaction(None);
        let ended = ended?;
        self.commit_of(&transaction).await?;
        Ok(ended)
    }

    async fn commit_of(&self, transaction: &Transaction) -> Result<(), Fault> {
        let mut written = Vec::new();
        for branch in transaction.branches() {
            if self.catalog().version(&branch.record)? > branch.base {
                written.push(branch);
            }
        }
        // In the order of names, which all that take several locks keep.
        let mut locks = Vec::new();
        for Branch { table, .. } in &written {
            locks.push(self.workspace.warehouses().writer(&table.full_name()).lock_owned().await);
        }
        Ok(self.catalog().commit_branches(&self.identity, &transaction.id(), &written, false)?)
    }

    /// The table of a change that takes several steps, none of which others may see: it is made in a branch.
    pub(super) fn in_several_steps(
        &self,
        statement: &Statement,
        dml: &Dml,
    ) -> Result<Option<TableRecord>, Fault> {
        if self.transaction().is_some() {
            return Ok(None);
        }
        let touched = references(statement)?;
        let target = touched.iter().find(|reference| reference.kind == ReferenceKind::Write);
        // What is wrong with the name, the plan says.
        let Some(Ok(target)) = target.map(|target| self.table(&target.parts)) else { return Ok(None) };
        let replaces = matches!(&dml.kind, DmlKind::Insert(insert) if insert.replace_span.is_some());
        let checked = !matches!(dml.kind, DmlKind::Insert(_)) && !self.checks(&target)?.is_empty();
        Ok((target.is_delta() && (replaces || checked)).then_some(target))
    }

    /// Makes a change in a branch of its table and commits it as one version; nobody else writes to the table meanwhile.
    pub(super) async fn alone(
        &self,
        target: &TableRecord,
        change: impl Future<Output = Result<Outcome, Fault>>,
    ) -> Result<Outcome, Fault> {
        let _writing = self.workspace.warehouses().writer(&target.full_name()).lock_owned().await;
        let transaction = Transaction::of_statement(self.catalog(), target);
        self.set_transaction(Some(Arc::clone(&transaction)));
        let changed = change.await;
        self.set_transaction(None);
        let changed = changed?;
        self.catalog().commit_branches(&self.identity, &transaction.id(), &transaction.branches(), true)?;
        Ok(changed)
    }
}

fn nested() -> Fault {
    not_supported("NESTED_TRANSACTION", "Nested transactions are not supported.")
}

/// Whether a statement starts a transaction where statements do not commit themselves. What runs others leaves it to them.
fn begins(body: &Body) -> bool {
    let Body::Command(command) = body else { return true };
    !matches!(
        **command,
        Command::Setting(_)
            | Command::UseCatalog(_)
            | Command::UseSchema(_)
            | Command::Script { .. }
            | Command::ExecuteImmediate(_)
            | Command::Transaction(_)
    )
}

/// Whether a transaction takes a command.
fn is_taken(command: &Command) -> bool {
    match command {
        Command::Describe(Describe::Table { extended, json, .. }) => !extended && !json,
        Command::Setting(_)
        | Command::UseCatalog(_)
        | Command::UseSchema(_)
        | Command::Script { .. }
        | Command::ExecuteImmediate(_)
        | Command::CopyInto(_)
        | Command::Describe(Describe::Query(_))
        | Command::Show(Show::Columns { .. }) => true,
        _ => false,
    }
}
