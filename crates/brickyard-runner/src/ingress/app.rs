//! One served app.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::lanes::{Own, PerLane};
use super::pool::{Mark, Pool};
use super::session::{Sessions, Visitor};
use super::{AppConfig, Authority, Refusal, SignIn};
use crate::logs::Logs;
use crate::supervisor::Status;

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
    views: PerLane<View>,
    sign_in: SignIn,
    /// The visitor of `SignIn::As`, once somebody came.
    automatic: RwLock<Option<Arc<Visitor>>>,
    /// One signs in, the others wait.
    signing_in: tokio::sync::Mutex<()>,
}

/// What a lane knows of an app without asking the others.
struct View {
    status: watch::Receiver<Status>,
    address: Option<SocketAddr>,
    automatic: Option<Arc<Visitor>>,
}

impl View {
    fn new(mut status: watch::Receiver<Status>) -> Self {
        let address = status.borrow_and_update().address();
        Self { status, address, automatic: None }
    }

    fn address(&mut self) -> Option<SocketAddr> {
        // What a supervisor that has ended said last still holds.
        if self.status.has_changed().unwrap_or(true) {
            self.address = self.status.borrow_and_update().address();
        }
        self.address
    }
}

impl App {
    pub(super) fn new(config: AppConfig, port: u16, end: CancellationToken) -> Self {
        let AppConfig { name, names, status, logs, authority, sign_in, port: _ } = config;
        let sessions = Sessions::new(&name, port);
        let views = std::array::from_fn(|_| Own::new(View::new(status.clone())));
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
            views,
            sign_in,
            automatic,
            signing_in,
        }
    }

    pub(super) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Where the app listens, if it does.
    pub(super) fn address(&self, lane: usize) -> Option<SocketAddr> {
        self.views[lane].lock().address()
    }

    /// Where the app listens, with a mark that a request is on its way there: a version is not stopped before it has
    /// answered.
    pub(super) fn enter(&self, lane: usize) -> Option<(SocketAddr, Mark)> {
        let view = &mut self.views[lane].lock();
        loop {
            let address = view.address()?;
            let mark = self.pool.mark(lane, address);
            // Switched in between: whoever waits for the old version may not have seen the mark.
            if view.address() == Some(address) {
                return Some((address, mark));
            }
        }
    }

    /// Whether the app is served under this name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }

    /// Who comes without a session: nobody, or the user of `--as`.
    pub(super) async fn automatic(&self, lane: usize) -> Result<Option<Arc<Visitor>>, Refusal> {
        let SignIn::As(user) = &self.sign_in else { return Ok(None) };
        if let Some(known) = self.known_automatic(lane) {
            return Ok(Some(known));
        }
        let _turn = self.signing_in.lock().await;
        if let Some(known) = self.known_automatic(lane) {
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
        for view in &self.views {
            view.lock().automatic = None;
        }
    }

    fn known_automatic(&self, lane: usize) -> Option<Arc<Visitor>> {
        let view = &mut self.views[lane].lock();
        if view.automatic.is_none() {
            view.automatic.clone_from(&self.automatic.read().unwrap_or_else(PoisonError::into_inner));
        }
        view.automatic.clone()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("name", &self.name).finish_non_exhaustive()
    }
}
