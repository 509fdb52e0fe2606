use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::caller::Caller;
use crate::warehouse::{Fault, Session, Settings, starter_id};
use crate::workspace::Workspace;

/// Sessions that may be open at once.
const MOST: usize = 500;

/// Milliseconds after which a session that nobody uses is forgotten.
const IDLE: i64 = 3600 * 1000;

/// Sessions of Spark clients.
#[derive(Default)]
pub(crate) struct Spark {
    sessions: Mutex<HashMap<(String, String), Arc<SparkSession>>>,
}

/// A session of one client.
pub(super) struct SparkSession {
    /// Id that the client chose.
    pub(super) id: String,
    /// Id by which the client sees that it is still the same session.
    pub(super) server: String,
    /// What statements work with.
    pub(super) session: Arc<Session>,
    configuration: Mutex<BTreeMap<String, String>>,
    used: Mutex<i64>,
}

impl SparkSession {
    /// What the client has set.
    pub(super) fn configuration(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.configuration.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, i64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spark {
    /// The caller's session of this id, made where it is not there.
    pub(super) fn session(
        &self,
        workspace: &Workspace,
        caller: &Caller,
        id: &str,
    ) -> Result<Arc<SparkSession>, Fault> {
        let now = workspace.clock().unix_milliseconds();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| now - *session.used() < IDLE);
        let key = (caller.name().to_owned(), id.to_owned());
        if let Some(session) = sessions.get(&key) {
            *session.used() = now;
            return Ok(Arc::clone(session));
        }
        if sessions.len() >= MOST {
            return Err(Fault::new("TOO_MANY_SESSIONS", "54000", "Too many Spark sessions are open."));
        }
        let warehouse = starter_id(workspace.config().workspace_id);
        let session = Arc::new(SparkSession {
            id: id.to_owned(),
            server: uuid::Uuid::new_v4().to_string(),
            session: Arc::new(Session::new(caller.clone(), warehouse, Settings::for_caller(workspace), now)),
            configuration: Mutex::default(),
            used: Mutex::new(now),
        });
        sessions.insert(key, Arc::clone(&session));
        Ok(session)
    }

    /// Forgets a session.
    pub(super) fn close(&self, caller: &Caller, id: &str) {
        let key = (caller.name().to_owned(), id.to_owned());
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}
