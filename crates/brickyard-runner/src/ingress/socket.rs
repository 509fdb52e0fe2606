//! The bytes of one connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Several pieces that have no more bytes than this together are written as one: the system takes longer to look through a
/// list of pieces than they take to be copied.
const SMALL: usize = 1024;

/// A connection set for short messages on one machine.
pub(super) struct Socket(TcpStream);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        // One that cannot be set so still works.
        let _untuned = stream.set_nodelay(true);
        // Nothing is lost on the loopback, so the plainest algorithm does; others measure and pace each message.
        #[cfg(target_os = "linux")]
        let _untuned =
            nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::TcpCongestion, &"reno".into());
        Self(stream)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [piece] = pieces {
            return Pin::new(&mut self.0).poll_write(context, piece);
        }
        let (mut whole, mut length) = ([0; SMALL], 0);
        for piece in pieces {
            let Some(place) = whole.get_mut(length..length + piece.len()) else {
                return Pin::new(&mut self.0).poll_write_vectored(context, pieces);
            };
            place.copy_from_slice(piece);
            length += piece.len();
        }
        Pin::new(&mut self.0).poll_write(context, &whole[..length])
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn pieces_arrive_in_order_however_large() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (mut near, mut far) = (Socket::new(near.unwrap()), far.unwrap().0);
        for sizes in [&[3_usize][..], &[0, 5], &[1_000, 24], &[1_000, 25], &[10, 5_000, 1]] {
            let pieces: Vec<Vec<u8>> =
                sizes.iter().zip(b'a'..).map(|(size, letter)| vec![letter; *size]).collect();
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let written = near.write_vectored(&slices).await.unwrap();
            assert_eq!(written, pieces.concat().len());
            let mut read = vec![0; written];
            far.read_exact(&mut read).await.unwrap();
            assert_eq!(read, pieces.concat());
        }
    }
}
