use std::path::Path;

use super::app_environment::{Value, Variable};
use super::apps::{Door, PortPolicy};
use super::provision::Report;
use super::running::Running;
use super::session::{AppSession, SessionOptions, load};
use crate::failure::Failure;
use crate::settings::Settings;

/// Variables of the app in a folder: those of a running `run`, else worked out.
pub(crate) async fn of_app(
    settings: &Settings,
    directory: &Path,
    report: Report,
) -> Result<Vec<Variable>, Failure> {
    let project = load(directory)?;
    if let Some(variables) = of_running(&settings.state_directory(&project.dir)).await {
        return Ok(variables);
    }
    let options = SessionOptions {
        directory: directory.to_path_buf(),
        door: Door::closed(),
        named_port: None,
        port: PortPolicy::Auto,
        development: false,
        reload: false,
        report,
    };
    let session = AppSession::open(settings, options).await?;
    let ready = session.plan.work_out().await;
    session.workspace.stop().await;
    Ok(ready?.variables)
}

/// Variables of the app a `run` has in the foreground in this state directory.
pub(crate) async fn of_running(state_directory: &Path) -> Option<Vec<Variable>> {
    let app = Running::find(state_directory).await?.app?;
    if app.variables.is_empty() {
        return None;
    }
    let variables = app.variables.into_iter().map(|variable| Variable {
        name: variable.name,
        value: if variable.secret { Value::Secret(variable.value) } else { Value::Plain(variable.value) },
        origin: variable.origin,
    });
    Some(variables.collect())
}
