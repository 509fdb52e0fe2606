//! The door clients come through: TLS for the workspace's name on "port 443", by way of a CONNECT proxy on loopback.
//!
//! Official clients build `https://HOST:443/…` themselves (wire §0.1), so the workspace has a name, an authority of its
//! own, and a proxy that answers for that name and passes every other name through untouched (wire §4.3, row c).

mod authority;
pub(crate) mod connect;
mod environment;
mod host_check;
mod proxy;
mod server;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;

pub(crate) use authority::Authority;
pub use authority::AuthorityError;
pub(crate) use environment::client_environment;
pub(crate) use host_check::check_host;
pub(crate) use proxy::serve_proxy;
pub(crate) use server::{Via, serve_plain};

/// Authority, trust bundle and routes of one workspace.
#[derive(Clone)]
pub(crate) struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    host: String,
    authority: Authority,
    bundle: PathBuf,
    certificate: PathBuf,
    workspace_tls: Arc<ServerConfig>,
    app_tls: Arc<ServerConfig>,
    routes: RwLock<HashMap<String, SocketAddr>>,
    upstream: Option<String>,
}

impl Gateway {
    /// Opens or makes the authority below `directory` and writes the trust bundle of `base` plus the authority.
    pub(crate) fn open(
        directory: &Path,
        host: &str,
        app_domain: &str,
        base: Option<&Path>,
        upstream: Option<String>,
    ) -> Result<Self, AuthorityError> {
        let directory = directory.join(host);
        let authority = Authority::open(&directory, host, app_domain)?;
        let bundle = directory.join("bundle.pem");
        authority.write_bundle(&bundle, base)?;
        let names = [host.to_owned(), format!("*.{app_domain}")];
        let workspace_tls = authority.server_config(&names, &[b"h2", b"http/1.1"])?;
        let app_tls = authority.server_config(&names, &[b"http/1.1"])?;
        let certificate = directory.join("ca.pem");
        let host = host.to_owned();
        let routes = RwLock::default();
        Ok(Self {
            inner: Arc::new(Inner {
                host,
                authority,
                bundle,
                certificate,
                workspace_tls,
                app_tls,
                routes,
                upstream,
            }),
        })
    }

    /// File with every root a client of an app trusts, ours included.
    pub(crate) fn bundle(&self) -> &Path {
        &self.inner.bundle
    }

    /// File with our own root alone.
    pub(crate) fn certificate(&self) -> &Path {
        &self.inner.certificate
    }

    /// Issues server certificates, for the Lakebase front too.
    pub(crate) fn authority(&self) -> &Authority {
        &self.inner.authority
    }

    /// Sends `https://NAME` of clients behind the proxy to a plain HTTP/1.1 listener, such as an app's ingress.
    pub(crate) fn route(&self, name: &str, address: SocketAddr) {
        let mut routes = self.inner.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.insert(name.to_ascii_lowercase(), address);
    }

    /// Forgets a route.
    pub(crate) fn unroute(&self, name: &str) {
        let mut routes = self.inner.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.remove(&name.to_ascii_lowercase());
    }

    fn routed(&self, name: &str) -> Option<SocketAddr> {
        self.inner.routes.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}
