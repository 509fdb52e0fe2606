use std::time::Duration;

use brickyard_project::Project;
use brickyard_project::settings::ServingSettings;
use brickyard_workspace::{ServingBackend, ServingEndpoint, ServingOptions, WorkspaceHandle};

use crate::failure::Failure;

/// Makes the endpoints of `[serving.NAME]` known to the workspace.
pub(crate) fn configure(handle: &WorkspaceHandle, project: &Project) -> Result<(), Failure> {
    for (name, settings) in &project.settings.serving {
        let endpoint = ServingEndpoint {
            name: name.clone(),
            task: settings.task.clone(),
            backend: backend(name, settings, project)?,
        };
        handle.put_serving_endpoint(endpoint).map_err(Failure::from)?;
        let options = ServingOptions {
            calls_per_minute: settings.calls_per_minute,
            calls_per_minute_and_user: settings.calls_per_minute_and_user,
            concurrency: settings.concurrency,
            timeout: settings.timeout_seconds.map(Duration::from_secs),
            log_table: settings.log_table.clone(),
        };
        handle.set_serving_options(name, options);
    }
    Ok(())
}

fn backend(name: &str, settings: &ServingSettings, project: &Project) -> Result<ServingBackend, Failure> {
    let set = [
        settings.python.is_some(),
        settings.mlflow.is_some(),
        settings.url.is_some(),
        settings.replay.is_some(),
    ];
    if set.into_iter().filter(|set| *set).count() > 1 {
        return Err(Failure::user(format!(
            "`[serving.{name}]` names more than one of `python`, `mlflow`, `url` and `replay`"
        ))
        .hint("keep the one that is to answer"));
    }
    let key = settings
        .api_key
        .as_ref()
        .map(|key| {
            key.split_once('/').map(|(scope, key)| (scope.to_owned(), key.to_owned())).ok_or_else(|| {
                Failure::user(format!("`api-key` of `[serving.{name}]` is not of the form `scope/key`"))
            })
        })
        .transpose()?;
    Ok(match settings {
        ServingSettings { python: Some(file), requirements, .. } => {
            ServingBackend::Python { file: project.dir.join(file), requirements: requirements.clone() }
        }
        ServingSettings { url: Some(url), model, headers, .. } => ServingBackend::OpenAi {
            base_url: url.clone(),
            model: model.clone(),
            key,
            headers: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        },
        ServingSettings { mlflow: Some(model), requirements, .. } => {
            ServingBackend::Mlflow { model: project.dir.join(model), requirements: requirements.clone() }
        }
        ServingSettings { replay: Some(file), .. } => ServingBackend::Replay { file: project.dir.join(file) },
        _ => ServingBackend::Unset,
    })
}
