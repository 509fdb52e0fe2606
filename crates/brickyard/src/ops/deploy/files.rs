use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::failure::Failure;

/// Largest file of an app, in bytes (platform §2.1).
const LARGEST: u64 = 10_485_760;

/// Most files of an app: more is a mistake, such as an environment that is not ignored.
const MOST: usize = 20_000;

/// Never part of an app, whatever the ignore files say.
const NEVER: [&str; 10] = [
    ".git",
    ".databricks",
    ".brickyard",
    "node_modules",
    "__pycache__",
    ".venv",
    "venv",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
];

/// A file that belongs to the app.
#[derive(Debug, Clone)]
pub(crate) struct LocalFile {
    /// Path below the app's folder, with `/`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) digest: String,
}

/// The files of an app's folder by name: what `.gitignore` and `.databricksignore` leave.
pub(crate) fn collect(directory: &Path) -> Result<Vec<LocalFile>, Failure> {
    let walk = WalkBuilder::new(directory)
        .hidden(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .parents(false)
        .add_custom_ignore_filename(".databricksignore")
        .filter_entry(|entry| !entry.file_name().to_str().is_some_and(|name| NEVER.contains(&name)))
        .sort_by_file_path(Path::cmp)
        .build();
    let mut files = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| Failure::user("Cannot read the app's folder").because(error))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.into_path();
        let relative = path.strip_prefix(directory).unwrap_or(&path);
        let Some(name) = relative.to_str().map(|name| name.replace('\\', "/")) else {
            return Err(Failure::app(format!("The name of `{}` is not UTF-8", relative.display())));
        };
        let unreadable = |error| Failure::user(format!("Cannot read `{name}`")).because(error);
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > LARGEST {
            return Err(Failure::app(format!(
                "`{name}` has {size} bytes; a file of an app may have {LARGEST}"
            ))
            .hint("put large data into a volume, or name the file in `.databricksignore`"));
        }
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        files.push(LocalFile { name, digest: digest(&bytes), path });
        if files.len() > MOST {
            return Err(Failure::app(format!("The app's folder has more than {MOST} files"))
                .hint("name what does not belong to the app in `.databricksignore`"));
        }
    }
    Ok(files)
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().fold(
        String::new(),
        |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_files_stay_at_home() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("app.py", "1");
        write("pages/one.py", "2");
        write(".streamlit/config.toml", "3");
        write(".gitignore", "dist\n");
        write(".databricksignore", "*.csv\n");
        write("dist/x.js", "");
        write("data.csv", "");
        write(".venv/lib/x.py", "");
        write("__pycache__/a.pyc", "");
        let names: Vec<String> =
            collect(directory.path()).unwrap().into_iter().map(|file| file.name).collect();
        assert_eq!(
            names,
            [".databricksignore", ".gitignore", ".streamlit/config.toml", "app.py", "pages/one.py"]
        );
    }

    #[test]
    fn a_file_too_large_is_refused_before_anything_is_sent() {
        let directory = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(directory.path().join("model.bin")).unwrap();
        file.set_len(LARGEST + 1).unwrap();
        let failure = collect(directory.path()).unwrap_err();
        assert_eq!(failure.to_string(), "`model.bin` has 10485761 bytes; a file of an app may have 10485760");
    }
}
