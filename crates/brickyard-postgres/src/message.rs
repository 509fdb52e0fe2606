use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Protocol 3.0, as startup packets carry it.
pub(crate) const PROTOCOL: u32 = 3 << 16;

/// An `ErrorResponse` or `NoticeResponse` of a server (PostgreSQL docs, "Error and Notice Message Fields").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerMessage {
    /// `FATAL`, `ERROR`, `WARNING`, …
    pub severity: String,
    /// Five characters, such as `42P01`.
    pub sqlstate: String,
    /// The sentence.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl ServerMessage {
    /// Reads the body of an `E` or `N` message; unknown fields are passed over.
    pub(crate) fn parse(mut body: &[u8]) -> Self {
        let mut found = Self::default();
        while let Some((&kind, rest)) = body.split_first() {
            let Some(end) = rest.iter().position(|&byte| byte == 0) else { break };
            let text = String::from_utf8_lossy(&rest[..end]).into_owned();
            match kind {
                b'S' if found.severity.is_empty() => found.severity = text,
                b'V' => found.severity = text,
                b'C' => found.sqlstate = text,
                b'M' => found.message = text,
                b'D' => found.detail = Some(text),
                b'H' => found.hint = Some(text),
                _ => {}
            }
            body = &rest[end + 1..];
        }
        found
    }

    /// The whole `E` message.
    pub(crate) fn encode(&self) -> Bytes {
        let mut body = BytesMut::new();
        let mut field = |kind: u8, text: &str| {
            body.put_u8(kind);
            body.put_slice(text.replace('\0', "").as_bytes());
            body.put_u8(0);
        };
        field(b'S', &self.severity);
        field(b'V', &self.severity);
        field(b'C', &self.sqlstate);
        field(b'M', &self.message);
        if let Some(detail) = &self.detail {
            field(b'D', detail);
        }
        if let Some(hint) = &self.hint {
            field(b'H', hint);
        }
        body.put_u8(0);
        frame(b'E', &body)
    }
}

/// A message: its kind, its length and its body.
pub(crate) fn frame(tag: u8, body: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(body.len() + 5);
    message.put_u8(tag);
    message.put_u32(u32::try_from(body.len() + 4).unwrap_or(u32::MAX));
    message.put_slice(body);
    message.freeze()
}

/// A startup packet with these parameters.
pub(crate) fn startup<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u32(PROTOCOL);
    for (name, value) in parameters {
        for text in [name, value] {
            body.put_slice(text.as_bytes());
            body.put_u8(0);
        }
    }
    body.put_u8(0);
    let mut message = BytesMut::with_capacity(body.len() + 4);
    message.put_u32(u32::try_from(body.len() + 4).unwrap_or(u32::MAX));
    message.put_slice(&body);
    message.freeze()
}

/// Reads one message, refusing a body of more than `longest` bytes before taking memory for it.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), longest: usize) -> io::Result<(u8, Bytes)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).await?;
    let length = (&head[1..]).get_u32() as usize;
    let body = length
        .checked_sub(4)
        .filter(|body| *body <= longest)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes")))?;
    let mut content = vec![0; body];
    stream.read_exact(&mut content).await?;
    Ok((head[0], content.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_wire() {
        let message = ServerMessage {
            severity: "FATAL".to_owned(),
            sqlstate: "28P01".to_owned(),
            message: "no".to_owned(),
            detail: Some("because".to_owned()),
            hint: None,
        };
        let bytes = message.encode();
        assert_eq!(bytes[0], b'E');
        assert_eq!(ServerMessage::parse(&bytes[5..]), message);
        for end in 0..bytes.len() - 5 {
            let _ = ServerMessage::parse(&bytes[5..5 + end]); // never panics on a cut message
        }
    }

    #[tokio::test]
    async fn a_boasting_length_takes_no_memory() {
        let mut bytes: &[u8] = &[b'p', 0x7f, 0xff, 0xff, 0xff, 1];
        assert!(read(&mut bytes, 100).await.is_err());
        let mut bytes: &[u8] = &[b'p', 0, 0, 0, 3];
        assert!(read(&mut bytes, 100).await.is_err());
        let mut bytes: &[u8] = &[b'p', 0, 0, 0, 6, 7, 8];
        assert_eq!(read(&mut bytes, 100).await.unwrap(), (b'p', Bytes::from_static(&[7, 8])));
    }
}
