use bytes::Bytes;
use serde_json::{Value, json};

use super::Server;
use super::tool::Call;
use crate::failure::Failure;
use crate::ops::deploy::collect_files;

/// `manage_workspace_files`.
pub(super) async fn manage(server: &Server, call: &Call) -> Result<Value, Failure> {
    let client = server.target().await?.client;
    let path = call.needed("workspace_path")?.trim_end_matches('/');
    match call.needed("action")? {
        "delete" => {
            client.delete_object(path, call.flag("recursive", false)).await?;
            Ok(json!({ "workspace_path": path, "success": true, "error": null }))
        }
        "upload" => {
            let local = server.settings.absolute(call.needed("local_path")?.as_ref());
            let files = if local.is_file() {
                let name = local.file_name().unwrap_or_default().to_string_lossy().into_owned();
                vec![(local.clone(), format!("{path}/{name}"))]
            } else {
                collect_files(&local)?
                    .into_iter()
                    .map(|(file, name)| (file, format!("{path}/{name}")))
                    .collect()
            };
            let (total, mut failed) = (files.len(), Vec::new());
            for (file, target) in files {
                let outcome = async {
                    if !call.flag("overwrite", true) && client.object_status(&target).await?.is_some() {
                        return Err(Failure::user(format!("{target} already exists.")));
                    }
                    let folder = target.rsplit_once('/').map_or(path, |(folder, _)| folder);
                    client.make_directories(folder).await?;
                    let bytes = tokio::fs::read(&file)
                        .await
                        .map_err(|error| Failure::user("Cannot read the file").because(error))?;
                    Ok(client.import_file(&target, Bytes::from(bytes)).await?)
                };
                if let Err(failure) = outcome.await {
                    failed.push(json!({ "local_path": file, "error": failure.to_string() }));
                }
            }
            Ok(json!({
                "local_folder": local, "remote_folder": path, "total_files": total, "successful": total - failed.len(),
                "failed": failed.len(), "success": failed.is_empty(), "failed_uploads": failed,
            }))
        }
        other => Err(Failure::user(format!("Unknown action `{other}`: use upload or delete"))),
    }
}
