//! `CREATE VOLUME`, `DROP VOLUME`, and files on volumes: `PUT`, `GET`, `REMOVE`, `LIST`.

use arrow_schema::DataType::{Int64, Utf8};
use brickyard_sql::command::CreateVolume;

use crate::catalog::NewVolume;
use crate::files::{FilePath, Operation};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn create(scene: &Scene<'_>, create: &CreateVolume) -> Result<Outcome, Fault> {
    let volume = NewVolume {
        full_name: full_name(&scene.parts(&create.name.values())?),
        location: create.location.clone(),
        comment: create.comment.clone(),
    };
    let made = scene.catalog().create_volume(&scene.identity, &volume);
    super::tables::unless_there(made.map(|_| ()), create.if_not_exists)
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String]) -> Result<(), Fault> {
    Ok(scene.catalog().drop_volume(&scene.identity, &full_name(&scene.parts(parts)?))?)
}

pub(super) fn put(scene: &Scene<'_>, file: &str, path: &str, overwrite: bool) -> Result<Outcome, Fault> {
    if file.is_empty() {
        return Err(Fault::new(
            "EMPTY_LOCAL_FILE_IN_STAGING_ACCESS_QUERY",
            "22023",
            "Empty local file in staging PUT query",
        ));
    }
    let place = allowed(scene, path, "WRITE_VOLUME")?;
    if !overwrite && place.exists() {
        return Err(Fault::new(
            "FILE_IN_STAGING_PATH_ALREADY_EXISTS",
            "42K03",
            format_args!("File in staging path {path} already exists but OVERWRITE is not set"),
        ));
    }
    move_file(scene, "PUT", path, file, &Operation::Write { overwrite })
}

pub(super) fn get(scene: &Scene<'_>, path: &str, file: &str) -> Result<Outcome, Fault> {
    if file.is_empty() {
        return Err(Fault::new(
            "EMPTY_LOCAL_FILE_IN_STAGING_ACCESS_QUERY",
            "22023",
            "Empty local file in staging GET query",
        ));
    }
    allowed(scene, path, "READ_VOLUME")?;
    move_file(scene, "GET", path, file, &Operation::Read)
}

pub(super) fn remove(scene: &Scene<'_>, path: &str) -> Result<Outcome, Fault> {
    allowed(scene, path, "WRITE_VOLUME")?;
    move_file(scene, "REMOVE", path, "", &Operation::Remove)
}

pub(super) fn list(scene: &Scene<'_>, path: &str, limit: Option<u64>) -> Result<Outcome, Fault> {
    let place = allowed(scene, path, "READ_VOLUME")?;
    let mut grid =
        Grid::new(vec![("path", Utf8), ("name", Utf8), ("size", Int64), ("modification_time", Int64)]);
    let entries = std::fs::read_dir(&place)
        .map_err(|_| Fault::new("PATH_NOT_FOUND", "42K03", format_args!("Path does not exist: {path}.")))?;
    let mut found: Vec<_> = entries.filter_map(Result::ok).collect();
    found.sort_by_key(std::fs::DirEntry::file_name);
    for entry in
        found.into_iter().take(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
    {
        let Ok(metadata) = entry.metadata() else { continue };
        let slash = if metadata.is_dir() { "/" } else { "" };
        let name = format!("{}{slash}", entry.file_name().to_string_lossy());
        let size = if metadata.is_dir() { 0 } else { i64::try_from(metadata.len()).unwrap_or(i64::MAX) };
        let modified =
            metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.and_then(|time| i64::try_from(time.as_millis()).ok());
        grid.row([
            format!("{}/{name}", path.trim_end_matches('/')).into(),
            name.into(),
            size.into(),
            modified.into(),
        ]);
    }
    grid.outcome()
}

/// The place of a path on a volume that lets the caller do this.
fn allowed(scene: &Scene<'_>, path: &str, privilege: &'static str) -> Result<std::path::PathBuf, Fault> {
    if path.starts_with("stage://") {
        return Err(Fault::unsupported("the personal staging area (`stage://`)", "Use a volume"));
    }
    if !path.starts_with("/Volumes/") && !path.starts_with("dbfs:/Volumes/") {
        return Err(Fault::new(
            "INVALID_STAGING_PATH_IN_STAGING_ACCESS_QUERY",
            "42604",
            format_args!("Invalid staging path in staging query: {path}"),
        ));
    }
    let place = scene.workspace.file_place(&scene.session.caller, &FilePath::parse(path)?, privilege);
    place.map_err(|error| match error.status.as_u16() {
        404 => Fault::new("RESOURCE_DOES_NOT_EXIST", "42704", format_args!("NOT_FOUND: {}", error.message)),
        _ => error.into(),
    })
}

/// The row that tells the client to move a file itself (wire §3.1).
fn move_file(
    scene: &Scene<'_>,
    operation: &str,
    path: &str,
    file: &str,
    allowed: &Operation,
) -> Result<Outcome, Fault> {
    let base = format!("https://{}", scene.workspace.config().host);
    let volume_path = FilePath::parse(path)?;
    let owner = scene.session.caller.name();
    let address = scene.workspace.signed_address(&base, owner, &volume_path, allowed, None);
    let mut grid = Grid::texts(&["operation", "presignedUrl", "headers", "localFile"]);
    grid.row([operation.into(), address.into(), "{}".into(), file.into()]);
    let mut outcome = grid.outcome()?;
    outcome.staging = true;
    Ok(outcome)
}
