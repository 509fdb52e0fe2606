//! What a task does: a process to start, or SQL to run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::dbt;
use super::execute::Context;
use super::process::Launch;
use super::record::TaskRun;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::files::FilePath;
use crate::scope::ALL_APIS;
use crate::workspace::Workspace;
use crate::workspace_files::{Object, ObjectPath};

const NOTEBOOK: &str = include_str!("notebook.py");
const WHEEL: &str = include_str!("wheel.py");

/// Largest wheel and largest file of SQL, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Kinds of task that run here.
pub(super) const KINDS: [&str; 8] = [
    "spark_python_task",
    "python_wheel_task",
    "notebook_task",
    "sql_task",
    "dbt_task",
    "condition_task",
    "for_each_task",
    "run_job_task",
];

/// What there is to do.
pub(super) enum Work {
    /// A program in an environment of its own.
    Process(Launch),
    /// Statements on a warehouse, one after the other.
    Sql { warehouse: String, statements: Vec<String>, parameters: Vec<(String, String)> },
}

/// Reads a task into work, in the name of `caller`.
pub(super) async fn work(
    workspace: &Workspace,
    caller: &Caller,
    task: &TaskRun,
    context: &Context<'_>,
) -> Result<Work, ApiError> {
    let kind = |name: &str| task.settings.get(name);
    if let Some(sql) = kind("sql_task") {
        return sql_work(workspace, caller, sql);
    }
    let mut requirements = requirements(workspace, caller, task, context)?;
    let mut environment = Vec::new();
    let (mut result, mut room) = (None, None);
    let (arguments, directory) = if let Some(python) = kind("spark_python_task") {
        let file = python_file(workspace, caller, python)?;
        let mut arguments = vec![file.clone().into_os_string()];
        arguments.extend(texts(python, "parameters").map(OsString::from));
        (arguments, file.parent().map(Path::to_path_buf))
    } else if let Some(wheel) = kind("python_wheel_task") {
        let text = |name: &str| wheel.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut arguments: Vec<OsString> =
            ["-c", WHEEL, text("package_name"), text("entry_point")].map(OsString::from).to_vec();
        arguments.extend(texts(wheel, "parameters").map(OsString::from));
        let named = wheel.get("named_parameters").and_then(Value::as_object).into_iter().flatten();
        arguments.extend(
            named.map(|(name, value)| format!("--{name}={}", value.as_str().unwrap_or_default()).into()),
        );
        (arguments, None)
    } else if let Some(notebook) = kind("notebook_task") {
        let (file, language) = notebook_file(workspace, caller, notebook)?;
        let source = std::fs::read_to_string(&file).unwrap_or_default();
        requirements.extend(installed_by(&source));
        if !requirements.iter().any(|line| line.starts_with("databricks-sdk")) {
            requirements.push("databricks-sdk".to_owned());
        }
        let directory = workspace.scratch().map_err(|error| ApiError::internal(&error))?;
        let given = json!({
            "parameters": notebook.get("base_parameters").cloned().unwrap_or_else(|| json!({})),
            "task_values": context.values().await,
            "warehouse_id": notebook.get("warehouse_id"),
            "language": language,
        });
        environment.push(("BRICKYARD_NOTEBOOK".to_owned(), given.to_string()));
        let place = directory.path().join("result.json");
        environment.push(("BRICKYARD_RESULT".to_owned(), place.display().to_string()));
        (result, room) = (Some(place), Some(directory));
        let arguments = vec!["-c".into(), NOTEBOOK.into(), file.clone().into_os_string()];
        (arguments, file.parent().map(Path::to_path_buf))
    } else if let Some(settings) = kind("dbt_task") {
        if !requirements.iter().any(|line| line.starts_with("dbt-databricks")) {
            // What the platform proposes.
            requirements.push("dbt-databricks>=1.0.0,<2.0.0".to_owned());
        }
        let dbt = dbt::prepare(workspace, caller, settings)?;
        environment.push(dbt.environment);
        room = Some(dbt.room);
        (dbt.arguments, None)
    } else {
        return Err(ApiError::invalid("A task says what to run, as with spark_python_task"));
    };
    let interpreter = workspace.config().provision.python(requirements).await.map_err(|error| {
        let message = format!("The environment of task {} cannot be made: {error}", task.task_key);
        ApiError::new(http::StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    })?;
    Ok(Work::Process(Launch {
        interpreter,
        arguments,
        directory,
        environment,
        token: workspace.token_for(caller.name(), "jobs", &[ALL_APIS.to_owned()]),
        result,
        _room: room,
    }))
}

/// How long the task may take; `None` for ever.
pub(super) fn timeout(settings: &Map<String, Value>) -> Option<Duration> {
    settings
        .get("timeout_seconds")
        .and_then(Value::as_u64)
        .filter(|&seconds| seconds > 0)
        .map(Duration::from_secs)
}

pub(super) fn texts<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    value.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Lines of a `requirements.txt`: the task's libraries and the dependencies of its environment.
fn requirements(
    workspace: &Workspace,
    caller: &Caller,
    task: &TaskRun,
    context: &Context<'_>,
) -> Result<Vec<String>, ApiError> {
    let mut requirements: Vec<String> = Vec::new();
    for library in task.settings.get("libraries").and_then(Value::as_array).into_iter().flatten() {
        let package = library.pointer("/pypi/package").and_then(Value::as_str);
        match (package, library.get("whl").and_then(Value::as_str)) {
            (Some(package), _) => requirements.push(package.to_owned()),
            (None, Some(path)) => requirements.push(wheel(workspace, caller, path)?),
            _ => return Err(ApiError::not_implemented("job libraries other than pypi and whl")),
        }
    }
    if let Some(key) = task.settings.get("environment_key").and_then(Value::as_str) {
        let found = context.environments.iter().find(|one| one["environment_key"] == key);
        let found = found.ok_or_else(|| ApiError::invalid(format!("The job has no environment '{key}'")))?;
        for line in found.get("spec").into_iter().flat_map(|spec| texts(spec, "dependencies")) {
            let is_file = line.strip_suffix(".whl").is_some() && line.starts_with('/');
            requirements.push(if is_file { wheel(workspace, caller, line)? } else { line.to_owned() });
        }
    }
    Ok(requirements)
}

/// A wheel of the workspace or a volume as a requirement: a copy under the name of its content, so that a changed wheel
/// makes another environment.
fn wheel(workspace: &Workspace, caller: &Caller, path: &str) -> Result<String, ApiError> {
    let internal = |error: std::io::Error| ApiError::internal(&error);
    let place = place(workspace, caller, path)?;
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    if name.strip_suffix(".whl").is_none() || place.metadata().map_err(internal)?.len() > LARGEST {
        return Err(ApiError::invalid(format!("'{path}' is not a wheel of at most {LARGEST} bytes")));
    }
    let content = std::fs::read(&place).map_err(internal)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &content);
    let digest = uuid::Uuid::from_slice(&digest.as_ref()[..16]).unwrap_or_default().simple().to_string();
    let folder = workspace.config().state_directory.join("wheels").join(digest);
    let folder = std::path::absolute(folder).map_err(internal)?;
    let copy = folder.join(&name);
    if !copy.exists() {
        std::fs::create_dir_all(&folder).map_err(internal)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(internal)?;
        std::io::Write::write_all(&mut file, &content).map_err(internal)?;
        file.persist(&copy).map_err(|failed| ApiError::internal(&failed.error))?;
    }
    let url = url::Url::from_file_path(&copy).map_err(|()| ApiError::invalid("The wheel has no place"))?;
    Ok(format!("{} @ {url}", name.split('-').next().unwrap_or_default()))
}

/// Where a file of the workspace or a volume lies, when the caller may read it.
fn place(workspace: &Workspace, caller: &Caller, name: &str) -> Result<PathBuf, ApiError> {
    let place = readable(workspace, caller, name)?;
    if place.is_file() { Ok(place) } else { Err(ApiError::not_found("File", name)) }
}

/// The same of a file or a directory.
pub(super) fn readable(workspace: &Workspace, caller: &Caller, name: &str) -> Result<PathBuf, ApiError> {
    Ok(if name.starts_with("/Volumes/") || name.starts_with("dbfs:/Volumes/") {
        workspace.file_place(caller, &FilePath::parse(name)?, "READ_VOLUME")?
    } else {
        let path = ObjectPath::parse(name)?;
        workspace.authorize_path(caller, &path, "CAN_READ")?;
        workspace.file_tree().get(&path)?;
        workspace.file_tree().on_disk(&path)?
    })
}

/// The file a task names: of the workspace, of a volume, or of this machine where the one who started us said so.
fn python_file(workspace: &Workspace, caller: &Caller, python: &Value) -> Result<PathBuf, ApiError> {
    let name = python.get("python_file").and_then(Value::as_str).unwrap_or_default();
    match python.get("source").and_then(Value::as_str) {
        Some("LOCAL") if Path::new(name).is_file() => Ok(PathBuf::from(name)),
        Some("LOCAL") => Err(ApiError::not_found("Python file", name)),
        Some("GIT") => Err(ApiError::not_implemented("job tasks from a git repository")),
        _ => place(workspace, caller, name),
    }
}

/// The source of a notebook and its language.
fn notebook_file(
    workspace: &Workspace,
    caller: &Caller,
    notebook: &Value,
) -> Result<(PathBuf, &'static str), ApiError> {
    if notebook.get("source").and_then(Value::as_str) == Some("GIT") {
        return Err(ApiError::not_implemented("job tasks from a git repository"));
    }
    let path = ObjectPath::parse(notebook.get("notebook_path").and_then(Value::as_str).unwrap_or_default())?;
    workspace.authorize_path(caller, &path, "CAN_RUN")?;
    let language = match workspace.file_tree().get(&path)? {
        Object::Notebook(notebook, _) => match notebook.language.as_str() {
            "PYTHON" => "python",
            "SQL" => "sql",
            other => return Err(ApiError::not_implemented(format_args!("notebooks in {other}"))),
        },
        Object::File(_) => "python",
        Object::Directory => return Err(ApiError::not_found("Notebook", path)),
    };
    Ok((workspace.file_tree().on_disk(&path)?, language))
}

/// Packages that a notebook's `%pip install` lines name.
fn installed_by(source: &str) -> Vec<String> {
    let lines = source.lines().filter_map(|line| {
        let line = line.trim_start_matches("# MAGIC").trim();
        line.strip_prefix("%pip install").or_else(|| line.strip_prefix("%uv pip install"))
    });
    let words = lines.flat_map(str::split_whitespace).filter(|word| !word.starts_with('-'));
    words.map(|word| word.trim_matches(['"', '\'']).to_owned()).collect()
}

fn sql_work(workspace: &Workspace, caller: &Caller, sql: &Value) -> Result<Work, ApiError> {
    let warehouse = sql.get("warehouse_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(path) = sql.pointer("/file/path").and_then(Value::as_str) else {
        return Err(ApiError::not_implemented(
            "SQL tasks other than files (saved queries, dashboards, alerts)",
        ));
    };
    if sql.pointer("/file/source").and_then(Value::as_str) == Some("GIT") {
        return Err(ApiError::not_implemented("job tasks from a git repository"));
    }
    let text = std::fs::read_to_string(place(workspace, caller, path)?)
        .map_err(|error| ApiError::invalid(format!("The SQL file '{path}' cannot be read: {error}")))?;
    let statements =
        brickyard_sql::split(&text).map_err(|error| ApiError::invalid(format!("'{path}': {error}")))?;
    let parameters = sql.get("parameters").and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Work::Sql {
        warehouse,
        statements: statements.into_iter().map(str::to_owned).collect(),
        parameters: parameters.map(|(name, value)| (name.clone(), text(value))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_a_notebook_are_found() {
        let source = "# Databricks notebook source\n# MAGIC %pip install -q \"a==1\" b\n# COMMAND ----------\n%pip install c\nprint('%pip')\n";
        assert_eq!(installed_by(source), ["a==1", "b", "c"]);
    }
}
