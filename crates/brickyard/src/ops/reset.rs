use std::path::Path;

use super::local::{LocalWorkspace, Options};
use super::provision::Report;
use super::running::Running;
use crate::failure::{Failure, Kind};
use crate::settings::Settings;

/// Removes all databases of the workspace of this folder, and says which.
pub(crate) async fn lakebase(
    settings: &Settings,
    directory: &Path,
    report: Report,
) -> Result<Vec<String>, Failure> {
    let project = brickyard_project::Project::load(directory).ok();
    let state_directory =
        settings.state_directory(project.as_ref().map_or(directory, |project| &project.dir));
    if !state_directory.is_dir() {
        return Ok(Vec::new());
    }
    if Running::find(&state_directory).await.is_some() {
        return Err(Failure::user("A workspace is running for this folder, and its apps use the databases")
            .hint("stop it first"));
    }
    let options = Options { project: project.as_ref(), state_directory, report, named_port: None };
    let workspace = LocalWorkspace::start(settings, options).await?;
    let removed = workspace.handle.lakebase_reset().await.map_err(|error| {
        let hint = error.hint();
        let failure = Failure::new(Kind::Machine, "The databases cannot be removed").because(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    });
    workspace.stop().await;
    removed
}
