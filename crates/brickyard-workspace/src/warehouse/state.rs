use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::definition::{Definition, starter_id};
use super::engine_session::Idle;
use super::fault::Fault;
use super::history::History;
use super::link::Downloads;
use super::session::Session;
use super::statements::Results;
use crate::error::ApiError;
use crate::store::StoreError;
use crate::workspace::Workspace;

const KIND: &str = "warehouse";

/// Sessions that may be open at once.
const MOST_SESSIONS: usize = 10_000;

/// The running side of all SQL warehouses of a workspace.
#[derive(Default)]
pub(crate) struct Warehouses {
    running: Mutex<HashMap<String, Running>>,
    sessions: Mutex<HashMap<Uuid, Arc<Session>>>,
    idle: Idle,
    writers: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    results: Results,
    downloads: Downloads,
    history: History,
}

/// What is known of one warehouse beside its definition.
#[derive(Clone)]
struct Running {
    width: usize,
    slots: Arc<Semaphore>,
    stopped: bool,
    used: i64,
}

impl Warehouses {
    /// A warehouse by id; the starter warehouse is made when it is first asked for.
    pub(crate) fn get(&self, workspace: &Workspace, id: &str) -> Result<Definition, ApiError> {
        let failed = |error: StoreError| ApiError::internal(&error);
        if let Some(definition) = workspace.store().get::<Definition>(KIND, id).map_err(failed)? {
            return Ok(definition);
        }
        if id == starter_id(workspace.config().workspace_id) && !knows_starter(workspace)? {
            let starter = Definition::starter(workspace);
            self.put(workspace, &starter)?;
            workspace.store().put("warehouse_starter", "made", &true).map_err(failed)?;
            return Ok(starter);
        }
        Err(ApiError::new(
            http::StatusCode::NOT_FOUND,
            "RESOURCE_DOES_NOT_EXIST",
            format!("SQL warehouse {id} does not exist or was not found"),
        ))
    }

    /// Every warehouse, by name.
    pub(crate) fn list(&self, workspace: &Workspace) -> Result<Vec<Definition>, ApiError> {
        if !knows_starter(workspace)? {
            self.get(workspace, &starter_id(workspace.config().workspace_id))?;
        }
        let listed = workspace.store().list::<Definition>(KIND, "");
        let mut all: Vec<Definition> =
            listed.map_err(|error| ApiError::internal(&error))?.into_iter().map(|(_, value)| value).collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(all)
    }

    pub(crate) fn put(&self, workspace: &Workspace, definition: &Definition) -> Result<(), ApiError> {
        if let Some(entry) = self.running().get_mut(&definition.id)
            && entry.width != definition.width()
        {
            entry.width = definition.width();
            entry.slots = Arc::new(Semaphore::new(entry.width));
        }
        workspace.store().put(KIND, &definition.id, definition).map_err(|error| ApiError::internal(&error))
    }

    /// Forgets a warehouse; its statements end.
    pub(crate) fn delete(&self, workspace: &Workspace, id: &str) -> Result<(), ApiError> {
        self.end_statements(workspace, id);
        self.running().remove(id);
        workspace.store().delete(KIND, id).map(drop).map_err(|error| ApiError::internal(&error))
    }

    /// `RUNNING` or `STOPPED`, as the clock has it: an idle warehouse stops by itself.
    pub(crate) fn state_of(&self, workspace: &Workspace, definition: &Definition) -> &'static str {
        let now = workspace.clock().unix_milliseconds();
        let mut running = self.running();
        let entry = entry(&mut running, definition, now);
        let idle_limit = i64::from(definition.auto_stop_mins) * 60_000;
        let busy = entry.slots.available_permits() < entry.width;
        if !busy && idle_limit > 0 && now - entry.used >= idle_limit {
            entry.stopped = true;
        }
        if entry.stopped { "STOPPED" } else { "RUNNING" }
    }

    /// Starts or stops it; stopping ends its statements and sessions.
    pub(crate) fn set_running(&self, workspace: &Workspace, definition: &Definition, run: bool) {
        let now = workspace.clock().unix_milliseconds();
        {
            let mut running = self.running();
            let entry = entry(&mut running, definition, now);
            entry.stopped = !run;
            entry.used = now;
        }
        if !run {
            self.end_statements(workspace, &definition.id);
        }
    }

    /// Waits for a free place on the warehouse, first come first served; a stopped warehouse starts.
    pub(crate) async fn admit(
        &self,
        workspace: &Workspace,
        definition: &Definition,
    ) -> Result<OwnedSemaphorePermit, Fault> {
        let slots = {
            let now = workspace.clock().unix_milliseconds();
            let mut running = self.running();
            let entry = entry(&mut running, definition, now);
            entry.stopped = false;
            entry.used = now;
            Arc::clone(&entry.slots)
        };
        slots.acquire_owned().await.map_err(|_| Fault::canceled())
    }

    /// A statement on it has ended: its idle time begins anew.
    pub(crate) fn touch(&self, id: &str, now: i64) {
        if let Some(entry) = self.running().get_mut(id) {
            entry.used = entry.used.max(now);
        }
    }

    /// Number of open sessions on it.
    pub(crate) fn session_count(&self, id: &str) -> usize {
        self.sessions().values().filter(|session| session.warehouse == id).count()
    }

    /// Remembers a session.
    pub(crate) fn open(&self, workspace: &Workspace, session: Session) -> Result<Arc<Session>, Fault> {
        let now = workspace.clock().unix_milliseconds();
        self.end_sessions(workspace, |session| session.is_idle(now));
        let mut sessions = self.sessions();
        if sessions.len() >= MOST_SESSIONS {
            return Err(Fault::new(
                "TOO_MANY_SESSIONS",
                "54000",
                "Too many sessions are open on this workspace.",
            ));
        }
        session.keep();
        let session = Arc::new(session);
        sessions.insert(session.id, Arc::clone(&session));
        Ok(session)
    }

    /// An open session of this caller; somebody else's does not exist for them.
    pub(crate) fn session(&self, workspace: &Workspace, id: Uuid, caller: &str) -> Option<Arc<Session>> {
        let now = workspace.clock().unix_milliseconds();
        let session = self.sessions().get(&id).cloned()?;
        if session.is_idle(now) {
            self.end_sessions(workspace, |session| session.is_idle(now));
            return None;
        }
        if session.caller.name() != caller {
            return None;
        }
        session.touch(now);
        Some(session)
    }

    /// Every open session.
    pub(crate) fn all_sessions(&self) -> Vec<Arc<Session>> {
        self.sessions().values().cloned().collect()
    }

    /// Ends a session; its statements end with it.
    pub(crate) fn close(&self, workspace: &Workspace, id: Uuid) {
        self.end_sessions(workspace, |session| session.id == id);
    }

    /// Sessions of the engine that wait for their next use.
    pub(crate) fn idle(&self) -> &Idle {
        &self.idle
    }

    /// What ran on the warehouses.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Statements of the Statement Execution API.
    pub(crate) fn results(&self) -> &Results {
        &self.results
    }

    /// Results whose parts can be fetched as files.
    pub(crate) fn downloads(&self) -> &Downloads {
        &self.downloads
    }

    /// The lock that lets one statement at a time change a table.
    pub(crate) fn writer(&self, table: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        writers.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(writers.entry(table.to_lowercase()).or_default())
    }

    /// Ends the sessions of a warehouse, and the statements that have none.
    fn end_statements(&self, workspace: &Workspace, warehouse: &str) {
        self.end_sessions(workspace, |session| session.warehouse == warehouse);
        self.results.end(warehouse);
    }

    fn end_sessions(&self, workspace: &Workspace, over: impl Fn(&Session) -> bool) {
        let ended: Vec<Arc<Session>> = {
            let mut sessions = self.sessions();
            let ids: Vec<Uuid> =
                sessions.values().filter(|session| over(session)).map(|session| session.id).collect();
            ids.iter().filter_map(|id| sessions.remove(id)).collect()
        };
        for session in ended {
            session.close(workspace);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry<'a>(
    running: &'a mut HashMap<String, Running>,
    definition: &Definition,
    now: i64,
) -> &'a mut Running {
    running.entry(definition.id.clone()).or_insert_with(|| Running {
        width: definition.width(),
        slots: Arc::new(Semaphore::new(definition.width())),
        stopped: false,
        used: now,
    })
}

/// Whether the starter warehouse has been made once; it may have been deleted since.
fn knows_starter(workspace: &Workspace) -> Result<bool, ApiError> {
    let made = workspace.store().get::<bool>("warehouse_starter", "made");
    Ok(made.map_err(|error| ApiError::internal(&error))?.unwrap_or(false))
}
