use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app_resources::AppResource;
use crate::client::Client;
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

/// A git repository of an app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitRepository {
    /// Address to clone from.
    pub url: String,
    /// `gitHub`, `gitLab`, `bitbucketCloud`, … (platform §7).
    pub provider: String,
    /// Whether a push deploys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_deploy: Option<bool>,
    /// Git credential of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_credential_id: Option<u64>,
}

/// A place in an app's git repository; exactly one of branch, tag and commit is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitSource {
    /// Branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Folder of the repository; its root when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_code_path: Option<String>,
    /// The app's repository, as the workspace shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_repository: Option<GitRepository>,
    /// Commit that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_commit: Option<String>,
}

/// How a version proves that it is up, beside listening.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthCheck {
    /// Path that has to answer 2xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How long it may take, such as `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// State of an asynchronous change of an app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppUpdate {
    /// `NOT_UPDATED`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED`.
    pub status: DeploymentStatus,
}

/// One entry of an access list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PermissionEntry {
    /// E-mail address of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Name of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// Client id of a service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_principal_name: Option<String>,
    /// Levels held.
    #[serde(skip_serializing)]
    pub all_permissions: Vec<HeldPermission>,
    /// Level asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_level: Option<String>,
}

/// A level somebody holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldPermission {
    /// Such as `CAN_USE`.
    pub permission_level: String,
}

#[derive(Deserialize)]
struct AccessList {
    #[serde(default)]
    access_control_list: Vec<PermissionEntry>,
}

/// One version of an app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// Unique id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// Workspace folder the source is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_code_path: Option<String>,
    /// Place in the app's git repository the source is taken from, in place of a workspace folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_source: Option<GitSource>,
    /// How the version proves that it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// `SNAPSHOT` or `AUTO_SYNC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Command in place of that of `app.yaml`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Variables beside those of `app.yaml`; the workspace gives back names alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_vars: Vec<EnvironmentVariable>,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<DeploymentStatus>,
    /// Where the snapshot lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_artifacts: Option<Value>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    /// When it changed last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
}

/// State of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentStatus {
    /// `CANCELLED`, `FAILED`, `IN_PROGRESS`, `SUCCEEDED`.
    pub state: String,
    /// One sentence.
    pub message: String,
}

/// A variable given with a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentVariable {
    /// Name.
    pub name: String,
    /// Value as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Key of the resource that gives the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<String>,
}

#[derive(Deserialize)]
struct AppList {
    #[serde(default)]
    apps: Vec<App>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct DeploymentList {
    #[serde(default)]
    app_deployments: Vec<Deployment>,
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

    /// `GET /api/2.0/permissions/KIND/ID`.
    pub async fn permissions(&self, kind: &str, id: &str) -> Result<Vec<PermissionEntry>, ApiFailure> {
        let list: AccessList = self.get(&format!("/api/2.0/permissions/{kind}/{id}"), &[]).await?;
        Ok(list.access_control_list)
    }

    /// `PATCH /api/2.0/permissions/KIND/ID`: adds entries, and leaves the others.
    pub async fn add_permissions(
        &self,
        kind: &str,
        id: &str,
        entries: &[PermissionEntry],
    ) -> Result<(), ApiFailure> {
        let body = json!({ "access_control_list": entries });
        self.patch::<Value>(&format!("/api/2.0/permissions/{kind}/{id}"), &body).await.map(drop)
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

    /// `POST /api/2.0/apps/NAME/deployments`.
    pub async fn create_deployment(
        &self,
        name: &str,
        deployment: &Deployment,
    ) -> Result<Deployment, ApiFailure> {
        self.post(&format!("/api/2.0/apps/{name}/deployments"), deployment).await
    }

    /// `GET /api/2.0/apps/NAME/deployments/ID`.
    pub async fn deployment(&self, name: &str, id: &str) -> Result<Deployment, ApiFailure> {
        self.get(&format!("/api/2.0/apps/{name}/deployments/{id}"), &[]).await
    }

    /// `GET /api/2.0/apps/NAME/deployments`, newest first, all pages.
    pub async fn deployments(&self, name: &str) -> Result<Vec<Deployment>, ApiFailure> {
        let mut deployments = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let query: Vec<(&str, &str)> = token.iter().map(|token| ("page_token", token.as_str())).collect();
            let mut page: DeploymentList =
                self.get(&format!("/api/2.0/apps/{name}/deployments"), &query).await?;
            deployments.append(&mut page.app_deployments);
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(deployments);
            }
        }
    }
}
