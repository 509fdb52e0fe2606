//! Sessions of a pooled address: the backend of one that has left in good order serves the next of the same kind.

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::greeting::Greeting;
use crate::handshake::{Counted, move_bytes, unavailable};
use crate::key::{Keys, Lease};
use crate::proxy::Inner;
use crate::refusal::Refusal;
use crate::spare::{Spare, Spares};
use crate::watch::Watch;

/// Where the key stands in a cancel request.
const KEY: usize = 8;

/// The backends that wait and the keys of the sessions that run.
#[derive(Default)]
pub(crate) struct Pool {
    pub(crate) spares: Spares,
    keys: Keys,
}

/// A session that begins.
pub(crate) struct Session {
    spare: Spare,
}

impl Pool {
    /// The cancel request for the server, where the key is that of a session that runs.
    pub(crate) fn cancel(&self, packet: &[u8]) -> Option<Bytes> {
        let (head, key) = packet.split_at_checked(KEY)?;
        let server = self.keys.show(key.try_into().ok()?)?;
        Some([head, &server].concat().into())
    }
}

/// Takes a backend that waits, or opens one.
pub(crate) async fn begin(proxy: &Inner, packet: Bytes) -> Result<Session, Refusal> {
    let generation = proxy.config.server.generation();
    if let Some(spare) = proxy.pool.spares.take(&packet, generation).await {
        return Ok(Session { spare });
    }
    let mut server = proxy.config.server.connect().await.map_err(|error| unavailable(proxy, &error))?;
    let greeted = async {
        server.write_all(&packet).await?;
        server.flush().await?;
        Greeting::read(&mut server).await
    };
    let greeting = greeted.await.map_err(|error| unavailable(proxy, &error))?;
    Ok(Session { spare: Spare::new(packet, greeting, generation, server) })
}

impl Session {
    /// Serves the client to its end, and keeps the backend for another when it was a good one.
    pub(crate) async fn serve(self, proxy: &Inner, client: (TlsStream<TcpStream>, Counted<'_>)) {
        let Self { mut spare } = self;
        let (mut stream, counted) = client;
        let lease = spare.greeting.key().and_then(|key| proxy.pool.keys.issue(key));
        let greeting = match &lease {
            Some(lease) => spare.greeting.with_key(lease.key()),
            None => spare.greeting.bytes().to_vec(),
        };
        if stream.write_all(&greeting).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        let mut watch = Watch::greeted(proxy.config.server.generations());
        move_bytes(proxy, &mut stream, &mut spare.server, Some(&mut watch)).await;
        drop((stream, counted));
        let cancelled = lease.is_none_or(Lease::end);
        let good = watch.left && watch.is_clean() && !cancelled;
        if good && spare.greeting.ready && spare.greeting.common {
            proxy.pool.spares.keep(spare).await;
        }
    }
}
