//! Where `uv` comes from: the search path, or its wheel, unpacked by `pip` into the cache.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{ToolError, Tools, is_executable, speaks_of_network};

/// The version fetched when none is found: the one the platform uses (facts: platform §2.1).
const UV_VERSION: &str = "0.10.2";

pub(super) fn at_hand(tools: &Tools) -> Option<PathBuf> {
    tools.find("uv").or_else(|| Some(cached(tools)).filter(|file| is_executable(file)))
}

fn cached(tools: &Tools) -> PathBuf {
    tools.cache.directory().join("tools").join(format!("uv-{UV_VERSION}")).join("bin").join("uv")
}

pub(super) async fn locate(tools: &Tools) -> Result<PathBuf, ToolError> {
    if let Some(found) = at_hand(tools) {
        return Ok(found);
    }
    let folder = tools.cache.prepare("tools")?;
    let _lock = tools.cache.lock("uv").await?;
    let target = cached(tools);
    if is_executable(&target) {
        return Ok(target);
    }
    let home = folder.join(format!("uv-{UV_VERSION}"));
    clear(&home)?;
    let fetched = fetch(tools, &home).await;
    if fetched.is_err() {
        // Whatever failed is told; a leftover would be taken for the tool next time.
        clear(&home)?;
    }
    fetched?;
    if is_executable(&target) {
        return Ok(target);
    }
    Err(ToolError::UvNotFetched {
        reason: format!("`{}` is not there afterwards", target.display()),
        network: false,
    })
}

fn clear(home: &Path) -> Result<(), ToolError> {
    match std::fs::remove_dir_all(home) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(ToolError::Cache { path: home.to_owned(), source })
        }
        _ => Ok(()),
    }
}

async fn fetch(tools: &Tools, home: &Path) -> Result<(), ToolError> {
    let python = ["python3", "python3.11", "python"]
        .iter()
        .find_map(|name| tools.find(name))
        .ok_or(ToolError::NoPython)?;
    let requirement = format!("uv=={UV_VERSION}");
    let pip = ["install", "--quiet", "--disable-pip-version-check", "--no-input"];
    let target = [OsStr::new("--target"), home.as_os_str(), OsStr::new(&requirement)];
    let mut installed =
        tools.invocation(&python).args(["-m", "pip"]).args(pip).args(target).run(|_| ()).await?;
    if installed.errors.contains("No module named pip") {
        // Some systems ship Python without `pip` but with what a virtual environment gets it from.
        clear(home)?;
        installed = tools.invocation(&python).args(["-m", "venv"]).args([home]).run(|_| ()).await?;
        if installed.status.success() {
            let python = home.join("bin").join("python");
            installed = tools
                .invocation(&python)
                .args(["-m", "pip"])
                .args(pip)
                .args([&requirement])
                .run(|_| ())
                .await?;
        }
    }
    if installed.status.success() {
        return Ok(());
    }
    let words = if installed.errors.trim().is_empty() { &installed.output } else { &installed.errors };
    let reason = last_words(words);
    Err(ToolError::UvNotFetched { network: speaks_of_network(&installed.errors), reason })
}

/// The last lines that say something, bounded, on one line.
pub(super) fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = lines[lines.len().saturating_sub(3)..].join("; ");
    if words.is_empty() { "it said nothing".into() } else { words.chars().take(600).collect() }
}
