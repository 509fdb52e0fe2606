//! `AUTO_SYNC`: a change of the deployed folder is taken up by itself (platform §7).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};

use super::record::{APP, AppRecord};
use crate::workspace::WeakWorkspace;
use crate::workspace_files::ObjectPath;

/// Changes come in bunches; so long after the last one the new files are taken up.
const QUIET: Duration = Duration::from_millis(1000);

/// So long changes are gathered before it is asked whom they concern.
const GATHERED: Duration = Duration::from_millis(50);

/// Most changes that are gathered: after more everybody is concerned.
const MOST: usize = 4096;

/// Changes that have not been looked at.
#[derive(Default)]
struct Gathered {
    paths: Vec<ObjectPath>,
    /// More than is kept: they may concern everybody.
    many: bool,
    /// When they are looked at.
    at: Option<Instant>,
}

impl Gathered {
    fn add(&mut self, path: Option<ObjectPath>) {
        match path {
            Some(path) if self.paths.len() < MOST => self.paths.push(path),
            _ => self.many = true,
        }
        self.at.get_or_insert_with(|| Instant::now() + GATHERED);
    }

    /// Takes what has come in the meantime.
    fn rest(&mut self, changes: &mut Receiver<ObjectPath>) {
        loop {
            match changes.try_recv() {
                Ok(path) => self.add(Some(path)),
                Err(TryRecvError::Lagged(_)) => self.add(None),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn concern(&self, folder: &ObjectPath) -> bool {
        self.many || self.paths.iter().any(|path| path.is_within(folder))
    }
}

/// Watches workspace files for apps that are deployed in this mode, until the workspace stops.
pub(super) async fn keep(workspace: WeakWorkspace, mut changes: Receiver<ObjectPath>) {
    let Some(cancellation) = workspace.upgrade().map(|workspace| workspace.cancellation().clone()) else {
        return;
    };
    let mut gathered = Gathered::default();
    let mut due: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let next = due.values().copied().chain(gathered.at).min();
        let ripe = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = cancellation.cancelled() => return,
            // The first of a bunch is enough to be woken for: the others wait in the channel.
            changed = changes.recv(), if gathered.at.is_none() => match changed {
                Ok(path) => gathered.add(Some(path)),
                // Who fell behind looks at all of them.
                Err(RecvError::Lagged(_)) => gathered.add(None),
                Err(RecvError::Closed) => return,
            },
            () = ripe => {
                let Some(workspace) = workspace.upgrade() else { return };
                let now = Instant::now();
                if gathered.at.is_some_and(|at| at <= now) {
                    gathered.rest(&mut changes);
                    let gathered = std::mem::take(&mut gathered);
                    let records: Vec<(String, AppRecord)> =
                        workspace.store().list(APP, "").unwrap_or_default();
                    for (name, record) in records {
                        let folder = workspace.synced_folder(&name, &record);
                        if folder.is_some_and(|folder| gathered.concern(&folder)) {
                            due.insert(name, now + QUIET);
                        }
                    }
                }
                let ripe: Vec<String> =
                    due.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
                for name in ripe {
                    due.remove(&name);
                    if !workspace.sync(&name).await {
                        // It is on its way to something else: afterwards, then.
                        due.insert(name, Instant::now() + QUIET);
                    }
                }
            }
        }
    }
}
