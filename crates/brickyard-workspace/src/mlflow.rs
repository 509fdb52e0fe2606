//! MLflow tracking: experiments, runs, parameters, metrics and tags, as `mlflow.set_tracking_uri("databricks")` asks.

mod artifacts;
mod assessments;
mod experiments;
mod filter;
mod logged_models;
mod record;
mod registry;
mod runs;
mod search;
mod traces;

use axum::routing::{any, delete, get, patch, post};
use http::{Method, StatusCode, Uri};

use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;

pub(crate) use registry::{unity_family, workspace_family as registry_family};

/// The tracking API.
pub(crate) fn family() -> Family {
    let (full, witness) = (Fidelity::Full, Some("mlflow::the_client_logs_and_searches"));
    let stages = Some("mlflow::what_is_deleted_takes_nothing_and_comes_back");
    let unsent = Fidelity::Partial("In the protocol; every client asks with POST.");
    Family::new("MLflow tracking")
        .endpoint("POST", "/api/2.0/mlflow/experiments/create", post(experiments::create), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/experiments/get", get(experiments::get), full, witness)
        .endpoint(
            "GET",
            "/api/2.0/mlflow/experiments/get-by-name",
            get(experiments::get_by_name),
            full,
            Some("mlflow_traces::apps_are_traced"),
        )
        .endpoint("POST", "/api/2.0/mlflow/experiments/search", post(experiments::search), full, witness)
        .endpoint(
            "GET",
            "/api/2.0/mlflow/experiments/search",
            get(experiments::search_by_query),
            unsent,
            None,
        )
        .endpoint("POST", "/api/2.0/mlflow/experiments/delete", post(experiments::delete), full, stages)
        .endpoint("POST", "/api/2.0/mlflow/experiments/restore", post(experiments::restore), full, stages)
        .endpoint(
            "POST",
            "/api/2.0/mlflow/experiments/set-experiment-tag",
            post(experiments::set_tag),
            full,
            witness,
        )
        .endpoint("POST", "/api/2.0/mlflow/runs/create", post(runs::create), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/runs/get", get(runs::get), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/update", post(runs::update), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/delete", post(runs::delete), full, stages)
        .endpoint("POST", "/api/2.0/mlflow/runs/restore", post(runs::restore), full, stages)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-metric", post(runs::log_metric), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-parameter", post(runs::log_parameter), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-batch", post(runs::log_batch), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/set-tag", post(runs::set_tag), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/delete-tag", post(runs::delete_tag), full, stages)
        .endpoint("POST", "/api/2.0/mlflow/runs/search", post(search::runs), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/metrics/get-history", get(runs::history), full, witness)
}

/// What runs and models leave behind: files, logged models, inputs and outputs.
pub(crate) fn artifact_family() -> Family {
    let full = Fidelity::Full;
    let (runs, models) =
        (Some("mlflow_models::runs_keep_artifacts"), Some("mlflow_models::a_model_is_logged_and_loaded"));
    let stages = Some("mlflow::what_is_deleted_takes_nothing_and_comes_back");
    let older = Some("mlflow_models::the_preinstalled_client_keeps_models_in_unity_catalog");
    let model = "/api/2.0/mlflow/logged-models/{model_id}";
    Family::new("MLflow artifacts and logged models")
        .endpoint("POST", "/api/2.0/mlflow/experiments/update", post(experiments::update), full, stages)
        .endpoint(
            "POST",
            "/api/2.0/mlflow/experiments/delete-experiment-tag",
            post(experiments::delete_tag),
            full,
            stages,
        )
        .endpoint("POST", "/api/2.0/mlflow/runs/log-inputs", post(runs::log_inputs), full, runs)
        .endpoint("POST", "/api/2.0/mlflow/runs/outputs", post(runs::log_outputs), full, models)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-model", post(runs::log_model), full, older)
        .endpoint("GET", "/api/2.0/mlflow/artifacts/list", get(artifacts::list), full, runs)
        .endpoint(
            "POST",
            "/api/2.0/mlflow/artifacts/credentials-for-read",
            post(artifacts::credentials_for_read),
            full,
            runs,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/artifacts/credentials-for-write",
            post(artifacts::credentials_for_write),
            full,
            runs,
        )
        .endpoint("POST", "/api/2.0/mlflow/logged-models", post(logged_models::create), full, models)
        .endpoint("POST", "/api/2.0/mlflow/logged-models/search", post(logged_models::search), full, models)
        .endpoint("GET", model, get(logged_models::get), full, models)
        .endpoint("PATCH", model, patch(logged_models::finalize), full, models)
        .endpoint("DELETE", model, delete(logged_models::delete), full, models)
        .endpoint(
            "PATCH",
            "/api/2.0/mlflow/logged-models/{model_id}/tags",
            patch(logged_models::set_tags),
            full,
            models,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/mlflow/logged-models/{model_id}/tags/{tag_key}",
            delete(logged_models::delete_tag),
            full,
            models,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/logged-models/{model_id}/params",
            post(logged_models::log_params),
            full,
            models,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/logged-models/{model_id}/artifacts/directories",
            get(logged_models::list_artifacts),
            full,
            None,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/logged-models/{model_id}/artifacts/credentials-for-upload",
            post(logged_models::credentials_for_upload),
            full,
            None,
        )
        .endpoint(
            "POST",
            "/api/2.0/mlflow/logged-models/{model_id}/artifacts/credentials-for-download",
            post(logged_models::credentials_for_download),
            full,
            None,
        )
}

/// Traces, in the versions of the API that clients ask for.
pub(crate) fn trace_family() -> Family {
    let full = Fidelity::Full;
    let unity = Fidelity::Partial(
        "Refused: traces in Unity Catalog tables are absent, and clients fall back to version 3.",
    );
    let witness = Some("mlflow_traces::apps_are_traced");
    let older = Some("mlflow_traces::the_preinstalled_client_traces_too");
    let trace = "/api/2.0/mlflow/traces/{trace_id}";
    Family::new("MLflow traces")
        .endpoint("POST", "/api/3.0/mlflow/traces", post(traces::start), full, witness)
        .endpoint("GET", "/api/3.0/mlflow/traces/{trace_id}", get(traces::get), full, witness)
        .endpoint("POST", "/api/3.0/mlflow/traces/search", post(traces::search), full, witness)
        .endpoint(
            "POST",
            "/api/3.0/mlflow/traces/{trace_id}/assessments",
            post(assessments::create),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}",
            get(assessments::get),
            full,
            witness,
        )
        .endpoint(
            "PATCH",
            "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}",
            patch(assessments::update),
            full,
            witness,
        )
        .endpoint(
            "DELETE",
            "/api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}",
            delete(assessments::delete),
            full,
            witness,
        )
        .endpoint("POST", "/api/2.0/mlflow/traces", post(traces::start_v2), full, older)
        .endpoint("GET", "/api/2.0/mlflow/traces", get(traces::search_v2), full, older)
        .endpoint("PATCH", trace, patch(traces::end_v2), full, older)
        .endpoint("GET", "/api/2.0/mlflow/traces/{trace_id}/info", get(traces::info_v2), full, older)
        .endpoint("POST", "/api/2.0/mlflow/traces/delete-traces", post(traces::delete), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/traces/link-to-run", post(traces::link_to_run), full, witness)
        .endpoint("PATCH", "/api/2.0/mlflow/traces/{trace_id}/tags", patch(traces::set_tag), full, witness)
        .endpoint(
            "DELETE",
            "/api/2.0/mlflow/traces/{trace_id}/tags",
            delete(traces::delete_tag),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/traces/{trace_id}/credentials-for-data-upload",
            get(traces::credentials_for_upload),
            full,
            witness,
        )
        .endpoint(
            "GET",
            "/api/2.0/mlflow/traces/{trace_id}/credentials-for-data-download",
            get(traces::credentials_for_download),
            full,
            witness,
        )
        .endpoint("ANY", "/api/4.0/mlflow/{*rest}", any(no_endpoint), unity, witness)
}

/// The answer that tells a client to ask an earlier version of the API.
async fn no_endpoint(_caller: crate::caller::Caller, method: Method, uri: Uri) -> ApiError {
    let message = format!("The local workspace has no API for {method} {}: it was not found", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", message)
}
