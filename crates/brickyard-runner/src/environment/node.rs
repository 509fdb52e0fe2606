//! `package.json` apps: packages are installed when the manifest or its lock changes, the `build` script runs every time.

use std::path::{Path, PathBuf};

use super::key::Key;
use super::{Environment, EnvironmentError, EnvironmentSpec, Installing, Progress, message};
use crate::tools::Tools;

pub(super) async fn install(
    spec: &EnvironmentSpec,
    tools: &Tools,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<(), EnvironmentError> {
    let manager = Manager::of(&spec.project, tools)?;
    let mut key = Key::new("node");
    for name in ["package.json", "package-lock.json", "pnpm-lock.yaml", ".npmrc"] {
        key.file_if_any(&spec.project.join(name));
    }
    let state = key.finish();
    let mut place = Key::new("node");
    let project = spec.project.canonicalize().unwrap_or_else(|_| spec.project.clone());
    place.part("project", project.as_os_str().as_encoded_bytes());
    let name = format!("node-{}", place.finish());
    let _lock = tools.cache().lock(&name).await?;
    let stamp = tools.cache().prepare("node")?.join(&name);
    let same = std::fs::read_to_string(&stamp).is_ok_and(|found| found == state);
    if same && spec.project.join("node_modules").is_dir() {
        return Ok(());
    }
    progress(Progress::Installing(Installing::NodePackages));
    let done = tools
        .invocation(&manager.program)
        .args(manager.install)
        .directory(&spec.project)
        .run(|line| progress(Progress::Line(line.into())))
        .await?;
    if !done.status.success() {
        return Err(message::explain("Installing the packages of `package.json`", &done.errors, None));
    }
    // The install may have written the lock file: the state that counts is the one after it.
    let mut key = Key::new("node");
    for name in ["package.json", "package-lock.json", "pnpm-lock.yaml", ".npmrc"] {
        key.file_if_any(&spec.project.join(name));
    }
    std::fs::write(&stamp, key.finish())
        .map_err(|source| EnvironmentError::Unwritable { path: stamp, source })
}

pub(super) async fn build(
    spec: &EnvironmentSpec,
    tools: &Tools,
    environment: &Environment,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<(), EnvironmentError> {
    if !has_build_script(&spec.project)? {
        return Ok(());
    }
    let manager = Manager::of(&spec.project, tools)?;
    progress(Progress::Installing(Installing::NodeBuild));
    let mut run = tools.invocation(&manager.program).args(["run", "build"]).directory(&spec.project);
    for (name, value) in &environment.variables {
        run = run.variable(&name.to_string_lossy(), value);
    }
    let done = run.run(|line| progress(Progress::Line(line.into()))).await?;
    if done.status.success() {
        return Ok(());
    }
    let words = if done.errors.trim().is_empty() { &done.output } else { &done.errors };
    Err(message::explain("The script `build` of `package.json`", words, None))
}

struct Manager {
    program: PathBuf,
    install: &'static [&'static str],
}

impl Manager {
    fn of(project: &Path, tools: &Tools) -> Result<Self, EnvironmentError> {
        let (program, install): (_, &[&str]) = if project.join("pnpm-lock.yaml").is_file() {
            ("pnpm", &["install", "--frozen-lockfile"])
        } else {
            ("npm", &["install", "--no-fund", "--no-audit"])
        };
        let found = tools.find(program).ok_or(EnvironmentError::NoNode { program })?;
        Ok(Self { program: found, install })
    }
}

fn has_build_script(project: &Path) -> Result<bool, EnvironmentError> {
    let path = project.join("package.json");
    let unreadable = |source| EnvironmentError::Unreadable { path: path.clone(), source };
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    let manifest: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| unreadable(error.into()))?;
    Ok(manifest["scripts"]["build"].is_string())
}
