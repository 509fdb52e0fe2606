use std::path::PathBuf;
use std::sync::Arc;

use brickyard_api::Deployment;

use super::deployments::{artifact_prefix, status};
use super::host::{AppLaunch, Progress};
use super::record::AppRecord;
use super::source;
use crate::error::ApiError;
use crate::workspace::Workspace;
use crate::workspace_files::ObjectPath;

impl Workspace {
    /// Starts the version an app served last; what keeps it from that is in its log and state.
    pub(super) async fn relaunch(&self, name: &str, id: &str) {
        let found = self.find_deployment(name, id).ok().flatten();
        let Some(deployment) = found else { return };
        let token = self.apps().begin(name);
        let fresh = deployment.mode.as_deref() == Some("AUTO_SYNC");
        let quiet: Progress = Arc::new(|_| {});
        let work = async {
            if fresh && let Err(message) = self.take_again(name, &deployment).await {
                tracing::warn!(app = name, "`{name}` starts with the files it had: {message}");
            }
            self.launch(name, &deployment, fresh, quiet).await
        };
        let launched = token.run_until_cancelled(work).await;
        if let Some(Err(message)) = launched {
            tracing::warn!(app = name, "The app `{name}` does not start again: {message}");
        }
    }

    /// The deployment that was on its way when the workspace stopped.
    pub(super) fn break_off(&self, name: &str, id: &str) -> Result<(), ApiError> {
        let Some(mut deployment) = self.find_deployment(name, id)? else { return Ok(()) };
        deployment.status = Some(status("CANCELLED", "The workspace stopped during the deployment"));
        self.save_deployment(name, &deployment)
    }

    pub(super) async fn deploy(&self, name: &str, mut deployment: Deployment) {
        let token = self.apps().begin(name);
        let id = deployment.deployment_id.clone().unwrap_or_default();
        let (workspace, app, copy) = (self.clone(), name.to_owned(), deployment.clone());
        let progress: Progress = Arc::new(move |message| {
            let mut told = copy.clone();
            told.status = Some(status("IN_PROGRESS", message));
            if let Err(error) = workspace.save_deployment(&app, &told) {
                tracing::warn!("The progress of a deployment could not be saved: {error}");
            }
        });
        let work = async {
            self.take_source(name, &mut deployment).await?;
            self.launch(name, &deployment, true, progress).await
        };
        let outcome = token.run_until_cancelled(work).await;
        let (state, message) = match &outcome {
            Some(Ok(())) => ("SUCCEEDED", "App started successfully".to_owned()),
            Some(Err(message)) => ("FAILED", message.clone()),
            None => ("CANCELLED", "The app was stopped during the deployment".to_owned()),
        };
        deployment.status = Some(status(state, &message));
        deployment.update_time = Some(self.clock().now().to_string());
        let saved = self.end_deployment(name, &deployment, |record| {
            if record.pending.as_ref() == Some(&id) {
                record.pending = None;
            }
            if state == "SUCCEEDED" {
                record.active = Some(id.clone());
                if let Some(git_source) = &deployment.git_source {
                    record.app.default_git_source = Some(git_source.clone());
                }
            }
        });
        if let Err(error) = saved {
            tracing::error!(app = name, "The outcome of a deployment could not be saved: {error}");
        }
    }

    /// Keeps the source of a deployment as its artifact, which its processes never touch.
    async fn take_source(&self, name: &str, deployment: &mut Deployment) -> Result<(), String> {
        let id = deployment.deployment_id.clone().unwrap_or_default();
        let artifact = self.artifacts(name).join(&id);
        std::fs::create_dir_all(self.artifacts(name))
            .map_err(|error| format!("Error: cannot keep the source code: {error}"))?;
        let record = self.app_record(name).map_err(|error| error.message)?.ok_or("The app is gone")?;
        if let (Some(git_source), Some(repository)) = (&mut deployment.git_source, &record.app.git_repository)
        {
            let commit = self.fetch_git(repository, &git_source.clone(), &artifact).await?;
            git_source.resolved_commit = Some(commit);
        } else {
            let from = deployment.source_code_path.clone().unwrap_or_default();
            let earlier =
                from.strip_prefix(&artifact_prefix(&record.app)).map(|id| self.artifacts(name).join(id));
            let (workspace, to) = (self.clone(), artifact);
            tokio::task::spawn_blocking(move || match earlier {
                Some(earlier) => source::copy(&earlier, &to, &from),
                None => workspace.snapshot(&from, &to),
            })
            .await
            .map_err(|error| error.to_string())??;
        }
        self.prune_artifacts(name, &id);
        Ok(())
    }

    /// Takes a folder that is followed as it is now: nobody watched it while the app was stopped.
    async fn take_again(&self, name: &str, deployment: &Deployment) -> Result<(), String> {
        let Some(from) = deployment.source_code_path.clone() else { return Ok(()) };
        let id = deployment.deployment_id.clone().unwrap_or_default();
        let (workspace, kept) = (self.clone(), self.artifacts(name).join(id));
        tokio::task::spawn_blocking(move || workspace.snapshot(&from, &kept))
            .await
            .map_err(|error| error.to_string())?
    }

    async fn launch(
        &self,
        name: &str,
        deployment: &Deployment,
        fresh: bool,
        progress: Progress,
    ) -> Result<(), String> {
        let id = deployment.deployment_id.clone().unwrap_or_default();
        let run = if let Some(run) = self.last_run(name, &id).filter(|_| !fresh) {
            run
        } else {
            let run = self.new_run(name, &id);
            let from = self.artifacts(name).join(&id);
            let named = deployment.source_code_path.clone().unwrap_or_default();
            self.copy_run(name, from, run.clone(), named).await?;
            run
        };
        self.launch_from(name, deployment, run, progress).await
    }

    /// A folder for a process of this version alone: an older process may still run in another one.
    fn new_run(&self, name: &str, id: &str) -> PathBuf {
        self.runs(name).join(format!("{id}-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]))
    }

    /// The folder this version ran in last.
    fn last_run(&self, name: &str, id: &str) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.runs(name)).ok()?.flatten();
        let found = entries.filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|run| run.starts_with(id) && run.strip_suffix(".part").is_none())
        });
        found.map(|entry| entry.path()).next()
    }

    async fn copy_run(&self, name: &str, from: PathBuf, to: PathBuf, named: String) -> Result<(), String> {
        std::fs::create_dir_all(self.runs(name))
            .map_err(|error| format!("Error: cannot make a folder for the app: {error}"))?;
        tokio::task::spawn_blocking(move || source::copy(&from, &to, &named))
            .await
            .map_err(|error| error.to_string())?
    }

    async fn launch_from(
        &self,
        name: &str,
        deployment: &Deployment,
        run: PathBuf,
        progress: Progress,
    ) -> Result<(), String> {
        let host = self.config().app_host.clone().ok_or("This workspace runs without an app host")?;
        let record = self.app_record(name).map_err(|error| error.message)?.ok_or("The app is gone")?;
        let registered = self.registered(&record).await.map_err(|error| error.message)?;
        let source_code_path = match &deployment.git_source {
            Some(git_source) => {
                let url = git_source.git_repository.as_ref().map_or("", |repository| &repository.url);
                format!("{url}@{}", git_source.resolved_commit.as_deref().unwrap_or_default())
            }
            None => deployment.source_code_path.clone().unwrap_or_default(),
        };
        let launch = AppLaunch {
            name: name.to_owned(),
            deployment_id: deployment.deployment_id.clone().unwrap_or_default(),
            source: run.clone(),
            source_code_path,
            command: (!deployment.command.is_empty()).then(|| deployment.command.clone()),
            variables: deployment.env_vars.clone(),
            resources: record.app.resources.clone(),
            environment: registered.environment,
            values: registered.values,
            compute_size: record.app.compute_size.clone().unwrap_or_default(),
            health_check: deployment.health_check.clone(),
            progress,
        };
        host.launch(launch).await.map_err(|failure| failure.message)?;
        self.prune_runs(name, &run);
        Ok(())
    }

    /// The folder whose changes an app takes up by itself, while it does.
    pub(super) fn synced_folder(&self, name: &str, record: &AppRecord) -> Option<ObjectPath> {
        let id = record.active.as_ref().filter(|_| record.compute == "ACTIVE")?;
        let deployment = self.find_deployment(name, id).ok()??;
        if deployment.mode.as_deref() != Some("AUTO_SYNC") {
            return None;
        }
        ObjectPath::parse(deployment.source_code_path.as_deref()?).ok()
    }

    /// Takes up the changed folder of an app; `false` when a deployment is on its way. A version that does not start
    /// leaves the old one serving.
    pub(super) async fn sync(&self, name: &str) -> bool {
        let Ok(Some(record)) = self.app_record(name) else { return true };
        if record.pending.is_some() {
            return false;
        }
        let (Some(_), Some(id)) = (self.synced_folder(name, &record), &record.active) else { return true };
        let Ok(Some(deployment)) = self.find_deployment(name, id) else { return true };
        let from = deployment.source_code_path.clone().unwrap_or_default();
        let run = self.new_run(name, id);
        let (workspace, to, kept) = (self.clone(), run.clone(), self.artifacts(name).join(id));
        let copied = tokio::task::spawn_blocking(move || {
            workspace.snapshot(&from, &kept)?;
            source::copy(&kept, &to, &from)
        })
        .await;
        let synced = match copied {
            Ok(Ok(())) => {
                let token = self.apps().begin(name);
                let launch = self.launch_from(name, &deployment, run, Arc::new(|_| {}));
                token.run_until_cancelled(launch).await.unwrap_or(Ok(()))
            }
            Ok(Err(message)) => Err(message),
            Err(error) => Err(error.to_string()),
        };
        if let Err(message) = synced {
            tracing::warn!(app = name, "The changed files of `{name}` are not taken up: {message}");
        }
        true
    }

    /// Gives the process the limits of a new size: the version that serves is started again beside itself.
    pub(super) fn resize(&self, record: AppRecord, before: Option<&str>) -> Result<AppRecord, ApiError> {
        let name = record.app.name.clone();
        let (Some(id), true) = (
            record.active.clone(),
            record.compute == "ACTIVE" && record.app.compute_size.as_deref() != before,
        ) else {
            return Ok(record);
        };
        let changed = self.change_app(&name, |record| {
            "UPDATING".clone_into(&mut record.compute);
            true
        })?;
        let task = self.clone();
        self.tracker().spawn(async move {
            task.relaunch(&name, &id).await;
            let changed = task.change_app(&name, |record| {
                let updating = record.compute == "UPDATING";
                if updating {
                    "ACTIVE".clone_into(&mut record.compute);
                }
                updating
            });
            if let Err(error) = changed {
                tracing::error!(app = name, "The end of an update could not be saved: {error}");
            }
        });
        Ok(changed.unwrap_or(record))
    }

    /// Waits until an app's machine is no longer being updated.
    pub(super) async fn settled(&self, name: &str) {
        while self.app_record(name).ok().flatten().is_some_and(|record| record.compute == "UPDATING") {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}
