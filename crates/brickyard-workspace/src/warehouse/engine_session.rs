//! The engine's side of sessions. Opening one costs the engine as much as a small query, so one that has ended clean is
//! kept for the same principal's next session.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use brickyard_engine::{EngineError, Recursion, SessionSpec};
use tokio::time::Instant;

use super::fault::Fault;
use crate::catalog::{Delegation, SlotLease};
use crate::workspace::Workspace;

/// Sessions of the engine that are kept while nobody uses them.
const MOST: usize = 16;

/// How long one is kept.
const LONGEST: Duration = Duration::from_secs(600);

/// A session of the engine, in the catalog slot of its principal.
pub(crate) struct EngineSession {
    session: brickyard_engine::Session,
    lease: SlotLease,
    principal: String,
    spoiled: AtomicBool,
    /// Views that no statement reads any more.
    finished: Arc<Mutex<Vec<String>>>,
}

/// Views of one statement; with it goes the need for them.
pub(crate) struct Shown {
    names: Vec<String>,
    finished: Arc<Mutex<Vec<String>>>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.names);
    }
}

impl EngineSession {
    /// One with this configuration, as `Settings::engine_configuration` gives it: a kept one, or a new one.
    pub(crate) async fn open(
        workspace: &Workspace,
        principal: &str,
        configuration: BTreeMap<String, String>,
    ) -> Result<Self, Fault> {
        let idle = workspace.warehouses().idle();
        if let Some(kept) = idle.take(principal, &configuration) {
            return Ok(kept);
        }
        let engine = workspace.engine().await?;
        let slots = workspace.catalog().slots();
        let lease = slots.lease(principal).or_else(|_| {
            // The slots may all belong to principals of whom nothing is open but what is kept here.
            idle.clear();
            slots.lease(principal)
        })?;
        let spec = SessionSpec { user: principal.to_owned(), slot: Some(lease.number()), configuration };
        let session = engine.open(spec).await?;
        Ok(Self {
            session,
            lease,
            principal: principal.to_owned(),
            spoiled: AtomicBool::new(false),
            finished: Arc::default(),
        })
    }

    /// Makes rows known as a temporary view.
    pub(crate) async fn put_view(&self, name: &str, rows: Vec<RecordBatch>) -> Result<(), EngineError> {
        self.spoil();
        self.session.put_view(name, rows).await
    }

    /// Makes the rows of an expression that refers to itself known as a temporary view.
    pub(crate) async fn put_recursion(
        &self,
        recursion: &brickyard_sql::Recursion,
    ) -> Result<(), EngineError> {
        self.spoil();
        let recursion = Recursion {
            anchor: &recursion.anchor,
            step: &recursion.step,
            level: &recursion.level,
            view: &recursion.view,
            levels: recursion.levels,
            wanted: recursion.wanted,
        };
        self.session.put_recursion(recursion).await
    }

    /// Names views that are to go once nothing holds the answer.
    pub(crate) fn shown(&self, names: Vec<String>) -> Shown {
        Shown { names, finished: Arc::clone(&self.finished) }
    }

    /// Takes the rows from the engine of views that no statement reads any more.
    pub(crate) async fn forget_finished(&self) -> Result<(), EngineError> {
        let names = std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner));
        let nothing = Schema::new(vec![Field::new("nothing", DataType::Int8, true)]);
        let nothing = RecordBatch::new_empty(Arc::new(nothing));
        for name in names {
            // The engine's `DROP VIEW` looks in the catalog only.
            self.session.put_view(&name, vec![nothing.clone()]).await?;
        }
        Ok(())
    }

    /// Says that nobody else may have it afterwards: it holds rows in the engine's memory, or work that may go on.
    pub(crate) fn spoil(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
    }

    /// Makes tables readable in its slot, see [`SlotLease::delegate`].
    pub(crate) fn delegate(&self, tables: Vec<String>) -> Delegation {
        self.lease.delegate(tables)
    }
}

impl Deref for EngineSession {
    type Target = brickyard_engine::Session;

    fn deref(&self) -> &Self::Target {
        &self.session
    }
}

/// The engine's sessions that nobody uses at the moment.
#[derive(Default)]
pub(crate) struct Idle {
    sessions: Mutex<VecDeque<Kept>>,
}

struct Kept {
    session: EngineSession,
    configuration: BTreeMap<String, String>,
    since: Instant,
}

impl Idle {
    /// Keeps a session that has this configuration now. A spoiled one is ended.
    pub(crate) fn put(&self, session: EngineSession, configuration: BTreeMap<String, String>) {
        if session.spoiled.load(Ordering::Relaxed) {
            return;
        }
        let mut sessions = self.lock();
        sessions.push_back(Kept { session, configuration, since: Instant::now() });
        let ended = sessions.len().saturating_sub(MOST);
        sessions.drain(..ended);
    }

    fn take(&self, principal: &str, configuration: &BTreeMap<String, String>) -> Option<EngineSession> {
        let mut sessions = self.lock();
        sessions.retain(|kept| kept.since.elapsed() < LONGEST);
        let fits = |kept: &Kept| kept.session.principal == principal && kept.configuration == *configuration;
        let at = sessions.iter().rposition(fits)?;
        sessions.remove(at).map(|kept| kept.session)
    }

    fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
