//! Earlier states of a server: a copy of its data now and then, and the log since.
//!
//! A replication slot has the server keep its log from the oldest copy on, over restarts and crashes. An earlier state is
//! such a copy to which PostgreSQL itself applies the log, up to the point that is asked for ("Point-in-Time Recovery" in
//! its docs). All of it stands in `history` beside the data: `NUMBER/data` and `NUMBER/point`, where the copy ended.

use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::backup::{self, BackupError, Copied};
use crate::client::Client;
use crate::server::{Server, ServerError};
use crate::template::{draft_beside, sync_later};
use crate::tree;

/// The slot that keeps the log.
const SLOT: &str = "brickyard_history";

/// Microseconds since the epoch by the system's clock, which the log knows its commits by.
pub type Microseconds = i64;

/// A point in the past of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// After everything that was committed up to a time.
    Time(Microseconds),
    /// At a place of the log, such as `0/3000148`.
    Lsn(u64),
}

/// One of the copies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    directory: PathBuf,
    number: u32,
    /// When and where in the log it was whole.
    time: Microseconds,
    lsn: u64,
    /// Where in the log it began.
    start: u64,
}

impl Server {
    /// Keeps what this server was from now on, for at least so many seconds: called again, it makes a new copy where the
    /// newest is older than that, and forgets what is not needed any more. So there are two copies at most, and the log of
    /// twice that time.
    pub async fn keep_history(&self, seconds: i64) -> Result<(), BackupError> {
        if self.outside().is_some() {
            return Err(ServerError::NotOurs { what: "copied" }.into());
        }
        let mut client = self.client("postgres").await?;
        let begun = now(&mut client).await?;
        let window = seconds.saturating_mul(1_000_000);
        let mut bases = self.bases()?;
        if bases.last().is_none_or(|newest| begun.saturating_sub(newest.time) >= window) {
            let slot = format!(
                "SELECT pg_create_physical_replication_slot('{SLOT}', true)
                 WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{SLOT}')"
            );
            client.query(&slot).await?;
            let number = bases.last().map_or(0, |newest| newest.number + 1);
            bases.push(self.copy_base(&mut client, number).await?);
        }
        let now = now(&mut client).await?;
        let needed = bases.iter().rposition(|base| now.saturating_sub(base.time) >= window).unwrap_or(0);
        for base in bases.drain(..needed) {
            remove(base.directory).await?;
        }
        if let Some(oldest) = bases.first().filter(|_| needed > 0) {
            let advance =
                format!("SELECT pg_replication_slot_advance('{SLOT}', '{}')", written(oldest.start));
            client.query(&advance).await?;
        }
        Ok(())
    }

    /// Keeps no earlier states any more.
    pub async fn forget_history(&self) -> Result<(), BackupError> {
        let history = self.history()?;
        if !history.exists() {
            return Ok(());
        }
        let mut client = self.client("postgres").await?;
        let drop = format!(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{SLOT}'"
        );
        client.query(&drop).await?;
        remove(history).await
    }

    /// Whether any earlier state is kept.
    pub fn has_history(&self) -> bool {
        self.bases().is_ok_and(|bases| !bases.is_empty())
    }

    /// Where the log ends now.
    pub async fn lsn(&self) -> Result<u64, BackupError> {
        let mut client = self.client("postgres").await?;
        Ok(read_lsn(&value(client.query("SELECT pg_current_wal_insert_lsn()").await?)).unwrap_or_default())
    }

    /// Makes the data of a server that has none yet from what this one was at a point, and starts it; nothing where that
    /// is not kept. Something must have been committed since.
    pub async fn restore_to(&self, target: &Self, point: &Point) -> Result<Option<()>, BackupError> {
        let bases = self.bases()?;
        let covers = |base: &&Base| match point {
            Point::Time(time) => base.time <= *time,
            Point::Lsn(lsn) => base.lsn <= *lsn,
        };
        let Some(base) = bases.iter().rev().find(covers) else { return Ok(None) };
        let mut client = self.client("postgres").await?;
        client.query("CHECKPOINT").await?; // what was committed is on disk then, of whatever kind it was
        let settings = match point {
            Point::Time(time) => {
                // An interval of so many microseconds is too long for PostgreSQL 14.
                let (seconds, rest) = (time.div_euclid(1_000_000), time.rem_euclid(1_000_000));
                let text = format!("SELECT to_timestamp({seconds}) + '{rest} microseconds'::interval");
                format!(
                    "recovery_target_time = '{}'\nrecovery_target_inclusive = on",
                    value(client.query(&text).await?)
                )
            }
            Point::Lsn(lsn) => {
                format!("recovery_target_lsn = '{}'\nrecovery_target_inclusive = off", written(*lsn))
            }
        };
        let (copy, log, to) = (base.directory.join("data"), self.data()?.join("pg_wal"), target.data()?);
        let account = Account::needed().map_err(ServerError::from)?;
        let draft = draft_beside(&to);
        let made = backup::blocking(&copy, &draft, account.as_ref(), move |copy, draft, account| {
            tree::copy(copy, draft, account, &|_| false)?;
            std::fs::remove_dir_all(draft.join("pg_wal"))?;
            tree::copy(&log, &draft.join("pg_wal"), account, &|_| false)?;
            recover_on_start(draft, &settings, account)
        });
        let made = made.await.and_then(|()| std::fs::rename(&draft, &to));
        if let Err(source) = made {
            let _ = std::fs::remove_dir_all(&draft);
            return Err(BackupError::Copy { path: to, source });
        }
        if let Err(error) = target.start().await {
            target.destroy().await?;
            return Err(error.into());
        }
        sync_later(to, || {});
        Ok(Some(()))
    }

    /// Where the copies are.
    pub(crate) fn history(&self) -> Result<PathBuf, ServerError> {
        Ok(self.data()?.with_file_name("history"))
    }

    /// The copies, oldest first.
    fn bases(&self) -> Result<Vec<Base>, ServerError> {
        let mut bases: Vec<Base> = std::fs::read_dir(self.history()?)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| read(entry.path()))
            .collect();
        bases.sort_by_key(|base| base.number);
        Ok(bases)
    }

    async fn copy_base(&self, client: &mut Client, number: u32) -> Result<Base, BackupError> {
        let history = self.history()?;
        let account = Account::needed().map_err(ServerError::from)?;
        let failed = |source| BackupError::Copy { path: history.clone(), source };
        let directory = history.join(number.to_string());
        backup::blocking(&history, &directory, account.as_ref(), |history, directory, account| {
            if !history.exists() {
                tree::make(history, account)?;
            }
            if directory.exists() {
                std::fs::remove_dir_all(directory)?; // not whole, else it would be known
            }
            tree::make(directory, account)
        })
        .await
        .map_err(failed)?;
        let Copied { start, stop } = backup::copy_now(self, &directory.join("data"), client, false).await?;
        let (start, lsn) = (read_lsn(&start).unwrap_or_default(), read_lsn(&stop).unwrap_or_default());
        let base = Base { number, time: now(client).await?, lsn, start, directory };
        let line = format!("{} {} {}\n", base.time, written(base.lsn), written(base.start));
        backup::blocking(&history, &base.directory, account.as_ref(), move |_, directory, account| {
            let fresh = directory.join("point.new");
            std::fs::write(&fresh, line)?;
            tree::give(&fresh, account)?;
            std::fs::rename(fresh, directory.join("point"))
        })
        .await
        .map_err(failed)?;
        Ok(base)
    }
}

/// Reads a copy; nothing where it is not whole.
fn read(directory: PathBuf) -> Option<Base> {
    let number = directory.file_name()?.to_str()?.parse().ok()?;
    let text = std::fs::read_to_string(directory.join("point")).ok()?;
    let mut words = text.split_whitespace();
    let time = words.next()?.parse().ok()?;
    let (lsn, start) = (read_lsn(words.next()?)?, read_lsn(words.next()?)?);
    Some(Base { directory, number, time, lsn, start })
}

/// Has a server recover up to a point when it starts, and take no connection before.
fn recover_on_start(data: &Path, settings: &str, account: Option<&Account>) -> std::io::Result<()> {
    let path = data.join("postgresql.auto.conf");
    let before = std::fs::read_to_string(&path)?;
    let kept = before.lines().filter(|line| !line.starts_with("recovery_target"));
    let lines = kept.chain(settings.lines()).chain([
        "recovery_target_action = 'promote'",
        "restore_command = 'false'", // the log is there already
        "hot_standby = off",
    ]);
    std::fs::write(&path, lines.fold(String::new(), |text, line| text + line + "\n"))?;
    let signal = data.join("recovery.signal");
    std::fs::write(&signal, "")?;
    tree::give(&signal, account)
}

async fn remove(directory: PathBuf) -> Result<(), BackupError> {
    let path = directory.clone();
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await;
    let removed = removed.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    removed.map_err(|source| BackupError::Copy { path: directory, source })
}

async fn now(client: &mut Client) -> Result<Microseconds, BackupError> {
    let rows = client.query("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").await?;
    Ok(value(rows).parse().unwrap_or_default())
}

fn value(rows: Vec<Vec<Option<String>>>) -> String {
    rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default()
}

/// Reads a place of the log as PostgreSQL writes it, such as `0/3000148`.
pub fn read_lsn(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let part = |text: &str| u32::from_str_radix(text, 16).ok().map(u64::from);
    Some(part(high)? << 32 | part(low)?)
}

fn written(lsn: u64) -> String {
    format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_log_are_read_as_they_are_written() {
        for (text, lsn) in
            [("0/3000148", Some(0x300_0148)), ("2A/0", Some(0x2a_0000_0000)), ("0", None), ("0/x", None)]
        {
            assert_eq!(read_lsn(text), lsn, "{text}");
            assert_eq!(lsn.map(written), lsn.map(|_| text.to_owned()));
        }
        assert_eq!(read_lsn("1/100000000"), None);
    }
}
