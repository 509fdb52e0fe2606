use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;

use crate::apps::RegisteredApp;
use crate::error::ApiError;
use crate::gateway;
use crate::lab::RequestLog;
use crate::lakebase::Lakebase;
use crate::router;
use crate::start_error::StartError;
use crate::workspace::Workspace;

/// A running workspace; dropping it stops everything it started.
pub struct WorkspaceHandle {
    workspace: Workspace,
    http_address: SocketAddr,
    proxy_address: SocketAddr,
}

impl WorkspaceHandle {
    pub(crate) async fn serve(workspace: Workspace) -> Result<Self, StartError> {
        let log = request_log(workspace.config().request_log.as_deref())?;
        let (listener, http_address) = listen(workspace.config().http_address).await?;
        let (proxy, proxy_address) = listen(workspace.config().proxy_address).await?;
        workspace.set_addresses(http_address, proxy_address);
        let router = router::router(workspace.clone(), log);
        let gateway = workspace.gateway().clone();
        let tracker = workspace.tracker();
        tracker.spawn(gateway::serve_plain(workspace.clone(), listener, router.clone()));
        tracker.spawn(gateway::serve_proxy(workspace.clone(), gateway, proxy, router));
        let stops = workspace.cancellation().clone();
        tracker.spawn(workspace.file_tree().clone().keep_settled(stops));
        tracker.spawn(Lakebase::restore(workspace.clone()));
        crate::pipelines::resume(&workspace);
        tracker.spawn(crate::warehouse::keep_schedules(workspace.clone()));
        Ok(Self { workspace, http_address, proxy_address })
    }

    /// The REST API over plain HTTP, for tools that take a port: `http://127.0.0.1:PORT`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http_address)
    }

    /// The CONNECT proxy that leads clients to the workspace's name: `http://127.0.0.1:PORT`.
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.proxy_address)
    }

    /// Name under which clients see the workspace on port 443.
    pub fn host(&self) -> &str {
        &self.workspace.config().host
    }

    /// File of root certificates (PEM) for clients: the usual ones and ours.
    pub fn ca_bundle(&self) -> &Path {
        self.workspace.gateway().bundle()
    }

    /// File with our own root certificate alone (PEM).
    pub fn ca_certificate(&self) -> &Path {
        self.workspace.gateway().certificate()
    }

    /// The variables that lead unmodified clients to this workspace (wire §4.3): host, proxy, trust; no credentials.
    pub fn client_environment(&self) -> Vec<(String, String)> {
        self.workspace.client_environment()
    }

    /// Sends clients that ask the proxy for `https://NAME` to a plain HTTP/1.1 listener, such as an app's ingress;
    /// `name` lies directly below the configured app domain.
    pub fn route_name(&self, name: &str, address: SocketAddr) {
        self.workspace.gateway().route(name, address);
    }

    /// Takes a route away again; a name without one is no error.
    pub fn unroute_name(&self, name: &str) {
        self.workspace.gateway().unroute(name);
    }

    /// Id of the SQL warehouse that every workspace has, the same in every start: 16 hexadecimal digits.
    pub fn starter_warehouse_id(&self) -> String {
        crate::warehouse::starter_id(self.workspace.config().workspace_id)
    }

    /// What the handlers see; for the parts of this crate that add to the handle.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Starts every app again that was active when the workspace stopped; called once the app host is ready.
    pub fn resume_apps(&self) -> Result<(), ApiError> {
        self.workspace.resume_apps()
    }

    /// Makes an app known that runs outside a deployment, or brings its resources and scopes in line.
    pub async fn register_app(
        &self,
        app: brickyard_api::App,
        creator: &str,
    ) -> Result<RegisteredApp, ApiError> {
        self.workspace.register_app(app, creator).await
    }

    /// Stops softly: no new requests, running ones may finish for two seconds.
    pub async fn stop(&self) {
        self.workspace.cancellation().cancel();
        self.workspace.tracker().close();
        self.workspace.tracker().wait().await;
    }
}

fn request_log(path: Option<&Path>) -> Result<Option<RequestLog>, StartError> {
    path.map(|path| {
        RequestLog::open(path).map_err(|source| StartError::RequestLog { path: path.to_owned(), source })
    })
    .transpose()
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Drop for WorkspaceHandle {
    fn drop(&mut self) {
        self.workspace.cancellation().cancel();
    }
}
