use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::login::{LoginError, log_in};
use crate::message::{self, ServerMessage};
use crate::proxy::Password;
use crate::upstream::Upstream;

/// Longest message that is taken from the server, in bytes.
const LONGEST: usize = 64 * 1024 * 1024;

/// Longest time a connection takes to open.
const CONNECT: Duration = Duration::from_secs(30);

/// One row of an answer, as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// A small client over the server's unix socket, for administration: simple queries and `COPY … FROM STDIN`.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Upstream>,
    patience: Duration,
    /// Counts statements that do more than read: each may change how new sessions begin.
    generation: Option<Arc<AtomicU64>>,
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server said no.
    #[error("PostgreSQL refused: {} ({})", .0.message, .0.sqlstate)]
    Server(Box<ServerMessage>),
    /// The socket failed or the server spoke another protocol.
    #[error("The connection to PostgreSQL failed")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("PostgreSQL did not answer in time")]
    Slow,
}

impl ClientError {
    /// The SQLSTATE, where the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Server(message) => Some(&message.sqlstate),
            _ => None,
        }
    }
}

impl Client {
    /// Opens a connection as `user`, whom the server must trust.
    pub async fn connect(socket: &Path, user: &str, database: &str) -> Result<Self, ClientError> {
        let open = async { Ok(Upstream::Unix(UnixStream::connect(socket).await?)) };
        let stream = timeout(CONNECT, open).await.map_err(|_| ClientError::Slow)?.map_err(ClientError::Io)?;
        Self::log_in(stream, user, None, database).await
    }

    /// Logs in on an open connection.
    pub(crate) async fn log_in(
        stream: Upstream,
        user: &str,
        password: Option<&Password>,
        database: &str,
    ) -> Result<Self, ClientError> {
        let open = async {
            let private = !matches!(stream, Upstream::Tcp(_));
            let stream = BufReader::new(stream);
            let mut client = Self { stream, patience: Duration::from_secs(120), generation: None };
            let packet = message::startup([
                ("user", user),
                ("database", database),
                ("application_name", "brickyard"),
                ("client_encoding", "UTF8"),
            ]);
            client.stream.write_all(&packet).await?;
            client.stream.flush().await?;
            log_in(&mut client.stream, password, private).await.map_err(|error| match error {
                LoginError::Refused(message) => ClientError::Server(message),
                LoginError::Io(error) => ClientError::Io(error),
                other => ClientError::Io(io::Error::other(other)),
            })?;
            loop {
                let (tag, body) = client.read().await?;
                match tag {
                    b'E' => return Err(ClientError::Server(Box::new(ServerMessage::parse(&body)))),
                    b'Z' => return Ok(client),
                    b'S' | b'K' | b'N' => {}
                    _ => return Err(unexpected(tag)),
                }
            }
        };
        timeout(CONNECT, open).await.map_err(|_| ClientError::Slow)?
    }

    /// The same client, which counts its statements here.
    pub(crate) fn counting(mut self, generation: Arc<AtomicU64>) -> Self {
        self.generation = Some(generation);
        self
    }

    /// Sets how long a statement may take; two minutes by default.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Runs statements and returns the rows of all of them; the first error ends it.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ClientError> {
        let patience = self.patience;
        let rows = timeout(patience, self.run(sql, None)).await;
        let reads = sql.starts_with("SELECT ");
        if let Some(generation) = self.generation.as_ref().filter(|_| !reads) {
            generation.fetch_add(1, Ordering::Relaxed);
        }
        rows.map_err(|_| ClientError::Slow)?
    }

    /// Runs a `COPY … FROM STDIN` with this content in its text format.
    pub async fn copy(&mut self, sql: &str, content: Bytes) -> Result<(), ClientError> {
        let patience = self.patience;
        timeout(patience, self.run(sql, Some(content))).await.map_err(|_| ClientError::Slow)?.map(|_| ())
    }

    /// Begins a `COPY … FROM STDIN` whose content comes piece by piece.
    pub async fn copy_in(&mut self, sql: &str) -> Result<CopyIn<'_>, ClientError> {
        let patience = self.patience;
        let begin = async {
            self.send_query(sql).await?;
            loop {
                let (tag, body) = self.read().await?;
                match tag {
                    b'G' => return Ok(()),
                    b'E' => {
                        let refused = ServerMessage::parse(&body);
                        while self.read().await?.0 != b'Z' {}
                        return Err(ClientError::Server(Box::new(refused)));
                    }
                    b'N' | b'S' | b'A' => {}
                    _ => return Err(unexpected(tag)),
                }
            }
        };
        timeout(patience, begin).await.map_err(|_| ClientError::Slow)??;
        Ok(CopyIn { client: self })
    }

    async fn send_query(&mut self, sql: &str) -> io::Result<()> {
        let mut body = sql.replace('\0', "").into_bytes();
        body.push(0);
        self.stream.write_all(&message::frame(b'Q', &body)).await?;
        self.stream.flush().await
    }

    async fn run(&mut self, sql: &str, mut content: Option<Bytes>) -> Result<Vec<Row>, ClientError> {
        self.send_query(sql).await?;
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            let (tag, body) = self.read().await?;
            match tag {
                b'D' => rows.push(row(body).ok_or_else(|| unexpected(tag))?),
                b'E' => refused = refused.or(Some(ServerMessage::parse(&body))),
                b'Z' => break,
                b'G' => {
                    if let Some(mut content) = content.take() {
                        while !content.is_empty() {
                            let chunk = content.split_to(content.len().min(64 * 1024));
                            self.stream.write_all(&message::frame(b'd', &chunk)).await?;
                        }
                        self.stream.write_all(&message::frame(b'c', &[])).await?;
                        self.stream.flush().await?;
                    } else {
                        self.stream.write_all(&message::frame(b'f', b"nothing to copy\0")).await?;
                        self.stream.flush().await?;
                    }
                }
                b'T' | b'C' | b'I' | b'N' | b'S' | b'A' => {}
                _ => return Err(unexpected(tag)),
            }
        }
        match refused {
            Some(message) => Err(ClientError::Server(Box::new(message))),
            None => Ok(rows),
        }
    }

    async fn read(&mut self) -> io::Result<(u8, Bytes)> {
        message::read(&mut self.stream, LONGEST).await
    }
}

/// A `COPY … FROM STDIN` that goes on. A client whose copy was dropped instead of finished is of no more use.
#[derive(Debug)]
pub struct CopyIn<'a> {
    client: &'a mut Client,
}

impl CopyIn<'_> {
    /// Sends a piece of the content, whole rows or not.
    pub async fn send(&mut self, piece: &[u8]) -> Result<(), ClientError> {
        let patience = self.client.patience;
        let stream = &mut self.client.stream;
        let send = async {
            for chunk in piece.chunks(64 * 1024) {
                stream.write_all(&message::frame(b'd', chunk)).await?;
            }
            io::Result::Ok(())
        };
        timeout(patience, send).await.map_err(|_| ClientError::Slow)?.map_err(ClientError::Io)
    }

    /// Ends it; the server says here what was wrong with the rows.
    pub async fn finish(self) -> Result<(), ClientError> {
        let (patience, client) = (self.client.patience, self.client);
        let end = async {
            client.stream.write_all(&message::frame(b'c', &[])).await?;
            client.stream.flush().await?;
            let mut refused = None;
            loop {
                let (tag, body) = client.read().await?;
                match tag {
                    b'E' => refused = refused.or(Some(ServerMessage::parse(&body))),
                    b'Z' => break,
                    _ => {}
                }
            }
            match refused {
                Some(message) => Err(ClientError::Server(Box::new(message))),
                None => Ok(()),
            }
        };
        timeout(patience, end).await.map_err(|_| ClientError::Slow)?
    }
}

fn unexpected(tag: u8) -> ClientError {
    ClientError::Io(io::Error::new(io::ErrorKind::InvalidData, format!("unexpected message {tag}")))
}

/// The columns of a `DataRow`; `None` when it is cut short.
fn row(mut body: Bytes) -> Option<Row> {
    let count = body.try_get_u16().ok()?;
    (0..count)
        .map(|_| match body.try_get_i32().ok()? {
            -1 => Some(None),
            length => {
                let length = usize::try_from(length).ok().filter(|length| *length <= body.len())?;
                Some(Some(String::from_utf8_lossy(&body.split_to(length)).into_owned()))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_cut_rows_refused() {
        let bytes = [0, 2, 0, 0, 0, 1, b'x', 0xff, 0xff, 0xff, 0xff];
        assert_eq!(row(Bytes::copy_from_slice(&bytes)), Some(vec![Some("x".to_owned()), None]));
        for end in 0..bytes.len() {
            assert_eq!(row(Bytes::copy_from_slice(&bytes[..end])), None, "{end}");
        }
    }
}
