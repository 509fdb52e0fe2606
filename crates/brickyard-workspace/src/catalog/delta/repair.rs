use serde_json::{Value, json};

use super::fault::DeltaError;
use super::log::Log;
use super::restore::{decode, removal, state};
use super::table::commit_info;

/// Takes files out of a table that are no longer on disk; gives their paths. With `dry_run` they are only named.
pub(crate) fn repair(log: &Log, user: &str, now: i64, dry_run: bool) -> Result<Vec<String>, DeltaError> {
    loop {
        let version = log.snapshot()?.version;
        let (files, _) = state(log, version)?;
        let path = |file: &Value| file["path"].as_str().unwrap_or_default().to_owned();
        let missing: Vec<&Value> =
            files.values().filter(|file| !log.table.join(decode(&path(file))).exists()).collect();
        let paths: Vec<String> = missing.iter().map(|file| path(file)).collect();
        if dry_run || missing.is_empty() {
            return Ok(paths);
        }
        let metrics = json!({ "numRemovedFiles": missing.len().to_string() });
        let mut actions = vec![commit_info(user, now, "FSCK", &json!({ "dryRun": "false" }), &metrics)];
        actions.extend(missing.iter().map(|file| json!({ "remove": removal(file, now) })));
        if log.write(version + 1, &actions)? {
            return Ok(paths);
        }
    }
}
