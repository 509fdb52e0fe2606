use brickyard_api::{App, ApplicationStatus, ComputeStatus, Deployment};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::host::AppState;
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::directory::ServicePrincipal;
use crate::error::ApiError;
use crate::store::{Document, StoreError};
use crate::workspace::Workspace;

pub(super) const APP: &str = "app";
pub(super) const DEPLOYMENT: &str = "app_deployment";

/// Most apps of a workspace (platform §2.1).
pub(super) const MOST_APPS: usize = 100;

/// Seconds a deleted app stays visible as DELETING once nothing of it runs.
pub(super) const DELETING_SECONDS: i64 = 3;

/// What the store keeps of an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppRecord {
    /// The app as the API shows it, without the states that are read from the process.
    pub(crate) app: App,
    /// Secret of its service principal, given to its process alone.
    pub(crate) client_secret: String,
    /// State of its machine: `STARTING`, `ACTIVE`, `UPDATING`, `STOPPING`, `STOPPED`, `DELETING`, `ERROR`.
    pub(crate) compute: String,
    /// Why the machine is in `ERROR`.
    #[serde(default)]
    pub(crate) compute_error: Option<String>,
    /// It belongs to a `brickyard run`, which opens its address itself.
    #[serde(default)]
    pub(crate) foreground: bool,
    /// Id of the version that serves, or last served.
    #[serde(default)]
    pub(crate) active: Option<String>,
    /// Id of the version on its way.
    #[serde(default)]
    pub(crate) pending: Option<String>,
    /// Second at which it vanishes.
    #[serde(default)]
    pub(crate) gone_at: Option<i64>,
    /// Addresses it is served at on this machine.
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    /// The last asynchronous update.
    #[serde(default)]
    pub(crate) update: Option<serde_json::Value>,
}

/// An app that runs outside a deployment, as `brickyard run` starts it: its principal and address.
#[derive(Debug, Clone)]
pub struct RegisteredApp {
    /// The app as the API shows it.
    pub app: App,
    /// Variables the platform sets for it.
    pub environment: Vec<(String, String)>,
    /// Values of its resources by key.
    pub values: Vec<(String, String)>,
}

fn document(app: &str, deployment: &Deployment) -> Result<Document, StoreError> {
    let id = deployment.deployment_id.as_deref().unwrap_or_default();
    Document::new(DEPLOYMENT, format!("{app}/{id}"), deployment)
}

impl Workspace {
    /// The app, unless it is gone.
    pub(crate) fn app_record(&self, name: &str) -> Result<Option<AppRecord>, ApiError> {
        let record: Option<AppRecord> =
            self.store().get(APP, name).map_err(|error| ApiError::internal(&error))?;
        let Some(record) = record else { return Ok(None) };
        if record.gone_at.is_some_and(|second| second <= self.clock().unix_seconds()) {
            self.forget_app(&record)?;
            return Ok(None);
        }
        Ok(Some(record))
    }

    /// The app, when the caller may use it to this level; a 404 for everybody else who may not even see it.
    pub(super) fn app_for(
        &self,
        caller: &Caller,
        name: &str,
        level: &'static str,
    ) -> Result<AppRecord, ApiError> {
        let record = self.app_record(name)?.ok_or_else(|| missing(name))?;
        if record.app.creator.as_deref() != Some(caller.name()) {
            self.authorize(caller, Wish::Object { kind: "apps", id: name, level })?;
        }
        Ok(record)
    }

    pub(crate) fn save_app(&self, record: &AppRecord) -> Result<(), ApiError> {
        self.store().put(APP, &record.app.name, record).map_err(|error| ApiError::internal(&error))
    }

    pub(super) fn save_deployment(&self, name: &str, deployment: &Deployment) -> Result<(), ApiError> {
        document(name, deployment)
            .and_then(|document| self.store().put_all(&[document]))
            .map_err(|error| ApiError::internal(&error))
    }

    /// Keeps how a deployment ended together with what that changes of its app: whoever sees the one sees the
    /// other. Of an app that is gone nothing is kept.
    pub(super) fn end_deployment(
        &self,
        name: &str,
        deployment: &Deployment,
        change: impl FnOnce(&mut AppRecord),
    ) -> Result<(), ApiError> {
        let _one_at_a_time = self.apps().changing();
        let Some(mut record) = self.app_record(name)? else { return Ok(()) };
        change(&mut record);
        let documents =
            Document::new(APP, name, &record).and_then(|app| Ok([app, document(name, deployment)?]));
        documents
            .and_then(|documents| self.store().put_all(&documents))
            .map_err(|error| ApiError::internal(&error))
    }

    pub(super) fn find_deployment(&self, name: &str, id: &str) -> Result<Option<Deployment>, ApiError> {
        self.store().get(DEPLOYMENT, &format!("{name}/{id}")).map_err(|error| ApiError::internal(&error))
    }

    /// The app as the API shows it now.
    pub(super) fn show_app(&self, record: &AppRecord) -> Result<App, ApiError> {
        let mut app = record.app.clone();
        let state = self.config().app_host.as_ref().map_or(AppState::Absent, |host| host.state(&app.name));
        let message = match record.compute.as_str() {
            "ACTIVE" => "App compute is active.",
            "STARTING" => "App compute is starting.",
            "UPDATING" => "App compute is being updated.",
            "STOPPING" => "App compute is stopping.",
            "DELETING" => "App compute is being deleted.",
            "ERROR" => record.compute_error.as_deref().unwrap_or("App compute failed."),
            _ => "App compute is stopped.",
        };
        let serves = matches!(record.compute.as_str(), "ACTIVE" | "UPDATING");
        let instances = u32::from(serves);
        app.compute_status = Some(ComputeStatus {
            state: record.compute.clone(),
            message: message.to_owned(),
            active_instances: Some(instances),
        });
        let (state, message) = match state {
            _ if !serves => ("UNAVAILABLE", "App status is unavailable.".to_owned()),
            AppState::Deploying => ("DEPLOYING", "App is being deployed.".to_owned()),
            AppState::Running => ("RUNNING", "App has status: App is running".to_owned()),
            AppState::Crashed { reason } => (
                "CRASHED",
                format!(
                    "App has status: App crashed unexpectedly ({reason}). Please check /logz for more details"
                ),
            ),
            AppState::Absent if record.pending.is_some() || self.apps().is_returning(&app.name) => {
                ("DEPLOYING", "App is being deployed.".to_owned())
            }
            AppState::Absent if record.active.is_none() => (
                "UNAVAILABLE",
                "App has not been deployed yet. Run your app by deploying source code".to_owned(),
            ),
            AppState::Absent => ("UNAVAILABLE", "App status is unavailable.".to_owned()),
        };
        let running_instances = Some(u32::from(state == "RUNNING"));
        app.app_status = Some(ApplicationStatus { state: state.to_owned(), message, running_instances });
        let deployment = |id: &Option<String>| match id {
            Some(id) => self.find_deployment(&app.name, id).map(|found| found.map(masked)),
            None => Ok(None),
        };
        if serves {
            (app.active_deployment, app.pending_deployment) =
                (deployment(&record.active)?, deployment(&record.pending)?);
        }
        Ok(app)
    }

    fn forget_app(&self, record: &AppRecord) -> Result<(), ApiError> {
        let internal = |error: &StoreError| ApiError::internal(&std::io::Error::other(error.to_string()));
        let name = &record.app.name;
        let deployments: Vec<(String, Deployment)> =
            self.store().list(DEPLOYMENT, &format!("{name}/")).map_err(|error| internal(&error))?;
        for (key, _) in deployments {
            self.store().delete(DEPLOYMENT, &key).map_err(|error| internal(&error))?;
        }
        self.withdraw(&format!("apps/{name}"))?;
        if let Some(id) = &record.app.service_principal_client_id {
            self.directory().remove_service_principal(id).map_err(|error| internal(&error))?;
        }
        if let Some(client) = &record.app.oauth2_app_client_id {
            self.oauth().delete_client(client).map_err(|error| internal(&error))?;
        }
        self.forget_object("apps", name)?;
        if let Some(host) = &self.config().app_host {
            host.forget(name);
        }
        for folder in [self.artifacts(name), self.runs(name)] {
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "`{}` could not be removed", folder.display());
                }
                _ => {}
            }
        }
        self.forget_thumbnail(name)?;
        self.store().delete(APP, name).map_err(|error| internal(&error))?;
        Ok(())
    }

    /// A new app with its own service principal and OAuth client; the caller has checked the name.
    pub(super) fn new_app(&self, mut app: App, creator: &str) -> Result<AppRecord, ApiError> {
        let now = self.clock().now().to_string();
        let id = uuid::Uuid::new_v4();
        let client_id = uuid::Uuid::new_v4().to_string();
        let short: String = id.simple().to_string().chars().take(6).collect();
        let principal = ServicePrincipal {
            id: id.as_u64_pair().0 >> 14,
            application_id: client_id.clone(),
            display_name: format!("app-{short} {}", app.name),
        };
        self.directory().put_service_principal(&principal).map_err(|error| ApiError::internal(&error))?;
        let client_secret = format!("dose{}", crate::credential::unguessable(27));
        self.set_client_secret(&client_id, &client_secret)?;
        app.id = Some(id.to_string());
        app.url =
            Some(format!("https://{}-{}.{}", app.name, self.config().workspace_id, self.config().app_domain));
        app.creator = Some(creator.to_owned());
        app.create_time = Some(now.clone());
        app.updater = Some(creator.to_owned());
        app.update_time = Some(now);
        app.compute_size = app.compute_size.or_else(|| Some("MEDIUM".to_owned()));
        app.default_source_code_path = None;
        app.default_git_source = None;
        app.thumbnail_url = None;
        app.service_principal_client_id = Some(client_id);
        app.service_principal_id = Some(principal.id);
        app.service_principal_name = Some(principal.display_name);
        app.oauth2_app_client_id = Some(uuid::Uuid::new_v4().to_string());
        app.oauth2_app_integration_id = Some(uuid::Uuid::new_v4().to_string());
        let record = AppRecord {
            app,
            client_secret,
            compute: "ACTIVE".to_owned(),
            compute_error: None,
            foreground: false,
            active: None,
            pending: None,
            gone_at: None,
            addresses: Vec::new(),
            update: None,
        };
        self.settle_app(record)
    }

    /// Brings grants and OAuth client in line with the app as it is saved: a change of it was given up halfway.
    pub(super) fn settle_again(&self, name: &str) -> Result<(), ApiError> {
        let _one_at_a_time = self.apps().changing();
        let Some(record) = self.app_record(name)? else { return Ok(()) };
        self.settle_app(record).map(drop)
    }

    /// Brings scopes, OAuth client and grants in line with what the app asks for, then saves it. Who calls it for an app that
    /// is there holds [`Underway::changing`](super::Underway::changing).
    pub(super) fn settle_app(&self, mut record: AppRecord) -> Result<AppRecord, ApiError> {
        for scope in record.app.user_api_scopes.iter().filter(|scope| !crate::scope::is_known(scope)) {
            tracing::warn!(
                scope,
                app = record.app.name,
                "The scope `{scope}` of user_api_scopes is not known here"
            );
        }
        record.app.effective_user_api_scopes = if record.app.user_api_scopes.is_empty() {
            vec!["iam.access-control:read".to_owned(), "iam.current-user:read".to_owned()]
        } else {
            record.app.user_api_scopes.clone()
        };
        record.app.effective_budget_policy_id.clone_from(&record.app.budget_policy_id);
        record.app.effective_usage_policy_id.clone_from(&record.app.usage_policy_id);
        record.app.forward_user_access_token.get_or_insert(true);
        self.register_app_client(&record.app, &record.addresses)?;
        self.grant_app_resources(&record.app)?;
        self.save_app(&record)?;
        Ok(record)
    }
}

/// Names of variables stay, values go: the API never gives them back.
pub(super) fn masked(mut deployment: Deployment) -> Deployment {
    for variable in &mut deployment.env_vars {
        variable.value = None;
        variable.value_from = None;
    }
    deployment
}

/// The platform's 404 for an app.
pub(super) fn missing(name: &str) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "RESOURCE_DOES_NOT_EXIST",
        format!("App with name {name} does not exist or is deleted; it was not found"),
    )
}
