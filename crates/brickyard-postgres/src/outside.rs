use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use url::Url;

use crate::client::Client;
use crate::installation::SUPPORTED;
use crate::proxy::Password;
use crate::server::ServerError;
use crate::trust::Anybody;
use crate::upstream::Upstream;

/// Longest time a connection takes to open.
const CONNECT: Duration = Duration::from_secs(30);

/// A PostgreSQL that somebody else runs, as its URL names it:
/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…` (libpq, "Connection URIs").
///
/// `sslmode` is `disable`, `prefer` (the default), `require` (without looking at the certificate) or `verify-full` (with
/// `sslrootcert`). `?host=/run/postgresql` names the directory of a unix socket.
#[derive(Debug, Clone)]
pub struct Outside {
    place: Place,
    /// The role that administers: it makes roles and databases.
    user: String,
    password: Option<Password>,
    database: String,
    tls: Tls,
}

#[derive(Debug, Clone)]
enum Place {
    Tcp(String, u16),
    Unix(PathBuf),
}

#[derive(Debug, Clone)]
enum Tls {
    Never,
    /// With this configuration; in the clear when the server has no TLS and `needed` is false.
    Ask {
        config: Arc<rustls::ClientConfig>,
        needed: bool,
    },
}

/// Why a URL is of no use. The URL itself is not told, since it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// It is none.
    #[error("The URL of the PostgreSQL server is not of the form `postgres://USER@HOST:PORT/DATABASE`")]
    Malformed,
    /// It names nobody.
    #[error("The URL of the PostgreSQL server names no user")]
    NoUser,
    /// A parameter of it.
    #[error("`{name}={value}` in the URL of the PostgreSQL server is not understood")]
    Parameter {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The file of root certificates.
    #[error("The root certificates of the PostgreSQL server cannot be read from `{}`", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
    },
    /// `verify-full` without certificates.
    #[error("`sslmode=verify-full` needs `sslrootcert`, a file of root certificates")]
    NoCertificates,
}

impl Outside {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, OutsideError> {
        let url = Url::parse(text).map_err(|_| OutsideError::Malformed)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(OutsideError::Malformed);
        }
        let plain = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
            decoded.map(std::borrow::Cow::into_owned).map_err(|_| OutsideError::Malformed)
        };
        let user = plain(url.username())?;
        let password = url.password().map(plain).transpose()?;
        let database = plain(url.path().trim_start_matches('/'))?;
        let (mut mode, mut roots, mut directory) = ("prefer".to_owned(), None, None);
        let (mut user, mut password) = (user, password);
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => roots = Some(PathBuf::from(&*value)),
                "host" if value.starts_with('/') => directory = Some(PathBuf::from(&*value)),
                "user" => user = value.into_owned(),
                "password" => password = Some(value.into_owned()),
                _ => return Err(OutsideError::Parameter { name: name.into(), value: value.into() }),
            }
        }
        if user.is_empty() {
            return Err(OutsideError::NoUser);
        }
        let port = url.port().unwrap_or(5432);
        let place = match (directory, url.host_str().filter(|host| !host.is_empty())) {
            (Some(directory), _) => Place::Unix(directory.join(format!(".s.PGSQL.{port}"))),
            (None, Some(host)) => Place::Tcp(host.trim_matches(['[', ']']).to_owned(), port),
            (None, None) => return Err(OutsideError::Malformed),
        };
        let tls = match mode.as_str() {
            "disable" => Tls::Never,
            "prefer" => Tls::Ask { config: Anybody::config(), needed: false },
            "require" => Tls::Ask { config: Anybody::config(), needed: true },
            "verify-full" => {
                let path = roots.ok_or(OutsideError::NoCertificates)?;
                let config = verified(&path).ok_or(OutsideError::Certificates { path })?;
                Tls::Ask { config, needed: true }
            }
            _ => return Err(OutsideError::Parameter { name: "sslmode".to_owned(), value: mode }),
        };
        let database = if database.is_empty() { "postgres".to_owned() } else { database };
        Ok(Self { place, user, password: password.map(Password::new), database, tls })
    }

    /// The administering role.
    pub fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// The database in which roles and databases are administered.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Host and port, or the socket, for messages.
    pub fn address(&self) -> String {
        match &self.place {
            Place::Tcp(host, port) => format!("{host}:{port}"),
            Place::Unix(socket) => socket.display().to_string(),
        }
    }

    /// The server's version, as the administering role is told it; an error where that is not supported.
    pub async fn version(&self) -> Result<String, ServerError> {
        let unreachable = |source| ServerError::Unreachable { address: self.address(), source };
        let connection = self.connect().await.map_err(unreachable)?;
        let mut client = Client::log_in(connection, self.user(), self.password(), self.database()).await?;
        let rows = client.query("SHOW server_version").await?;
        let version =
            rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default();
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        if digits.parse().is_ok_and(|major| SUPPORTED.contains(&major)) {
            return Ok(version);
        }
        Err(ServerError::Unsupported { address: self.address(), version })
    }

    /// Opens a connection, with TLS where that was asked for; nobody has logged in yet.
    pub(crate) async fn connect(&self) -> io::Result<Upstream> {
        timeout(CONNECT, self.open()).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn open(&self) -> io::Result<Upstream> {
        let (host, port) = match &self.place {
            Place::Unix(socket) => return Ok(Upstream::Unix(UnixStream::connect(socket).await?)),
            Place::Tcp(host, port) => (host.as_str(), *port),
        };
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let Tls::Ask { config, needed } = &self.tls else { return Ok(Upstream::Tcp(stream)) };
        stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
        match stream.read_u8().await? {
            b'S' => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                Ok(Upstream::Tls(Box::new(connector.connect(name, stream).await?)))
            }
            b'N' if !needed => Ok(Upstream::Tcp(stream)),
            _ => Err(io::Error::other("the server has no TLS, and `sslmode` asks for it")),
        }
    }
}

fn verified(path: &std::path::Path) -> Option<Arc<rustls::ClientConfig>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).ok()? {
        roots.add(certificate.ok()?).ok()?;
    }
    if roots.is_empty() {
        return None;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Some(Arc::new(builder.ok()?.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_libpq_does() {
        let outside =
            Outside::parse("postgres://ada%40x:p%2Fw@db.example:6543/shop?sslmode=require").unwrap();
        assert_eq!((outside.user(), outside.address().as_str()), ("ada@x", "db.example:6543"));
        assert_eq!(outside.password().unwrap().reveal(), "p/w");
        assert_eq!(outside.database(), "shop");
        assert!(!format!("{outside:?}").contains("p/w"), "a password is not shown");
        let outside = Outside::parse("postgresql:///?host=/run/postgresql&user=me").unwrap();
        assert_eq!(outside.address(), "/run/postgresql/.s.PGSQL.5432");
        assert_eq!(outside.database(), "postgres");
        for wrong in [
            "mysql://a@b/",
            "postgres://host/db",
            "nonsense",
            "postgres://a@b/?sslmode=maybe",
            "postgres://a@b/?sslmode=verify-full",
            "postgres://a@b/?sslmode=verify-full&sslrootcert=/absent",
            "postgres://a@b/?application_name=x",
            "postgres:///db?user=a",
        ] {
            let error = Outside::parse(wrong).unwrap_err();
            assert!(!error.to_string().is_empty(), "{wrong}");
        }
    }
}
