use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use brickyard_api::{Client, ObjectType};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::Server;
use super::call::Call;
use super::glob;
use crate::failure::Failure;
use crate::ops::deploy::{collect_files, is_protected};

/// How many files are on their way at once where nobody says.
const WORKERS: u64 = 10;

/// Most that may be asked for.
const MOST_WORKERS: u64 = 64;

/// `manage_workspace_files`.
pub(super) async fn manage(server: &Server, call: &Call) -> Result<Value, Failure> {
    let path = call.needed("workspace_path")?;
    match call.needed("action")?.to_ascii_lowercase().as_str() {
        "delete" => {
            let path = path.trim_end_matches('/');
            let client = server.target().await?.client;
            let failed = if is_protected(path) {
                Some(format!("Cannot delete protected path: {path}. Homes and the folders above them stay"))
            } else {
                let deleted = client.delete_object(path, call.flag("recursive", false)).await;
                deleted.err().map(|failure| failure.to_string())
            };
            Ok(json!({ "workspace_path": path, "success": failed.is_none(), "error": failed }))
        }
        "upload" => {
            let local = call.needed("local_path")?;
            let client = server.target().await?.client;
            let job = collect(&client, &server.settings.absolute(&home(server, local)), local, path).await?;
            upload(&client, job, call).await
        }
        other => Err(Failure::user(format!("Unknown action `{other}`: use upload or delete"))),
    }
}

/// What is uploaded.
#[derive(Debug, Default)]
struct Job {
    /// What was named, without wild cards.
    local_folder: String,
    /// Folder of the workspace it goes to.
    remote_folder: String,
    /// Each file and its path in the workspace.
    files: Vec<(PathBuf, String)>,
    /// What cannot be sent, and why.
    failed: Vec<Value>,
}

impl Job {
    fn nothing(local: &str, remote: &str, why: &str) -> Self {
        let failed = vec![json!({ "local_path": local, "error": format!("{why}: {local}") })];
        Self { local_folder: local.to_owned(), remote_folder: remote.to_owned(), failed, ..Self::default() }
    }

    /// Two files must not have one place: the second one would be all that is left.
    fn add(&mut self, file: PathBuf, target: String, places: &mut BTreeMap<String, PathBuf>) {
        if let Some(other) = places.get(&target) {
            let why = format!("{target} is the place of {} already", other.display());
            self.failed.push(json!({ "local_path": file, "error": why }));
            return;
        }
        places.insert(target.clone(), file.clone());
        self.files.push((file, target));
    }
}

/// Finds the files of a path: one file under the name that is given, a folder as `cp -r` copies it, or what a pattern names.
///
/// A folder keeps its name below the target, unless the target has that name already; with a slash at its end only its content
/// goes there.
async fn collect(client: &Client, local: &Path, named: &str, remote: &str) -> Result<Job, Failure> {
    let target = remote.trim_end_matches('/');
    if glob::is_pattern(named) {
        let found = glob::find(local)?;
        if found.is_empty() {
            return Ok(Job::nothing(named, target, "No files match pattern"));
        }
        let mut job =
            Job { local_folder: named.to_owned(), remote_folder: target.to_owned(), ..Job::default() };
        let mut places = BTreeMap::new();
        for path in found {
            let name = name_of(&path);
            if path.is_dir() {
                for (file, below) in collect_files(&path)? {
                    job.add(file, format!("{target}/{name}/{below}"), &mut places);
                }
            } else {
                job.add(path, format!("{target}/{name}"), &mut places);
            }
        }
        return Ok(job);
    }
    let shown = local.to_string_lossy().into_owned();
    if local.is_file() {
        let is_folder = remote.ends_with('/')
            || client
                .object_status(target)
                .await?
                .is_some_and(|object| matches!(object.object_type, ObjectType::Directory));
        let place = if is_folder { format!("{target}/{}", name_of(local)) } else { target.to_owned() };
        let files = vec![(local.to_path_buf(), place)];
        return Ok(Job { local_folder: shown, remote_folder: target.to_owned(), files, ..Job::default() });
    }
    if !local.is_dir() {
        return Ok(Job::nothing(named, target, "Path not found"));
    }
    let name = name_of(local);
    let has_name = target.rsplit('/').next() == Some(name.as_str());
    let folder =
        if named.ends_with('/') || has_name { target.to_owned() } else { format!("{target}/{name}") };
    let files = collect_files(local)?;
    let files = files.into_iter().map(|(file, below)| (file, format!("{folder}/{below}"))).collect();
    Ok(Job { local_folder: shown, remote_folder: folder, files, ..Job::default() })
}

async fn upload(client: &Client, job: Job, call: &Call) -> Result<Value, Failure> {
    let workers = usize::try_from(call.number("max_workers", WORKERS).clamp(1, MOST_WORKERS)).unwrap_or(1);
    let overwrite = call.flag("overwrite", true);
    let total = job.files.len() + job.failed.len();
    let folders: BTreeSet<&str> =
        job.files.iter().filter_map(|(_, target)| Some(target.rsplit_once('/')?.0)).collect();
    for folder in folders.into_iter().filter(|folder| !folder.is_empty()) {
        client.make_directories(folder).await?;
    }
    let failed = Mutex::new(job.failed);
    stream::iter(&job.files)
        .for_each_concurrent(workers, |(file, target)| {
            let failed = &failed;
            async move {
                if let Err(failure) = send(client, file, target, overwrite).await {
                    let entry = json!({ "local_path": file, "error": failure.to_string() });
                    failed.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                }
            }
        })
        .await;
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(json!({
        "local_folder": job.local_folder, "remote_folder": job.remote_folder, "total_files": total,
        "successful": total - failed.len(), "failed": failed.len(), "success": failed.is_empty() && total > 0,
        "failed_uploads": failed,
    }))
}

async fn send(client: &Client, file: &Path, target: &str, overwrite: bool) -> Result<(), Failure> {
    if !overwrite && client.object_status(target).await?.is_some() {
        return Err(Failure::user(format!("{target} already exists.")));
    }
    let bytes =
        tokio::fs::read(file).await.map_err(|error| Failure::user("Cannot read the file").because(error))?;
    Ok(client.import_file(target, Bytes::from(bytes)).await?)
}

/// The path with `~` as the user's home.
fn home(server: &Server, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), server.settings.environment.path("HOME")) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
