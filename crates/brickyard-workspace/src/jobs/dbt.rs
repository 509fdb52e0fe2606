//! dbt tasks: the commands of a project, run by dbt itself against a warehouse of this workspace.

use std::ffi::OsString;

use serde_json::{Value, json};

use super::work::{readable, texts};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("dbt.py");

/// Commands that one task may have.
const MOST_COMMANDS: usize = 10;

/// What a task needs to run dbt.
pub(super) struct Dbt {
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: (String, String),
    /// Where the copy of the project and its profile lie.
    pub(super) room: tempfile::TempDir,
}

/// Reads a task; the project must be readable for the caller.
pub(super) fn prepare(workspace: &Workspace, caller: &Caller, task: &Value) -> Result<Dbt, ApiError> {
    let text = |name: &str| task.get(name).and_then(Value::as_str).unwrap_or_default();
    check(task)?;
    let project = readable(workspace, caller, text("project_directory"))?;
    if !project.join("dbt_project.yml").is_file() {
        return Err(ApiError::not_found(
            "File",
            format_args!("{}/dbt_project.yml", text("project_directory")),
        ));
    }
    let room = workspace.scratch().map_err(|error| ApiError::internal(&error))?;
    let given = json!({
        "commands": texts(task, "commands").collect::<Vec<_>>(),
        "warehouse_id": text("warehouse_id"),
        "schema": text("schema"),
        "catalog": text("catalog"),
        "profiles_directory": text("profiles_directory"),
        "workspace_id": workspace.config().workspace_id.to_string(),
        "room": room.path(),
    });
    Ok(Dbt {
        arguments: vec!["-c".into(), SCRIPT.into(), project.into_os_string()],
        environment: ("BRICKYARD_DBT".to_owned(), given.to_string()),
        room,
    })
}

/// Refuses what the API does not take.
pub(super) fn check(task: &Value) -> Result<(), ApiError> {
    let has = |name: &str| task.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if task.get("source").and_then(Value::as_str) == Some("GIT") {
        return Err(ApiError::not_implemented("job tasks from a git repository"));
    }
    let commands: Vec<&str> = texts(task, "commands").collect();
    if commands.is_empty() || commands.len() > MOST_COMMANDS {
        return Err(ApiError::invalid(format!("A dbt task has 1 to {MOST_COMMANDS} commands")));
    }
    if let Some(wrong) = commands.iter().find(|command| command.split_whitespace().next() != Some("dbt")) {
        return Err(ApiError::invalid(format!("Commands of a dbt task start with 'dbt', not '{wrong}'")));
    }
    if has("profiles_directory") && has("warehouse_id") {
        return Err(ApiError::invalid("profiles_directory cannot be given beside warehouse_id"));
    }
    if has("catalog") && !has("warehouse_id") {
        return Err(ApiError::invalid("catalog is given beside warehouse_id alone"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_does_not_take_is_refused() {
        let commands = json!(["dbt deps", "dbt run --select a"]);
        assert!(check(&json!({ "commands": commands, "warehouse_id": "1", "catalog": "main" })).is_ok());
        for wrong in [
            json!({ "commands": [] }),
            json!({ "commands": vec!["dbt run"; 11] }),
            json!({ "commands": ["rm -r /"] }),
            json!({ "commands": ["dbtx"] }),
            json!({ "commands": commands, "source": "GIT" }),
            json!({ "commands": commands, "warehouse_id": "1", "profiles_directory": "p" }),
            json!({ "commands": commands, "catalog": "main" }),
        ] {
            assert!(check(&wrong).is_err(), "{wrong}");
        }
    }
}
