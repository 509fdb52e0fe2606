//! Which package an import comes from, and what the platform installs by itself.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::requirements::normalise;

static STDLIB: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("data/stdlib.txt").split_whitespace().collect());

static PREINSTALLED: LazyLock<Vec<(String, &str)>> = LazyLock::new(|| {
    lines(include_str!("data/preinstalled.txt"))
        .filter_map(|line| line.split_once("=="))
        .map(|(name, version)| (normalise(name.split('[').next().unwrap_or(name)), version))
        .collect()
});

static BRINGS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    lines(include_str!("data/brings.txt"))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, rest)| (name, rest.split_whitespace().collect()))
        .collect()
});

static IMPORTS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    lines(include_str!("data/imports.txt"))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, packages)| (name, packages.split_whitespace().collect()))
        .collect()
});

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Whether a top-level module belongs to Python 3.11 itself or to every environment of it.
pub fn is_stdlib(module: &str) -> bool {
    // What every virtual environment of the platform begins with counts too.
    STDLIB.contains(module)
        || module.starts_with('_')
        || matches!(module, "pip" | "setuptools" | "pkg_resources")
}

/// The packages the platform installs for pip apps, with their versions (platform §2.3).
pub fn preinstalled() -> &'static [(String, &'static str)] {
    &PREINSTALLED
}

/// The version of a pre-installed package.
pub fn preinstalled_version(package: &str) -> Option<&'static str> {
    PREINSTALLED.iter().find(|(name, _)| name == package).map(|(_, version)| *version)
}

/// Whether a package is there without asking for it: pre-installed, or brought by something pre-installed.
pub fn comes_preinstalled(package: &str) -> bool {
    BRINGS.get("*").is_some_and(|set| set.contains(package))
}

/// Whether the installation of one package brings another; `None` where we do not know the first.
pub fn brings(package: &str, other: &str) -> Option<bool> {
    Some(BRINGS.get(package)?.contains(other))
}

/// The packages that provide a dotted import, the usual one first.
pub fn providers(module: &str) -> Vec<String> {
    let mut parts = module.split('.');
    let first = parts.next().unwrap_or_default();
    if let Some(second) = parts.next()
        && let Some(found) = IMPORTS.get(format!("{first}.{second}").as_str())
    {
        return found.iter().map(|&name| name.to_owned()).collect();
    }
    match IMPORTS.get(first) {
        Some(found) => found.iter().map(|&name| name.to_owned()).collect(),
        None => vec![normalise(first)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        assert!(is_stdlib("tomllib") && is_stdlib("__future__") && !is_stdlib("requests"));
        assert_eq!(preinstalled_version("uvicorn"), Some("0.30.6"));
        assert_eq!(preinstalled().len(), 17);
        assert!(comes_preinstalled("pandas") && !comes_preinstalled("openai"));
        assert_eq!(brings("databricks-openai", "openai"), Some(true));
        assert_eq!(brings("no-such-package", "openai"), None);
        assert_eq!(providers("databricks.sql.client"), ["databricks-sql-connector"]);
        assert_eq!(providers("yaml"), ["pyyaml"]);
        assert_eq!(providers("my_Lib.x"), ["my-lib"]);
    }
}
