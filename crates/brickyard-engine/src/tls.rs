//! TLS to an engine that somebody else runs.

use std::io::{Error, Result};
use std::path::Path;
use std::sync::Arc;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::socket::Socket;

/// Whom a connection trusts to say that the server is who it says.
#[derive(Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts the authorities in a PEM file, else those of the system (on Linux with what `SSL_CERT_FILE` names); else gives
    /// the reason why it cannot.
    pub(crate) fn new(trusted: Option<&Path>) -> std::result::Result<Self, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match trusted {
            None => builder.with_platform_verifier().map_err(|error| error.to_string())?,
            Some(file) => builder.with_root_certificates(roots(file)?),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Connects to the host and port of an address and lets the server prove that it is that host.
    pub(crate) async fn connect(self, address: Uri) -> Result<TokioIo<TlsStream<Socket>>> {
        let host = address.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
        let socket = Socket::open(&address).await?;
        Ok(TokioIo::new(TlsConnector::from(self.0).connect(name, socket).await?))
    }
}

fn roots(file: &Path) -> std::result::Result<RootCertStore, String> {
    let failed = |reason: &dyn std::fmt::Display| format!("`ssl_ca={}`: {reason}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() { Err(failed(&"the file holds no certificate")) } else { Ok(roots) }
}
