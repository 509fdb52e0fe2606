use std::net::SocketAddr;

use brickyard_engine::{ChildConfig, Engine, EngineConfig, EngineError};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

use crate::catalog::engine_router;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Memory pool of one engine child, in bytes.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;

/// The SQL engine behind the workspace, started by the first who needs it.
#[derive(Default)]
pub(crate) struct SqlEngine {
    engine: OnceCell<Engine>,
}

impl Workspace {
    /// The SQL engine; starting it takes part of a second once its program is there.
    ///
    /// It resolves every table name with the workspace's catalog, as the principal of the session's slot
    /// ([`crate::catalog::CatalogSlots::lease`]); it is stopped with the workspace.
    pub(crate) async fn engine(&self) -> Result<&Engine, ApiError> {
        self.sql_engine().engine.get_or_try_init(|| start(self)).await
    }
}

async fn start(workspace: &Workspace) -> Result<Engine, ApiError> {
    let engine = match &workspace.config().engine {
        Some(url) => Engine::start(EngineConfig::remote(url)?).await?,
        None => start_child(workspace).await?,
    };
    workspace.tracker().spawn({
        let workspace = workspace.clone();
        async move {
            workspace.cancellation().cancelled().await;
            if let Some(engine) = workspace.sql_engine().engine.get() {
                engine.stop().await;
            }
        }
    });
    Ok(engine)
}

async fn start_child(workspace: &Workspace) -> Result<Engine, ApiError> {
    let provision = &workspace.config().provision;
    let executable = provision.engine().await.map_err(|error| {
        let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        unavailable(&format!("{}{hint}", error.message))
    })?;
    let directory = workspace.config().state_directory.join("engine");
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    std::fs::create_dir_all(&directory).map_err(|error| unavailable(&error.to_string()))?;
    let warehouse_directory = workspace.catalog().engine_path(&directory)?;
    let address = serve_catalog(workspace).await.map_err(|error| unavailable(&error.to_string()))?;
    Ok(Engine::start(EngineConfig::Child(ChildConfig {
        executable,
        warden: provision.warden(),
        warehouse_directory,
        catalog_url: format!("http://{address}/api/2.1/unity-catalog"),
        catalog_tokens: workspace.catalog().slots().tokens(),
        memory: MEMORY,
        largest: MEMORY,
    }))
    .await?)
}

/// Serves the catalog to the engine on a loopback port of its own: it understands slot tokens and nothing else.
async fn serve_catalog(workspace: &Workspace) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let service = engine_router(workspace.clone());
    let stop = workspace.cancellation().clone();
    workspace.tracker().spawn(async move {
        let server = axum::serve(listener, service);
        tokio::select! {
            ended = server => {
                if let Err(error) = ended {
                    tracing::error!(%error, "The engine's catalog listener ended: {error}");
                }
            }
            () = stop.cancelled() => {}
        }
    });
    Ok(address)
}

fn unavailable(message: &str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", message)
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        if error.retryable { unavailable(&error.message) } else { ApiError::internal(&error) }
    }
}
