//! `STREAM read_files(…)`: every file once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};
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

/// Bytes of a CSV file that its first line is looked for in.
const LONGEST_HEADER: u64 = 1 << 20;

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
        let has_rows = !new.is_empty();
        let (source, columns) = if has_rows {
            self.source(scene, &self.groups(&root, place, &new)?, columns).await?
        } else {
            (nothing(&columns), columns)
        };
        read.sources.insert(key, Position::Files { taken: new, columns });
        let alias = if stream.aliased { "" } else { " AS `read_files`" };
        Ok((format!("({source}){alias}"), has_rows))
    }

    /// Puts links to new files into directories of their own, those of CSV apart by their first line: the engine reads a
    /// directory with the columns of one file. The directories under paths that only this refresh knows.
    fn groups(&self, root: &Path, place: &Path, new: &[String]) -> Result<Vec<(String, PathBuf)>, Fault> {
        let disk = |error: std::io::Error| Fault::internal(format_args!("Files cannot be taken: {error}"));
        let by_header = self.is_csv() && !self.says("schema") && !self.has("header", "false");
        let kind = self.path.rsplit_once('.').map(|(_, kind)| kind).filter(|kind| !kind.contains('/'));
        let mut groups: BTreeMap<String, (String, PathBuf)> = BTreeMap::new();
        for (number, file) in new.iter().enumerate() {
            let from = if file.is_empty() { root.to_path_buf() } else { root.join(file) };
            let header = if by_header { first_line(&from).map_err(disk)? } else { String::new() };
            let count = groups.len();
            let (_, directory) = groups.entry(header).or_insert_with(|| {
                let token = Uuid::new_v4().simple().to_string();
                (
                    format!("/Volumes/__stream/{token}/files.{}", kind.unwrap_or("d")),
                    place.join(count.to_string()),
                )
            });
            std::fs::create_dir_all(&*directory).map_err(disk)?;
            let extension = from.extension().map(|kind| format!(".{}", kind.to_string_lossy()));
            let to = directory.join(format!("{number:06}{}", extension.unwrap_or_default()));
            std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(drop)).map_err(disk)?;
        }
        Ok(groups.into_values().collect())
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
        format!("SELECT * FROM {}{}{end}{more})", self.before, string_literal(token))
    }

    /// What is given for an option, in lower case.
    fn option(&self, name: &str) -> Option<String> {
        let after = self.after.to_lowercase();
        after.match_indices(name).find_map(|(at, _)| {
            let begins = !after[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            let rest = after[at + name.len()..].trim_start_matches('`').trim_start();
            Some(rest.strip_prefix("=>").filter(|_| begins)?.trim_start().to_owned())
        })
    }

    fn says(&self, option: &str) -> bool {
        self.option(option).is_some()
    }

    fn has(&self, option: &str, value: &str) -> bool {
        self.option(option).is_some_and(|given| given.trim_start_matches('\'').starts_with(value))
    }

    fn is_csv(&self) -> bool {
        self.has("format", "csv") || (!self.says("format") && self.path.to_lowercase().ends_with(".csv"))
    }

    /// The rows of files, with the columns that earlier ones had, in their types; new columns come after them.
    async fn source(
        &self,
        scene: &Scene<'_>,
        groups: &[(String, PathBuf)],
        known: Vec<(String, String)>,
    ) -> Result<(String, Vec<(String, String)>), Fault> {
        for (token, directory) in groups {
            scene.put_place(token, directory.clone());
        }
        if let [(token, _)] = groups
            && self.says("schema")
        {
            return Ok((self.call(token, ""), known));
        }
        // Texts that were inferred to be something else would not come back as they were: `007`.
        let texts = self.is_csv()
            && !["inferschema", "dateformat", "timestampformat"].iter().any(|own| self.says(own));
        let (mut columns, mut given) = (known, Vec::new());
        for (token, _) in groups {
            let own = Column::of_schema(&*scene.schema(&self.call(token, "")).await?)?;
            for column in &own {
                let data_type = column.data_type.text();
                match columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(&column.name)) {
                    Some((_, known)) if texts || *known == data_type => {}
                    Some((name, known)) => return Err(other_type(name, known, &data_type)),
                    None => columns.push((column.name.clone(), data_type)),
                }
            }
            given.push(own);
        }
        let selects = groups.iter().zip(&given).map(|((token, _), given)| {
            let items = columns.iter().map(|(name, data_type)| {
                let quoted = quote_name(name);
                let is_there = given.iter().any(|column| column.name.eq_ignore_ascii_case(name));
                let value = match (is_there, texts) {
                    (false, _) => "NULL".to_owned(),
                    (true, true) if data_type != "string" => format!("nullif({quoted}, '')"),
                    (true, _) => quoted.clone(),
                };
                format!("CAST({value} AS {data_type}) AS {quoted}")
            });
            let items: Vec<String> = items.collect();
            let more = if texts { ", inferSchema => 'false'" } else { "" };
            format!("SELECT {} FROM ({})", items.join(", "), self.call(token, more))
        });
        let selects: Vec<String> = selects.collect();
        Ok((selects.join(" UNION ALL "), columns))
    }
}

fn other_type(name: &str, known: &str, given: &str) -> Fault {
    Fault::new(
        "DELTA_FAILED_TO_MERGE_FIELDS",
        "22005",
        format_args!(
            "Failed to merge fields '{name}' and '{name}': earlier files have the type {}, new ones {}. \
             Hint: Say the types: read_files(…, schema => '…')",
            known.to_uppercase(),
            given.to_uppercase()
        ),
    )
}

/// No rows, with the columns that files had; of a query that is not run as long as there are none.
fn nothing(known: &[(String, String)]) -> String {
    let items =
        known.iter().map(|(name, data_type)| format!("CAST(NULL AS {data_type}) AS {}", quote_name(name)));
    let items: Vec<String> = items.collect();
    let items = if items.is_empty() { "NULL AS `value`".to_owned() } else { items.join(", ") };
    format!("SELECT {items} WHERE false")
}

fn first_line(file: &Path) -> std::io::Result<String> {
    let mut line = Vec::new();
    let file = std::fs::File::open(file)?;
    std::io::BufReader::new(file.take(LONGEST_HEADER)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
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
