use std::io::{Cursor, Error, ErrorKind};
use std::time::Duration;

use axum::Router;
use brickyard_engine::Socket;
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Gateway;
use super::connect::{self, ConnectError, LONGEST_HEAD, Target};
use super::server::{Via, accept, serve_stream};
use crate::workspace::Workspace;

/// How long a client may take for its request head, and for its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a tunnel's far end may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

const COPY_BUFFER: usize = 64 * 1024;

/// Serves the CONNECT proxy until the workspace stops.
pub(crate) async fn serve_proxy(
    workspace: Workspace,
    gateway: Gateway,
    listener: TcpListener,
    router: Router,
) {
    let cancellation = workspace.cancellation().clone();
    loop {
        let stream = tokio::select! {
            () = cancellation.cancelled() => return,
            accepted = accept(&listener) => accepted,
        };
        let (gateway, router, cancellation) = (gateway.clone(), router.clone(), cancellation.clone());
        workspace.tracker().spawn(async move {
            if let Err(error) = serve_client(gateway, stream, router, cancellation).await {
                tracing::debug!(%error, "A proxied connection ended early: {error}");
            }
        });
    }
}

async fn serve_client(
    gateway: Gateway,
    mut stream: Socket,
    router: Router,
    cancellation: CancellationToken,
) -> Result<(), Error> {
    let head = tokio::select! {
        () = cancellation.cancelled() => return Ok(()),
        head = tokio::time::timeout(HANDSHAKE_TIMEOUT, read_head(&mut stream)) => head??,
    };
    let (target, early) = match head {
        Ok(head) => head,
        Err(error) => return refuse(stream, error.status(), &error.to_string()).await,
    };
    let routed = gateway.routed(&target.host);
    if target.host == gateway.inner.host {
        if target.port != 443 {
            let message = format!("the workspace listens on port 443 alone, not on {}", target.port);
            return refuse(stream, "502 Bad Gateway", &message).await;
        }
        stream.write_all(ESTABLISHED).await?;
        let stream = handshake(&gateway.inner.workspace_tls, stream, early).await?;
        serve_stream(stream, router, Via::Gateway, cancellation).await;
        return Ok(());
    }
    let mut far = match far_end(&gateway, &target, routed).await {
        Ok(far) => far,
        Err(error) => {
            let message = format!("{}:{} cannot be reached: {error}", target.host, target.port);
            return refuse(stream, "502 Bad Gateway", &message).await;
        }
    };
    stream.write_all(ESTABLISHED).await?;
    if routed.is_some() {
        let mut near = handshake(&gateway.inner.app_tls, stream, early).await?;
        return tunnel(&mut near, &mut far, cancellation).await;
    }
    tunnel(&mut with_early(stream, early), &mut far, cancellation).await
}

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

async fn read_head(stream: &mut Socket) -> Result<Result<(Target, BytesMut), ConnectError>, Error> {
    let mut bytes = BytesMut::with_capacity(1024);
    loop {
        match connect::parse(&bytes) {
            Ok(None) => {}
            Ok(Some((target, length))) => return Ok(Ok((target, bytes.split_off(length)))),
            Err(error) => return Ok(Err(error)),
        }
        let room = LONGEST_HEAD - bytes.len();
        if (&mut *stream).take(room as u64).read_buf(&mut bytes).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The stream with the bytes that a hasty client sent behind its request head put in front again.
fn with_early(stream: Socket, early: BytesMut) -> impl AsyncRead + AsyncWrite + Unpin + Send {
    let (reader, writer) = tokio::io::split(stream);
    tokio::io::join(Cursor::new(early).chain(reader), writer)
}

async fn handshake(
    config: &std::sync::Arc<rustls::ServerConfig>,
    stream: Socket,
    early: BytesMut,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Error> {
    let accepted = TlsAcceptor::from(config.clone()).accept(with_early(stream, early));
    tokio::time::timeout(HANDSHAKE_TIMEOUT, accepted).await?
}

async fn far_end(
    gateway: &Gateway,
    target: &Target,
    routed: Option<std::net::SocketAddr>,
) -> Result<TcpStream, Error> {
    let connecting = async {
        let loopback = target.host == "localhost"
            || target.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        match (&routed, &gateway.inner.upstream) {
            (Some(address), _) => TcpStream::connect(address).await,
            (None, Some(upstream)) if !loopback => through(upstream, target).await,
            _ => TcpStream::connect((target.host.as_str(), target.port)).await,
        }
    };
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A tunnel through the proxy of the user's own network, `[http://][USER:PASSWORD@]HOST:PORT`.
async fn through(upstream: &str, target: &Target) -> Result<TcpStream, Error> {
    use base64::Engine as _;
    let upstream = upstream.strip_prefix("http://").unwrap_or(upstream).trim_end_matches('/');
    let (credentials, address) = upstream.rsplit_once('@').map_or((None, upstream), |(c, a)| (Some(c), a));
    let mut stream = TcpStream::connect(address).await?;
    let name = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let authorization = credentials.map_or_else(String::new, |credentials| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials);
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    let port = target.port;
    let request = format!("CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Byte by byte: what follows the head belongs to the tunnel.
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD {
            return Err(Error::other("the network's proxy answers with an endless head"));
        }
        head.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&head);
    let line = line.lines().next().unwrap_or_default();
    if line.split(' ').nth(1) != Some("200") {
        return Err(Error::other(format!("the network's proxy answers `{line}`")));
    }
    Ok(stream)
}

async fn tunnel(
    near: &mut (impl AsyncRead + AsyncWrite + Unpin + ?Sized),
    far: &mut TcpStream,
    cancellation: CancellationToken,
) -> Result<(), Error> {
    tokio::select! {
        () = cancellation.cancelled() => Ok(()),
        copied = copy_bidirectional_with_sizes(near, far, COPY_BUFFER, COPY_BUFFER) => copied.map(|_| ()),
    }
}

async fn refuse(mut stream: Socket, status: &str, message: &str) -> Result<(), Error> {
    let body = format!("brickyard proxy: {message}\n");
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
