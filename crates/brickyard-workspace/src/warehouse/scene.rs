mod bring;
mod change;
mod naming;
mod plan;
mod replace;
mod transaction;
mod variables;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use brickyard_sql::statement::{Dml, DmlKind, Insert};
use brickyard_sql::{
    Body, Column, EngineStatement, Files, ModelCall, Reference, Relation, Statement, Variable, parse,
};
use uuid::Uuid;

use super::commands;
use super::engine_session::{EngineSession, Shown};
use super::fault::Fault;
use super::outcome::{Keep, Outcome};
use super::session::{Session, Settings};
use super::transaction::Transaction;
use crate::catalog::{Catalog, Identity};
use crate::workspace::Workspace;

pub(crate) use self::plan::Part;

/// Everything a statement needs while it runs: whose it is, where, and by what id the engine knows it.
pub(crate) struct Scene<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) session: &'a Session,
    pub(crate) operation: Uuid,
    pub(crate) identity: Identity,
    admin: Identity,
    seen: Mutex<Seen>,
}

/// What has been found out while the statement runs.
#[derive(Default)]
struct Seen {
    /// Variables of a script's blocks, the innermost last.
    frames: Vec<Vec<Variable>>,
    /// Procedures that are being called, one within another.
    calls: usize,
    /// Columns of files, as the engine found them.
    files: HashMap<Files, Vec<Column>>,
    /// What models have answered, as SQL text.
    answers: HashMap<ModelCall, String>,
    /// Whether nothing outside is asked, for only types are wanted.
    supposing: bool,
    /// Rows of commands that stand in `FROM`, by the command's text.
    commands: HashMap<String, Relation>,
    /// The transaction that the statement is part of.
    transaction: Option<Arc<Transaction>>,
    /// Whether rows are seen whatever filters and masks say, for a check of our own.
    bare: bool,
    /// Directories of this machine that a statement of ours reads under a path that nobody else knows.
    places: HashMap<String, PathBuf>,
}

/// A statement for the engine, with what it touches and what the engine must be let read for it.
pub(crate) struct Planned {
    pub(crate) statement: EngineStatement,
    pub(crate) touched: Vec<Reference>,
    pub(crate) delegated: Vec<String>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        session: &'a Session,
        operation: Uuid,
    ) -> Result<Self, Fault> {
        let identity = workspace.catalog().identity(session.caller.name())?;
        let first = workspace.config().users.first();
        let admin = workspace
            .catalog()
            .identity(first.map_or(session.caller.name(), |user| user.user_name.as_str()))?;
        let seen = Seen { transaction: session.transactions().open(), ..Seen::default() };
        Ok(Self { workspace, session, operation, identity, admin, seen: Mutex::new(seen) })
    }

    pub(crate) fn catalog(&self) -> &'a Catalog {
        self.workspace.catalog()
    }

    /// The session's state as it is now.
    pub(crate) fn settings(&self) -> Settings {
        self.session.settings().clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets statements of this scene read a directory of this machine under a path, which is a secret of who gives it.
    pub(crate) fn put_place(&self, path: &str, place: PathBuf) {
        self.seen().places.insert(path.to_owned(), place);
    }

    /// Carries a bound statement out.
    pub(crate) async fn run(&self, sql: &str) -> Result<Outcome, Fault> {
        self.refresh_lakebase(sql).await?;
        let sql = &brickyard_sql::bind_identifiers(sql, &self.variables())?;
        let statement = parse(sql)?;
        self.admit(sql, &statement)?;
        if let Body::Command(command) = &statement.body {
            return Box::pin(commands::run(self, sql, command)).await;
        }
        let Body::Dml(dml) = &statement.body else {
            let planned = self.plan(&statement).await?;
            self.bring(&planned).await?;
            return self.engine(&planned).await;
        };
        match self.in_several_steps(&statement, dml)? {
            Some(target) => self.alone(&target, Box::pin(self.dml(sql, &statement, dml))).await,
            None => self.dml(sql, &statement, dml).await,
        }
    }

    /// Changes rows.
    async fn dml(&self, sql: &str, statement: &Statement, dml: &Dml) -> Result<Outcome, Fault> {
        if let DmlKind::Insert(insert @ Insert { replace_span: Some(_), .. }) = &dml.kind {
            return self.replace(sql, dml, insert).await;
        }
        let planned = self.plan(statement).await?;
        self.bring(&planned).await?;
        let kind = super::change::Changed::of(&dml.kind);
        let written = |reference: &&Reference| reference.kind == brickyard_sql::ReferenceKind::Write;
        let target = planned.touched.iter().find(written).and_then(|target| self.table(&target.parts).ok());
        let replaced = match &dml.kind {
            DmlKind::Insert(insert) => insert.replace_where.as_ref().map(|filter| filter.span.of(sql)),
            _ => None,
        };
        self.change(&planned, kind, target, replaced).await
    }

    /// Runs a query of our own making or of a command's, as the caller.
    pub(crate) async fn query(&self, sql: &str) -> Result<Outcome, Fault> {
        let sql = brickyard_sql::bind_identifiers(sql, &self.variables())?;
        let planned = self.plan(&parse(&sql)?).await?;
        self.bring(&planned).await?;
        self.engine(&planned).await
    }

    /// All rows of a query that gives few.
    pub(crate) async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>, Fault> {
        let mut outcome = self.query(sql).await?;
        let mut rows = Vec::new();
        while let Some(batch) = outcome.next().await? {
            rows.extend(batch.decode()?);
        }
        Ok(rows)
    }

    /// The columns a query would have.
    pub(crate) async fn schema(&self, sql: &str) -> Result<arrow_schema::SchemaRef, Fault> {
        let sql = brickyard_sql::bind_identifiers(sql, &self.variables())?;
        let planned = self.plan(&parse(&sql)?).await?;
        self.bring(&planned).await?;
        let _delegation = self.session.delegate(self.workspace, planned.delegated.clone()).await?;
        let engine = self.session.engine(self.workspace).await?;
        let _shown = self.make_ready(&engine, &planned.statement).await?;
        Ok(engine.schema(&planned.statement.sql, &brickyard_engine::Parameters::None).await?)
    }

    /// The columns that a table or view of a query has: with the lengths that plain columns of `CHAR` and `VARCHAR` keep.
    pub(crate) async fn columns_of(&self, sql: &str) -> Result<Vec<crate::catalog::Column>, Fault> {
        let schema = self.schema(sql).await?;
        let mut columns = crate::catalog::Column::of_schema(&schema)?;
        let sql = brickyard_sql::bind_identifiers(sql, &self.variables())?;
        for (at, declared) in self.plan(&parse(&sql)?).await?.statement.lengths {
            if let Some(column) = columns.get_mut(at) {
                let declared = crate::catalog::DataType::parse(&declared.to_string())?;
                column.data_type = column.data_type.clone().with_lengths_of(&declared);
            }
        }
        Ok(columns)
    }

    async fn prepare(&self, engine: &brickyard_engine::Session, setup: &[String]) -> Result<(), Fault> {
        for setup in setup {
            let stream = engine.execute(Uuid::new_v4(), setup, &brickyard_engine::Parameters::None).await?;
            stream.collect().await?;
        }
        Ok(())
    }

    /// Runs what a statement needs before it: views over files, and the rows of expressions that refer to themselves.
    async fn make_ready(
        &self,
        engine: &EngineSession,
        statement: &EngineStatement,
    ) -> Result<Vec<Shown>, Fault> {
        self.prepare(engine, &statement.setup).await?;
        let mut shown = Vec::new();
        for recursion in &statement.recursions {
            engine.forget_finished().await?;
            shown.push(engine.shown(vec![recursion.level.clone(), recursion.view.clone()]));
            engine.put_recursion(recursion).await?;
        }
        Ok(shown)
    }

    pub(crate) async fn engine(&self, planned: &Planned) -> Result<Outcome, Fault> {
        self.engine_text(planned, &planned.statement.sql).await
    }

    /// Runs a text of our own making that no planner sees, which may read these tables whatever is granted; all its rows.
    pub(crate) async fn raw(&self, sql: &str, tables: Vec<String>) -> Result<Vec<RecordBatch>, Fault> {
        let _delegation = self.session.delegate(self.workspace, tables).await?;
        let engine = self.session.engine(self.workspace).await?;
        let stream = engine.execute(Uuid::new_v4(), sql, &brickyard_engine::Parameters::None).await?;
        Ok(stream.collect().await?)
    }

    /// Makes a view over files in the engine and gives its columns.
    pub(crate) async fn file_columns(&self, setup: &str, view: &str) -> Result<Vec<Column>, Fault> {
        let files = Files { source: view.to_owned(), setup: Some(setup.to_owned()) };
        self.look_at(files.clone()).await?;
        Ok(self.seen().files.get(&files).cloned().unwrap_or_default())
    }

    /// Runs a text made of a planned statement in the engine.
    pub(crate) async fn engine_text(&self, planned: &Planned, sql: &str) -> Result<Outcome, Fault> {
        let delegation = self.session.delegate(self.workspace, planned.delegated.clone()).await?;
        let engine = self.session.engine(self.workspace).await?;
        let shown = self.make_ready(&engine, &planned.statement).await?;
        let checked = planned.statement.checked;
        // Statements within a script or command have operations of their own: the engine takes an id once.
        let operation = if self.seen().frames.is_empty() { self.operation } else { Uuid::new_v4() };
        let stream = engine.execute(operation, sql, &brickyard_engine::Parameters::None).await;
        let stream = stream.map_err(|error| self.told(arithmetic(error.into(), checked)))?;
        let mut outcome = Outcome::engine(stream);
        outcome.checked = checked;
        outcome.keep = Keep { delegation, transaction: self.transaction(), shown };
        Ok(outcome)
    }
}

/// Names the fault of a cast that was put in to catch an overflow.
pub(crate) fn arithmetic(fault: Fault, checked: bool) -> Fault {
    match brickyard_sql::overflow(&fault.class, &fault.message).filter(|_| checked) {
        Some(overflow) => overflow.into(),
        None => fault,
    }
}
