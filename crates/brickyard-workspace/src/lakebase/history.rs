//! Copies of servers, as they are and as they were.

use std::sync::atomic::Ordering;

use brickyard_postgres::{Microseconds, Point};

use super::compute::{Compute, check_alone};
use super::record::ServerRecord;
use super::{Lakebase, LakebaseError};
use crate::workspace::Workspace;

impl Lakebase {
    /// Remembers a new server that begins as a copy of another, roles included, and copies it: as it is, or as it was at
    /// some point of its history.
    pub(crate) async fn create_copy(
        &self,
        workspace: &Workspace,
        record: &ServerRecord,
        source: &str,
        point: Option<&Point>,
    ) -> Result<(), LakebaseError> {
        check_alone(workspace)?;
        let original = self.ready(workspace, source).await?;
        let past = original.is_past(point).await?;
        if past && !original.server.has_history() {
            return Err(not_kept(true));
        }
        let databases = workspace.databases();
        databases.put_server(record)?;
        for role in databases.roles(source)? {
            databases.put_role(&record.uid, &role)?;
        }
        let copy = self.compute(workspace, &record.uid)?;
        if let Err(error) = self.fill(workspace, &original, &copy, point.filter(|_| past), point).await {
            copy.server.destroy().await?;
            self.forget(&record.uid);
            databases.delete_server(&record.uid)?;
            return Err(error);
        }
        Ok(())
    }

    /// Copies what a server is, or what it was at a point of the past.
    async fn fill(
        &self,
        workspace: &Workspace,
        original: &Compute,
        copy: &Compute,
        past: Option<&Point>,
        asked: Option<&Point>,
    ) -> Result<(), LakebaseError> {
        let mut past = past;
        if past.is_none() {
            original.server.copy_to(&copy.server).await?;
            // Once more: what was committed while it was copied may be in the copy.
            if !original.is_past(asked).await? {
                return Ok(());
            }
            copy.server.destroy().await?;
            past = asked;
        }
        let Some(point) = past else { return Ok(()) };
        if original.server.restore_to(&copy.server, point).await?.is_none() {
            return Err(not_kept(!original.server.has_history()));
        }
        // The roles of then, which the records of now may lack.
        self.take_in_roles(workspace, copy.uid()).await
    }

    /// Keeps earlier states of a server for as long as its record says, from now on.
    pub(super) async fn keep_history(
        &self,
        workspace: &Workspace,
        compute: &Compute,
    ) -> Result<(), LakebaseError> {
        let record = workspace.databases().server(compute.uid())?;
        let wanted = record.and_then(|record| record.history).filter(|_| compute.server.outside().is_none());
        let Some(seconds) = wanted else { return Ok(()) };
        let _one = compute.preparing.lock().await;
        compute.server.keep_history(seconds).await?;
        compute.looked.store(jiff::Timestamp::now().as_second(), Ordering::Relaxed);
        Ok(())
    }

    /// Keeps earlier states of a server for another time than before, or none any more.
    pub(crate) async fn change_history(
        &self,
        workspace: &Workspace,
        uid: &str,
        seconds: Option<i64>,
    ) -> Result<(), LakebaseError> {
        let databases = workspace.databases();
        let Some(mut record) = databases.server(uid)? else { return Ok(()) };
        if record.history == seconds {
            return Ok(());
        }
        record.history = seconds;
        databases.put_server(&record)?;
        if record.stopped {
            return Ok(()); // at its next start
        }
        let compute = self.ready(workspace, uid).await?;
        match seconds {
            Some(_) => self.keep_history(workspace, &compute).await,
            None => Ok(compute.server.forget_history().await?),
        }
    }
}

impl Compute {
    /// Whether something was committed since a point; nothing was since none.
    async fn is_past(&self, point: Option<&Point>) -> Result<bool, LakebaseError> {
        match point {
            None => Ok(false),
            Some(Point::Time(time)) => Ok(self.last_commit().await? > *time),
            Some(Point::Lsn(lsn)) => {
                let end = self.server.lsn().await?;
                if *lsn > end {
                    return Err(LakebaseError::invalid("source_branch_lsn is in the future"));
                }
                Ok(*lsn < end)
            }
        }
    }

    /// When something was committed last, by the machine's clock, or a time after that: the start of the server where
    /// nothing was since.
    async fn last_commit(&self) -> Result<Microseconds, LakebaseError> {
        let sql = "SELECT (extract(epoch FROM coalesce((SELECT timestamp FROM pg_last_committed_xact()), \
                   pg_postmaster_start_time())) * 1000000)::bigint";
        let rows = self.client("postgres").await?.query(sql).await?;
        let told = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        told.and_then(|text| text.parse().ok())
            .ok_or_else(|| LakebaseError::invalid("The server tells no time of its last commit"))
    }
}

fn not_kept(never: bool) -> LakebaseError {
    let message = if never {
        "a state of before the last commit where no history is kept (hint: set history_retention_duration \
         of the project, or retention_window_in_days of the instance: then it is from that moment on; or make a snapshot \
         before what may have to be undone)"
    } else {
        "The point is before what is kept: history begins when it is asked for, and goes after the time asked for"
    };
    LakebaseError::NotKept { message: message.to_owned(), never }
}
