//! Artifacts: files below an experiment, reached by signed addresses and, by today's clients, through the Files API.

use axum::extract::State;
use axum::{Extension, Json};
use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::files::{FilePath, Operation, Root};
use crate::gateway::Via;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Most files whose addresses are asked for at once.
const MOST_PATHS: usize = 2000;

/// Most files of one page.
const LARGEST_PAGE: usize = 1000;

/// A folder of artifacts: of a run, a logged model or a trace.
pub(super) struct Folder {
    path: FilePath,
}

impl Folder {
    pub(super) fn of_run(experiment: &str, run: &str) -> Self {
        Self::at(experiment, ["Runs", run])
    }

    pub(super) fn of_model(experiment: &str, model: &str) -> Self {
        Self::at(experiment, ["LoggedModels", model])
    }

    pub(super) fn of_trace(experiment: &str, trace: &str) -> Self {
        Self::at(experiment, ["Traces", trace])
    }

    /// The folder an `artifact_uri` of ours names, such as `dbfs:/databricks/mlflow-tracking/1/RUN/artifacts/model`.
    pub(super) fn of_uri(uri: &str) -> Result<Self, ApiError> {
        let refused = || ApiError::invalid(format!("'{uri}' is not a place of artifacts in this workspace"));
        let rest =
            uri.split_once("/databricks/mlflow-tracking/").map(|(_, rest)| rest).ok_or_else(refused)?;
        let names: Vec<&str> = rest.trim_matches('/').split('/').collect();
        let (folder, inside) = match names.as_slice() {
            [experiment, "logged_models", model, "artifacts", inside @ ..] => {
                (Self::of_model(experiment, model), inside)
            }
            [experiment, run, "artifacts", inside @ ..] => (Self::of_run(experiment, run), inside),
            _ => return Err(refused()),
        };
        Ok(Self { path: folder.inside(&inside.join("/"))? })
    }

    fn at(experiment: &str, names: [&str; 2]) -> Self {
        let names = [names[0], names[1], "artifacts"].map(str::to_owned);
        Self { path: FilePath { root: Root::Experiment(experiment.to_owned()), inside: names.to_vec() } }
    }

    /// Id of the experiment it belongs to.
    pub(super) fn experiment(&self) -> &str {
        match &self.path.root {
            Root::Experiment(id) => id,
            _ => "",
        }
    }

    /// A path below the folder, checked.
    fn inside(&self, path: &str) -> Result<FilePath, ApiError> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            Ok(self.path.clone())
        } else {
            FilePath::parse(&format!("{}/{path}", self.path))
        }
    }

    /// Files and folders directly below a path, with paths that begin at the folder; a file gives itself.
    pub(super) fn list(
        &self,
        workspace: &Workspace,
        path: &str,
        page_token: Option<&str>,
    ) -> Result<Value, ApiError> {
        let wanted = self.inside(path)?;
        let place = workspace.signed_place(&wanted)?;
        let prefix = path.trim_matches('/');
        if let Some(length) = place.metadata().ok().filter(std::fs::Metadata::is_file) {
            let file = json!({ "path": prefix, "is_dir": false, "file_size": length.len() });
            return Ok(json!({ "files": [file] }));
        }
        let entries = std::fs::read_dir(&place).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names.retain(|name| page_token.is_none_or(|after| name.as_str() > after));
        let more = names.len() > LARGEST_PAGE;
        names.truncate(LARGEST_PAGE);
        let files: Vec<Value> = names
            .iter()
            .filter_map(|name| {
                let metadata = place.join(name).symlink_metadata().ok()?;
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
                let mut file = json!({ "path": path, "is_dir": metadata.is_dir() });
                if metadata.is_file() {
                    file["file_size"] = json!(metadata.len());
                }
                (metadata.is_dir() || metadata.is_file()).then_some(file)
            })
            .collect();
        let mut answer = json!({ "files": files });
        if let Some(last) = names.last().filter(|_| more) {
            answer["next_page_token"] = json!(last);
        }
        Ok(answer)
    }

    /// A signed address of one file, as `ArtifactCredentialInfo`; the type is one that clients send and fetch whole.
    pub(super) fn credential(
        &self,
        workspace: &Workspace,
        asker: &Asker,
        path: &str,
        write: bool,
    ) -> Result<Value, ApiError> {
        let operation = if write { Operation::Write { overwrite: true } } else { Operation::Read };
        let address =
            workspace.signed_address(&asker.base, asker.caller.name(), &self.inside(path)?, &operation, None);
        Ok(json!({ "path": path, "signed_uri": address, "headers": [], "type": "GCP_SIGNED_URL" }))
    }

    /// Signed addresses of several files.
    pub(super) fn credentials(
        &self,
        workspace: &Workspace,
        asker: &Asker,
        paths: &[String],
        write: bool,
    ) -> Result<Vec<Value>, ApiError> {
        if paths.len() > MOST_PATHS {
            return Err(ApiError::invalid(format!("At most {MOST_PATHS} paths are asked for at once")));
        }
        paths.iter().map(|path| self.credential(workspace, asker, path, write)).collect()
    }
}

/// Who asks for addresses, and under which address they see the workspace.
pub(super) struct Asker {
    pub(super) caller: Caller,
    base: String,
}

impl axum::extract::FromRequestParts<Workspace> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        workspace: &Workspace,
    ) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, workspace).await?;
        let via = Extension::<Via>::from_request_parts(parts, workspace).await;
        let Extension(via) = via.map_err(|error| ApiError::internal(&error))?;
        let (uri, headers): (&Uri, &HeaderMap) = (&parts.uri, &parts.headers);
        Ok(Self { caller, base: crate::oauth::base(workspace, via, uri, headers) })
    }
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    run_id: Option<String>,
    run_uuid: Option<String>,
    path: Option<String>,
    page_token: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let id = wanted.run_id.or(wanted.run_uuid).unwrap_or_default();
    let run = workspace.run_for(&caller, &id, "CAN_READ")?;
    let folder = Folder::of_run(&run.experiment_id, &run.run_id);
    let mut answer =
        folder.list(&workspace, wanted.path.as_deref().unwrap_or_default(), wanted.page_token.as_deref())?;
    answer["root_uri"] = json!(run.artifact_uri);
    Ok(Json(answer))
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    run_id: String,
    #[serde(default)]
    path: Vec<String>,
}

pub(super) async fn credentials_for_read(
    State(workspace): State<Workspace>,
    asker: Asker,
    JsonBody(wanted): JsonBody<Wanted>,
) -> ApiResult<Value> {
    credentials(&workspace, &asker, &wanted, false)
}

pub(super) async fn credentials_for_write(
    State(workspace): State<Workspace>,
    asker: Asker,
    JsonBody(wanted): JsonBody<Wanted>,
) -> ApiResult<Value> {
    credentials(&workspace, &asker, &wanted, true)
}

fn credentials(workspace: &Workspace, asker: &Asker, wanted: &Wanted, write: bool) -> ApiResult<Value> {
    let level = if write { "CAN_EDIT" } else { "CAN_READ" };
    let run = workspace.run_for(&asker.caller, &wanted.run_id, level)?;
    let folder = Folder::of_run(&run.experiment_id, &run.run_id);
    let mut infos = folder.credentials(workspace, asker, &wanted.path, write)?;
    for info in &mut infos {
        info["run_id"] = json!(run.run_id);
    }
    Ok(Json(json!({ "credential_infos": infos })))
}
