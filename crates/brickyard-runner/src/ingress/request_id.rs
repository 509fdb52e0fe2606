//! `X-Request-Id`: a UUID that no other request has.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

/// Keys that this process has drawn from the system once: asking it for every request costs more than the rest of its headers.
static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The next one, of version 4.
pub(super) fn next() -> Uuid {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 16];
    for (key, half) in KEYS.iter().zip(bytes.chunks_exact_mut(8)) {
        half.copy_from_slice(&key.hash_one(count).to_ne_bytes());
    }
    Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn none_comes_twice() {
        let made: HashSet<_> = (0..10_000).map(|_| super::next()).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|id| id.get_version_num() == 4));
    }
}
