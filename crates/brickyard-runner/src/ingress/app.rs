//! One served app.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;
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
    place: Option<Place>,
    automatic: Option<Arc<Visitor>>,
}

/// Where an app listens.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    /// The name it is asked for by from inside, with its port.
    pub(super) host: HeaderValue,
}

impl Place {
    fn of(status: &Status) -> Option<Self> {
        let address = status.address()?;
        let host = HeaderValue::from_str(&format!("localhost:{}", address.port())).ok()?;
        Some(Self { address, host })
    }
}

impl View {
    fn new(mut status: watch::Receiver<Status>) -> Self {
        let place = Place::of(&status.borrow_and_update());
        Self { status, place, automatic: None }
    }

    fn place(&mut self) -> Option<&Place> {
        // What a supervisor that has ended said last still holds.
        if self.status.has_changed().unwrap_or(true) {
            self.place = Place::of(&self.status.borrow_and_update());
        }
        self.place.as_ref()
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
    pub(super) fn place(&self, lane: usize) -> Option<Place> {
        self.views[lane].lock().place().cloned()
    }

    /// Where the app listens, with a mark that a request is on its way there: a version is not stopped before it has
    /// answered.
    pub(super) fn enter(&self, lane: usize) -> Option<(Place, Mark)> {
        let view = &mut self.views[lane].lock();
        loop {
            let place = view.place()?.clone();
            let mark = self.pool.mark(lane, place.address);
            // Switched in between: whoever waits for the old version may not have seen the mark.
            if view.place().is_some_and(|now| now.address == place.address) {
                return Some((place, mark));
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
