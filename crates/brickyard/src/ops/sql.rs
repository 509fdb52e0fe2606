use std::sync::Arc;

use brickyard_api::{Client, Statement, StatementResult};

use super::local::{LocalWorkspace, Options};
use super::provision::Report;
use super::running::Running;
use crate::failure::{Failure, Kind};
use crate::settings::Settings;

/// A statement to run in the local workspace.
pub(crate) struct Query<'a> {
    pub(crate) text: &'a str,
    /// Who runs it; the developer by default.
    pub(crate) user: Option<&'a str>,
}

/// Runs a statement in the workspace that runs for this folder, else in one that is started for the moment.
pub(crate) async fn run(
    settings: &Settings,
    directory: &std::path::Path,
    query: Query<'_>,
    report: Report,
) -> Result<StatementResult, Failure> {
    let project = brickyard_project::Project::load(directory).ok();
    let state_directory =
        settings.state_directory(project.as_ref().map_or(directory, |project| &project.dir));
    if let Some(running) = Running::find(&state_directory).await {
        let client = running.client_as(query.user.unwrap_or(&running.developer)).await?;
        return execute(&client, query.text).await;
    }
    let options =
        Options { project: project.as_ref(), state_directory, report: Arc::clone(&report), named_port: None };
    let workspace = LocalWorkspace::start(settings, options).await?;
    let user = query.user.unwrap_or(&workspace.developer).to_owned();
    let outcome = match workspace.client(&user) {
        Ok(client) => execute(&client, query.text).await,
        Err(failure) => Err(failure),
    };
    workspace.stop().await;
    outcome
}

/// Runs a statement on the workspace's first warehouse.
pub(crate) async fn execute(client: &Client, text: &str) -> Result<StatementResult, Failure> {
    let warehouses = client.warehouses().await?;
    let warehouse = warehouses
        .first()
        .ok_or_else(|| Failure::new(Kind::Workspace, "The workspace has no SQL warehouse"))?;
    Ok(client.execute(Statement { warehouse_id: &warehouse.id, text }).await?)
}
