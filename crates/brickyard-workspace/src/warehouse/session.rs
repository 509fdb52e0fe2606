use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brickyard_sql::{Relation, Routine, Variable};
use uuid::Uuid;

use super::engine_session::EngineSession;
use super::fault::Fault;
use super::name::full_name;
use super::operation::Operation;
use super::transaction::Transactions;
use super::zone::engine_zone;
use crate::caller::Caller;
use crate::catalog::Delegation;
use crate::workspace::Workspace;

/// Milliseconds after which a session that nobody uses ends.
const IDLE: i64 = 8 * 3600 * 1000;

/// Operations that one session may have open.
const MOST_OPERATIONS: usize = 1000;

/// A caller's session on a warehouse: current catalog and schema, configuration, variables, open operations.
///
/// Every protocol works on this one; a statement without a session gets one of its own.
pub(crate) struct Session {
    /// Id that clients see.
    pub(crate) id: Uuid,
    /// Second half of the Thrift handle.
    pub(crate) secret: Uuid,
    /// Who opened it; nobody else may use it.
    pub(crate) caller: Caller,
    /// Id of the warehouse.
    pub(crate) warehouse: String,
    settings: Mutex<Settings>,
    engine: tokio::sync::Mutex<Option<Arc<EngineSession>>>,
    running: AtomicUsize,
    over: AtomicBool,
    /// Whether a client keeps it for one statement after the other.
    interactive: AtomicBool,
    transactions: Transactions,
    operations: Mutex<HashMap<Uuid, Arc<Operation>>>,
    used: AtomicI64,
}

/// What statements of a session see and change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Current catalog.
    pub(crate) catalog: String,
    /// Current schema.
    pub(crate) schema: String,
    /// Configuration as the user set it, names in lower case.
    pub(crate) configuration: BTreeMap<String, String>,
    /// Session variables.
    pub(crate) variables: Vec<Variable>,
    /// Temporary views by name in lower case.
    temporaries: BTreeMap<String, Relation>,
    /// Temporary functions by name in lower case.
    routines: BTreeMap<String, Routine>,
}

impl Session {
    pub(crate) fn new(caller: Caller, warehouse: String, settings: Settings, now: i64) -> Self {
        Self {
            id: Uuid::new_v4(),
            secret: Uuid::new_v4(),
            caller,
            warehouse,
            settings: Mutex::new(settings),
            engine: tokio::sync::Mutex::default(),
            running: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            interactive: AtomicBool::new(false),
            transactions: Transactions::default(),
            operations: Mutex::default(),
            used: AtomicI64::new(now),
        }
    }

    /// The session as statements see it, to read or change; not held across an `.await`.
    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine's side of the session, opened when the first statement needs it.
    pub(crate) async fn engine(&self, workspace: &Workspace) -> Result<Arc<EngineSession>, Fault> {
        let mut engine = self.engine.lock().await;
        if let Some(engine) = &*engine {
            return Ok(Arc::clone(engine));
        }
        let configuration = self.settings().engine_configuration();
        let opened = Arc::new(EngineSession::open(workspace, self.caller.name(), configuration).await?);
        Ok(Arc::clone(engine.insert(opened)))
    }

    /// The engine's side of the session, if a statement has needed it already.
    pub(crate) fn opened_engine(&self) -> Option<Arc<EngineSession>> {
        self.engine.try_lock().ok()?.clone()
    }

    /// Lets the engine read tables for one statement of this session that its caller has no grant on; the statement's
    /// plan has been authorized.
    pub(crate) async fn delegate(
        &self,
        workspace: &Workspace,
        tables: Vec<String>,
    ) -> Result<Option<Delegation>, Fault> {
        if tables.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.engine(workspace).await?.delegate(tables)))
    }

    /// Its transactions.
    pub(crate) fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    /// Says that a client keeps it, so that a transaction may go over several statements.
    pub(crate) fn keep(&self) {
        self.interactive.store(true, Ordering::Relaxed);
    }

    /// Whether a transaction may go over several statements.
    pub(crate) fn is_kept(&self) -> bool {
        self.interactive.load(Ordering::Relaxed)
    }

    /// A session that ends with its statement.
    pub(crate) fn for_one_statement(mut self) -> Self {
        *self.over.get_mut() = true;
        self
    }

    /// A statement of this session runs until what is given back is dropped.
    pub(crate) fn run(self: &Arc<Self>, workspace: &Workspace) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        Running { session: Arc::clone(self), workspace: workspace.clone() }
    }

    /// Gives the engine's side to the caller's next session once this one is over and nothing runs in it.
    fn let_go(&self, workspace: &Workspace) {
        if !self.over.load(Ordering::SeqCst) || self.running.load(Ordering::SeqCst) > 0 {
            return;
        }
        let engine = self.engine.try_lock().ok().and_then(|mut engine| engine.take());
        if let Some(engine) = engine.and_then(Arc::into_inner) {
            workspace.warehouses().idle().put(engine, self.settings().engine_configuration());
        }
    }

    /// Remembers an operation until it is closed.
    pub(crate) fn add(&self, operation: Arc<Operation>) -> Result<(), Fault> {
        let mut operations = self.operations();
        if operations.len() >= MOST_OPERATIONS {
            return Err(Fault::new(
                "TOO_MANY_OPERATIONS",
                "54000",
                format_args!("The session has {MOST_OPERATIONS} open operations; close some of them."),
            ));
        }
        operations.insert(operation.id, operation);
        Ok(())
    }

    /// An open operation.
    pub(crate) fn operation(&self, id: Uuid) -> Option<Arc<Operation>> {
        self.operations().get(&id).cloned()
    }

    /// Forgets an operation and ends what is left of it.
    pub(crate) fn close_operation(&self, id: Uuid) -> Option<Arc<Operation>> {
        let operation = self.operations().remove(&id)?;
        operation.cancellation().cancel();
        Some(operation)
    }

    /// Ends it with every operation.
    pub(crate) fn close(&self, workspace: &Workspace) {
        for (_, operation) in self.operations().drain() {
            operation.cancellation().cancel();
        }
        self.transactions.set(None);
        self.over.store(true, Ordering::SeqCst);
        self.let_go(workspace);
    }

    /// Somebody works with it.
    pub(crate) fn touch(&self, now: i64) {
        self.used.fetch_max(now, Ordering::Relaxed);
    }

    /// Whether nobody has used it for long.
    pub(crate) fn is_idle(&self, now: i64) -> bool {
        now - self.used.load(Ordering::Relaxed) > IDLE
    }

    fn operations(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Operation>>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement of a session that runs.
pub(crate) struct Running {
    session: Arc<Session>,
    workspace: Workspace,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.session.running.fetch_sub(1, Ordering::SeqCst);
        self.session.let_go(&self.workspace);
    }
}

impl Settings {
    /// What a new session has.
    pub(crate) fn for_caller(_workspace: &Workspace) -> Self {
        Self { catalog: "main".to_owned(), schema: "default".to_owned(), ..Self::default() }
    }

    /// Takes a setting that a client sends when it opens a session; what only concerns Hive's protocol is passed over.
    pub(crate) fn apply_client_configuration(&mut self, name: &str, value: String) {
        let name = name.to_lowercase();
        let name = name.strip_prefix("set:hiveconf:").or(name.strip_prefix("hiveconf:")).unwrap_or(&name);
        match name {
            "use:database" | "databricks.schema" => self.schema = value,
            "databricks.catalog" => self.catalog = value,
            other if other.starts_with("spark.thriftserver.") => {}
            other => {
                self.configuration.insert(other.to_owned(), value);
            }
        }
    }

    /// Makes a catalog, which the caller must be able to see, and a schema the current ones.
    pub(crate) fn choose(
        &mut self,
        workspace: &Workspace,
        caller: &Caller,
        catalog: Option<&str>,
        schema: Option<&str>,
    ) -> Result<(), Fault> {
        if let Some(zone) = self.zone() {
            engine_zone(zone)?;
        }
        let identity = workspace.catalog().identity(caller.name())?;
        if let Some(catalog) = catalog {
            self.catalog = workspace.catalog().get_catalog(&identity, &full_name(&[catalog]))?.name;
            "default".clone_into(&mut self.schema);
        }
        if let Some(schema) = schema {
            // dbt opens its session in a schema that it makes afterwards; a name that needs it fails later.
            let full = full_name(&[self.catalog.as_str(), schema]);
            let found = workspace.catalog().get_schema(&identity, &full);
            self.schema = found.map_or_else(|_| schema.to_owned(), |found| found.name);
        }
        Ok(())
    }

    /// A temporary view.
    pub(crate) fn temporary(&self, name: &str) -> Option<&Relation> {
        self.temporaries.get(&name.to_lowercase())
    }

    /// Names of the temporary views.
    pub(crate) fn temporaries(&self) -> Vec<String> {
        self.temporaries.keys().cloned().collect()
    }

    /// Makes a temporary view; `false` when there is one of that name that may not be replaced.
    pub(crate) fn put_temporary(&mut self, name: &str, relation: Relation, replace: bool) -> bool {
        let name = name.to_lowercase();
        if !replace && self.temporaries.contains_key(&name) {
            return false;
        }
        self.temporaries.insert(name, relation);
        true
    }

    /// Drops a temporary view; `false` when there is none.
    pub(crate) fn drop_temporary(&mut self, name: &str) -> bool {
        self.temporaries.remove(&name.to_lowercase()).is_some()
    }

    /// A temporary function.
    pub(crate) fn temporary_routine(&self, name: &str) -> Option<&Routine> {
        self.routines.get(&name.to_lowercase())
    }

    /// Makes a temporary function; `false` when there is one of that name that may not be replaced.
    pub(crate) fn put_temporary_routine(&mut self, name: &str, routine: Routine, replace: bool) -> bool {
        let name = name.to_lowercase();
        if !replace && self.routines.contains_key(&name) {
            return false;
        }
        self.routines.insert(name, routine);
        true
    }

    /// Drops a temporary function; `false` when there is none.
    pub(crate) fn drop_temporary_routine(&mut self, name: &str) -> bool {
        self.routines.remove(&name.to_lowercase()).is_some()
    }

    /// What the engine is told of the configuration.
    pub(crate) fn engine_configuration(&self) -> BTreeMap<String, String> {
        let mut configuration = BTreeMap::new();
        for (name, value) in &self.configuration {
            match name.as_str() {
                "timezone" | "spark.sql.session.timezone" => {
                    let zone = engine_zone(value).unwrap_or_else(|_| "UTC".to_owned());
                    configuration.insert("spark.sql.session.timeZone".to_owned(), zone);
                }
                "ansi_mode" | "spark.sql.ansi.enabled" => {
                    configuration.insert("spark.sql.ansi.enabled".to_owned(), value.to_lowercase());
                }
                _ => {}
            }
        }
        configuration
    }

    /// Whether the session's zone is another than UTC.
    pub(crate) fn local_time(&self) -> bool {
        self.zone()
            .is_some_and(|zone| engine_zone(zone).is_ok_and(|zone| zone.trim_start_matches("Etc/") != "UTC"))
    }

    /// The session's zone as it was set.
    pub(crate) fn zone(&self) -> Option<&str> {
        let mut keys = ["timezone", "spark.sql.session.timezone"].iter();
        keys.find_map(|key| self.configuration.get(*key)).map(String::as_str)
    }

    /// `STATEMENT_TIMEOUT` in seconds; none when it is 0 or not set.
    pub(crate) fn statement_timeout(&self) -> Option<u64> {
        let seconds = self.configuration.get("statement_timeout")?.trim().parse().ok()?;
        (seconds > 0).then_some(seconds)
    }
}
