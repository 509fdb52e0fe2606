use brickyard_api::{App, AppResource};

use super::record::{AppRecord, RegisteredApp, missing};
use crate::caller::Caller;
use crate::config::TelemetryCollector;
use crate::error::ApiError;
use crate::lakebase::DatabaseTarget;
use crate::workspace::Workspace;

impl Workspace {
    /// Refuses resources that are not well formed, before anything changes.
    pub(super) fn check_resources(&self, caller: &Caller, resources: &[AppResource]) -> Result<(), ApiError> {
        for (index, resource) in resources.iter().enumerate() {
            if resource.name.is_empty() {
                return Err(ApiError::invalid("Every resource needs a name"));
            }
            if resources[..index].iter().any(|earlier| earlier.name == resource.name) {
                return Err(ApiError::invalid(format!("Duplicate resource name: {}", resource.name)));
            }
            kinds(resource)?;
            // Who binds a resource gives it away, so the resource must be theirs to give.
            for (kind, id, permission) in bound_objects(resource) {
                self.authorize_giving(caller, kind, id, permission)?;
            }
            self.check_bound(resource)?;
        }
        Ok(())
    }

    /// Refuses a resource that is not there: nothing of it could be granted. Databases are made when the app is deployed, and
    /// what Unity Catalog does not have yet is granted when it is there.
    fn check_bound(&self, resource: &AppResource) -> Result<(), ApiError> {
        if let Some(warehouse) = &resource.sql_warehouse {
            self.warehouses().get(self, &warehouse.id)?;
        }
        if let Some(endpoint) = &resource.serving_endpoint {
            self.serving_endpoint_name(endpoint.name.clone())?;
        }
        if let Some(secret) = &resource.secret {
            self.secret(&secret.scope, &secret.key)?;
        }
        if let Some(job) = &resource.job {
            self.check_job(&job.id)?;
        }
        if let Some(space) = &resource.genie_space {
            self.check_genie_space(&space.space_id)?;
        }
        if let Some(experiment) = &resource.experiment {
            self.check_experiment(&experiment.experiment_id)?;
        }
        if let Some(app) = &resource.app {
            self.app_record(&app.name)?.ok_or_else(|| missing(&app.name))?;
        }
        Ok(())
    }

    /// What `valueFrom` gives for a resource (platform §5).
    pub(crate) fn resource_value(&self, resource: &AppResource) -> Result<String, ApiError> {
        if let Some(warehouse) = &resource.sql_warehouse {
            return Ok(warehouse.id.clone());
        }
        if let Some(endpoint) = &resource.serving_endpoint {
            return Ok(endpoint.name.clone());
        }
        if let Some(securable) = &resource.uc_securable {
            let name = &securable.securable_full_name;
            return Ok(match securable.securable_type.as_str() {
                "VOLUME" => format!("/Volumes/{}", name.replace('.', "/")),
                _ => name.clone(),
            });
        }
        if let Some(job) = &resource.job {
            return Ok(job.id.clone());
        }
        if let Some(space) = &resource.genie_space {
            return Ok(space.space_id.clone());
        }
        if let Some(experiment) = &resource.experiment {
            return Ok(experiment.experiment_id.clone());
        }
        if let Some(secret) = &resource.secret {
            let value = self.secret(&secret.scope, &secret.key)?;
            let text = value.expose_text().ok_or_else(|| {
                ApiError::invalid(format!("Secret {}/{} is not text", secret.scope, secret.key))
            });
            return text.map(str::to_owned);
        }
        if let Some(app) = &resource.app {
            return Ok(app.name.clone());
        }
        Err(ApiError::not_implemented(format_args!("app resources of kind {}", kinds(resource)?)))
    }

    /// The variables the platform sets for an app, and the values of its resources.
    ///
    /// Databases are bound here: the app's principal gets its role when the app is deployed, not before.
    pub(crate) async fn registered(&self, record: &AppRecord) -> Result<RegisteredApp, ApiError> {
        let app = &record.app;
        let mut environment = self.client_environment();
        let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
        set("DATABRICKS_APP_NAME", &app.name);
        set("DATABRICKS_WORKSPACE_ID", &self.config().workspace_id.to_string());
        set("DATABRICKS_CLIENT_ID", app.service_principal_client_id.as_deref().unwrap_or_default());
        set("DATABRICKS_CLIENT_SECRET", &record.client_secret);
        for (name, value) in self.telemetry_environment(app) {
            set(name, &value);
        }
        let mut values = Vec::new();
        let mut first = None;
        for resource in &app.resources {
            let value = match database_target(resource) {
                Some(target) => {
                    let principal = app.service_principal_client_id.as_deref().unwrap_or_default();
                    let bound = self.bind_database(&target, principal).await?;
                    self.note_database(principal, &bound)?;
                    let value = bound.endpoint_path.clone().unwrap_or_else(|| bound.host.clone());
                    first.get_or_insert(bound);
                    value
                }
                None => self.resource_value(resource)?,
            };
            values.push((resource.name.clone(), value));
        }
        environment.extend(first.iter().flat_map(|bound| bound.environment(&app.name)));
        Ok(RegisteredApp { app: app.clone(), environment, values })
    }

    /// What tells OpenTelemetry where to export to: set only for an app that has a destination (platform §3.5).
    fn telemetry_environment(&self, app: &App) -> Vec<(&'static str, String)> {
        if app.telemetry_export_destinations.is_empty() {
            return Vec::new();
        }
        let config = self.config();
        let collector = config.telemetry.clone().unwrap_or_else(TelemetryCollector::of_the_platform);
        let attributes = format!("workspace.id={},app.name={}", config.workspace_id, app.name);
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", collector.protocol),
            ("OTEL_RESOURCE_ATTRIBUTES", attributes),
            ("OTEL_SERVICE_NAME", app.name.clone()),
        ]
    }

    /// Creates the app, or brings resources and scopes of the one there is in line: what `brickyard run` needs.
    pub(crate) async fn register_app(&self, wanted: App, creator: &str) -> Result<RegisteredApp, ApiError> {
        super::create::check_name("App", &wanted.name)?;
        super::create::check_scopes(&wanted)?;
        let record = if let Some(mut record) = self.app_record(&wanted.name)? {
            record.app.resources = wanted.resources;
            record.app.user_api_scopes = wanted.user_api_scopes;
            record.app.telemetry_export_destinations = wanted.telemetry_export_destinations;
            "ACTIVE".clone_into(&mut record.compute);
            record.foreground = true;
            let record = self.settle_app(record)?;
            self.withdraw_app_databases(&record.app, creator).await?;
            record
        } else {
            let mut record = self.new_app(wanted, creator)?;
            record.foreground = true;
            self.save_app(&record)?;
            record
        };
        self.registered(&record).await
    }

    /// Gives the app's principal the permissions its resources name, and takes back those it no longer names.
    pub(super) fn grant_app_resources(&self, app: &App) -> Result<(), ApiError> {
        let Some(principal) = &app.service_principal_client_id else { return Ok(()) };
        let origin = format!("apps/{}", app.name);
        self.withdraw(&origin)?;
        for resource in &app.resources {
            for (kind, id, permission) in bound_objects(resource) {
                self.grant_object(principal, kind, id, permission, Some(&origin))?;
            }
        }
        self.grant_app_securables(app)
    }

    /// Takes back roles on databases that the app no longer binds.
    pub(super) async fn withdraw_app_databases(&self, app: &App, heir: &str) -> Result<(), ApiError> {
        let Some(principal) = &app.service_principal_client_id else { return Ok(()) };
        let kept: Vec<DatabaseTarget> = app.resources.iter().filter_map(database_target).collect();
        Ok(self.withdraw_databases(principal, &kept, heir).await?)
    }

    /// Makes the secret known with which the app's principal gets its tokens.
    pub(super) fn set_client_secret(&self, client_id: &str, secret: &str) -> Result<(), ApiError> {
        let now = self.clock().unix_seconds();
        self.oauth().put_secret(client_id, "app", secret, now).map_err(|error| ApiError::internal(&error))
    }
}

/// The database a resource stands for, where it stands for one.
fn database_target(resource: &AppResource) -> Option<DatabaseTarget> {
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    if let Some(database) = &resource.database {
        let (instance, database) = (named(&database.instance_name), named(&database.database_name));
        return Some(DatabaseTarget::Provisioned { instance, database });
    }
    let postgres = resource.postgres.as_ref()?;
    let (branch, database) = (named(&postgres.branch), named(&postgres.database));
    Some(DatabaseTarget::Autoscaling { branch, database })
}

/// The objects with an access list that a resource binds: kind and id as in the permissions API, and the level.
fn bound_objects(resource: &AppResource) -> impl Iterator<Item = (&'static str, &str, &str)> {
    let of = |kind, id, permission| Some((kind, id, permission));
    [
        resource
            .sql_warehouse
            .as_ref()
            .and_then(|bound| of("warehouses", bound.id.as_str(), bound.permission.as_str())),
        resource
            .serving_endpoint
            .as_ref()
            .and_then(|bound| of("serving-endpoints", &bound.name, &bound.permission)),
        resource.secret.as_ref().and_then(|bound| of("secret-scopes", &bound.scope, &bound.permission)),
        resource.job.as_ref().and_then(|bound| of("jobs", &bound.id, &bound.permission)),
        resource.genie_space.as_ref().and_then(|bound| of("genie", &bound.space_id, &bound.permission)),
        resource
            .experiment
            .as_ref()
            .and_then(|bound| of("experiments", &bound.experiment_id, &bound.permission)),
        resource.app.as_ref().and_then(|bound| of("apps", &bound.name, "CAN_USE")),
    ]
    .into_iter()
    .flatten()
}

/// The one kind a resource has.
fn kinds(resource: &AppResource) -> Result<&'static str, ApiError> {
    let kinds: Vec<&'static str> = [
        ("sql_warehouse", resource.sql_warehouse.is_some()),
        ("serving_endpoint", resource.serving_endpoint.is_some()),
        ("secret", resource.secret.is_some()),
        ("uc_securable", resource.uc_securable.is_some()),
        ("job", resource.job.is_some()),
        ("genie_space", resource.genie_space.is_some()),
        ("experiment", resource.experiment.is_some()),
        ("database", resource.database.is_some()),
        ("postgres", resource.postgres.is_some()),
        ("app", resource.app.is_some()),
    ]
    .into_iter()
    .filter_map(|(kind, set)| set.then_some(kind))
    .collect();
    match kinds.as_slice() {
        [kind] => Ok(kind),
        _ => Err(ApiError::invalid(format!("Resource {} must have exactly one kind", resource.name))),
    }
}
