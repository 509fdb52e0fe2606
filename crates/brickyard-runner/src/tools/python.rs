//! Where a `CPython` of a given version comes from.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::uv::last_words;
use super::{ToolError, Tools, is_executable};

pub(super) async fn locate(tools: &Tools, version: &str) -> Result<PathBuf, ToolError> {
    for candidate in candidates(tools, version) {
        if answers(tools, &candidate, version).await {
            return Ok(candidate);
        }
    }
    let uv = tools.uv().await?;
    if let Some(found) = managed(tools, &uv, version).await? {
        return Ok(found);
    }
    let fetched = tools.invocation(&uv).args(["python", "install", "--quiet", version]).run(|_| ()).await?;
    match managed(tools, &uv, version).await? {
        Some(found) => Ok(found),
        None => {
            Err(ToolError::PythonNotFound { version: version.into(), reason: last_words(&fetched.errors) })
        }
    }
}

fn candidates(tools: &Tools, version: &str) -> Vec<PathBuf> {
    let named = [format!("python{version}"), "python3".into(), "python".into()];
    let mut found: Vec<PathBuf> = named.iter().filter_map(|name| tools.find(name)).collect();
    let pyenv = tools
        .variables
        .get(OsStr::new("PYENV_ROOT"))
        .map(PathBuf::from)
        .or_else(|| tools.variables.get(OsStr::new("HOME")).map(|home| Path::new(home).join(".pyenv")));
    let versions = pyenv.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let mut kept: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name == version || name.starts_with(&format!("{version}."))
        })
        .map(|entry| entry.path().join("bin").join("python3"))
        .filter(|file| is_executable(file))
        .collect();
    kept.sort();
    found.extend(kept.into_iter().rev());
    found
}

/// Whether the program is a `CPython` of that version; shims and broken links answer no.
async fn answers(tools: &Tools, python: &Path, version: &str) -> bool {
    const QUESTION: &str = "import sys;print(sys.implementation.name,'%d.%d.%d'%sys.version_info[:3])";
    let Ok(done) = tools.invocation(python).args(["-I", "-S", "-c", QUESTION]).run(|_| ()).await else {
        return false;
    };
    let Some(found) = done.output.trim().strip_prefix("cpython ") else { return false };
    done.status.success() && (found == version || found.starts_with(&format!("{version}.")))
}

async fn managed(tools: &Tools, uv: &Path, version: &str) -> Result<Option<PathBuf>, ToolError> {
    let done = tools.invocation(uv).args(["python", "find", "--offline", version]).run(|_| ()).await?;
    let path = PathBuf::from(done.output.trim());
    Ok((done.status.success() && is_executable(&path)).then_some(path))
}
