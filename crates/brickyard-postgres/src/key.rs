use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};

/// What a client shows to cancel a query: the number of the process and a secret, as `BackendKeyData` tells them.
pub(crate) type Key = [u8; 8];

/// Keys of sessions whose processes serve one client after another: each client has one of its own, which fits while its
/// session lasts.
#[derive(Default)]
pub(crate) struct Keys {
    held: Mutex<HashMap<Key, Held>>,
}

struct Held {
    /// The key that the server knows.
    server: Key,
    /// Whether it was shown.
    used: bool,
}

/// A key as long as its session lasts.
pub(crate) struct Lease<'a> {
    keys: &'a Keys,
    key: Key,
}

impl Keys {
    /// Makes a key that stands for the server's: the process is the same, the secret is not.
    pub(crate) fn issue(&self, server: Key) -> Option<Lease<'_>> {
        let mut key = server;
        SystemRandom::new().fill(&mut key[4..]).ok()?;
        self.lock().insert(key, Held { server, used: false });
        Some(Lease { keys: self, key })
    }

    /// The server's key for one that a client shows.
    pub(crate) fn show(&self, key: Key) -> Option<Key> {
        let mut held = self.lock();
        let found = held.get_mut(&key)?;
        found.used = true;
        Some(found.server)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// What the client is told.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Ends it; whether it was shown, so that a cancel request may still be on its way to the process.
    pub(crate) fn end(self) -> bool {
        self.keys.lock().remove(&self.key).is_some_and(|held| held.used)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_while_its_session_lasts() {
        let keys = Keys::default();
        let server = [0, 0, 0, 7, 1, 2, 3, 4];
        let first = keys.issue(server).unwrap();
        let key = first.key();
        assert!(key[..4] == server[..4] && keys.show(server).is_none());
        assert_eq!(keys.show(key), Some(server));
        assert!(first.end(), "it was shown");
        assert_eq!(keys.show(key), None);
        let second = keys.issue(server).unwrap();
        assert_eq!(keys.show(key), None, "nor does it open what the next client does");
        assert!(!second.end());
        drop(keys.issue(server));
        assert!(keys.lock().is_empty());
    }
}
