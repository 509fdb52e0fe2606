//! `AUTO_SYNC`: a change of the deployed folder is taken up by itself (platform §7).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, sleep_until};

use super::record::{APP, AppRecord};
use crate::workspace::WeakWorkspace;
use crate::workspace_files::ObjectPath;

/// Changes come in bunches; so long after the last one the new files are taken up.
const QUIET: Duration = Duration::from_millis(1000);

/// Watches workspace files for apps that are deployed in this mode, until the workspace stops.
pub(super) async fn keep(workspace: WeakWorkspace, mut changes: Receiver<ObjectPath>) {
    let Some(cancellation) = workspace.upgrade().map(|workspace| workspace.cancellation().clone()) else {
        return;
    };
    let mut due: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let next = due.values().min().copied();
        let ripe = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = cancellation.cancelled() => return,
            changed = changes.recv() => {
                let Some(workspace) = workspace.upgrade() else { return };
                // Who fell behind looks at all of them.
                let path = match changed {
                    Ok(path) => Some(path),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return,
                };
                let records: Vec<(String, AppRecord)> = workspace.store().list(APP, "").unwrap_or_default();
                for (name, record) in records {
                    let folder = workspace.synced_folder(&name, &record);
                    if folder.is_some_and(|folder| path.as_ref().is_none_or(|path| path.is_within(&folder))) {
                        due.insert(name, Instant::now() + QUIET);
                    }
                }
            }
            () = ripe => {
                let Some(workspace) = workspace.upgrade() else { return };
                let now = Instant::now();
                let ripe: Vec<String> =
                    due.iter().filter(|(_, at)| **at <= now).map(|(name, _)| name.clone()).collect();
                for name in ripe {
                    due.remove(&name);
                    if !workspace.sync(&name).await {
                        // A deployment is on its way: afterwards, then.
                        due.insert(name, Instant::now() + QUIET);
                    }
                }
            }
        }
    }
}
