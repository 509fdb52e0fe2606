use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};

use brickyard_engine::EngineConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::apps::Underway;
use crate::caller::Caller;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::WorkspaceConfig;
use crate::connections::Connections;
use crate::directory::Directory;
use crate::engine::SqlEngine;
use crate::error::ApiError;
use crate::functions::Functions;
use crate::gateway::{Gateway, client_environment};
use crate::handle::WorkspaceHandle;
use crate::jobs::Jobs;
use crate::lab::{Denials, Faults};
use crate::lakebase::{Databases, Lakebase};
use crate::lakeview::Sessions;
use crate::lock::StateLock;
use crate::oauth::{OAuth, PERSONAL_TOKEN_PREFIX};
use crate::permissions::AccessLists;
use crate::scope::ALL_APIS;
use crate::secrets::Vault;
use crate::serving::Serving;
use crate::spark::Spark;
use crate::start_error::StartError;
use crate::store::Store;
use crate::token::{Claims, Signer};
use crate::vector_search::VectorSearch;
use crate::warehouse::Warehouses;
use crate::workspace_files::FileTree;

/// The running workspace: what every handler is given. Clones are cheap and see the same state.
///
/// A family takes from here what it needs; nothing that only one family knows stands here but that family's own state
/// struct.
#[derive(Clone)]
pub struct Workspace {
    inner: Arc<Inner>,
}

/// A workspace that may be gone.
#[derive(Clone)]
pub(crate) struct WeakWorkspace {
    inner: Weak<Inner>,
}

impl WeakWorkspace {
    pub(crate) fn upgrade(&self) -> Option<Workspace> {
        Some(Workspace { inner: self.inner.upgrade()? })
    }
}

struct Inner {
    config: WorkspaceConfig,
    store: Store,
    directory: Directory,
    catalog: Catalog,
    sql_engine: SqlEngine,
    signer: Signer,
    gateway: Gateway,
    file_tree: FileTree,
    oauth: OAuth,
    access_lists: AccessLists,
    vault: Vault,
    lakebase: Lakebase,
    dashboard_sessions: Sessions,
    serving: Serving,
    faults: Faults,
    denials: Denials,
    jobs: Jobs,
    apps: Underway,
    vector_search: VectorSearch,
    connections: Connections,
    functions: Functions,
    spark: Spark,
    _lock: StateLock,
    addresses: OnceLock<(SocketAddr, SocketAddr)>,
    tracker: TaskTracker,
    cancellation: CancellationToken,
    warehouses: Warehouses,
}

impl Workspace {
    /// Opens the state, binds the listeners and serves until the handle is stopped or dropped.
    pub async fn start(config: WorkspaceConfig) -> Result<WorkspaceHandle, StartError> {
        if let Some(url) = &config.engine {
            EngineConfig::remote(url)?;
        }
        let path = &config.state_directory;
        std::fs::create_dir_all(path)
            .map_err(|source| StartError::Directory { path: path.clone(), source })?;
        let lock = StateLock::take(path)?;
        crate::scratch::clear(path).map_err(|source| StartError::Directory { path: path.clone(), source })?;
        let store = Store::open(Some(&path.join("state.sqlite")))?;
        let signer = Signer::open(&path.join("signing-key.p8"))?;
        let gateway = Gateway::open(
            &path.join("gateway"),
            &config.host,
            &config.app_domain,
            config.trust_bundle.as_deref(),
            config.upstream_proxy.clone(),
        )?;
        let file_tree = FileTree::open(path.join("workspace"), store.clone())
            .map_err(|source| StartError::Directory { path: path.clone(), source })?;
        let directory = Directory::new(store.clone());
        for user in &config.users {
            directory.put_user(user)?;
        }
        for group in &config.groups {
            directory.put_group(group)?;
        }
        directory.put_system_groups(config.users.first().map(|user| user.user_name.as_str()))?;
        let (oauth, now) = (OAuth::open(store.clone())?, config.clock.unix_seconds());
        oauth.forget_expired(now)?;
        for (principal, secret) in &config.service_principals {
            directory.put_service_principal(principal)?;
            oauth.put_secret(&principal.application_id, "configured", secret, now)?;
        }
        let state = std::path::absolute(path)
            .map_err(|source| StartError::Directory { path: path.clone(), source })?;
        let owner = config.users.first().map_or("admins", |user| user.user_name.as_str());
        let catalog = Catalog::open(store.clone(), directory.clone(), config.clock.clone(), &state, owner)?;
        let access_lists = AccessLists::open(store.clone())?;
        let vault = Vault::open(&path.join("secrets-key"), store.clone())?;
        let workspace = Self {
            inner: Arc::new(Inner {
                config,
                store,
                directory,
                catalog,
                sql_engine: SqlEngine::default(),
                signer,
                gateway,
                file_tree,
                oauth,
                access_lists,
                vault,
                lakebase: Lakebase::default(),
                dashboard_sessions: Sessions::default(),
                serving: Serving::default(),
                faults: Faults::default(),
                denials: Denials::default(),
                jobs: Jobs::default(),
                apps: Underway::default(),
                vector_search: VectorSearch::default(),
                connections: Connections::default(),
                functions: Functions::default(),
                spark: Spark::default(),
                _lock: lock,
                addresses: OnceLock::new(),
                tracker: TaskTracker::new(),
                cancellation: CancellationToken::new(),
                warehouses: Warehouses::default(),
            }),
        };
        let weak = workspace.downgrade();
        workspace.directory().watch(move |directory| {
            let Some(workspace) = weak.upgrade() else { return };
            if let Err(error) = workspace.lakebase().tell_identities(directory) {
                tracing::error!(%error, "Cannot tell the databases who is in the workspace: {error}");
            }
        });
        if let Err(error) = workspace.close_broken_runs() {
            tracing::warn!(%error, "Job runs of an earlier process could not be closed: {error}");
        }
        if let Err(error) = workspace.forget_uploads() {
            tracing::warn!(%error, "Broken uploads of an earlier run could not be removed: {error}");
        }
        WorkspaceHandle::serve(workspace).await
    }

    pub(crate) fn config(&self) -> &WorkspaceConfig {
        &self.inner.config
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.config.clock
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// Unity Catalog.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    pub(crate) fn sql_engine(&self) -> &SqlEngine {
        &self.inner.sql_engine
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.inner.signer
    }

    /// Remembers where the listeners were bound; called once.
    pub(crate) fn set_addresses(&self, http: SocketAddr, proxy: SocketAddr) {
        let _ = self.inner.addresses.set((http, proxy));
    }

    /// The REST API over plain HTTP.
    pub(crate) fn http_url(&self) -> String {
        format!("http://{}", self.http_address())
    }

    /// The port of [`Self::http_url`].
    pub(crate) fn http_port(&self) -> u16 {
        self.http_address().port()
    }

    fn http_address(&self) -> SocketAddr {
        self.inner.addresses.get().map_or(self.config().http_address, |(http, _)| *http)
    }

    /// The CONNECT proxy.
    pub(crate) fn proxy_url(&self) -> String {
        let proxy = self.inner.addresses.get().map_or(self.config().proxy_address, |(_, proxy)| *proxy);
        format!("http://{proxy}")
    }

    /// Variables through which an app's clients reach the workspace (wire §4.3).
    pub(crate) fn client_environment(&self) -> Vec<(String, String)> {
        let gateway = self.gateway();
        client_environment(&self.config().host, &self.proxy_url(), gateway.bundle())
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.inner.gateway
    }

    /// Workspace files.
    pub(crate) fn file_tree(&self) -> &FileTree {
        &self.inner.file_tree
    }

    pub(crate) fn oauth(&self) -> &OAuth {
        &self.inner.oauth
    }

    pub(crate) fn access_lists(&self) -> &AccessLists {
        &self.inner.access_lists
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    pub(crate) fn lakebase(&self) -> &Lakebase {
        &self.inner.lakebase
    }

    /// Who is signed in at the pages of dashboards.
    pub(crate) fn dashboard_sessions(&self) -> &Sessions {
        &self.inner.dashboard_sessions
    }

    /// What is remembered of Lakebase.
    pub(crate) fn databases(&self) -> Databases {
        Databases(self.inner.store.clone())
    }

    /// The same workspace without keeping it alive, for what it owns itself.
    pub(crate) fn downgrade(&self) -> WeakWorkspace {
        WeakWorkspace { inner: Arc::downgrade(&self.inner) }
    }

    pub(crate) fn serving(&self) -> &Serving {
        &self.inner.serving
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.inner.jobs
    }

    /// What is on its way for apps.
    pub(crate) fn apps(&self) -> &Underway {
        &self.inner.apps
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.inner.denials
    }

    pub(crate) fn spark(&self) -> &Spark {
        &self.inner.spark
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.inner.functions
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    pub(crate) fn vector_search(&self) -> &VectorSearch {
        &self.inner.vector_search
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Account the workspace belongs to: a UUID made of the workspace id.
    pub(crate) fn account_id(&self) -> String {
        let name = self.config().workspace_id.to_be_bytes();
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &name).to_string()
    }

    /// Every task of the workspace is spawned here and ends with it.
    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.inner.tracker
    }

    /// Cancelled when the workspace stops.
    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.inner.cancellation
    }

    /// The running side of the SQL warehouses.
    pub(crate) fn warehouses(&self) -> &Warehouses {
        &self.inner.warehouses
    }

    /// Issuer of this workspace's tokens.
    pub(crate) fn issuer(&self) -> String {
        format!("https://{}/oidc", self.config().host)
    }

    /// What a bearer token says, where it is ours, lives, and its sign-in was not ended; else a 401.
    pub(crate) fn claims_of(&self, token: &str) -> Result<Claims, ApiError> {
        let audience = self.config().workspace_id.to_string();
        let claims = self
            .signer()
            .verify(token, &self.issuer(), &audience, self.clock().unix_seconds())
            .map_err(|error| ApiError::unauthenticated(format!("Invalid access token: {error}")))?;
        self.oauth().check(&claims)?;
        Ok(claims)
    }

    /// Who a bearer token stands for, or a 401.
    pub(crate) fn caller_of(&self, token: &str) -> Result<Caller, ApiError> {
        let (name, scopes) = if token.starts_with(PERSONAL_TOKEN_PREFIX) {
            let found = self.oauth().personal_token(token).map_err(|error| ApiError::internal(&error))?;
            let now = self.clock().unix_milliseconds();
            let found = found.filter(|found| !found.is_expired(now));
            let found = found.ok_or_else(|| ApiError::unauthenticated("Invalid access token"))?;
            (found.owner, vec![ALL_APIS.to_owned()])
        } else {
            let claims = self.claims_of(token)?;
            (claims.sub, claims.scope.split(' ').map(str::to_owned).collect())
        };
        let principal =
            self.directory().principal(&name).map_err(|error| ApiError::internal(&error))?.ok_or_else(
                || ApiError::unauthenticated(format!("Invalid access token: `{name}` is not found")),
            )?;
        Ok(Caller { principal, scopes })
    }
}
