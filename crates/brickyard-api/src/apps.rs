use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

/// Something an app may use, under a key; exactly one of the kinds is set (platform §5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppResource {
    /// Key that `valueFrom` names.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A SQL warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql_warehouse: Option<WarehouseResource>,
    /// A serving endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving_endpoint: Option<ServingEndpointResource>,
    /// A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretResource>,
    /// A volume, table, function or connection of Unity Catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uc_securable: Option<SecurableResource>,
    /// A job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobResource>,
    /// A Genie space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genie_space: Option<GenieSpaceResource>,
    /// An MLflow experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentResource>,
    /// A provisioned Lakebase database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseResource>,
    /// An autoscaling Lakebase database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresResource>,
    /// Another app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<NamedResource>,
}

macro_rules! resource {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: String,)*
            /// Permission level the app's principal is given.
            pub permission: String,
        }
    };
}

resource! {
    /// A SQL warehouse an app may use.
    WarehouseResource {
        /// Warehouse id.
        id,
    }
}
resource! {
    /// A serving endpoint an app may use.
    ServingEndpointResource {
        /// Endpoint name.
        name,
    }
}
resource! {
    /// A secret an app may read.
    SecretResource {
        /// Scope.
        scope,
        /// Key in the scope.
        key,
    }
}
resource! {
    /// A securable of Unity Catalog an app may use.
    SecurableResource {
        /// Full name such as `main.sales.orders`.
        securable_full_name,
        /// `VOLUME`, `TABLE`, `FUNCTION` or `CONNECTION`.
        securable_type,
    }
}
resource! {
    /// A job an app may run.
    JobResource {
        /// Job id.
        id,
    }
}
resource! {
    /// A Genie space an app may ask.
    GenieSpaceResource {
        /// Name shown to people.
        name,
        /// Space id.
        space_id,
    }
}
resource! {
    /// An MLflow experiment an app may log to.
    ExperimentResource {
        /// Experiment id.
        experiment_id,
    }
}
resource! {
    /// A database of a provisioned Lakebase instance.
    DatabaseResource {
        /// Instance name.
        instance_name,
        /// Database name.
        database_name,
    }
}
resource! {
    /// A database of an autoscaling Lakebase branch.
    PostgresResource {
        /// Branch path `projects/P/branches/B`.
        branch,
        /// Database name.
        database,
    }
}
resource! {
    /// Something known by its name, such as another app.
    NamedResource {
        /// Name.
        name,
    }
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
        self.post(&format!("/api/2.0/apps/{name}/stop"), &json!({})).await
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
