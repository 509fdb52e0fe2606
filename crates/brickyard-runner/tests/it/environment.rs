//! Environments as apps get them.

use std::path::{Path, PathBuf};
use std::process::Command;

use brickyard_runner::environment::{
    ENGINE_LOCK, Environment, EnvironmentError, EnvironmentKind, EnvironmentSpec, POSTGRES_LOCK, build,
    tool_environment,
};
use brickyard_runner::tools::{Cache, ToolError, Tools};

use crate::rig::{temporary, tools, variables};

/// Every library the platform documents as pre-installed, by the name it is imported as.
const PREINSTALLED: &str = "
import databricks.sql, databricks.sdk, mlflow, mlflow.deployments, gradio, streamlit, shiny, dash, flask, fastapi, uvicorn, gunicorn
import huggingface_hub, dash_ag_grid, dash_mantine_components, dash_bootstrap_components, plotly.express, plotly_resampler
import importlib.metadata as m
for name in ('databricks-sql-connector', 'databricks-sdk', 'gradio', 'streamlit', 'dash', 'flask', 'fastapi'):
    print(name, m.version(name))
import tempfile
mlflow.set_tracking_uri('file:' + tempfile.mkdtemp())
experiment = mlflow.set_experiment('spans').experiment_id
mlflow.trace(lambda: 42, name='answer')()
print([span.name for trace in mlflow.MlflowClient().search_traces([experiment]) for span in trace.data.spans])
";

fn bare(project: &Path, requirements: &str) -> EnvironmentSpec {
    let file = project.join("requirements.txt");
    std::fs::write(&file, requirements).unwrap();
    EnvironmentSpec { preinstalled: false, ..EnvironmentSpec::pip(project, Some(file)) }
}

fn says(environment: &Environment, program: &str) -> String {
    let output = Command::new(&environment.python).args(["-c", program]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn leftovers(cache: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cache.join("environments")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn the_preinstalled_set_works_together() {
    let (cache, project) = (temporary(), temporary());
    let tools = tools(cache.path());
    let spec = EnvironmentSpec::pip(project.path(), None);
    let environment = build(&spec, &tools, |_| ()).await.unwrap();
    assert!(!environment.reused && environment.site_packages.join("streamlit").is_dir());
    let said = says(&environment, PREINSTALLED);
    for version in [
        "databricks-sql-connector 3.4.0",
        "databricks-sdk 0.33.0",
        "gradio 4.44.0",
        "streamlit 1.38.0",
        "dash 2.18.1",
        "['answer']",
    ] {
        assert!(said.contains(version), "{said}");
    }

    // Warm: what is there is taken as it is.
    let again = build(&spec, &tools, |_| ()).await.unwrap();
    assert!(again.reused && again.directory == environment.directory);

    // The app's requirements win over what is there.
    let file = project.path().join("requirements.txt");
    std::fs::write(&file, "click==8.1.7\n").unwrap();
    let on_top = build(&EnvironmentSpec::pip(project.path(), Some(file)), &tools, |_| ()).await.unwrap();
    assert_ne!(on_top.directory, environment.directory);
    let click = "import importlib.metadata as m; print(m.version('click'))";
    assert_eq!((says(&on_top, click).trim(), says(&environment, click).trim()), ("8.1.7", "8.1.8"));
}

#[tokio::test]
async fn a_failed_build_leaves_nothing_and_names_the_requirement() {
    let (cache, project) = (temporary(), temporary());
    let spec = bare(project.path(), "iniconfig==2.0.0\nidna==9999.9\n");
    let error = build(&spec, &tools(cache.path()), |_| ()).await.unwrap_err();
    let EnvironmentError::Install { requirement, reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(requirement.as_deref(), Some("idna==9999.9"), "{reason}");
    assert!(reason.contains("no version of idna"), "{reason}");
    assert!(error.hint().unwrap().contains("idna==9999.9"));
    assert_eq!(leftovers(cache.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_build_nobody_waits_for_leaves_nothing() {
    let (cache, project) = (temporary(), temporary());
    let (spec, tools) = (bare(project.path(), "iniconfig==2.0.0\n"), tools(cache.path()));
    {
        let (step, mut steps) = tokio::sync::mpsc::unbounded_channel();
        let building = build(&spec, &tools, |progress| drop(step.send(progress)));
        tokio::pin!(building);
        // Dropped in the middle of it, once the folder is being filled.
        tokio::select! {
            _ = &mut building => panic!("it was to be interrupted"),
            () = async { while !matches!(steps.recv().await, Some(brickyard_runner::environment::Progress::Installing(_))) {} } => {}
        }
    }
    assert_eq!(leftovers(cache.path()), Vec::<PathBuf>::new());
    assert!(!build(&spec, &tools, |_| ()).await.unwrap().reused);
}

#[tokio::test]
async fn two_at_once_build_once() {
    let (cache, project) = (temporary(), temporary());
    let spec = bare(project.path(), "iniconfig==2.0.0\n");
    let (one, other) = (tools(cache.path()), tools(cache.path()));
    let (one, other) = tokio::join!(build(&spec, &one, |_| ()), build(&spec, &other, |_| ()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.directory, other.directory);
    assert!(one.reused != other.reused);
    says(&one, "import iniconfig");
}

#[tokio::test]
async fn cold_and_offline_is_told_and_warm_works() {
    let (cache, project, empty) = (temporary(), temporary(), temporary());
    let mut offline = variables();
    offline.insert("UV_OFFLINE".into(), "1".into());
    offline.insert("UV_CACHE_DIR".into(), empty.path().into());
    let offline = Tools::new(Cache::new(cache.path()), offline);
    let spec = bare(project.path(), "iniconfig==2.0.0\n");
    let error = build(&spec, &offline, |_| ()).await.unwrap_err();
    assert!(matches!(error, EnvironmentError::Network { .. }), "{error}");
    assert!(error.hint().unwrap().contains("connect to the network once"));
    assert_eq!(leftovers(cache.path()), Vec::<PathBuf>::new());

    build(&spec, &tools(cache.path()), |_| ()).await.unwrap();
    assert!(build(&spec, &offline, |_| ()).await.unwrap().reused);
}

/// A search path on which there is Python and nothing else.
fn only_python(folder: &Path) -> Tools {
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let python = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    std::fs::write(folder.join("python3"), format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display()))
        .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.join("python3"), mode).unwrap();
    let mut variables = variables();
    variables.insert("PATH".into(), folder.into());
    variables.insert("PIP_RETRIES".into(), "0".into());
    Tools::new(Cache::new(folder.join("cache")), variables)
}

#[tokio::test]
async fn uv_is_fetched_where_there_is_none() {
    let folder = temporary();
    let tools = only_python(folder.path());
    assert_eq!(tools.uv_at_hand(), None);
    let uv = tools.uv().await.unwrap();
    assert!(uv.starts_with(folder.path()), "{uv:?}");
    assert_eq!(tools.uv_at_hand(), Some(uv));
}

#[tokio::test]
async fn uv_without_network_is_a_clear_error() {
    let folder = temporary();
    let tools = only_python(folder.path());
    let mut variables = tools.variables().clone();
    for name in ["PIP_INDEX_URL", "HTTPS_PROXY", "https_proxy"] {
        variables.remove(std::ffi::OsStr::new(name));
    }
    variables.insert("PIP_INDEX_URL".into(), "http://127.0.0.1:9/simple".into());
    let tools = Tools::new(tools.cache().clone(), variables);
    let error = tools.uv().await.unwrap_err();
    assert!(matches!(error, ToolError::UvNotFetched { .. }), "{error}");
    assert!(error.hint().unwrap().contains("uv"), "{error}");
    assert_eq!(tools.uv_at_hand(), None);
}

#[tokio::test]
async fn a_uv_project_is_synced() {
    let (cache, project) = (temporary(), temporary());
    let tools = tools(cache.path());
    let manifest = "[project]\nname = \"app\"\nversion = \"0\"\nrequires-python = \">=3.11\"\ndependencies = [\"iniconfig==2.0.0\"]\n";
    std::fs::write(project.path().join("pyproject.toml"), manifest).unwrap();
    let uv = tools.uv().await.unwrap();
    let mut lock = Command::new(uv);
    lock.args(["lock", "--quiet"]).current_dir(project.path()).env_clear().envs(tools.variables());
    assert!(lock.status().unwrap().success());
    let spec = EnvironmentSpec { kind: EnvironmentKind::Uv, ..EnvironmentSpec::pip(project.path(), None) };
    let environment = build(&spec, &tools, |_| ()).await.unwrap();
    says(&environment, "import iniconfig");
    assert!(!environment.site_packages.join("flask").exists());
    assert!(!project.path().join(".venv").exists());
    assert!(build(&spec, &tools, |_| ()).await.unwrap().reused);
}

/// Installs a locked tool that has this file, and sees that another content of its wheels is refused.
async fn comes_with_hashes(name: &str, lock: &str, file: &str) {
    let cache = temporary();
    let tools = tools(cache.path());
    let environment = tool_environment(name, lock, &tools, |_| ()).await.unwrap();
    let mut files = walkdir::WalkDir::new(&environment.directory).into_iter().filter_map(Result::ok);
    assert!(files.any(|found| found.file_name() == file && found.file_type().is_file()), "{file}");
    let forge = |line: &str| match line.split_once("sha256:") {
        Some((before, hash)) => format!("{before}sha256:{}{}\n", "0".repeat(64), &hash[64..]),
        None => format!("{line}\n"),
    };
    let forged: String = lock.lines().map(forge).collect();
    let error = tool_environment(name, &forged, &tools, |_| ()).await.unwrap_err();
    assert!(matches!(error, EnvironmentError::Install { .. }), "{error}");
}

#[tokio::test]
async fn the_engine_comes_with_hashes() {
    comes_with_hashes("engine", ENGINE_LOCK, "sail").await;
}

#[tokio::test]
async fn the_database_server_comes_with_hashes() {
    comes_with_hashes("postgres", POSTGRES_LOCK, "initdb").await;
}
