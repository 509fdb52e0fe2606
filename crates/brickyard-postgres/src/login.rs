use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::message::{self, ServerMessage};
use crate::proxy::Password;
use crate::scram::Exchange;

/// Longest message of a login, in bytes.
const LONGEST: usize = 64 * 1024;

const OK: u32 = 0;
const CLEARTEXT: u32 = 3;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// Why a login at the server failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The server said no.
    #[error("{} ({})", .0.message, .0.sqlstate)]
    Refused(Box<ServerMessage>),
    /// The connection.
    #[error("The connection failed")]
    Io(#[from] io::Error),
    /// A way of logging in that is not spoken here, such as MD5.
    #[error("The server asks for a way to log in that is not supported (code {0}): use scram-sha-256")]
    Method(u32),
    /// It asks for a password and there is none.
    #[error("The server asks for a password, and none is known")]
    NoPassword,
    /// It does not prove that it knows the password.
    #[error("The server does not know the password itself")]
    Impostor,
}

/// Logs in after the startup packet has been sent, up to `AuthenticationOk` (PostgreSQL docs, "Start-up").
///
/// A password goes in the clear only where `private` says that nobody can listen.
pub(crate) async fn log_in(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    password: Option<&Password>,
    private: bool,
) -> Result<(), LoginError> {
    let mut exchange = None;
    loop {
        let (tag, mut body) = message::read(stream, LONGEST).await?;
        match tag {
            b'E' => return Err(LoginError::Refused(Box::new(ServerMessage::parse(&body)))),
            b'R' if body.remaining() >= 4 => {}
            b'N' | b'v' => continue,
            _ => {
                return Err(
                    io::Error::new(io::ErrorKind::InvalidData, "unexpected message in a login").into()
                );
            }
        }
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        match body.get_u32() {
            OK => return Ok(()),
            CLEARTEXT if private => {
                let mut content = password.ok_or(LoginError::NoPassword)?.reveal().as_bytes().to_vec();
                content.push(0);
                stream.write_all(&message::frame(b'p', &content)).await?;
            }
            SASL if body.split(|byte| *byte == 0).any(|name| name == b"SCRAM-SHA-256") => {
                let begun = Exchange::new(password.ok_or(LoginError::NoPassword)?.reveal());
                let first = begun.first();
                let mut content = BytesMut::from(&b"SCRAM-SHA-256\0"[..]);
                content.put_u32(u32::try_from(first.len()).unwrap_or(u32::MAX));
                content.put_slice(first.as_bytes());
                stream.write_all(&message::frame(b'p', &content)).await?;
                exchange = Some(begun);
            }
            SASL_CONTINUE => {
                let begun = exchange.as_mut().ok_or(LoginError::Impostor)?;
                let last = begun.last(&text(&body)).ok_or(LoginError::Impostor)?;
                stream.write_all(&message::frame(b'p', last.as_bytes())).await?;
            }
            SASL_FINAL => {
                let begun = exchange.as_ref().ok_or(LoginError::Impostor)?;
                if !begun.is_proven(&text(&body)) {
                    return Err(LoginError::Impostor);
                }
            }
            other => return Err(LoginError::Method(other)),
        }
        stream.flush().await?;
    }
}
