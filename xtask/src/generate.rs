use std::path::{Path, PathBuf};

use crate::command::{self, output, root, say};
use crate::settings;

/// Generated pages and what `brickyard reference` calls them.
const PAGES: &[(&str, &str)] = &[
    ("docs/reference/cli.md", "cli"),
    ("docs/reference/env.md", "env"),
    ("docs/PARITY.md", "parity"),
    ("docs/reference/rules.md", "rules"),
];

/// Writes the pages, or with `check` only compares.
pub(crate) fn run(check: bool) -> Result<(), String> {
    // With `--workspace` the dependencies are those of the tests; with `--package` some would be built once more.
    command::run("cargo", &["build", "--quiet", "--workspace", "--bin", "brickyard"])?;
    let binary = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let binary = binary.join("debug/brickyard");
    let binary = binary.to_str().ok_or("the path of the target directory is no text")?;
    let mut stale = Vec::new();
    let mut pages = vec![("docs/reference/settings.md", settings::page()?)];
    for (path, page) in PAGES {
        let text = output(binary, &["reference", page])?;
        let text = if *page == "parity" { format!("{text}{}", crate::battery::section()?) } else { text };
        pages.push((path, text));
    }
    for (path, text) in pages {
        let file = root().join(path);
        if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(path);
        } else {
            write(&file, &text)?;
            say(&format!("wrote {path}"));
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("not as generated: {}; run `cargo xtask generate`", stale.join(", ")))
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let directory = file.parent().expect("a page lies in a directory");
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| format!("cannot write `{}`: {error}", file.display()))
}
