//! What `brickyard.toml` puts into the local workspace: secrets, SQL, grants.

use brickyard_api::{ApiFailure, Client};
use brickyard_project::Project;
use brickyard_project::settings::SecretValue;
use serde_json::{Value, json};

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
            let text = match value {
                SecretValue::Text(text) => text.clone(),
                SecretValue::Env { env } => {
                    settings.environment.text(env).map(str::to_owned).ok_or_else(|| {
                        Failure::user(format!(
                            "Secret `{scope}/{key}` comes from the variable `{env}`, which is not set"
                        ))
                        .hint(format!("set it: `{env}=… brickyard …`"))
                    })?
                }
                SecretValue::File { file } => {
                    std::fs::read_to_string(project.dir.join(file)).map_err(|error| {
                        Failure::user(format!(
                            "Cannot read the secret `{scope}/{key}` from `{}`",
                            file.display()
                        ))
                        .because(error)
                    })?
                }
            };
            let body = json!({ "scope": scope, "key": key, "string_value": text });
            client.post::<Value>("/api/2.0/secrets/put", &body).await?;
        }
    }
    Ok(())
}
