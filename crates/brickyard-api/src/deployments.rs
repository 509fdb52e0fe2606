use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::ApiFailure;

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

#[derive(Deserialize)]
struct DeploymentList {
    #[serde(default)]
    app_deployments: Vec<Deployment>,
    #[serde(default)]
    next_page_token: Option<String>,
}

impl Client {
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
