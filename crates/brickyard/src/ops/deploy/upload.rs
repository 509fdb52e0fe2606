use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use brickyard_api::{ApiFailure, Client};
use futures_util::stream::{self, TryStreamExt};

use super::Tell;
use super::files::LocalFile;
use super::journal::Journal;
use super::plan::DeployPlan;
use crate::failure::Failure;

/// How many files are on their way at once.
const PARALLEL: usize = 16;

/// Uploads what is new or differs and removes what is stale; says how many of each.
pub(super) async fn bring_in_line(
    client: &Client,
    files: &[LocalFile],
    plan: &DeployPlan,
    before: &Journal,
    tell: &Tell,
) -> Result<(usize, usize), Failure> {
    let path = &plan.path;
    let wanted: BTreeSet<&str> = plan.added.iter().chain(&plan.changed).map(String::as_str).collect();
    if wanted.is_empty() && plan.removed.is_empty() {
        return Ok((0, 0));
    }
    let folders: BTreeSet<String> = files
        .iter()
        .filter(|file| wanted.contains(file.name.as_str()))
        .filter_map(|file| Some(format!("{path}/{}", file.name).rsplit_once('/')?.0.to_owned()))
        .chain([path.clone()])
        .collect();
    // A folder that has another one below it is made with that one.
    let deepest = folders.iter().filter(|folder| {
        !folders
            .range(format!("{folder}/")..)
            .next()
            .is_some_and(|next| next.starts_with(&format!("{folder}/")))
    });
    stream::iter(deepest.map(Ok::<_, Failure>))
        .try_for_each_concurrent(PARALLEL, |folder| async move { Ok(client.make_directories(folder).await?) })
        .await?;
    let stale = before.files.keys().map(String::as_str).filter(|name| {
        plan.removed.iter().any(|gone| gone == before.remote_name(name)) || wanted.contains(name)
    });
    before.doubting(files, wanted.iter().copied().chain(stale)).write(client, path).await?;
    // What goes first makes room: a notebook's place may be a file's now.
    stream::iter(plan.removed.iter().map(Ok::<_, Failure>))
        .try_for_each_concurrent(PARALLEL, |name| async move {
            Ok(client.delete_object(&format!("{path}/{name}"), false).await?)
        })
        .await?;
    let (total, done) = (wanted.len(), AtomicUsize::new(0));
    let uploads = files.iter().filter(|file| wanted.contains(file.name.as_str()));
    stream::iter(uploads.map(Ok::<_, Failure>))
        .try_for_each_concurrent(PARALLEL, |file| {
            let done = &done;
            async move {
                upload(client, path, file).await?;
                let count = done.fetch_add(1, Ordering::Relaxed) + 1;
                if total >= 100 && count.is_multiple_of(total.div_ceil(5)) {
                    tell(&format!("Uploaded {count} of {total} files"));
                }
                Ok(())
            }
        })
        .await?;
    Journal::complete(files, None).write(client, path).await?;
    Ok((total, plan.removed.len()))
}

async fn upload(client: &Client, path: &str, file: &LocalFile) -> Result<(), Failure> {
    let target = format!("{path}/{}", file.name);
    let bytes = file.content().await?;
    match client.import_file(&target, bytes.clone()).await {
        // A file where a notebook is now, or a notebook where a file is: the old one goes.
        Err(ApiFailure::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => {
            let place = format!("{path}/{}", file.remote_name());
            client.delete_object(&place, false).await?;
            Ok(client.import_file(&target, bytes).await?)
        }
        other => Ok(other?),
    }
}
