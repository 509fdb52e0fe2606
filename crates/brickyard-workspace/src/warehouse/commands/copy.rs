//! `COPY INTO` and `INSERT OVERWRITE DIRECTORY`.

use std::path::{Path, PathBuf};

use arrow_schema::DataType::Int64;
use brickyard_sql::command::{CopyInto, InsertDirectory};
use brickyard_sql::{Relation, parse, quote_name, references, string_literal};
use serde::{Deserialize, Serialize};

use crate::catalog::{Column, Kind, Privilege, TableChange, TableRecord};
use crate::files::FilePath;
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::pattern;
use crate::warehouse::scene::Scene;

const LOADED: &str = "copy_into_loaded";

/// Files that one statement loads at most.
const MOST_FILES: usize = 10_000;

/// A file that has been loaded into a table, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Loaded {
    size: u64,
    /// Milliseconds since the epoch.
    modified: u64,
}

/// A file that is to be loaded.
struct Pending {
    place: PathBuf,
    key: String,
    state: Loaded,
}

/// `COPY INTO`: loads every file once.
pub(super) async fn copy(scene: &Scene<'_>, sql: &str, copy: &CopyInto) -> Result<Outcome, Fault> {
    scene.authorize(&references(&parse(sql)?)?)?;
    let record = scene.table(&copy.table.values())?;
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    scene.catalog().check(&scene.identity, Kind::Table, &full, Privilege::MODIFY)?;
    scene.catalog().check_not_kept(&record, "COPY INTO")?;
    let formats = ["CSV", "JSON", "PARQUET", "TEXT", "AVRO", "BINARYFILE"];
    if !formats.contains(&copy.format.as_str()) {
        return Err(Fault::unsupported(
            format_args!("COPY INTO from files of the format {}", copy.format),
            "Use CSV, JSON, PARQUET, AVRO or TEXT",
        ));
    }
    let lock = scene.workspace.warehouses().writer(&format!("copy into {}", record.full_name()));
    let _copying = lock.lock().await;
    let pending = pending(scene, &record, copy)?;
    let mut inserted = 0;
    let mut preview = None;
    if !pending.is_empty() {
        let home = scene.workspace.config().state_directory.join("engine");
        let disk =
            |error: std::io::Error| Fault::internal(format_args!("The files cannot be staged: {error}"));
        std::fs::create_dir_all(&home).map_err(disk)?;
        let stage = tempfile::Builder::new().prefix("copy-").tempdir_in(&home).map_err(disk)?;
        for (number, file) in pending.iter().enumerate() {
            let kind = file.place.extension().and_then(|kind| kind.to_str()).unwrap_or("data");
            let kind: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
            let to = stage.path().join(format!("{number:06}.{kind}"));
            std::fs::hard_link(&file.place, &to)
                .or_else(|_| std::fs::copy(&file.place, &to).map(drop))
                .map_err(disk)?;
        }
        let view = format!("__copy_{}", uuid::Uuid::new_v4().simple());
        let loaded = load(scene, sql, copy, &record, stage.path(), &view).await;
        scene.session.settings().drop_temporary(&view);
        match loaded? {
            Load::Inserted(rows) => inserted = rows,
            Load::Preview(outcome) => preview = Some(outcome),
        }
    }
    if let Some(outcome) = preview {
        return outcome.held().await;
    }
    for file in &pending {
        scene.workspace.store().put(LOADED, &file.key, &file.state).map_err(Fault::internal)?;
    }
    let mut grid = Grid::new(vec![
        ("num_affected_rows", Int64),
        ("num_inserted_rows", Int64),
        ("num_skipped_corrupt_files", Int64),
    ]);
    grid.row([inserted.into(), inserted.into(), 0_i64.into()]);
    let mut outcome = grid.outcome()?;
    outcome.modified = Some(inserted);
    Ok(outcome)
}

enum Load {
    Inserted(i64),
    Preview(Outcome),
}

async fn load(
    scene: &Scene<'_>,
    sql: &str,
    copy: &CopyInto,
    record: &TableRecord,
    stage: &Path,
    view: &str,
) -> Result<Load, Fault> {
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    let place = scene.catalog().engine_path(stage)?;
    let mut options = vec![format!("`path` {}", string_literal(&place.to_string_lossy()))];
    for (key, value) in &copy.format_options {
        // The files are those that were authorized, whatever the options say.
        if !["mergeSchema", "ignoreCorruptFiles", "path"].iter().any(|own| own.eq_ignore_ascii_case(key)) {
            options.push(format!("{} {}", quote_name(key), string_literal(value)));
        }
    }
    let setup = format!(
        "CREATE OR REPLACE TEMPORARY VIEW {view} USING {} OPTIONS ({})",
        copy.format.to_lowercase(),
        options.join(", ")
    );
    let columns = scene.file_columns(&setup, view).await?;
    let relation = Relation { columns, engine_name: Some(view.to_owned()), ..Relation::default() };
    scene.session.settings().put_temporary(view, relation, true);
    let items: Vec<&str> = copy.items.iter().map(|item| item.span.of(sql)).collect();
    let items = if items.is_empty() { "*".to_owned() } else { items.join(", ") };
    let source = format!("SELECT {items} FROM {view}");
    if copy.validate {
        return Ok(Load::Preview(scene.query(&format!("{source} LIMIT 50")).await?));
    }
    let schema = scene.schema(&source).await?;
    let given = Column::of_schema(&schema)?;
    let merge = copy
        .copy_options
        .iter()
        .any(|(key, value)| key.eq_ignore_ascii_case("mergeSchema") && value.eq_ignore_ascii_case("true"));
    let present = scene.catalog().columns(record)?;
    let is_new = |column: &&Column| !present.iter().any(|own| own.name.eq_ignore_ascii_case(&column.name));
    let new: Vec<Column> = given.iter().filter(is_new).cloned().collect();
    if !new.is_empty() {
        if !merge {
            let names: Vec<&str> = new.iter().map(|column| column.name.as_str()).collect();
            return Err(Fault::new(
                "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE",
                "42KDG",
                format_args!(
                    "A schema mismatch was detected while copying into the Delta table (Table: {}): the table has no column {}. The mismatch can be resolved by setting COPY_OPTIONS ('mergeSchema' = 'true').",
                    record.full_name(),
                    names.join(", ")
                ),
            ));
        }
        let added = new.into_iter().map(|column| (column, None)).collect();
        scene.catalog().alter_table(&scene.identity, &full, TableChange::AddColumns(added))?;
    }
    let columns = scene.catalog().columns(record)?;
    let mut names = Vec::new();
    let mut values = Vec::new();
    for column in &given {
        let own = columns.iter().find(|own| own.name.eq_ignore_ascii_case(&column.name));
        let own = own.ok_or_else(|| Fault::internal("A column is not there"))?;
        let name = quote_name(&column.name);
        names.push(quote_name(&own.name));
        // What has a length is held to it when it is inserted.
        let data_type = own.data_type.without_length().text();
        values.push(format!("CAST({name} AS {data_type}) AS {name}"));
    }
    let insert =
        format!("INSERT INTO {full} ({}) SELECT {} FROM ({source})", names.join(", "), values.join(", "));
    let outcome = Box::pin(scene.run(&insert)).await?;
    Ok(Load::Inserted(outcome.modified.unwrap_or(0)))
}

/// The files that have not been loaded yet, or have changed since.
fn pending(scene: &Scene<'_>, record: &TableRecord, copy: &CopyInto) -> Result<Vec<Pending>, Fault> {
    let option = |options: &[(String, String)], name: &str| {
        options
            .iter()
            .any(|(key, value)| key.eq_ignore_ascii_case(name) && value.eq_ignore_ascii_case("true"))
    };
    let force = option(&copy.copy_options, "force");
    let depth = if option(&copy.format_options, "recursiveFileLookup") { usize::MAX } else { 1 };
    let root = FilePath::parse(&copy.path)?;
    root.volume()?;
    let mut places = Vec::new();
    let place = |path: &str| -> Result<PathBuf, Fault> {
        Ok(scene.workspace.file_place(&scene.session.caller, &FilePath::parse(path)?, "READ_VOLUME")?)
    };
    let base = scene.workspace.file_place(&scene.session.caller, &root, "READ_VOLUME")?;
    if copy.files.is_empty() {
        let entries = walkdir::WalkDir::new(&base).max_depth(depth).sort_by_file_name().into_iter();
        let shown = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with(['_', '.'])
        };
        for entry in entries.filter_entry(shown).flatten().filter(|entry| entry.file_type().is_file()) {
            let below =
                entry.path().strip_prefix(&base).unwrap_or(entry.path()).to_string_lossy().into_owned();
            if copy.pattern.as_ref().is_none_or(|wanted| pattern::glob(wanted, &below)) {
                places.push(entry.into_path());
            }
        }
    } else {
        for file in &copy.files {
            places.push(place(&format!("{}/{file}", copy.path.trim_end_matches('/')))?);
        }
    }
    if places.is_empty() && !base.exists() {
        return Err(Fault::new(
            "PATH_NOT_FOUND",
            "42K03",
            format_args!("Path does not exist: {}.", copy.path),
        ));
    }
    if places.len() > MOST_FILES {
        let text =
            format_args!("COPY INTO loads {MOST_FILES} files at most at once; name them with PATTERN.");
        return Err(Fault::new("TOO_MANY_FILES", "54000", text));
    }
    let mut pending = Vec::new();
    for place in places {
        let metadata = std::fs::metadata(&place).map_err(|_| {
            Fault::new("PATH_NOT_FOUND", "42K03", format_args!("Path does not exist: {}.", copy.path))
        })?;
        let modified =
            metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(0));
        let state = Loaded { size: metadata.len(), modified };
        let key = format!("{} {}", record.id, place.display());
        let before = scene.workspace.store().get::<Loaded>(LOADED, &key).map_err(Fault::internal)?;
        if force || before.as_ref() != Some(&state) {
            pending.push(Pending { place, key, state });
        }
    }
    Ok(pending)
}

/// `INSERT OVERWRITE DIRECTORY`: the rows of a query as files on a volume, in the place of what is there.
pub(super) async fn insert_directory(
    scene: &Scene<'_>,
    sql: &str,
    insert: &InsertDirectory,
) -> Result<Outcome, Fault> {
    let path = FilePath::parse(&insert.path)?;
    path.volume()?;
    let place = scene.workspace.file_place(&scene.session.caller, &path, "WRITE_VOLUME")?;
    let formats = ["CSV", "JSON", "PARQUET", "TEXT"];
    if !formats.contains(&insert.format.as_str()) {
        return Err(Fault::unsupported(
            format_args!("INSERT OVERWRITE DIRECTORY USING {}", insert.format),
            "Use PARQUET, CSV or JSON",
        ));
    }
    let planned = scene.plan(&parse(insert.query.span.of(sql))?).await?;
    let disk = |error: std::io::Error| Fault::internal(format_args!("The files cannot be written: {error}"));
    let home = scene.workspace.config().state_directory.join("engine");
    std::fs::create_dir_all(&home).map_err(disk)?;
    let stage = tempfile::Builder::new().prefix("directory-").tempdir_in(&home).map_err(disk)?;
    let target = scene.catalog().engine_path(&stage.path().join("rows"))?;
    let options = insert.options.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("path"));
    let options: Vec<String> =
        options.map(|(key, value)| format!("{} {}", quote_name(key), string_literal(value))).collect();
    let options =
        if options.is_empty() { String::new() } else { format!(" OPTIONS ({})", options.join(", ")) };
    let text = format!(
        "INSERT OVERWRITE DIRECTORY {} USING {}{options} {}",
        string_literal(&target.to_string_lossy()),
        insert.format.to_lowercase(),
        planned.statement.sql
    );
    let mut outcome = scene.engine_text(&planned, &text).await?;
    while outcome.next().await?.is_some() {}
    if place.is_dir() {
        std::fs::remove_dir_all(&place).map_err(disk)?;
    }
    std::fs::create_dir_all(&place).map_err(disk)?;
    for entry in walkdir::WalkDir::new(stage.path().join("rows")).into_iter().flatten() {
        let Ok(below) = entry.path().strip_prefix(stage.path().join("rows")) else { continue };
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(place.join(below)).map_err(disk)?;
        } else {
            let to = place.join(below);
            std::fs::rename(entry.path(), &to)
                .or_else(|_| std::fs::copy(entry.path(), &to).map(drop))
                .map_err(disk)?;
        }
    }
    Ok(Outcome::nothing())
}
