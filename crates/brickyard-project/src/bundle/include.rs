use std::path::{Component, Path};

use crate::source::{ProjectError, Source};
use crate::yaml::{self, Node};

/// Most files one bundle may include.
const MOST_FILES: usize = 256;
/// Most directory entries looked at for one pattern.
const MOST_ENTRIES: usize = 20_000;

/// The files named by `include`, each once, in the order of the patterns; includes of included files are not
/// followed, as in the official command line.
pub(super) fn files(main: &Source, root: &Node) -> Result<Vec<(Source, Node)>, ProjectError> {
    let base = main.path.parent().unwrap_or(Path::new(""));
    let mut found: Vec<(Source, Node)> = Vec::new();
    for item in root.get("include").map(Node::items).unwrap_or_default() {
        let Some(pattern) = item.text() else { continue };
        let relative = Path::new(pattern.strip_prefix("./").unwrap_or(pattern));
        if relative.is_absolute() || relative.components().any(|part| part == Component::ParentDir) {
            continue;
        }
        let glob = globset::GlobBuilder::new(&relative.to_string_lossy()).literal_separator(true).build();
        let glob = match glob {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                return Err(main.error(item.span, format!("Invalid pattern: {}", error.kind()), None));
            }
        };
        for entry in walkdir::WalkDir::new(base)
            .sort_by_file_name()
            .max_depth(8)
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()))
            .take(MOST_ENTRIES)
            .flatten()
        {
            let Ok(inside) = entry.path().strip_prefix(base) else { continue };
            if !entry.file_type().is_file() || !glob.is_match(inside) || entry.path() == main.path {
                continue;
            }
            if found.len() >= MOST_FILES {
                return Err(main.error(item.span, format!("More than {MOST_FILES} included files"), None));
            }
            if found.iter().any(|(known, _)| known.path == entry.path()) {
                continue;
            }
            if let Some(source) = Source::read_up_to(entry.path(), yaml::LARGEST)? {
                let tree = yaml::parse(&source)?;
                found.push((source, tree));
            }
        }
    }
    Ok(found)
}

fn hidden(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || matches!(name.as_ref(), "node_modules" | "__pycache__" | "venv")
}
