//! The two model registries: the workspace's own, and Unity Catalog's (`databricks-uc`), where models are securables.

mod files;
mod models;
mod record;
mod versions;

use axum::extract::State;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::endpoint::{Family, Fidelity};
use crate::error::ApiResult;
use crate::request::Fields;
use crate::workspace::Workspace;

/// Which registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Realm {
    /// The workspace's, with stages and access lists.
    Workspace,
    /// Unity Catalog's, with aliases and grants.
    Unity,
}

type Act<B> = fn(Realm, &Workspace, &Caller, B) -> ApiResult<serde_json::Value>;

fn route<B: DeserializeOwned + Send + 'static>(
    realm: Realm,
    method: MethodFilter,
    act: Act<B>,
) -> MethodRouter<Workspace> {
    on(
        method,
        move |State(workspace): State<Workspace>, caller: Caller, Fields(fields): Fields<B>| async move {
            act(realm, &workspace, &caller, fields)
        },
    )
}

/// The workspace's registry.
pub(crate) fn workspace_family() -> Family {
    let full = Fidelity::Full;
    let unsent = Fidelity::Partial("In the protocol; every client asks with POST first.");
    let witness = Some("mlflow_models::the_workspace_registry_keeps_versions_in_stages");
    let (get, post, patch, delete) =
        (MethodFilter::GET, MethodFilter::POST, MethodFilter::PATCH, MethodFilter::DELETE);
    let here = Realm::Workspace;
    Family::new("MLflow model registry")
        .endpoint(
            "POST",
            "/api/2.0/mlflow/registered-models/create",
            route(here, post, models::create),
            full,
            witness,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/registered-models/rename",
            route(here, post, models::rename),
            full,
            witness,
        )
        .endpoint(
            "PATCH",
            "/api/2.0/mlflow/registered-models/update",
            route(here, patch, models::update),
            full,
            witness,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/mlflow/registered-models/delete",
            route(here, delete, models::delete),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/registered-models/get",
            route(here, get, models::get),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/databricks/registered-models/get",
            route(here, get, models::get_databricks),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/registered-models/search",
            route(here, get, models::search),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/registered-models/list",
            route(here, get, models::search),
            full,
            witness,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/registered-models/get-latest-versions",
            route(here, post, versions::latest),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/registered-models/get-latest-versions",
            route(here, get, versions::latest),
            unsent,
            None,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/registered-models/set-tag",
            route(here, post, models::set_tag),
            full,
            witness,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/mlflow/registered-models/delete-tag",
            route(here, delete, models::delete_tag),
            full,
            witness,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/model-versions/create",
            route(here, post, versions::create),
            full,
            witness,
        )
        .endpoint(
            "PATCH",
            "/api/2.0/mlflow/model-versions/update",
            route(here, patch, versions::update),
            full,
            witness,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/model-versions/transition-stage",
            route(here, post, versions::transition),
            full,
            witness,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/databricks/model-versions/transition-stage",
            route(here, post, versions::transition),
            full,
            witness,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/mlflow/model-versions/delete",
            route(here, delete, versions::delete),
            full,
            witness,
        )
        .endpoint("GET", "/api/2.0/mlflow/model-versions/get", route(here, get, versions::get), full, witness)
        .endpoint(
            "GET",
            "/api/2.0/mlflow/model-versions/search",
            route(here, get, versions::search),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/model-versions/get-download-uri",
            route(here, get, files::download_uri),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/model-versions/list-artifacts",
            route(here, get, files::list),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/model-versions/get-signed-download-uri",
            axum::routing::get(files::signed_download),
            full,
            witness,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/model-versions/set-tag",
            route(here, post, versions::set_tag),
            full,
            witness,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/mlflow/model-versions/delete-tag",
            route(here, delete, versions::delete_tag),
            full,
            witness,
        )
}

/// Unity Catalog's registry.
pub(crate) fn unity_family() -> Family {
    let full = Fidelity::Full;
    let ours = Fidelity::Partial(
        "Files go through the Files API or its signed addresses; no cloud credentials are given out.",
    );
    let witness = Some("mlflow_models::models_live_in_unity_catalog");
    let older = Some("mlflow_models::the_preinstalled_client_keeps_models_in_unity_catalog");
    let (get, post, patch, delete) =
        (MethodFilter::GET, MethodFilter::POST, MethodFilter::PATCH, MethodFilter::DELETE);
    let unity = Realm::Unity;
    Family::new("Models in Unity Catalog")
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/registered-models/create", route(unity, post, models::create), full, witness)
        .endpoint("PATCH", "/api/2.0/mlflow/unity-catalog/registered-models/update", route(unity, patch, models::update), full, witness)
        .endpoint("DELETE", "/api/2.0/mlflow/unity-catalog/registered-models/delete", route(unity, delete, models::delete), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/registered-models/get", route(unity, get, models::get), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/registered-models/search", route(unity, get, models::search), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/registered-models/alias", route(unity, post, models::set_alias), full, witness)
        .endpoint("DELETE", "/api/2.0/mlflow/unity-catalog/registered-models/alias", route(unity, delete, models::delete_alias), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/registered-models/alias", route(unity, get, versions::by_alias), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/registered-models/set-tag", route(unity, post, models::set_tag), full, witness)
        .endpoint("DELETE", "/api/2.0/mlflow/unity-catalog/registered-models/delete-tag", route(unity, delete, models::delete_tag), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/model-versions/create", route(unity, post, versions::create), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/model-versions/finalize", route(unity, post, versions::finalize), full, witness)
        .endpoint("PATCH", "/api/2.0/mlflow/unity-catalog/model-versions/update", route(unity, patch, versions::update), full, witness)
        .endpoint("DELETE", "/api/2.0/mlflow/unity-catalog/model-versions/delete", route(unity, delete, versions::delete), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/model-versions/get", route(unity, get, versions::get), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/model-versions/search", route(unity, get, versions::search), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/model-versions/get-download-uri", route(unity, get, files::download_uri), full, older)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/model-versions/set-tag", route(unity, post, versions::set_tag), full, witness)
        .endpoint("DELETE", "/api/2.0/mlflow/unity-catalog/model-versions/delete-tag", route(unity, delete, versions::delete_tag), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/model-versions/emit-lineage", route(unity, post, files::emit_lineage), ours, witness)
        .endpoint("POST", "/api/2.0/mlflow/unity-catalog/model-versions/generate-temporary-credentials", route(unity, post, files::temporary_credentials), ours, older)
        .endpoint("GET", "/api/2.0/mlflow/unity-catalog/registered-models:is-databricks-sdk-models-artifact-repository-enabled", route(unity, get, files::through_files_api), ours, witness)
        .endpoint("GET", "/api/2.1/unity-catalog/models", route(unity, get, models::list_securables), full, witness)
        .endpoint("GET", "/api/2.1/unity-catalog/models/{full_name}", axum::routing::get(models::get_securable), full, witness)
        .endpoint("GET", "/api/2.1/unity-catalog/models/{full_name}/versions", axum::routing::get(versions::list_securables), full, witness)
}
