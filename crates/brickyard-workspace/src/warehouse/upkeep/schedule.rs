//! Refreshes that nobody asks for: those of schedules, by the workspace's clock.

use std::collections::BTreeSet;
use std::time::Duration;

use brickyard_sql::{ReferenceKind, parse, qualify, references};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Refresh, begin, name_of};
use crate::catalog::{Schedule, TableRecord};
use crate::pipelines;
use crate::quartz;
use crate::warehouse::name::full_name;
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
            let due = is_due(&table, now) || (may_follow(&table, now) && has_news(&workspace, &table));
            if due && !pipelines::is_active(&workspace, pipeline(&table)) {
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
        Some(Schedule::OnUpdate { .. }) | None => false,
    }
}

/// Whether a table that follows what it reads may be refreshed so soon again.
fn may_follow(table: &TableRecord, now: i64) -> bool {
    let Some(upkeep) = &table.upkeep else { return false };
    match &upkeep.schedule {
        Some(Schedule::OnUpdate { at_most_every: None }) => true,
        Some(Schedule::OnUpdate { at_most_every: Some(interval) }) => {
            now - upkeep.looked >= milliseconds(interval).unwrap_or(0)
        }
        _ => false,
    }
}

/// The length of `INTERVAL 5 MINUTES`, also with the number or all of it as a text.
fn milliseconds(interval: &str) -> Option<i64> {
    let text = interval.replace(['\'', '"'], " ").to_uppercase();
    let mut words = text.split_whitespace().filter(|word| *word != "INTERVAL");
    let number: i64 = words.next()?.parse().ok()?;
    let seconds = match words.next()?.trim_end_matches('S') {
        "SECOND" => 1,
        "MINUTE" => 60,
        "HOUR" => 3600,
        "DAY" => 24 * 3600,
        "WEEK" => 7 * 24 * 3600,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1000)
}

/// Whether a Delta table that the query reads, be it through views, has a commit that is newer than the last look.
fn has_news(workspace: &Workspace, table: &TableRecord) -> bool {
    let looked = table.upkeep.as_ref().map_or(0, |upkeep| upkeep.looked);
    let looked = Timestamp::from_millisecond(looked).unwrap_or_default();
    // Commits bear the time of the machine.
    let looked = workspace.clock().on_the_machine(looked).as_millisecond();
    let (mut waiting, mut seen) = (vec![table.clone()], BTreeSet::new());
    while let Some(reader) = waiting.pop() {
        let statement = parse(reader.view_definition.as_deref().unwrap_or_default());
        let found = statement.and_then(|statement| references(&statement)).unwrap_or_default();
        let (catalog, schema) = reader.view_context.clone().unwrap_or_default();
        for read in found.into_iter().filter(|read| read.kind == ReferenceKind::Read) {
            let Some(parts) = qualify(&read.parts, &catalog, &schema) else { continue };
            let Ok(source) = workspace.catalog().table_record(&full_name(&parts)) else { continue };
            if !seen.insert(source.full_name()) {
                continue;
            }
            if source.is_view() {
                waiting.push(source);
            } else if workspace.catalog().commit_time(&source).is_some_and(|time| time > looked) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn intervals_are_read_as_they_are_typed() {
        let minutes = |text| milliseconds(text).map(|length| length / 60_000);
        assert_eq!(minutes("INTERVAL 5 MINUTES"), Some(5));
        assert_eq!((minutes("INTERVAL '1' HOUR"), minutes("interval '2 days'")), (Some(60), Some(2880)));
        assert_eq!(minutes("INTERVAL x"), None);
    }
}
