use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::half_open::HalfOpen;
use crate::handshake;
use crate::pooled::Pool;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::spare;

/// Connections that may be at one stage of a login at once: an instance has 1,000 sessions, which a pool may open together.
const HALF_OPEN: usize = 1024;

/// Something that will be there later.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a client sent to log in. Its TLS is in place already.
#[derive(Debug)]
pub struct Login<'a> {
    /// User it wants to be.
    pub user: &'a str,
    /// Database it wants.
    pub database: &'a str,
    /// Token or password.
    pub password: &'a Password,
    /// `application_name`, when sent.
    pub application_name: Option<&'a str>,
}

/// A password, which is never shown.
#[derive(Clone)]
pub struct Password(pub(crate) String);

impl Password {
    /// A password that is known.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// How an admitted client goes on.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Role of the session; it exists on the server.
    pub role: String,
    /// Settings of the session that the client cannot leave out, such as `default_transaction_read_only=on`.
    pub settings: Vec<(String, String)>,
    /// Password of the role at the server, where that asks for one: an outside one does.
    pub password: Option<Password>,
}

/// Decides who may log in.
pub trait Authenticator: Send + Sync + 'static {
    /// Admits a client, or refuses it with the error it is shown.
    fn admit<'a>(&'a self, login: Login<'a>) -> BoxFuture<'a, Result<Admission, Refusal>>;
}

/// What a proxy needs to know.
pub struct ProxyConfig {
    /// Name of the instance in messages.
    pub name: String,
    /// The server behind it.
    pub server: Server,
    /// TLS with the instance's certificate. ALPN `postgresql` is set by the proxy.
    pub tls: Arc<rustls::ServerConfig>,
    /// Who may log in.
    pub authenticator: Arc<dyn Authenticator>,
    /// Sessions at once.
    pub connection_limit: u32,
    /// Whether this is a pooled address: the backend of a session that left in good order serves the next login of the
    /// same kind within a second, after `DISCARD ALL`, which saves the start of a process. Sessions are then not quite
    /// as new: a placeholder such as `app.user` that an earlier one set is '' and not NULL for `current_setting`.
    pub pooled: bool,
    /// Seconds since the epoch, as the caller counts them.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Owner of the tasks.
    pub tracker: TaskTracker,
    /// Ends it with all its connections.
    pub cancellation: CancellationToken,
}

/// The front of a server: takes connections on an address, ends TLS, checks the login, and moves bytes. Clones are the
/// same proxy.
#[derive(Clone)]
pub struct Proxy {
    pub(crate) inner: Arc<Inner>,
}

/// A bound address of a proxy.
pub type Listener = TcpListener;

impl Inner {
    pub(crate) fn touch(&self) {
        self.last_active.store((self.config.clock)(), Ordering::Relaxed);
    }
}

pub(crate) struct Inner {
    pub(crate) config: ProxyConfig,
    pub(crate) tls: tokio_rustls::TlsAcceptor,
    pub(crate) half_open: HalfOpen,
    pub(crate) pool: Pool,
    pub(crate) sessions: AtomicUsize,
    pub(crate) limit: AtomicU32,
    pub(crate) last_active: AtomicI64,
    pub(crate) closed: CancellationToken,
    address: SocketAddr,
}

/// Binds the first address that is free.
pub async fn listen(candidates: &[SocketAddr]) -> io::Result<Listener> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for candidate in candidates {
        match TcpListener::bind(candidate).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Proxy {
    /// Starts to take connections.
    pub fn start(config: ProxyConfig, listener: Listener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let mut tls = (*config.tls).clone();
        tls.alpn_protocols = vec![handshake::ALPN.to_vec()];
        // No driver of Postgres resumes TLS sessions, so tickets are work for nothing.
        tls.send_tls13_tickets = 0;
        tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        let closed = config.cancellation.child_token();
        let limit = AtomicU32::new(config.connection_limit);
        let tracker = config.tracker.clone();
        let inner = Arc::new(Inner {
            tls: Arc::new(tls).into(),
            half_open: HalfOpen::new(HALF_OPEN),
            pool: Pool::default(),
            sessions: AtomicUsize::new(0),
            last_active: AtomicI64::new((config.clock)()),
            config,
            limit,
            closed,
            address,
        });
        tracker.spawn(accept(Arc::clone(&inner), listener));
        if inner.config.pooled {
            tracker.spawn(sweep(Arc::clone(&inner)));
        }
        Ok(Self { inner })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// Sessions that are open now.
    pub fn sessions(&self) -> usize {
        self.inner.sessions.load(Ordering::Relaxed)
    }

    /// The second at which a session sent or received something last, by the caller's clock.
    pub fn last_active(&self) -> i64 {
        self.inner.last_active.load(Ordering::Relaxed)
    }

    /// Changes how many sessions may be open; those that are stay.
    pub fn set_connection_limit(&self, limit: u32) {
        self.inner.limit.store(limit, Ordering::Relaxed);
    }

    /// Ends it with all its connections, and frees the address.
    pub fn close(&self) {
        self.inner.closed.cancel();
    }
}

/// Lets backends go that have waited for another client long enough; all of them at the end.
async fn sweep(proxy: Arc<Inner>) {
    let mut ticks = interval(spare::WAITS / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => proxy.pool.spares.sweep(),
            () = proxy.closed.cancelled() => return proxy.pool.spares.clear(),
        }
    }
}

async fn accept(proxy: Arc<Inner>, listener: Listener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = proxy.closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                tracing::trace!(%peer, "A Postgres client comes");
                let connection = handshake::serve(Arc::clone(&proxy), stream);
                proxy.config.tracker.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "Cannot take a Postgres connection: {error}");
                sleep(Duration::from_millis(100)).await; // out of file descriptors, most likely
            }
        }
    }
}
