use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::client::{Client, ClientError};
use crate::server::{Server, ServerError};
use crate::template::{draft_beside, sync_later};
use crate::{place, tree};

/// Directories whose content a copy does without; the server makes it anew (PostgreSQL docs, "Making a Base Backup").
const EMPTIED: [&str; 8] = [
    "pg_wal",
    "pg_dynshmem",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
];

/// Files a copy does without.
const LEFT_OUT: [&str; 3] = ["postmaster.pid", "postmaster.opts", "backup_label"];

/// Why a copy failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The server that is copied.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A statement on it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The target.
    #[error("Cannot copy the data to `{}`", path.display())]
    Copy {
        /// The target.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Server {
    /// Copies everything, roles included, into the data directory of a server that has none yet; sessions of this one
    /// go on. What is committed before the call is in the copy.
    pub async fn copy_to(&self, target: &Self) -> Result<(), BackupError> {
        if self.outside().is_some() {
            return Err(ServerError::NotOurs { what: "copied" }.into());
        }
        let to = target.data()?;
        let draft = draft_beside(&to);
        let mut client = self.client("postgres").await?;
        let copied = copy_now(self, &draft, &mut client, true).await;
        let renamed = copied.and_then(|_| {
            std::fs::rename(&draft, &to).map_err(|source| BackupError::Copy { path: to.clone(), source })
        });
        if renamed.is_err() {
            let _ = std::fs::remove_dir_all(&draft);
            let _ = place::remove(&to);
        } else {
            sync_later(to, || {});
        }
        renamed
    }
}

/// Where in the log a copy began and ended.
pub(crate) struct Copied {
    pub(crate) start: String,
    pub(crate) stop: String,
}

/// Copies the data of a running server, with the log that makes the copy whole or without.
pub(crate) async fn copy_now(
    server: &Server,
    draft: &Path,
    client: &mut Client,
    with_log: bool,
) -> Result<Copied, BackupError> {
    let from = server.data()?;
    let account = Account::needed().map_err(ServerError::from)?;
    let account = account.as_ref();
    let (start, stop) = if server.installation().await?.major >= 15 {
        ("SELECT pg_backup_start('branch', true)", "SELECT labelfile, lsn FROM pg_backup_stop(false)")
    } else {
        (
            "SELECT pg_start_backup('branch', true, false)",
            "SELECT labelfile, lsn FROM pg_stop_backup(false, false)",
        )
    };
    let column = |rows: &[Vec<Option<String>>], number: usize| {
        rows.first().and_then(|row| row.get(number)?.clone()).unwrap_or_default()
    };
    let start = column(&client.query(start).await?, 0);
    let failed = |source| BackupError::Copy { path: draft.to_path_buf(), source };
    blocking(&from, draft, account, |from, draft, account| tree::copy(from, draft, account, &skipped))
        .await
        .map_err(failed)?;
    let rows = client.query(stop).await?;
    let label = column(&rows, 0);
    blocking(&from, draft, account, move |from, draft, account| {
        if with_log {
            let log = draft.join("pg_wal");
            std::fs::remove_dir_all(&log)?;
            tree::copy(&from.join("pg_wal"), &log, account, &|_| false)?;
        }
        let path = draft.join("backup_label");
        std::fs::write(&path, label)?;
        tree::give(&path, account)
    })
    .await
    .map_err(failed)?;
    Ok(Copied { start, stop: column(&rows, 1) })
}

pub(crate) async fn blocking(
    from: &Path,
    draft: &Path,
    account: Option<&Account>,
    work: impl FnOnce(&Path, &Path, Option<&Account>) -> std::io::Result<()> + Send + 'static,
) -> std::io::Result<()> {
    let (from, draft, account) = (from.to_path_buf(), draft.to_path_buf(), account.cloned());
    tokio::task::spawn_blocking(move || work(&from, &draft, account.as_ref()))
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn skipped(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    EMPTIED.iter().any(|directory| path == Path::new(directory))
        || LEFT_OUT.iter().any(|file| path == Path::new(file))
        || name.starts_with("pgsql_tmp")
        || name.starts_with("pg_internal.init")
}
