//! `X-Request-Id`: a UUID that no other request has.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use uuid::{Builder, Uuid};

/// Keys of a thread, and how many it has made with them: to ask the system for every request costs more than the rest of its
/// headers, and to share one count among the lanes nearly as much.
struct Source {
    keys: [RandomState; 2],
    count: Cell<u64>,
}

thread_local! {
    static SOURCE: Source =
        Source { keys: [RandomState::new(), RandomState::new()], count: Cell::new(rand::random()) };
}

/// The next one, of version 4.
pub(super) fn next() -> Uuid {
    let bytes = SOURCE.with(|source| {
        let count = source.count.get().wrapping_add(1);
        source.count.set(count);
        let mut bytes = [0; 16];
        for (key, half) in source.keys.iter().zip(bytes.chunks_exact_mut(8)) {
            half.copy_from_slice(&key.hash_one(count).to_ne_bytes());
        }
        bytes
    });
    Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn none_comes_twice() {
        let some = || (0..10_000).map(|_| super::next()).collect::<Vec<_>>();
        let other = std::thread::spawn(some);
        let made: HashSet<_> = some().into_iter().chain(other.join().unwrap()).collect();
        assert_eq!(made.len(), 20_000);
        assert!(made.iter().all(|id| id.get_version_num() == 4));
    }
}
