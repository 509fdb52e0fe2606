use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Lakebase;
use crate::workspace::Workspace;

/// How often quiet servers are looked for.
const EVERY: Duration = Duration::from_secs(2);

/// Seconds between two looks after the history of a server.
const LOOK: i64 = 60;

impl Lakebase {
    /// Starts the task that stops servers nobody talks to; once a workspace.
    pub(super) fn watch_idle(&self, workspace: &Workspace) {
        self.idle_watch.get_or_init(|| {
            let weak = workspace.downgrade();
            let cancelled = workspace.cancellation().clone();
            workspace.tracker().spawn(async move {
                let mut ticks = interval(EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tokio::select! {
                        _ = ticks.tick() => {}
                        () = cancelled.cancelled() => return,
                    }
                    let Some(workspace) = weak.upgrade() else { return };
                    workspace.lakebase().suspend_idle(&workspace).await;
                }
            });
        });
    }

    /// Stops every server without traffic for longer than it is to wait, by the workspace's clock.
    pub(crate) async fn suspend_idle(&self, workspace: &Workspace) {
        let databases = workspace.databases();
        for compute in self.all() {
            if !compute.is_running() || compute.server().outside().is_some() {
                continue;
            }
            let Ok(Some(record)) = databases.server(compute.uid()) else { continue };
            let looked = compute.looked.load(Ordering::Relaxed);
            let due = looked > 0 && jiff::Timestamp::now().as_second() - looked >= LOOK;
            if record.history.is_some()
                && due
                && let Err(error) = self.keep_history(workspace, &compute).await
            {
                tracing::warn!(%error, "The history of `{}` is not kept: {error}", record.title);
            }
            let fronts = databases.fronts(compute.uid()).unwrap_or_default();
            let active = fronts.iter().filter_map(|front| self.open_front(&front.id));
            let last = active
                .map(|proxy| proxy.last_active())
                .chain([compute.wanted.load(Ordering::Relaxed)])
                .max()
                .unwrap_or_default();
            let quiet = workspace.clock().unix_seconds() - last;
            if record.suspend_after.is_some_and(|limit| quiet >= limit) {
                tracing::info!("Suspending `{}` after {quiet} quiet seconds", record.title);
                compute.server().stop().await;
            }
        }
    }
}
