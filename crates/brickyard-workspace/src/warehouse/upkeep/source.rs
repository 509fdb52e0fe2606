//! How far the sources of a streaming table were read, and what has come to them since.

mod files;

use std::collections::BTreeMap;
use std::path::Path;

use brickyard_sql::{Name, Stream, StreamSource, parse, quote_name, references, streams};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::files::Files;
use crate::catalog::{Catalog, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::scene::Scene;

/// How far one source was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Position {
    /// A Delta table: its id, and the version whose rows were the last.
    Table { id: String, version: i64 },
    /// Files by their places below the path; what is written in a commit are those that it took.
    Files { taken: Vec<String>, columns: Vec<(String, String)> },
}

/// How far sources were read, by their names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Whether what was read before is forgotten with this.
    #[serde(default)]
    anew: bool,
    sources: BTreeMap<String, Position>,
}

impl Progress {
    /// What the commits of a streaming table say.
    pub(super) fn of(catalog: &Catalog, table: &TableRecord) -> Result<Self, Fault> {
        let mut whole = Self::default();
        for read in catalog.read_so_far(table)? {
            let read: Self = serde_json::from_value(read)
                .map_err(|error| Fault::internal(format_args!("What was read is not understood: {error}")))?;
            whole.add(read);
        }
        Ok(whole)
    }

    fn add(&mut self, read: Self) {
        if read.anew {
            self.sources.clear();
        }
        for (name, position) in read.sources {
            match (self.sources.get_mut(&name), position) {
                (
                    Some(Position::Files { taken, columns }),
                    Position::Files { taken: more, columns: newest },
                ) => {
                    taken.extend(more);
                    *columns = newest;
                }
                (_, position) => {
                    self.sources.insert(name, position);
                }
            }
        }
    }
}

/// A streaming query that reads what has come.
pub(super) struct Streamed {
    /// The query, with names of what has come in the place of its streams.
    pub(super) text: String,
    /// Whether anything has come.
    pub(super) has_rows: bool,
    read: Progress,
}

impl Streamed {
    /// What the commit of its rows has to say.
    pub(super) fn read(mut self, anew: bool) -> Value {
        self.read.anew = anew;
        serde_json::to_value(self.read).unwrap_or_default()
    }
}

/// Gives a query what has come to its streams. Nothing is read that the scene's caller may not read.
pub(super) async fn streamed(
    scene: &Scene<'_>,
    room: &Path,
    text: &str,
    progress: &Progress,
) -> Result<Streamed, Fault> {
    let text = brickyard_sql::bind_identifiers(text, &[])?;
    let statement = parse(&text)?;
    scene.authorize(&references(&statement)?)?;
    let mut streamed = Streamed { text: String::new(), has_rows: false, read: Progress::default() };
    let mut at = 0;
    for (number, stream) in streams(&statement)?.into_iter().enumerate() {
        let place = room.join(format!("source-{number}"));
        let (name, came) = match &stream.source {
            StreamSource::Table(name) => {
                table(scene, &place, number, name, &stream, progress, &mut streamed.read).await?
            }
            StreamSource::Files { path, path_span, call } => {
                let files = Files {
                    path,
                    before: &text[call.start..path_span.start],
                    after: &text[path_span.end..call.end],
                };
                files.take(scene, &place, &stream, progress, &mut streamed.read).await?
            }
        };
        streamed.has_rows |= came;
        streamed.text.push_str(&text[at..stream.span.start]);
        streamed.text.push_str(&name);
        at = stream.span.end;
    }
    streamed.text.push_str(&text[at..]);
    Ok(streamed)
}

/// A name under which no other source of the query is kept.
fn free_name(read: &Progress, name: &str) -> String {
    let (mut free, mut number) = (name.to_owned(), 0);
    while read.sources.contains_key(&free) {
        number += 1;
        free = format!("{name} #{number}");
    }
    free
}

async fn table(
    scene: &Scene<'_>,
    place: &Path,
    number: usize,
    name: &Name,
    stream: &Stream,
    progress: &Progress,
    read: &mut Progress,
) -> Result<(String, bool), Fault> {
    let record = scene.table(&name.values())?;
    if record.is_view() || !record.is_delta() {
        return Err(Fault::unsupported(
            format_args!("STREAM of {}, which is no Delta table", record.full_name()),
            "Stream the tables that it reads",
        ));
    }
    let mut skip = false;
    for (option, value) in &stream.options {
        if !option.eq_ignore_ascii_case("skipChangeCommits") {
            let hint = "The only one that is known here is SKIPCHANGECOMMITS";
            return Err(Fault::unsupported(format_args!("the option {option} of STREAM"), hint));
        }
        skip = value.is_empty() || value.eq_ignore_ascii_case("true");
    }
    scene.workspace.make_sample(&record).await?;
    let key = free_name(read, &record.full_name());
    let since = match progress.sources.get(&key) {
        Some(Position::Table { id, .. }) if *id != record.id => {
            return Err(Fault::new(
                "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE",
                "55019",
                format_args!(
                    "The streaming query was reading from an unexpected Delta table (id = '{}'). It used to read from another Delta table (id = '{id}'): {} was made anew. Hint: REFRESH STREAMING TABLE … FULL",
                    record.id,
                    record.full_name()
                ),
            ));
        }
        Some(Position::Table { version, .. }) => Some(*version),
        _ => None,
    };
    let slice = scene.catalog().slice(&record, since, skip)?;
    read.sources.insert(key, Position::Table { id: record.id.clone(), version: slice.snapshot.version });
    scene.catalog().place_slice(&slice, &record, place)?;
    let mut relation = scene.relation_of(&record)?;
    let known = scene.catalog().engine_path(place)?;
    relation.engine_name = Some(format!("delta.{}", quote_name(&known.to_string_lossy())));
    let own = format!("__stream_{number}");
    scene.session.settings().put_temporary(&own, relation, true);
    let alias = if stream.aliased {
        String::new()
    } else {
        format!(" AS {}", quote_name(&name.values().pop().unwrap_or_default()))
    };
    Ok((format!("`{own}`{alias}"), !slice.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commits_have_read_adds_up() {
        let files = |taken: &[&str]| {
            let taken = taken.iter().map(|name| (*name).to_owned()).collect();
            Position::Files { taken, columns: Vec::new() }
        };
        let table = |version| Position::Table { id: "t".to_owned(), version };
        let read = |anew, sources: Vec<(&str, Position)>| Progress {
            anew,
            sources: sources.into_iter().map(|(name, position)| (name.to_owned(), position)).collect(),
        };
        let mut whole = Progress::default();
        whole.add(read(true, vec![("f", files(&["a"])), ("t", table(3))]));
        whole.add(read(false, vec![("f", files(&["b"])), ("t", table(5))]));
        assert_eq!(whole.sources["f"], files(&["a", "b"]));
        assert_eq!(whole.sources["t"], table(5));
        whole.add(read(true, vec![("f", files(&["a"]))]));
        assert_eq!(whole.sources, read(false, vec![("f", files(&["a"]))]).sources);
    }
}
