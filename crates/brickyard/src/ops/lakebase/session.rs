use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Place;
use crate::failure::{Failure, Kind};

/// How long a server may take to let somebody in: one that sleeps wakes up first.
const LOGIN: Duration = Duration::from_secs(60);

/// `SSLRequest` and protocol 3.0 (PostgreSQL docs, "Message Formats").
const SSL_REQUEST: u32 = 80_877_103;
const PROTOCOL: u32 = 3 << 16;

/// Most bytes of one message that are taken.
const LARGEST: usize = 64 << 20;

/// Most rows that are kept; the others are counted by the status alone.
const MOST: usize = 10_000;

/// One connection in the simple protocol: text in, text out.
pub(crate) struct Session {
    stream: TlsStream<TcpStream>,
}

/// What a statement answered.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    /// Values as PostgreSQL writes them; `None` is NULL.
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// Such as `SELECT 3` or `CREATE TABLE`.
    pub(crate) status: String,
}

impl Session {
    /// Connects with TLS, whose certificate is verified, and logs in with a token for a password.
    pub(super) async fn open(place: &Place, token: &str, authority: Option<&Path>) -> Result<Self, Failure> {
        tokio::time::timeout(LOGIN, Self::connect(place, token, authority)).await.unwrap_or_else(|_| {
            Err(Failure::machine(format!("The database at `{}` does not answer within a minute", place.host)))
        })
    }

    async fn connect(place: &Place, token: &str, authority: Option<&Path>) -> Result<Self, Failure> {
        let lost = |error: std::io::Error| {
            Failure::machine(format!("Cannot reach the database at `{}:{}`", place.host, place.port))
                .because(error)
        };
        let name = ServerName::try_from(place.host.clone())
            .map_err(|error| Failure::user(format!("`{}` is no host", place.host)).because(error))?;
        let connector = TlsConnector::from(Arc::new(trust(authority)?));
        let mut stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(lost)?;
        let _slower_without = stream.set_nodelay(true);
        stream.write_all(&[8_u32.to_be_bytes(), SSL_REQUEST.to_be_bytes()].concat()).await.map_err(lost)?;
        if stream.read_u8().await.map_err(lost)? != b'S' {
            return Err(Failure::new(Kind::Workspace, "The database offers no TLS"));
        }
        let stream = connector.connect(name, stream).await.map_err(lost)?;
        let mut session = Self { stream };
        session.log_in(place, token).await?;
        Ok(session)
    }

    async fn log_in(&mut self, place: &Place, token: &str) -> Result<(), Failure> {
        let mut body = PROTOCOL.to_be_bytes().to_vec();
        let fields = [
            ("user", place.user.as_str()),
            ("database", &place.database),
            ("application_name", "brickyard"),
            ("client_encoding", "UTF8"),
        ];
        for text in fields.iter().flat_map(|(name, value)| [*name, *value]) {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        body.push(0);
        self.send(None, &body).await?;
        loop {
            let (kind, body) = self.receive().await?;
            match (kind, body.first_chunk::<4>().map(|code| u32::from_be_bytes(*code))) {
                (b'R', Some(0)) => {}
                // A token is asked for in clear text, below TLS.
                (b'R', Some(3)) => self.send(Some(b'p'), &[token.as_bytes(), &[0]].concat()).await?,
                (b'R', Some(other)) => {
                    let message = format!("The database wants a login of kind {other}, which takes no token");
                    return Err(Failure::new(Kind::Workspace, message));
                }
                (b'E', _) => return Err(refused(&body)),
                (b'Z', _) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Executes statements and gives what the last of them answered.
    pub(crate) async fn execute(&mut self, statement: &str) -> Result<Rows, Failure> {
        if statement.contains('\0') {
            return Err(Failure::user("A statement holds no NUL"));
        }
        self.send(Some(b'Q'), &[statement.as_bytes(), &[0]].concat()).await?;
        let (mut found, mut failed) = (Rows::default(), None);
        loop {
            let (kind, body) = self.receive().await?;
            match kind {
                b'T' => found = Rows { columns: columns(&body), ..Rows::default() },
                b'D' if found.rows.len() < MOST => found.rows.push(values(&body)),
                b'C' => found.status = text(&body),
                b'E' => failed = Some(refused(&body)),
                b'G' | b'W' => {
                    self.send(Some(b'f'), b"COPY needs a client of its own, such as psql\0").await?;
                }
                b'Z' => return failed.map_or(Ok(found), Err),
                _ => {}
            }
        }
    }

    async fn send(&mut self, kind: Option<u8>, body: &[u8]) -> Result<(), Failure> {
        let length = u32::try_from(body.len() + 4).map_err(|_| Failure::user("The statement is too long"))?;
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(body);
        self.stream.write_all(&message).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)
    }

    async fn receive(&mut self) -> Result<(u8, Vec<u8>), Failure> {
        let kind = self.stream.read_u8().await.map_err(broken)?;
        let length = self.stream.read_u32().await.map_err(broken)? as usize;
        if !(4..=LARGEST).contains(&length) {
            return Err(Failure::new(Kind::Workspace, "The database does not speak PostgreSQL's protocol"));
        }
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body).await.map_err(broken)?;
        Ok((kind, body))
    }
}

fn trust(authority: Option<&Path>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let failed = |error: &dyn std::fmt::Display| {
        Failure::machine("Cannot prepare TLS").because(std::io::Error::other(error.to_string()))
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let Some(authority) = authority else {
        let verified = builder.with_platform_verifier().map_err(|error| failed(&error))?;
        return Ok(verified.with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(authority).map_err(|error| failed(&error))?;
    roots.add_parsable_certificates(certificates.flatten());
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn broken(error: std::io::Error) -> Failure {
    Failure::machine("The connection to the database broke off").because(error)
}

/// An `ErrorResponse`: fields, each with a letter before and a zero behind it.
fn refused(body: &[u8]) -> Failure {
    let field =
        |kind: u8| body.split(|byte| *byte == 0).find_map(|field| Some(text(field.strip_prefix(&[kind])?)));
    let message = format!("{} ({})", field(b'M').unwrap_or_default(), field(b'C').unwrap_or_default());
    let failure = Failure::new(Kind::Workspace, message);
    match field(b'H') {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// The names of a `RowDescription`: 18 bytes of type follow each.
fn columns(body: &[u8]) -> Vec<String> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut found = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        found.push(text(&rest[..end]));
        rest = rest.get(end + 19..).unwrap_or_default();
    }
    found
}

/// The values of a `DataRow`: a length before each, -1 for NULL.
fn values(body: &[u8]) -> Vec<Option<String>> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut found = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            found.push(None);
            rest = after;
            continue;
        };
        let (value, after) = after.split_at(length.min(after.len()));
        found.push(Some(String::from_utf8_lossy(value).into_owned()));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_nulls_and_names() {
        let described = [b"\0\x02".as_slice(), b"id\0", &[0; 18], b"name\0", &[0; 18]].concat();
        assert_eq!(columns(&described), ["id", "name"]);
        let row = [b"\0\x02".as_slice(), &2_i32.to_be_bytes(), b"42", &(-1_i32).to_be_bytes()].concat();
        assert_eq!(values(&row), [Some("42".to_owned()), None]);
        // What a broken server sends is no reason to fail.
        assert_eq!(values(b"\0\x01\0\0\0\xffab"), [Some("ab".to_owned())]);
        assert_eq!(columns(b"\0\x01id\0"), ["id"]);
    }
}
