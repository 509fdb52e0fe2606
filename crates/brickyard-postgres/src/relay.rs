use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::watch::Watch;

/// Bytes moved at once.
const CHUNK: usize = 64 * 1024;

/// How long the other side may take to go once one side has.
const LINGER: Duration = Duration::from_secs(5);

thread_local! {
    /// The buffer of this thread: a connection that waits holds none.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// Moves bytes both ways until one side has gone; `touch` is called for each move. With a `watch`, a client that leaves
/// in good order leaves the server's side open, and the watch says so.
pub(crate) async fn relay(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + AsyncWrite + Unpin),
    touch: &(dyn Fn() + Sync),
    mut watch: Option<&mut Watch>,
) -> io::Result<()> {
    let (mut up, mut down) = (Way::default(), Way::default());
    poll_fn(|context| {
        let upward = up.poll(context, client, server, touch, &mut |bytes| {
            watch.as_mut().map_or(bytes.len(), |watch| watch.client_says(bytes))
        })?;
        let downward = down.poll(context, server, client, touch, &mut |bytes| {
            if let Some(watch) = &mut watch {
                watch.server_says(bytes);
            }
            bytes.len()
        })?;
        if upward.is_ready() || downward.is_ready() { Poll::Ready(io::Result::Ok(())) } else { Poll::Pending }
    })
    .await?;
    if up.withheld {
        return Ok(());
    }
    // A client that left needs nothing more; a server that left may have said why, and that has to arrive.
    let rest = poll_fn(|context| {
        let all = &mut |bytes: &[u8]| bytes.len();
        let upward = up.poll(context, client, server, touch, all)?;
        let downward = down.poll(context, server, client, touch, all)?;
        if upward.is_ready() && downward.is_ready() { Poll::Ready(io::Result::Ok(())) } else { Poll::Pending }
    });
    timeout(LINGER, rest).await.unwrap_or(Ok(()))
}

/// One direction.
#[derive(Default)]
struct Way {
    /// What was read and could not be written yet.
    held: Bytes,
    unflushed: bool,
    ended: bool,
    closed: bool,
    /// Whether the last bytes were kept from `to`, which stays open.
    withheld: bool,
}

impl Way {
    /// Moves what can be moved; ready when `from` has ended and `to` was told so, or when `look` takes less than it sees.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        touch: &(dyn Fn() + Sync),
        look: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        if self.closed {
            return Poll::Ready(Ok(()));
        }
        loop {
            while self.held.has_remaining() {
                let written = ready!(Pin::new(&mut *to).poll_write(context, &self.held))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.held.advance(written);
            }
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(context))?;
                self.closed = true;
                return Poll::Ready(Ok(()));
            }
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let mut buffer = ReadBuf::new(scratch);
                match Pin::new(&mut *from).poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) => {
                        let filled = buffer.filled();
                        let taken = look(filled);
                        self.withheld = taken < filled.len();
                        let read = filled.len();
                        let filled = &filled[..taken];
                        let written = if filled.is_empty() {
                            0
                        } else {
                            match Pin::new(&mut *to).poll_write(context, filled) {
                                Poll::Ready(Ok(written)) => written,
                                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                                Poll::Pending => 0,
                            }
                        };
                        self.held = Bytes::copy_from_slice(&filled[written..]);
                        Poll::Ready(Ok(read))
                    }
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                }
            });
            match read {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(_)) if self.withheld && self.held.is_empty() => {
                    self.closed = true;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(_)) => {
                    touch();
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(context))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn large_transfers_cross_in_both_directions_at_once() {
        let (mut client, mut front) = duplex(1000);
        let (mut server, mut back) = duplex(700);
        let moves = AtomicU64::new(0);
        let touch = || {
            moves.fetch_add(1, Ordering::Relaxed);
        };
        let up: Vec<u8> = (0..300_000_u32).map(|number| number.to_be_bytes()[3]).collect();
        let down: Vec<u8> = up.iter().rev().copied().collect();
        let (mut client_read, mut client_write) = tokio::io::split(&mut client);
        let (mut server_read, mut server_write) = tokio::io::split(&mut server);
        let (mut at_server, mut at_client) = (vec![0; up.len()], vec![0; down.len()]);
        let ends = async {
            tokio::try_join!(
                client_write.write_all(&up),
                server_write.write_all(&down),
                async { server_read.read_exact(&mut at_server).await.map(|_| ()) },
                async { client_read.read_exact(&mut at_client).await.map(|_| ()) },
            )
        };
        tokio::select! {
            result = relay(&mut front, &mut back, &touch, None) => panic!("ended early: {result:?}"),
            result = ends => { result.unwrap(); }
        }
        assert_eq!(at_server, up);
        assert_eq!(at_client, down);
        assert!(moves.load(Ordering::Relaxed) > 0);
    }

    #[tokio::test]
    async fn the_last_words_of_a_server_arrive() {
        let (mut client, mut front) = duplex(1000);
        let (mut server, mut back) = duplex(1000);
        let script = async move {
            server.write_all(b"FATAL").await.unwrap();
            drop(server);
            let mut words = Vec::new();
            client.read_to_end(&mut words).await.unwrap();
            words
        };
        let (result, words) = tokio::join!(
            async {
                let result = relay(&mut front, &mut back, &|| {}, None).await;
                drop(front);
                result
            },
            script
        );
        assert_eq!(words, b"FATAL");
        drop(result);
    }
}
