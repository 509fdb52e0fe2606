use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app_resources::AppResource;
use crate::client::Client;
use crate::deployments::{Deployment, DeploymentStatus, GitRepository, GitSource};
use crate::error::ApiFailure;

/// An app of a workspace (platform §7).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// Name: lower case letters, digits and hyphens; unique in the workspace.
    pub name: String,
    /// Unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Address, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the app is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The machine: `ACTIVE`, `STOPPED`, `STARTING`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_status: Option<ComputeStatus>,
    /// The program: `RUNNING`, `CRASHED`, `DEPLOYING`, `UNAVAILABLE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_status: Option<ApplicationStatus>,
    /// The version that serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_deployment: Option<Deployment>,
    /// The version that is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_deployment: Option<Deployment>,
    /// What the app may use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<AppResource>,
    /// Scopes of the token forwarded for a user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_api_scopes: Vec<String>,
    /// Scopes in force: those asked for, or the identity scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effective_user_api_scopes: Vec<String>,
    /// `MEDIUM`, `LARGE`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_size: Option<String>,
    /// Fewest machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_min_instances: Option<u32>,
    /// Most machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_max_instances: Option<u32>,
    /// Budget policy asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_policy_id: Option<String>,
    /// Budget policy in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_budget_policy_id: Option<String>,
    /// Usage policy asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_policy_id: Option<String>,
    /// Usage policy in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_usage_policy_id: Option<String>,
    /// Whether the token of the user who asks is passed on to the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_user_access_token: Option<bool>,
    /// Repository that deployments from git are taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_repository: Option<GitRepository>,
    /// What the next deployment from git takes by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_git_source: Option<GitSource>,
    /// Space the app lives in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// Tables that telemetry goes to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub telemetry_export_destinations: Vec<Value>,
    /// Picture of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// Folder the next deployment takes by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_source_code_path: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updater: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
    /// Client id of its service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_principal_client_id: Option<String>,
    /// Numeric id of its service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_principal_id: Option<u64>,
    /// Name of its service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_principal_name: Option<String>,
    /// OAuth client through which users sign in to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth2_app_client_id: Option<String>,
    /// Id of that OAuth integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth2_app_integration_id: Option<String>,
}

/// State of the machine an app has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComputeStatus {
    /// `ACTIVE`, `DELETING`, `ERROR`, `STARTING`, `STOPPED`, `STOPPING`, `UPDATING`.
    pub state: String,
    /// One sentence.
    pub message: String,
    /// Instances that serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_instances: Option<u32>,
}

/// State of an app's program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationStatus {
    /// `CRASHED`, `DEPLOYING`, `RUNNING`, `UNAVAILABLE`.
    pub state: String,
    /// One sentence.
    pub message: String,
    /// Instances whose program runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_instances: Option<u32>,
}

/// State of an asynchronous change of an app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppUpdate {
    /// `NOT_UPDATED`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED`.
    pub status: DeploymentStatus,
}

#[derive(Deserialize)]
struct AppList {
    #[serde(default)]
    apps: Vec<App>,
    #[serde(default)]
    next_page_token: Option<String>,
}

impl Client {
    /// `GET /api/2.0/apps`, all pages.
    pub async fn apps(&self) -> Result<Vec<App>, ApiFailure> {
        let mut apps = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let query: Vec<(&str, &str)> = token.iter().map(|token| ("page_token", token.as_str())).collect();
            let mut page: AppList = self.get("/api/2.0/apps", &query).await?;
            apps.append(&mut page.apps);
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(apps);
            }
        }
    }

    /// `GET /api/2.0/apps/NAME`; `None` when there is no such app.
    pub async fn app(&self, name: &str) -> Result<Option<App>, ApiFailure> {
        match self.get(&format!("/api/2.0/apps/{name}"), &[]).await {
            Err(failure) if failure.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// `POST /api/2.0/apps`.
    pub async fn create_app(&self, app: &App) -> Result<App, ApiFailure> {
        self.post("/api/2.0/apps", app).await
    }

    /// `PATCH /api/2.0/apps/NAME`: the fields of `changes` replace the app's.
    pub async fn update_app(&self, name: &str, changes: &Value) -> Result<App, ApiFailure> {
        self.patch(&format!("/api/2.0/apps/{name}"), changes).await
    }

    /// `POST /api/2.0/apps/NAME/update`: the fields of the mask, comma-separated, are set; goes on in the background.
    pub async fn create_app_update(
        &self,
        name: &str,
        app: &Value,
        mask: &str,
    ) -> Result<AppUpdate, ApiFailure> {
        let body = json!({ "app": app, "update_mask": mask });
        self.post_again(&format!("/api/2.0/apps/{name}/update"), &body).await
    }

    /// `GET /api/2.0/apps/NAME/update`.
    pub async fn app_update(&self, name: &str) -> Result<AppUpdate, ApiFailure> {
        self.get(&format!("/api/2.0/apps/{name}/update"), &[]).await
    }

    /// `DELETE /api/2.0/apps/NAME`.
    pub async fn delete_app(&self, name: &str) -> Result<App, ApiFailure> {
        let path = format!("/api/2.0/apps/{name}");
        let answer = self.delete(&path, &[]).await?;
        serde_json::from_value(answer)
            .map_err(|source| ApiFailure::Unexpected { path, source: Box::new(source) })
    }

    /// `POST /api/2.0/apps/NAME/start`.
    pub async fn start_app(&self, name: &str) -> Result<App, ApiFailure> {
        self.post(&format!("/api/2.0/apps/{name}/start"), &json!({})).await
    }

    /// `POST /api/2.0/apps/NAME/stop`.
    pub async fn stop_app(&self, name: &str) -> Result<App, ApiFailure> {
        self.post_again(&format!("/api/2.0/apps/{name}/stop"), &json!({})).await
    }
}
