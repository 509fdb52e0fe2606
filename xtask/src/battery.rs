use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::command::root;

/// Where the statements and what they must give are kept.
const BATTERY: &str = "crates/brickyard-sql/tests/it/battery.json";

/// The pass table of the battery of statements, for the page of parity.
///
/// The test `battery::every_statement_gives_what_the_battery_says` holds the file to what the warehouse does: a statement that is
/// not marked as refused passes.
pub(crate) fn section() -> Result<String, String> {
    let text = std::fs::read_to_string(root().join(BATTERY))
        .map_err(|error| format!("cannot read `{BATTERY}`: {error}"))?;
    let entries: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| format!("cannot read `{BATTERY}`: {error}"))?;
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for entry in &entries {
        let (all, passed) = counts.entry(entry["cat"].as_str().unwrap_or_default()).or_default();
        *all += 1;
        *passed += usize::from(entry["refused"].is_null());
    }
    let passed: usize = counts.values().map(|(_, passed)| passed).sum();
    let mut page = String::from("\n## SQL statements\n\n");
    let _ = writeln!(
        page,
        "Statements of Databricks SQL through the newest connector, in one session: {passed} of {} give the platform's rows, columns \
         or error class (`battery::every_statement_gives_what_the_battery_says`); the rest is refused with an error that names what \
         is missing. None gives anything else.\n",
        entries.len()
    );
    page.push_str("| group | statements | as the platform | refused |\n| --- | --- | --- | --- |\n");
    for (group, (all, passed)) in &counts {
        let _ = writeln!(page, "| {group} | {all} | {passed} | {} |", all - passed);
    }
    page.push_str("\n| refused |\n| --- |\n");
    for entry in entries.iter().filter(|entry| !entry["refused"].is_null()) {
        let sql = entry["sql"].as_str().unwrap_or_default().replace('|', "\\|").replace('`', "'");
        let _ = writeln!(page, "| `{}` |", sql.chars().take(110).collect::<String>());
    }
    Ok(page)
}
