//! What a folder holds, before it is read as an app.

use std::path::{Path, PathBuf};

use crate::bundle::Bundle;

/// A name that fits the platform's rules, made from any text: lower case, letters, digits and hyphens, at most 30
/// (platform §2.1).
pub fn valid_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name = name.get(..30).unwrap_or(name).trim_end_matches('-');
    match name.len() {
        0 => "app".to_owned(),
        1 => format!("{name}-app"),
        _ => name.to_owned(),
    }
}

/// Names of Python files in the root, sorted as the platform sorts them.
pub fn python_files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .take(10_000)
        .flatten()
        .filter(|entry| {
            entry.path().extension().is_some_and(|extension| extension == "py") && entry.path().is_file()
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Whether a directory holds something the platform would start.
pub fn is_app(dir: &Path) -> bool {
    ["app.yaml", "app.yml", "package.json", "manifest.yaml", "brickyard.toml"]
        .iter()
        .any(|name| dir.join(name).is_file())
        || !python_files(dir).is_empty()
}

/// The bundle file of a directory or of one of the five directories above it, not leaving a git repository.
pub fn nearest_bundle(dir: &Path) -> Option<PathBuf> {
    let mut here = dir.to_owned();
    for step in 0..6 {
        if let Some(path) = Bundle::find(&here) {
            return Some(path);
        }
        if step == 0 {
            // Names are kept as the user gave them while we look in the directory itself.
            here = here.canonicalize().ok()?;
        }
        if here.join(".git").exists() {
            return None;
        }
        here = here.parent()?.to_owned();
    }
    None
}
