use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::half_open::{Place, Stage};
use crate::login::{self, LoginError};
use crate::message::{self, PROTOCOL};
use crate::pooled;
use crate::proxy::{Admission, Inner, Login, Password};
use crate::refusal::Refusal;
use crate::relay::relay;
use crate::server::ServerState;
use crate::startup::{self, Hello, Startup, StartupError};
use crate::upstream::Upstream;
use crate::watch::Watch;

/// The protocol's name in TLS.
pub(crate) const ALPN: &[u8] = b"postgresql";

/// Longest time from the first byte to the password.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest password in bytes: tokens have one or two thousand.
const LONGEST_PASSWORD: usize = 32 * 1024;

/// How long a connection outlives the proxy, for the server's last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What comes out of a handshake.
enum Outcome {
    /// Logged in.
    Session(Box<TlsStream<TcpStream>>, Startup, Admission),
    /// A query is to end.
    Cancel(Bytes),
    /// The client has gone or was told to.
    Done,
}

/// Serves one connection from its first byte to its last.
pub(crate) async fn serve(proxy: Arc<Inner>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let place = proxy.half_open.enter();
    let outcome = tokio::select! {
        greeted = timeout(PATIENCE, greet(&proxy, &place, stream)) => match greeted {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::debug!(%error, "A Postgres handshake ended: {error}");
                return;
            }
            Err(_) => return,
        },
        () = place.evicted.cancelled() => return,
        () = proxy.closed.cancelled() => return,
    };
    drop(place);
    match outcome {
        Outcome::Session(stream, startup, admission) => session(&proxy, *stream, &startup, &admission).await,
        Outcome::Cancel(packet) => cancel(&proxy, &packet).await,
        Outcome::Done => {}
    }
}

async fn greet(proxy: &Inner, place: &Place, mut stream: TcpStream) -> io::Result<Outcome> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(Outcome::Done);
    }
    if first[0] == 0x16 {
        // a TLS record: the client starts without asking, which needs ALPN (PostgreSQL 17)
        place.advance(Stage::Asked);
        let tls = proxy.tls.accept(stream).await?;
        if tls.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Ok(Outcome::Done);
        }
        return log_in(proxy, place, tls).await;
    }
    for _ in 0..3 {
        match packet(&mut stream).await? {
            Ok((Hello::Tls, _)) => {
                place.advance(Stage::Asked);
                stream.write_all(b"S").await?;
                return log_in(proxy, place, proxy.tls.accept(stream).await?).await;
            }
            Ok((Hello::Gss, _)) => stream.write_all(b"N").await?,
            Ok((Hello::Cancel, packet)) => return Ok(Outcome::Cancel(packet)),
            Ok((Hello::Startup(_), _)) => {
                let refusal =
                    Refusal::authorization("connection is insecure: Lakebase takes TLS connections only")
                        .hint("Set sslmode=require (PGSSLMODE=require; asyncpg: ssl=\"require\")");
                return refuse(&mut stream, &refusal).await;
            }
            Err(error) => return refuse(&mut stream, &malformed(error)).await,
        }
    }
    Ok(Outcome::Done)
}

async fn log_in(proxy: &Inner, place: &Place, mut stream: TlsStream<TcpStream>) -> io::Result<Outcome> {
    place.advance(Stage::Private);
    let startup = match packet(&mut stream).await? {
        Ok((Hello::Startup(startup), _)) => startup,
        Ok((Hello::Cancel, packet)) => return Ok(Outcome::Cancel(packet)),
        Ok((Hello::Tls | Hello::Gss, _)) => {
            return refuse(&mut stream, &malformed(StartupError::Layout)).await;
        }
        Err(error) => return refuse(&mut stream, &malformed(error)).await,
    };
    let (Some(user), Some(database)) = (startup.user(), startup.database()) else {
        let refusal = Refusal::authorization("no PostgreSQL user name specified in startup packet");
        return refuse(&mut stream, &refusal).await;
    };
    if startup.replication() {
        let refusal = Refusal::new("0A000", "Lakebase does not offer the replication protocol");
        return refuse(&mut stream, &refusal).await;
    }
    let unknown = startup.unknown_options();
    if startup.minor > 0 || !unknown.is_empty() {
        stream.write_all(&negotiate(&unknown)).await?;
    }
    stream.write_all(&message::frame(b'R', &3_u32.to_be_bytes())).await?;
    stream.flush().await?;
    let (tag, body) = message::read(&mut stream, LONGEST_PASSWORD).await?;
    let password = body.strip_suffix(&[0]).and_then(|body| std::str::from_utf8(body).ok());
    let (b'p', Some(password)) = (tag, password) else {
        let refusal = Refusal::new("08P01", "expected a password in clear text inside TLS");
        return refuse(&mut stream, &refusal).await;
    };
    let password = Password(password.to_owned());
    let application_name = startup.parameter("application_name");
    let login = Login { user, database, password: &password, application_name };
    match proxy.config.authenticator.admit(login).await {
        Ok(admission) => Ok(Outcome::Session(Box::new(stream), startup, admission)),
        Err(refusal) => {
            tracing::debug!(instance = proxy.config.name, user, "A Postgres login was refused: {refusal}");
            refuse(&mut stream, &refusal).await
        }
    }
}

async fn session(proxy: &Inner, mut stream: TlsStream<TcpStream>, startup: &Startup, admission: &Admission) {
    let limit = proxy.limit.load(Ordering::Relaxed) as usize;
    let before = proxy.sessions.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(proxy);
    if before >= limit {
        let refusal = Refusal::new("53300", "sorry, too many clients already")
            .detail(format!("`{}` takes {limit} connections at once", proxy.config.name))
            .hint("Use a connection pool, close what is not used, or give the instance a larger capacity");
        let _ = refuse(&mut stream, &refusal).await;
        return;
    }
    let packet = server_startup(startup, admission);
    if proxy.config.pooled && proxy.config.server.outside().is_none() {
        match pooled::begin(proxy, packet).await {
            Ok(session) => session.serve(proxy, (stream, counted)).await,
            Err(refusal) => drop(refuse(&mut stream, &refusal).await),
        }
        return;
    }
    match open(proxy, &packet, admission, &mut stream).await {
        Ok(mut server) => move_bytes(proxy, &mut stream, &mut server, None).await,
        Err(refusal) => drop(refuse(&mut stream, &refusal).await),
    }
}

/// Moves bytes between client and server until one has gone, or the proxy ends.
pub(crate) async fn move_bytes(
    proxy: &Inner,
    stream: &mut TlsStream<TcpStream>,
    server: &mut Upstream,
    watch: Option<&mut Watch>,
) {
    let touch = || proxy.touch();
    touch();
    let moved = relay(stream, server, &touch, watch);
    tokio::pin!(moved);
    let result = tokio::select! {
        result = &mut moved => result,
        () = proxy.closed.cancelled() => timeout(LAST_WORDS, moved).await.unwrap_or(Ok(())),
    };
    if let Err(error) = result {
        tracing::trace!(%error, "A Postgres session ended: {error}");
    }
}

/// Opens the server's side of a session, as the admitted role.
async fn open(
    proxy: &Inner,
    packet: &[u8],
    admission: &Admission,
    client: &mut (impl AsyncWrite + Unpin),
) -> Result<Upstream, Refusal> {
    let unavailable = |error: &dyn std::error::Error| unavailable(proxy, error);
    let mut server = proxy.config.server.connect().await.map_err(|error| unavailable(&error))?;
    server.write_all(packet).await.map_err(|error| unavailable(&error))?;
    if let Some(password) = &admission.password {
        // An outside server: we log in for the client, which has shown us another password.
        server.flush().await.map_err(|error| unavailable(&error))?;
        let private = !matches!(server, Upstream::Tcp(_));
        login::log_in(&mut server, Some(password), private).await.map_err(|error| match error {
            LoginError::Refused(told) => {
                Refusal::new("28000", told.message).detail("The outside PostgreSQL refused the login")
            }
            other => unavailable(&other),
        })?;
        let welcome = message::frame(b'R', &0_u32.to_be_bytes());
        client.write_all(&welcome).await.map_err(|error| unavailable(&error))?;
    }
    Ok(server)
}

/// The server cannot be reached, or does not answer as one.
pub(crate) fn unavailable(proxy: &Inner, error: &dyn std::error::Error) -> Refusal {
    Refusal::new("57P03", format!("the database `{}` is not available", proxy.config.name))
        .detail(error.to_string())
}

/// The startup packet for the server: what the client sent, but the role is the admitted one and settings are added.
fn server_startup(startup: &Startup, admission: &Admission) -> Bytes {
    let mut options = startup.parameter("options").unwrap_or_default().to_owned();
    for (name, value) in &admission.settings {
        let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
        let _ = write!(options, " -c {name}={value}");
    }
    let database = startup.database().unwrap_or_default();
    let mut parameters = vec![("user", admission.role.as_str()), ("database", database)];
    parameters.extend(
        startup
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !matches!(*name, "user" | "database" | "options" | "replication"))
            .filter(|(name, _)| !name.starts_with("_pq_.")),
    );
    if !options.is_empty() {
        parameters.push(("options", &options));
    }
    message::startup(parameters)
}

/// Hands a cancel request to the server, which checks the key; where backends are lent, it is one of ours.
async fn cancel(proxy: &Inner, packet: &[u8]) {
    if proxy.config.server.state() != ServerState::Running {
        return;
    }
    let lent = proxy.config.pooled.then(|| proxy.pool.cancel(packet));
    let packet = match &lent {
        Some(Some(translated)) => translated,
        Some(None) => return,
        None => packet,
    };
    let forward = async {
        let mut server = proxy.config.server.connect().await.map_err(io::Error::other)?;
        server.write_all(packet).await?;
        server.read_to_end(&mut Vec::new()).await // the server closes when it has looked
    };
    let _ = timeout(PATIENCE, forward).await;
}

/// Reads one packet of the time before the login; returns it whole as well.
async fn packet(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Result<(Hello, Bytes), StartupError>> {
    let length = stream.read_u32().await?;
    let body = match startup::body_length(length) {
        Ok(body) => body,
        Err(error) => return Ok(Err(error)),
    };
    let mut whole = vec![0; body + 4];
    whole[..4].copy_from_slice(&length.to_be_bytes());
    stream.read_exact(&mut whole[4..]).await?;
    Ok(startup::parse(&whole[4..]).map(|hello| (hello, Bytes::from(whole))))
}

/// `NegotiateProtocolVersion`: we speak 3.0 and none of these options.
fn negotiate(unknown: &[&str]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u32(PROTOCOL);
    body.put_u32(u32::try_from(unknown.len()).unwrap_or(u32::MAX));
    for option in unknown {
        body.put_slice(option.as_bytes());
        body.put_u8(0);
    }
    message::frame(b'v', &body)
}

fn malformed(error: StartupError) -> Refusal {
    let sqlstate = if matches!(error, StartupError::Protocol { .. }) { "0A000" } else { "08P01" };
    Refusal::new(sqlstate, error.to_string())
}

async fn refuse(
    stream: &mut (impl AsyncWrite + AsyncRead + Unpin),
    refusal: &Refusal,
) -> io::Result<Outcome> {
    stream.write_all(&refusal.to_message().encode()).await?;
    stream.shutdown().await?;
    // Reading on until the client has gone keeps the system from throwing the message away with a reset.
    let mut rest = [0; 1024];
    let drain = async { while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    let _ = timeout(LAST_WORDS, drain).await;
    Ok(Outcome::Done)
}

/// Counts a session out when it ends.
pub(crate) struct Counted<'a>(&'a Inner);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_sees_the_admitted_role_and_nothing_else() {
        let startup = Startup {
            minor: 0,
            parameters: [
                ("user", "eve"),
                ("database", "shop"),
                ("user", "cloud_admin"),
                ("options", "-c geqo=off"),
                ("replication", "off"),
                ("application_name", "till"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        };
        let admission = Admission {
            role: "eve".to_owned(),
            settings: vec![("default_transaction_read_only".to_owned(), "on".to_owned())],
            password: None,
        };
        let packet = server_startup(&startup, &admission);
        let Ok(Hello::Startup(seen)) = startup::parse(&packet[4..]) else { panic!("not a startup") };
        let names: Vec<&str> = seen.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user", "database", "application_name", "options"]);
        assert_eq!(seen.user(), Some("eve"));
        assert_eq!(seen.parameter("options"), Some("-c geqo=off -c default_transaction_read_only=on"));
    }
}
