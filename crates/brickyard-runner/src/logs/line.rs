//! Lines out of a byte stream nobody vouches for: of any length, in any encoding, with or without an end.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longer lines are cut into pieces of this many bytes.
const MAX_LINE: usize = 16 * 1024;

/// Reads a stream line by line.
#[derive(Debug)]
pub struct LineReader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer already searched for an end of line.
    searched: usize,
    ended: bool,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Reads lines from `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new(), searched: 0, ended: false }
    }

    /// The next line without its end, bytes that are not UTF-8 replaced; none at the end or on a read error.
    pub async fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let end = self.searched + at;
                return Some(self.take(end, end + 1));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() >= MAX_LINE {
                return Some(self.take(MAX_LINE, MAX_LINE));
            }
            if self.ended {
                let end = self.buffer.len();
                return (end > 0).then(|| self.take(end, end));
            }
            self.buffer.reserve(4 * 1024);
            if !matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..)) {
                self.ended = true;
            }
        }
    }

    fn take(&mut self, end: usize, next: usize) -> String {
        let line = String::from_utf8_lossy(&self.buffer[..end]).trim_end_matches('\r').to_owned();
        self.buffer.drain(..next);
        self.searched = 0;
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<String> {
        let mut reader = LineReader::new(bytes);
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().await {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn ends_of_every_kind() {
        assert_eq!(lines(b"a\r\n\nb\nlast").await, ["a", "", "b", "last"]);
    }

    #[tokio::test]
    async fn bytes_of_no_encoding() {
        assert_eq!(lines(b"caf\xe9\n").await, ["caf\u{fffd}"]);
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let long = vec![b'x'; MAX_LINE * 2 + 1];
        let lengths: Vec<usize> = lines(&long).await.iter().map(String::len).collect();
        assert_eq!(lengths, [MAX_LINE, MAX_LINE, 1]);
    }
}
