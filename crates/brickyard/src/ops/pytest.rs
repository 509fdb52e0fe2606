//! Fixtures for tests that run in `brickyard exec`: a pytest plugin, and what it needs to reach the workspace.

use std::io::Write;

use crate::failure::Failure;
use crate::settings::Settings;

const PLUGIN: &str = include_str!("pytest/brickyard_pytest.py");

/// How tests reach the workspace they run in.
pub(crate) struct Workspace {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) app: String,
}

/// Variables under which `pytest` finds the plugin, and the plugin the workspace; `python_path` is what was set before.
pub(crate) fn variables(
    settings: &Settings,
    workspace: Workspace,
    python_path: Option<&str>,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let directory = settings.cache_directory.join("pytest").join(env!("CARGO_PKG_VERSION"));
    let file = directory.join("brickyard_pytest.py");
    if std::fs::read_to_string(&file).ok().as_deref() != Some(PLUGIN) {
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&directory)?;
            let mut part = tempfile::NamedTempFile::new_in(&directory)?;
            part.write_all(PLUGIN.as_bytes())?;
            part.persist(&file).map_err(|failed| failed.error)?;
            Ok(())
        };
        write()
            .map_err(|error| Failure::machine(format!("Cannot write `{}`", file.display())).because(error))?;
    }
    let mut path = directory.display().to_string();
    if let Some(before) = python_path.filter(|before| !before.is_empty()) {
        path = format!("{path}:{before}");
    }
    Ok(vec![
        ("PYTHONPATH", path),
        ("PYTEST_PLUGINS", "brickyard_pytest".to_owned()),
        ("BRICKYARD_URL", workspace.url),
        ("BRICKYARD_TOKEN", workspace.token),
        ("BRICKYARD_APP", workspace.app),
    ])
}
