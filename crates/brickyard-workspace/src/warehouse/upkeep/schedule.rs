//! Refreshes that nobody asks for: those of schedules, by the workspace's clock.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Refresh, begin, name_of};
use crate::catalog::{Schedule, TableRecord};
use crate::pipelines;
use crate::quartz;
use crate::workspace::Workspace;

/// How often schedules are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Refreshes materialized views and streaming tables when their schedules say so, as long as the workspace lives.
pub(crate) async fn keep_schedules(workspace: Workspace) {
    loop {
        tokio::select! {
            () = workspace.cancellation().cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        for table in pipelines::scheduled(&workspace).unwrap_or_default() {
            let now = workspace.clock().unix_milliseconds();
            if is_due(&table, now) && !pipelines::is_active(&workspace, pipeline(&table)) {
                run(&workspace, &table).await;
            }
        }
    }
}

fn pipeline(table: &TableRecord) -> &str {
    table.upkeep.as_ref().map_or("", |upkeep| &upkeep.pipeline)
}

async fn run(workspace: &Workspace, table: &TableRecord) {
    let looked = workspace.catalog().note_looked(&name_of(table));
    let begun = begin(workspace, table, "JOB_TASK", Refresh::default()).await;
    if let Err(fault) = looked.map_err(Into::into).and(begun.map(drop)) {
        let name = table.full_name();
        tracing::warn!(table = name, "The schedule of `{name}` could not be kept: {}", fault.message);
    }
}

/// Whether a time of its schedule has come since it was looked at. Those that were missed meanwhile count as one.
fn is_due(table: &TableRecord, now: i64) -> bool {
    let Some(upkeep) = &table.upkeep else { return false };
    match &upkeep.schedule {
        Some(Schedule::Every { number, unit }) => {
            let hours = match unit.as_str() {
                "HOUR" => 1,
                "DAY" => 24,
                _ => 24 * 7,
            };
            let period = i64::try_from(*number).unwrap_or(1) * hours * 3_600_000;
            now - upkeep.looked >= period
        }
        Some(Schedule::Cron { expression, zone }) => {
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            let after = Timestamp::from_millisecond(upkeep.looked).unwrap_or_default();
            quartz::next(expression, &zone, after).is_some_and(|next| next.as_millisecond() <= now)
        }
        // Whether what it reads has changed is not looked at.
        Some(Schedule::OnUpdate { .. }) | None => false,
    }
}
