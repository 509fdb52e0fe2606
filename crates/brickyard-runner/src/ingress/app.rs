//! One served app.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pool::{Mark, Pool};
use super::session::{Sessions, Visitor};
use super::{AppConfig, Authority, Refusal, SignIn};
use crate::logs::Logs;
use crate::supervisor::{State, Status};

pub(super) struct App {
    pub(super) name: String,
    pub(super) logs: Logs,
    pub(super) authority: Arc<dyn Authority>,
    pub(super) sessions: Sessions,
    pub(super) pool: Pool,
    pub(super) end: CancellationToken,
    /// Names under which it is served beside those of loopback, over TLS that ends before us.
    names: Vec<String>,
    status: watch::Receiver<Status>,
    sign_in: SignIn,
    /// The visitor of `SignIn::As`, once somebody came.
    automatic: RwLock<Option<Arc<Visitor>>>,
    /// One signs in, the others wait.
    signing_in: tokio::sync::Mutex<()>,
}

impl App {
    pub(super) fn new(config: AppConfig, port: u16, end: CancellationToken) -> Self {
        let AppConfig { name, names, status, logs, authority, sign_in, port: _ } = config;
        let sessions = Sessions::new(&name, port);
        let (automatic, signing_in) = (RwLock::default(), tokio::sync::Mutex::default());
        Self {
            name,
            logs,
            authority,
            sessions,
            pool: Pool::default(),
            end,
            names,
            status,
            sign_in,
            automatic,
            signing_in,
        }
    }

    pub(super) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Where the app listens, if it does.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self.status.borrow().state {
            State::Running { address } => Some(address),
            _ => None,
        }
    }

    /// Where the app listens, with a mark that a request is on its way there: a version is not stopped before it has
    /// answered.
    pub(super) fn enter(&self) -> Option<(SocketAddr, Mark)> {
        loop {
            let address = self.address()?;
            let mark = self.pool.mark(address);
            // Switched in between: whoever waits for the old version may not have seen the mark.
            if self.address() == Some(address) {
                return Some((address, mark));
            }
        }
    }

    /// Whether the app is served under this name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }

    /// Who comes without a session: nobody, or the user of `--as`.
    pub(super) async fn automatic(&self) -> Result<Option<Arc<Visitor>>, Refusal> {
        let SignIn::As(user) = &self.sign_in else { return Ok(None) };
        if let Some(known) = self.known_automatic() {
            return Ok(Some(known));
        }
        let _turn = self.signing_in.lock().await;
        if let Some(known) = self.known_automatic() {
            return Ok(Some(known));
        }
        let grant = self.authority.sign_in(user.clone()).await?;
        let visitor = Arc::new(Visitor::new(grant, &*self.authority)?);
        *self.automatic.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&visitor));
        Ok(Some(visitor))
    }

    /// Forgets the visitor of `--as`, when its grant can no longer be refreshed.
    pub(super) fn forget_automatic(&self) {
        *self.automatic.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known_automatic(&self) -> Option<Arc<Visitor>> {
        self.automatic.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("name", &self.name).finish_non_exhaustive()
    }
}
