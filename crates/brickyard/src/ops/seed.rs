//! What `brickyard.toml` puts into the local workspace: secrets, SQL, grants.

use brickyard_api::{ApiFailure, App, Client};
use brickyard_project::Project;
use brickyard_project::settings::SecretValue;
use brickyard_workspace::{DatabaseTarget, Script};
use serde_json::{Value, json};

use super::local::LocalWorkspace;
use crate::failure::Failure;
use crate::settings::Settings;

/// Puts the secrets of `brickyard.toml` into their scopes.
pub(crate) async fn secrets(client: &Client, project: &Project, settings: &Settings) -> Result<(), Failure> {
    for (scope, keys) in &project.settings.secrets {
        match client.post::<Value>("/api/2.0/secrets/scopes/create", &json!({ "scope": scope })).await {
            Err(ApiFailure::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => {}
            other => drop(other?),
        }
        for (key, value) in keys {
            let text = reveal(value, &format!("{scope}/{key}"), project, settings)?;
            let body = json!({ "scope": scope, "key": key, "string_value": text });
            client.post::<Value>("/api/2.0/secrets/put", &body).await?;
        }
    }
    Ok(())
}

/// The value itself, from the file, a variable or another file.
pub(crate) fn reveal(
    value: &SecretValue,
    name: &str,
    project: &Project,
    settings: &Settings,
) -> Result<String, Failure> {
    match value {
        SecretValue::Text(text) => Ok(text.clone()),
        SecretValue::Env { env } => settings.environment.text(env).map(str::to_owned).ok_or_else(|| {
            Failure::user(format!("Secret `{name}` comes from the variable `{env}`, which is not set"))
                .hint(format!("set it: `{env}=… brickyard …`"))
        }),
        SecretValue::File { file } => std::fs::read_to_string(project.dir.join(file)).map_err(|error| {
            Failure::user(format!("Cannot read the secret `{name}` from `{}`", file.display())).because(error)
        }),
    }
}

/// Runs the SQL files of `[[lakebase.seed]]` that have not been run yet on the app's first database.
pub(crate) async fn lakebase(
    workspace: &LocalWorkspace,
    project: &Project,
    app: &App,
) -> Result<(), Failure> {
    for seed in &project.settings.lakebase.seed {
        let target = target(app, seed.database.as_deref()).ok_or_else(|| {
            Failure::app(format!("`{}` is to be run on a database, and the app has none", seed.sql)).hint(
                "declare one in `brickyard.toml`: `[resources.database]` with `type = \"database\"` or `\"postgres\"`",
            )
        })?;
        let path = project.dir.join(&seed.sql);
        let sql = std::fs::read_to_string(&path).map_err(|error| {
            Failure::user(format!("Cannot read the SQL file `{}`", seed.sql))
                .because(error)
                .hint("paths of `[[lakebase.seed]]` are relative to `brickyard.toml`")
        })?;
        let role = match seed.role.as_deref() {
            None => workspace.developer.clone(),
            Some("app") => app.service_principal_client_id.clone().unwrap_or_default(),
            Some(user) => user.to_owned(),
        };
        let script = Script { path: seed.sql.clone().into(), sql, role };
        workspace.handle.seed_database(&target, &[script]).await.map_err(|error| {
            let hint = error.hint();
            let failure = Failure::app(error.to_string());
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
    }
    Ok(())
}

/// The app's first database, or another one beside it.
fn target(app: &App, database: Option<&str>) -> Option<DatabaseTarget> {
    app.resources.iter().find_map(|resource| {
        let named = |text: &str| Some(database.unwrap_or(text).to_owned()).filter(|text| !text.is_empty());
        if let Some(bound) = &resource.database {
            let instance = Some(bound.instance_name.clone()).filter(|name| !name.is_empty());
            return Some(DatabaseTarget::Provisioned { instance, database: named(&bound.database_name) });
        }
        let bound = resource.postgres.as_ref()?;
        let branch = Some(bound.branch.clone()).filter(|name| !name.is_empty());
        Some(DatabaseTarget::Autoscaling { branch, database: named(&bound.database) })
    })
}
