//! Message borders of the protocol in bytes that pass by, without holding any of them back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest command tag that is looked at.
const TAG: usize = 16;

/// Where in the stream of messages one direction is.
#[derive(Debug, Default)]
pub(crate) struct Borders {
    head: [u8; 5],
    head_len: usize,
    /// Bytes of the current body that have not come.
    rest: usize,
    /// First bytes of the current body, for the kinds that are looked at.
    body: [u8; TAG],
    body_len: usize,
}

impl Borders {
    /// Whether the last message is complete.
    pub(crate) fn is_between(&self) -> bool {
        self.head_len == 0
    }

    /// Goes over bytes and tells each message that ends in them: its kind and the beginning of its body.
    pub(crate) fn pass(&mut self, mut bytes: &[u8], mut tell: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            if self.head_len < 5 {
                let wanted = (5 - self.head_len).min(bytes.len());
                self.head[self.head_len..self.head_len + wanted].copy_from_slice(&bytes[..wanted]);
                self.head_len += wanted;
                bytes = &bytes[wanted..];
                if self.head_len < 5 {
                    return;
                }
                let length = u32::from_be_bytes([self.head[1], self.head[2], self.head[3], self.head[4]]);
                self.rest = (length as usize).saturating_sub(4);
                self.body_len = 0;
            }
            let taken = self.rest.min(bytes.len());
            if self.body_len < TAG {
                let kept = taken.min(TAG - self.body_len);
                self.body[self.body_len..self.body_len + kept].copy_from_slice(&bytes[..kept]);
                self.body_len += kept;
            }
            self.rest -= taken;
            bytes = &bytes[taken..];
            if self.rest == 0 {
                self.head_len = 0;
                tell(self.head[0], &self.body[..self.body_len]);
            }
        }
    }
}

/// What is known of a session from the messages that have passed.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    up: Borders,
    down: Borders,
    /// `ReadyForQuery` that the server still owes.
    owed: usize,
    /// Whether there were messages since the last that ends in `ReadyForQuery`.
    unsynced: bool,
    /// Whether the server is outside of a transaction, as it told last.
    idle: bool,
    /// Whether the client has said good-bye, which was kept from the server.
    pub(crate) left: bool,
    /// Whether something was changed that new sessions have to see, such as a setting of a role.
    governed: bool,
    /// Counts such changes once they may be committed.
    changes: Arc<AtomicU64>,
}

/// The client's good-bye.
pub(crate) const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

impl Drop for Watch {
    /// A session may end without a last word of the server.
    fn drop(&mut self) {
        if self.governed {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Watch {
    /// A session that the server has greeted; `changes` counts what new sessions have to see.
    pub(crate) fn greeted(changes: Arc<AtomicU64>) -> Self {
        let mut watch = Self::default();
        (watch.idle, watch.changes) = (true, changes);
        watch
    }

    /// Looks at bytes of the client; returns how many of them go to the server: a good-bye at the end does not.
    pub(crate) fn client_says(&mut self, bytes: &[u8]) -> usize {
        let (owed, unsynced, mut goodbye) = (&mut self.owed, &mut self.unsynced, false);
        self.up.pass(bytes, |kind, _| {
            goodbye = kind == b'X';
            match kind {
                b'Q' | b'S' | b'F' => {
                    *owed += 1;
                    *unsynced = false;
                }
                b'X' => {}
                _ => *unsynced = true,
            }
        });
        // One that came in pieces is on its way to the server already.
        self.left = goodbye && self.is_clean() && bytes.ends_with(&TERMINATE);
        if self.left {
            return bytes.len() - TERMINATE.len();
        }
        bytes.len()
    }

    /// Looks at bytes of the server, before the client sees them.
    pub(crate) fn server_says(&mut self, bytes: &[u8]) {
        let (owed, idle, governed, changes) =
            (&mut self.owed, &mut self.idle, &mut self.governed, &self.changes);
        self.down.pass(bytes, |kind, body| match kind {
            b'Z' => {
                *owed = owed.saturating_sub(1);
                *idle = body.first() == Some(&b'I');
                if *governed && *idle {
                    changes.fetch_add(1, Ordering::Relaxed);
                }
            }
            b'C' => *governed |= changes_logins(body),
            _ => {}
        });
    }

    /// Whether the server waits for a new statement outside of any transaction, with nothing on the way to it.
    pub(crate) fn is_clean(&self) -> bool {
        self.idle
            && self.owed == 0
            && !self.unsynced
            && !self.governed
            && self.up.is_between()
            && self.down.is_between()
    }
}

/// Whether a command may change what a new session begins with: settings and rights of roles and databases.
fn changes_logins(tag: &[u8]) -> bool {
    ["ALTER ROLE", "ALTER DATABASE", "ALTER SYSTEM", "GRANT", "REVOKE", "DROP ROLE", "DO", "CALL", "LOAD"]
        .iter()
        .any(|word| tag.starts_with(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        crate::message::frame(kind, body).to_vec()
    }

    /// Every way to cut the bytes gives the same messages.
    #[test]
    fn borders_are_found_however_the_bytes_come() {
        let bytes =
            [message(b'T', &[7; 300]), message(b'D', &[]), message(b'C', b"SELECT 1\0"), message(b'Z', b"I")]
                .concat();
        for size in 1..bytes.len() {
            let (mut borders, mut seen) = (Borders::default(), Vec::new());
            for piece in bytes.chunks(size) {
                borders.pass(piece, |kind, body| seen.push((kind, body.to_vec())));
            }
            let kinds: Vec<u8> = seen.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(kinds, b"TDCZ", "{size}");
            assert_eq!(seen[2].1, b"SELECT 1\0");
            assert!(borders.is_between());
        }
    }

    #[test]
    fn only_a_session_at_rest_is_clean() {
        let mut watch = Watch::default();
        assert!(!watch.is_clean(), "nobody has said that it is ready");
        watch.server_says(&message(b'Z', b"I"));
        assert!(watch.is_clean());
        let query = message(b'Q', b"SELECT 1\0");
        assert_eq!(watch.client_says(&query), query.len());
        assert!(!watch.is_clean(), "an answer is owed");
        watch.server_says(&message(b'Z', b"T"));
        assert!(!watch.is_clean(), "in a transaction");
        assert_eq!(watch.client_says(&TERMINATE), 5, "so the good-bye goes on to the server");
        let mut watch = Watch::default();
        watch.server_says(&message(b'Z', b"I"));
        watch.client_says(&message(b'P', b"\0SELECT 1\0\0\0"));
        assert!(!watch.is_clean(), "not synced");
        watch.client_says(&message(b'S', b""));
        watch.server_says(&message(b'Z', b"I"));
        assert!(watch.is_clean());
        assert_eq!(watch.client_says(&TERMINATE[..3]), 3);
        assert!(!watch.is_clean(), "in the middle of a message");
        let mut watch = Watch::default();
        watch.server_says(&message(b'Z', b"I"));
        assert_eq!(watch.client_says(&TERMINATE), 0);
        assert!(watch.left);
        let mut watch = Watch::default();
        watch.server_says(&message(b'Z', b"I"));
        assert_eq!((watch.client_says(&TERMINATE[..1]), watch.client_says(&TERMINATE[1..])), (1, 4));
        assert!(!watch.left, "the server has heard it");
        let mut watch = Watch::default();
        watch.server_says(&[message(b'C', b"ALTER ROLE\0"), message(b'Z', b"I")].concat());
        assert!(!watch.is_clean(), "a new session would begin otherwise");
    }
}
