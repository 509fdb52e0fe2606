//! Sees when a child has grown too large to be kept.
//!
//! Sail 0.7.2 keeps 30 to 100 kB of every statement as long as its process lives, also when the session has been released.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::child::Child;
use crate::runaway::group;

/// Time between two looks; at a child that has had no statement since the last one nobody looks.
const INTERVAL: Duration = Duration::from_secs(3);

/// Time without a statement after which a child that has been replaced ends.
const QUIET: Duration = Duration::from_secs(10);

/// Marks the child once it holds more than `most` bytes, until `stop`. The next statement that comes while none runs in it
/// gets a new one.
pub(crate) async fn watch(child: Child, most: u64, stop: CancellationToken) {
    let mut seen = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = child.exit() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let before = std::mem::replace(&mut seen, child.work().seen());
        if before != seen && resident(child.process) > most {
            child.mark_swollen();
            return;
        }
    }
}

/// Ends a child that has been replaced, once the last statement that may still have been on its way to it is over.
pub(crate) async fn retire(child: Child, stop: CancellationToken) {
    loop {
        let seen = child.work().seen();
        tokio::select! {
            () = stop.cancelled() => return,
            () = child.exit() => return,
            () = tokio::time::sleep(QUIET) => {}
        }
        if child.work().is_none() && child.work().seen() == seen {
            tracing::info!("The SQL engine had grown too large and has been replaced");
            child.kill();
            return;
        }
    }
}

/// Bytes of memory that a process group holds; 0 where the system has no `/proc`.
fn resident(of: u32) -> u64 {
    let pages = group(of).into_iter().filter_map(|process| {
        let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
        statm.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    pages.sum::<u64>() * PAGE
}

/// Bytes of a page.
const PAGE: u64 = 4096;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn memory_of_a_group_is_found() {
        let ours = u32::try_from(nix::unistd::getpgrp().as_raw()).unwrap();
        assert!(super::resident(ours) > 1024 * 1024);
        assert_eq!(super::resident(u32::MAX), 0);
    }
}
