use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::printer::Printer;

/// Files and connections this process asks for: a session of Lakebase takes two, and an instance has 1,000. No more,
/// since our children inherit it and some of them go through all numbers when they start; macOS refuses more.
const OPEN_FILES: u64 = 10_240;

/// Raises the number of files this process may have open, where the system lets it: shells give 1,024 or 256.
pub(crate) fn make_room_for_connections() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = hard.min(OPEN_FILES);
    if soft < wanted
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    {
        tracing::debug!(%error, "The limit of open files stays at {soft}: {error}");
    }
}

/// Stopping: the first Ctrl-C (or SIGTERM) asks softly, the second one stops hard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifecycle {
    /// Cancelled by the first signal: finish what runs, stop children with SIGTERM.
    pub(crate) soft: CancellationToken,
    /// Cancelled by the second signal: kill what is left.
    pub(crate) hard: CancellationToken,
    /// Whether Ctrl-C is a child's affair.
    given: Arc<AtomicBool>,
}

/// While this lives, Ctrl-C is the affair of a child at the same terminal, which gets it too.
#[must_use]
pub(crate) struct GivenTerminal(Arc<AtomicBool>);

impl Drop for GivenTerminal {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Lifecycle {
    /// Watches the signals; must be called inside the runtime.
    pub(crate) fn watch(printer: Printer) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let lifecycle = Self::default();
        let watched = lifecycle.clone();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => if watched.given.load(Ordering::Relaxed) { continue },
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                if watched.soft.is_cancelled() {
                    watched.hard.cancel();
                } else {
                    printer.note("Stopping; press Ctrl-C again to stop at once");
                    watched.soft.cancel();
                }
            }
        });
        Ok(lifecycle)
    }

    /// Leaves Ctrl-C to a child that shares our terminal, where there is one.
    pub(crate) fn give_terminal(&self) -> GivenTerminal {
        self.given.store(std::io::stdin().is_terminal(), Ordering::Relaxed);
        GivenTerminal(Arc::clone(&self.given))
    }
}
