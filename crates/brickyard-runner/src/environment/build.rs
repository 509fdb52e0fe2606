//! Building an environment with `uv`, once.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::key::Key;
use super::{Environment, EnvironmentError, EnvironmentKind, EnvironmentSpec, Installing, Progress, message};
use super::{PLATFORM_PYTHON, PREINSTALLED_LOCK};
use crate::tools::{Finished, Tools};

/// Written last: a folder without it is a leftover.
const MARKER: &str = "brickyard.ready";

/// A step of a build: what to tell, and what to run.
type Report<'a> = &'a (dyn Fn(Progress) + Sync);

pub(super) async fn installed(
    spec: &EnvironmentSpec,
    tools: &Tools,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<Environment, EnvironmentError> {
    let requirements = match &spec.kind {
        EnvironmentKind::Pip { requirements } => requirements.clone(),
        EnvironmentKind::Uv | EnvironmentKind::None => Vec::new(),
    };
    let mut key = Key::new(&spec.python);
    if spec.preinstalled {
        key.part("preinstalled", PREINSTALLED_LOCK.as_bytes());
    }
    for file in &requirements {
        key.requirements(file)?;
    }
    let place = Place::new(tools, &key.finish());
    if let Some(ready) = place.ready(tools) {
        return Ok(ready);
    }
    let _lock = tools.cache().lock(&place.name).await?;
    if let Some(ready) = place.ready(tools) {
        return Ok(ready);
    }
    place
        .attempt(tools, async {
            let uv = empty(&place, &spec.python, tools, progress).await?;
            if spec.preinstalled {
                progress(Progress::Installing(Installing::Preinstalled));
                let lock = place.file("preinstalled.txt", PREINSTALLED_LOCK)?;
                let what = "Installing the platform's pre-installed libraries";
                install(tools, &uv, &place, &[lock], true, what, None, progress).await?;
            }
            if !requirements.is_empty() {
                progress(Progress::Installing(Installing::Requirements));
                let what = "Installing the app's requirements";
                install(tools, &uv, &place, &requirements, false, what, Some(&spec.project), progress)
                    .await?;
            }
            Ok(())
        })
        .await
}

pub(super) async fn tool(
    name: &str,
    requirements: &str,
    tools: &Tools,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<Environment, EnvironmentError> {
    let mut key = Key::new(PLATFORM_PYTHON);
    key.part("tool", name.as_bytes());
    key.part("requirements", requirements.as_bytes());
    let place = Place::new(tools, &format!("{name}-{}", key.finish()));
    if let Some(ready) = place.ready(tools) {
        return Ok(ready);
    }
    let _lock = tools.cache().lock(&place.name).await?;
    if let Some(ready) = place.ready(tools) {
        return Ok(ready);
    }
    place
        .attempt(tools, async {
            let uv = empty(&place, PLATFORM_PYTHON, tools, progress).await?;
            progress(Progress::Installing(Installing::Tool));
            let file = place.file("requirements.txt", requirements)?;
            let hashed = requirements.contains("--hash=");
            let what = match name {
                "engine" => "Installing the SQL engine",
                "postgres" => "Installing PostgreSQL",
                _ => "Installing a program of the local workspace",
            };
            install(tools, &uv, &place, &[file], hashed, what, None, progress).await
        })
        .await
}

pub(super) async fn synced(
    spec: &EnvironmentSpec,
    tools: &Tools,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<Environment, EnvironmentError> {
    let project = spec.project.canonicalize().unwrap_or_else(|_| spec.project.clone());
    let mut key = Key::new("uv");
    // The project itself may be installed editable: the environment then points at its folder.
    key.part("project", project.as_os_str().as_encoded_bytes());
    for name in ["pyproject.toml", "uv.lock"] {
        let path = project.join(name);
        let bytes = std::fs::read(&path)
            .map_err(|source| EnvironmentError::Unreadable { path: path.clone(), source })?;
        key.part(name, &bytes);
    }
    key.file_if_any(&project.join(".python-version"));
    key.file_if_any(&project.join("uv.toml"));
    let place = Place::new(tools, &key.finish());
    if let Some(ready) = place.ready(tools) {
        return Ok(ready);
    }
    let _lock = tools.cache().lock(&place.name).await?;
    if let Some(ready) = place.ready(tools) {
        return Ok(ready);
    }
    place
        .attempt(tools, async {
            progress(Progress::Tool("uv"));
            let uv = tools.uv().await?;
            progress(Progress::Installing(Installing::UvLock));
            let sync = |mode: &'static str| {
                let uv = tools
                    .invocation(&uv)
                    .args(["sync", mode, "--color", "never"])
                    .args([OsStr::new("--project"), project.as_os_str()]);
                uv.directory(&project).variable("UV_PROJECT_ENVIRONMENT", &place.directory)
            };
            let done = sync("--frozen").run(|line| progress(Progress::Line(line.into()))).await?;
            succeeded(&done, UV_LOCK, None)
        })
        .await
}

/// The step that installs what `uv.lock` names.
pub(super) const UV_LOCK: &str = "Installing the packages of `uv.lock`";

/// Where one environment lives.
struct Place {
    name: String,
    directory: PathBuf,
}

impl Place {
    fn new(tools: &Tools, name: &str) -> Self {
        Self { name: name.into(), directory: tools.cache().directory().join("environments").join(name) }
    }

    /// The environment, if its marker is there and its interpreter still exists.
    fn ready(&self, tools: &Tools) -> Option<Environment> {
        let whole =
            self.directory.join(MARKER).is_file() && self.directory.join("bin").join("python").is_file();
        whole.then(|| Environment::at(&self.directory, tools, true).ok()).flatten()
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf, EnvironmentError> {
        let path = self.directory.join(name);
        std::fs::write(&path, text)
            .map_err(|source| EnvironmentError::Unwritable { path: path.clone(), source })?;
        Ok(path)
    }

    /// Builds in an emptied place, marks it when done, and removes it when not: also when nobody waits any more.
    async fn attempt(
        &self,
        tools: &Tools,
        steps: impl Future<Output = Result<(), EnvironmentError>>,
    ) -> Result<Environment, EnvironmentError> {
        let unwritable = |source| EnvironmentError::Unwritable { path: self.directory.clone(), source };
        let mut leftover = Leftover(Some(&self.directory));
        leftover.remove().map_err(unwritable)?;
        std::fs::create_dir_all(self.directory.parent().unwrap_or(&self.directory)).map_err(unwritable)?;
        steps.await?;
        let environment = Environment::at(&self.directory, tools, false)?;
        self.file(MARKER, "")?;
        leftover.0 = None;
        Ok(environment)
    }
}

/// Removes a half-built environment when dropped.
struct Leftover<'a>(Option<&'a Path>);

impl Leftover<'_> {
    fn remove(&self) -> std::io::Result<()> {
        match self.0.map(std::fs::remove_dir_all) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Leftover<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(%error, "A half-built environment could not be removed");
        }
    }
}

async fn empty(
    place: &Place,
    version: &str,
    tools: &Tools,
    progress: Report<'_>,
) -> Result<PathBuf, EnvironmentError> {
    progress(Progress::Tool("uv"));
    let uv = tools.uv().await?;
    progress(Progress::Tool("python"));
    let python = tools.python(version).await?;
    progress(Progress::Creating { python: version.into() });
    let venv = [OsStr::new("venv"), OsStr::new("--python"), python.as_os_str(), place.directory.as_os_str()];
    let made = tools
        .invocation(&uv)
        .args(venv)
        .args(["--no-project", "--no-config", "--color", "never"])
        .directory(tools.cache().directory())
        .run(|line| progress(Progress::Line(line.into())))
        .await?;
    succeeded(&made, "Making the environment", None)?;
    Ok(uv)
}

#[expect(clippy::too_many_arguments, reason = "one call of a tool, and each argument one of its switches")]
async fn install(
    tools: &Tools,
    uv: &Path,
    place: &Place,
    files: &[PathBuf],
    hashed: bool,
    what: &'static str,
    project: Option<&Path>,
    progress: Report<'_>,
) -> Result<(), EnvironmentError> {
    let python = place.directory.join("bin").join("python");
    let pip = |more: &[&str]| {
        tools
            .invocation(uv)
            .args(["pip", "install", "--color", "never", "--python"])
            .args([python.as_os_str()])
            .args(files.iter().flat_map(|file| [OsStr::new("--requirement"), file.as_os_str()]))
            .args(more)
            .directory(project.unwrap_or(&place.directory))
    };
    // A lock is complete: nothing is resolved, nothing of the app's `uv.toml` is heard.
    let locked = ["--require-hashes", "--no-config"];
    // As `pip` does it: the best version of all indexes, not of the first that knows the name.
    let resolved = ["--index-strategy", "unsafe-best-match"];
    if hashed {
        // What was fetched once needs no index to be asked again; that takes ten times as long as the installation.
        let cached = pip(&[&locked[..], &["--offline", "--no-deps"]].concat()).run(|_| ()).await?;
        if cached.status.success() {
            return Ok(());
        }
    }
    let done = pip(if hashed { &locked } else { &resolved })
        .run(|line| progress(Progress::Line(line.into())))
        .await?;
    let asked: String = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    succeeded(&done, what, Some(&asked))
}

fn succeeded(
    done: &Finished,
    what: &'static str,
    requirements: Option<&str>,
) -> Result<(), EnvironmentError> {
    if done.status.success() { Ok(()) } else { Err(message::explain(what, &done.errors, requirements)) }
}
