use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::router;
use crate::workspace::{StartError, Workspace};

/// A running workspace; dropping it stops everything it started.
pub struct WorkspaceHandle {
    workspace: Workspace,
    http_address: SocketAddr,
}

impl WorkspaceHandle {
    pub(crate) async fn serve(workspace: Workspace) -> Result<Self, StartError> {
        let address = workspace.config().http_address;
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let http_address = listener.local_addr().map_err(listen)?;
        let service = router::router(workspace.clone());
        let stopped = workspace.cancellation().clone();
        workspace.tracker().spawn(async move {
            let server = axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned());
            if let Err(error) = server.await {
                tracing::error!(%error, "The workspace's HTTP listener ended: {error}");
            }
        });
        Ok(Self { workspace, http_address })
    }

    /// The REST API over plain HTTP, for tools that take a port: `http://127.0.0.1:PORT`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http_address)
    }

    /// Name under which clients see the workspace on port 443.
    pub fn host(&self) -> &str {
        &self.workspace.config().host
    }

    /// Stops softly: no new requests, running ones may finish.
    pub async fn stop(self) {
        self.workspace.cancellation().cancel();
        self.workspace.tracker().close();
        self.workspace.tracker().wait().await;
    }
}

impl Drop for WorkspaceHandle {
    fn drop(&mut self) {
        self.workspace.cancellation().cancel();
    }
}
