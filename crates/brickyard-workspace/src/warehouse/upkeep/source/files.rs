//! `STREAM read_files(…)`: every file once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use brickyard_sql::{Stream, quote_name, string_literal};
use uuid::Uuid;

use super::{Position, Progress, free_name};
use crate::catalog::Column;
use crate::files::FilePath;
use crate::warehouse::fault::Fault;
use crate::warehouse::pattern;
use crate::warehouse::scene::Scene;

/// Files that one refresh takes at most.
const MOST: usize = 10_000;

/// A call of `read_files` around its path.
pub(super) struct Files<'a> {
    pub(super) path: &'a str,
    /// The call's text before the path.
    pub(super) before: &'a str,
    /// And after it.
    pub(super) after: &'a str,
}

impl Files<'_> {
    /// Puts links to the files that are new into `place` and gives the source that reads them.
    pub(super) async fn take(
        &self,
        scene: &Scene<'_>,
        place: &Path,
        number: usize,
        stream: &Stream,
        progress: &Progress,
        read: &mut Progress,
    ) -> Result<(String, bool), Fault> {
        if let Some((option, _)) = stream.options.first() {
            let hint = "Give options to read_files";
            return Err(Fault::unsupported(format_args!("the option {option} of STREAM"), hint));
        }
        let key = free_name(read, self.path);
        let (known, columns) = match progress.sources.get(&key) {
            Some(Position::Files { taken, columns }) => (taken.iter().collect(), columns.clone()),
            _ => (BTreeSet::new(), Vec::new()),
        };
        let (root, files) = self.list(scene)?;
        let new: Vec<String> = files.into_iter().filter(|file| !known.contains(file)).collect();
        if new.len() > MOST {
            let text = format_args!("A refresh takes {MOST} files at most; name them with a pattern.");
            return Err(Fault::new("TOO_MANY_FILES", "54000", text));
        }
        let disk = |error: std::io::Error| Fault::internal(format_args!("Files cannot be taken: {error}"));
        std::fs::create_dir_all(place).map_err(disk)?;
        for (number, file) in new.iter().enumerate() {
            let from = if file.is_empty() { root.clone() } else { root.join(file) };
            let kind = from.extension().map(|kind| format!(".{}", kind.to_string_lossy())).unwrap_or_default();
            let to = place.join(format!("{number:06}{kind}"));
            std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(drop)).map_err(disk)?;
        }
        let kind = self.path.rsplit_once('.').map(|(_, kind)| kind).filter(|kind| !kind.contains('/'));
        let token = format!("/Volumes/__stream/{}/{number}.{}", Uuid::new_v4().simple(), kind.unwrap_or("d"));
        scene.put_place(&token, place.to_path_buf());
        let has_rows = !new.is_empty();
        let (source, columns) =
            if has_rows { self.source(scene, &token, columns).await? } else { (self.nothing(&columns), columns) };
        read.sources.insert(key, Position::Files { taken: new, columns });
        let alias = if stream.aliased { "" } else { " AS `read_files`" };
        Ok((format!("({source}){alias}"), has_rows))
    }

    /// The directory (or file) and the places of its files below it.
    fn list(&self, scene: &Scene<'_>) -> Result<(PathBuf, Vec<String>), Fault> {
        let (fixed, glob) = split(self.path);
        let path = FilePath::parse(fixed)?;
        path.volume()?;
        let root = scene.workspace.file_place(&scene.session.caller, &path, "READ_VOLUME")?;
        if !root.exists() {
            let text = format_args!("Path does not exist: {}.", self.path);
            return Err(Fault::new("PATH_NOT_FOUND", "42K03", text));
        }
        let shown = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with(['_', '.'])
        };
        let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(shown);
        let mut files = Vec::new();
        for entry in entries.flatten().filter(|entry| entry.file_type().is_file()) {
            let below = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            let below = below.to_string_lossy().into_owned();
            if glob.is_none_or(|glob| pattern::glob(glob, &below)) {
                files.push(below);
            }
        }
        Ok((root, files))
    }

    fn call(&self, token: &str, more: &str) -> String {
        let end = self.after.trim_end().trim_end_matches(')');
        format!("{}{}{end}{more})", self.before, string_literal(token))
    }

    fn says(&self, option: &str) -> bool {
        let after = self.after.to_lowercase();
        after.match_indices(option).any(|(at, _)| {
            let begins = !after[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            begins && after[at + option.len()..].trim_start_matches('`').trim_start().starts_with("=>")
        })
    }

    /// The rows of the files, with the columns that earlier ones had, as they were typed then; new columns come after them.
    async fn source(
        &self,
        scene: &Scene<'_>,
        token: &str,
        known: Vec<(String, String)>,
    ) -> Result<(String, Vec<(String, String)>), Fault> {
        let all = format!("SELECT * FROM {}", self.call(token, ""));
        if self.says("schema") {
            return Ok((all, known));
        }
        let given = Column::of_schema(&*scene.schema(&all).await?)?;
        if known.is_empty() {
            let columns = given.into_iter().map(|column| (column.name, column.data_type.text())).collect();
            return Ok((all, columns));
        }
        // Texts that were inferred to be something else would not come back as they were.
        let texts = self.after.to_lowercase().contains("csv") || self.path.to_lowercase().ends_with(".csv");
        let texts = texts && !self.says("inferschema");
        let all = if texts {
            format!("SELECT * FROM {}", self.call(token, ", inferSchema => 'false'"))
        } else {
            all
        };
        let mut items = Vec::new();
        for (name, data_type) in &known {
            let quoted = quote_name(name);
            match given.iter().find(|column| column.name.eq_ignore_ascii_case(name)) {
                Some(column) if texts || column.data_type.text() == *data_type => {
                    items.push(format!("CAST({quoted} AS {data_type}) AS {quoted}"));
                }
                Some(column) => {
                    return Err(Fault::new(
                        "DELTA_FAILED_TO_MERGE_FIELDS",
                        "22005",
                        format_args!(
                            "Failed to merge fields '{name}' and '{}': earlier files have the type {}, new ones {}. \
                             Hint: Say the types: read_files(…, schema => '…')",
                            column.name,
                            data_type.to_uppercase(),
                            column.data_type.text().to_uppercase()
                        ),
                    ));
                }
                None => items.push(format!("CAST(NULL AS {data_type}) AS {quoted}")),
            }
        }
        let mut columns = known.clone();
        let is_new = |column: &&Column| !known.iter().any(|(name, _)| name.eq_ignore_ascii_case(&column.name));
        for column in given.iter().filter(is_new) {
            let (quoted, data_type) = (quote_name(&column.name), column.data_type.text());
            items.push(format!("CAST({quoted} AS {data_type}) AS {quoted}"));
            columns.push((column.name.clone(), data_type));
        }
        Ok((format!("SELECT {} FROM ({all})", items.join(", ")), columns))
    }

    /// No rows, with the columns that files had; of a query that is not run as long as there are none.
    fn nothing(&self, known: &[(String, String)]) -> String {
        let items = known.iter().map(|(name, data_type)| format!("CAST(NULL AS {data_type}) AS {}", quote_name(name)));
        let items: Vec<String> = items.collect();
        let items = if items.is_empty() { "NULL AS `value`".to_owned() } else { items.join(", ") };
        format!("SELECT {items} WHERE false")
    }
}

/// A path up to its first wildcard, and the pattern after that.
fn split(path: &str) -> (&str, Option<&str>) {
    let Some(wild) = path.find(['*', '?', '{']) else { return (path.trim_end_matches('/'), None) };
    match path[..wild].rfind('/') {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_path_is_told_from_its_pattern() {
        assert_eq!(split("/Volumes/a/b/c/"), ("/Volumes/a/b/c", None));
        assert_eq!(split("/Volumes/a/b/c/in/*.csv"), ("/Volumes/a/b/c/in", Some("*.csv")));
        assert_eq!(split("/Volumes/a/b/c/y=*/m=1/{a,b}.csv"), ("/Volumes/a/b/c", Some("y=*/m=1/{a,b}.csv")));
    }
}
