use std::io::{Error, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Reads up to this size, in bytes, are acknowledged at once; larger ones come in a stream that acknowledges itself.
const SMALL: usize = 16 * 1024;

/// A connection that acknowledges what it has read without delay, and sends without delay.
///
/// Who writes a message in several small pieces and leaves Nagle's algorithm on waits with the last one for an
/// acknowledgement, which Linux puts off for 40 ms: Sail does so with its answers, the SQL connector with its requests
/// (head, then body). Together that was 45 of the 50 ms of a `SELECT 1`.
#[derive(Debug)]
pub struct Socket(TcpStream);

impl Socket {
    /// Takes a connection over.
    pub fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true); // slower without, that is all
        Self(stream)
    }

    /// Connects to the host and port of an address, for HTTP.
    pub(crate) async fn connect(address: Uri) -> Result<TokioIo<Self>> {
        Ok(TokioIo::new(Self::open(&address).await?))
    }

    /// Connects to the host and port of an address.
    pub(crate) async fn open(address: &Uri) -> Result<Self> {
        let host = address.host().ok_or_else(|| Error::other("the address names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, address.port_u16().unwrap_or(15002))).await?;
        Ok(Self::new(stream))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if (1..=SMALL).contains(&(buffer.filled().len() - before)) {
            let _ = self.0.set_quickack(true); // slower without, that is all
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
