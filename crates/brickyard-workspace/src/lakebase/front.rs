use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use brickyard_postgres::{Listener, Proxy, ProxyConfig, listen};

use super::door::Door;
use super::record::FrontRecord;
use super::{Lakebase, LakebaseError};
use crate::workspace::Workspace;

/// PostgreSQL's port, which many apps do not make changeable.
const PORT: u16 = 5432;

/// A front to be made.
pub(crate) struct NewFront<'a> {
    /// Uid of the instance or endpoint.
    pub(crate) id: &'a str,
    /// Uid of the server.
    pub(crate) server: &'a str,
    /// Whether sessions can only read.
    pub(crate) read_only: bool,
    /// Whether it is a pooled address.
    pub(crate) pooled: bool,
    /// Sessions at once.
    pub(crate) connections: u32,
}

impl Lakebase {
    /// Remembers a new front and opens it.
    pub(crate) async fn create_front(
        &self,
        workspace: &Workspace,
        new: NewFront<'_>,
    ) -> Result<SocketAddr, LakebaseError> {
        let NewFront { id, server, read_only, pooled, connections } = new;
        let record = FrontRecord {
            id: id.to_owned(),
            server: server.to_owned(),
            read_only,
            pooled,
            disabled: false,
            connections,
            address: None,
        };
        workspace.databases().put_front(&record)?;
        self.front(workspace, id).await
    }

    /// Where a front listens; opens it when it does not yet in this life of the workspace.
    pub(crate) async fn front(&self, workspace: &Workspace, id: &str) -> Result<SocketAddr, LakebaseError> {
        if let Some(proxy) = self.open_front(id) {
            return Ok(proxy.address());
        }
        let _opening = self.opening.lock().await;
        if let Some(proxy) = self.open_front(id) {
            return Ok(proxy.address());
        }
        let databases = workspace.databases();
        let mut record =
            databases.front(id)?.ok_or_else(|| LakebaseError::not_found("Database endpoint", id))?;
        let server = databases
            .server(&record.server)?
            .ok_or_else(|| LakebaseError::not_found("Database server", &record.server))?;
        let listener = bind(record.address).await?;
        let address = listener.local_addr().map_err(LakebaseError::Listen)?;
        if address.port() != PORT {
            tracing::warn!(
                instance = server.title,
                "Port {PORT} is taken or not allowed: `{}` listens on port {}; apps have to read PGPORT",
                server.title,
                address.port()
            );
        }
        let names = [address.ip().to_string(), format!("instance-{id}.database.{}", workspace.config().host)];
        let config = ProxyConfig {
            name: server.title.clone(),
            server: self.compute(workspace, &record.server)?.server().clone(),
            tls: workspace.gateway().authority().server_config(&names, &[b"postgresql"])?,
            authenticator: Arc::new(Door::new(workspace, id)),
            connection_limit: record.connections,
            pooled: record.pooled,
            clock: {
                let clock = workspace.clock().clone();
                Arc::new(move || clock.unix_seconds())
            },
            tracker: workspace.tracker().clone(),
            cancellation: workspace.cancellation().clone(),
        };
        self.keep_front(id, Proxy::start(config, listener).map_err(LakebaseError::Listen)?);
        if record.address != Some(address) {
            record.address = Some(address);
            databases.put_front(&record)?;
        }
        Ok(address)
    }

    /// Forgets a front and ends its sessions.
    pub(crate) fn delete_front(&self, workspace: &Workspace, id: &str) -> Result<(), LakebaseError> {
        self.close_front(id);
        workspace.databases().delete_front(id)?;
        Ok(())
    }

    /// Changes how many sessions a front takes.
    pub(crate) fn resize_front(
        &self,
        workspace: &Workspace,
        id: &str,
        connections: u32,
    ) -> Result<(), LakebaseError> {
        if let Some(mut record) = workspace.databases().front(id)? {
            record.connections = connections;
            workspace.databases().put_front(&record)?;
        }
        if let Some(proxy) = self.open_front(id) {
            proxy.set_connection_limit(connections);
        }
        Ok(())
    }

    /// Opens every front that an earlier life of the workspace had, so that addresses people noted go on working.
    pub(crate) async fn restore(workspace: Workspace) {
        let fronts = workspace.databases().fronts("").unwrap_or_default();
        for front in fronts {
            if let Err(error) = workspace.lakebase().front(&workspace, &front.id).await {
                tracing::warn!(%error, front = front.id, "Cannot open a database address: {error}");
            }
        }
    }
}

/// The address it had, else the first free `127.0.0.N:5432`, else any free port.
async fn bind(earlier: Option<SocketAddr>) -> Result<Listener, LakebaseError> {
    let own = (2..=254).map(|last| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), PORT)));
    let shared = [PORT, 0].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let candidates: Vec<SocketAddr> = earlier.into_iter().chain(own).chain(shared).collect();
    listen(&candidates).await.map_err(LakebaseError::Listen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_earlier_address_is_taken_again_and_a_taken_one_replaced() {
        let first = bind(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).await.unwrap();
        let earlier = first.local_addr().unwrap();
        let second = bind(Some(earlier)).await.unwrap();
        assert_ne!(second.local_addr().unwrap(), earlier);
        drop(first);
        assert_eq!(bind(Some(earlier)).await.unwrap().local_addr().unwrap(), earlier);
    }
}
