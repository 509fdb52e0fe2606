use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::key::Key;

/// Longest greeting that is taken, in bytes.
const LONGEST: usize = 64 * 1024;

/// What a server says from the startup packet to its first `ReadyForQuery`, or to the error in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Greeting {
    bytes: Bytes,
    /// Where the cancel key stands.
    key: Option<usize>,
    /// Whether it ends in readiness.
    pub(crate) ready: bool,
    /// Whether it says the same to everybody: notices are for whom they come to.
    pub(crate) common: bool,
}

impl Greeting {
    /// Reads it whole; the server says nothing more before it is asked.
    pub(crate) async fn read(server: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut bytes = BytesMut::with_capacity(1024);
        loop {
            if server.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(greeting) = Self::parse(&bytes) {
                return Ok(Self { bytes: bytes.freeze(), ..greeting });
            }
            if bytes.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a greeting without an end"));
            }
        }
    }

    /// Everything but the bytes themselves, once they are there.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut found = Self { common: true, ..Self::default() };
        let mut start = 0;
        loop {
            let head = bytes.get(start..start + 5)?;
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let end = start.checked_add(1)?.checked_add(length)?;
            bytes.get(start..end)?;
            match head[0] {
                b'K' if length == 12 => found.key = Some(start + 5),
                b'N' => found.common = false,
                b'E' => return Some(found),
                b'Z' => return Some(Self { ready: true, ..found }),
                _ => {}
            }
            start = end;
        }
    }

    /// The cancel key, where there is one of the usual length.
    pub(crate) fn key(&self) -> Option<Key> {
        self.bytes[self.key?..].first_chunk().copied()
    }

    /// The bytes as they came.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes with another cancel key.
    pub(crate) fn with_key(&self, key: Key) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        if let Some(place) = self.key.and_then(|start| bytes.get_mut(start..start + key.len())) {
            place.copy_from_slice(&key);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::frame;

    fn bytes(last: (u8, &[u8])) -> Vec<u8> {
        let key = [0, 0, 0, 9, 1, 2, 3, 4];
        [frame(b'R', &[0; 4]), frame(b'S', b"a\0b\0"), frame(b'K', &key), frame(last.0, last.1)].concat()
    }

    #[tokio::test]
    async fn it_is_read_to_its_end_however_it_comes() {
        let whole = bytes((b'Z', b"I"));
        for cut in 0..whole.len() {
            assert_eq!(Greeting::parse(&whole[..cut]), None, "{cut}");
        }
        let (first, second) = whole.split_at(20);
        let greeting = Greeting::read(&mut first.chain(second)).await.unwrap();
        assert!(greeting.ready && greeting.common);
        assert_eq!(greeting.key(), Some([0, 0, 0, 9, 1, 2, 3, 4]));
        let changed = greeting.with_key([0, 0, 0, 9, 5, 5, 5, 5]);
        assert_eq!(changed.len(), whole.len());
        assert_eq!(Greeting::read(&mut &changed[..]).await.unwrap().key(), Some([0, 0, 0, 9, 5, 5, 5, 5]));
        let refused = Greeting::read(&mut &bytes((b'E', b"\0"))[..]).await.unwrap();
        assert!(!refused.ready);
        assert!(Greeting::read(&mut &whole[..20]).await.is_err());
    }
}
