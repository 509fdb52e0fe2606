//! MLflow tracking: experiments, runs, parameters, metrics and tags, as `mlflow.set_tracking_uri("databricks")` asks.

mod experiments;
mod filter;
mod record;
mod runs;
mod search;

use axum::routing::{get, post};

use crate::endpoint::{Family, Fidelity};

/// The tracking API.
pub(crate) fn family() -> Family {
    let (full, witness) = (Fidelity::Full, Some("mlflow::the_client_logs_and_searches"));
    Family::new("MLflow tracking")
        .endpoint("POST", "/api/2.0/mlflow/experiments/create", post(experiments::create), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/experiments/get", get(experiments::get), full, witness)
        .endpoint(
            "GET",
            "/api/2.0/mlflow/experiments/get-by-name",
            get(experiments::get_by_name),
            full,
            witness,
        )
        .endpoint("POST", "/api/2.0/mlflow/experiments/search", post(experiments::search), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/experiments/search", get(experiments::search_by_query), full, None)
        .endpoint("POST", "/api/2.0/mlflow/experiments/delete", post(experiments::delete), full, None)
        .endpoint("POST", "/api/2.0/mlflow/experiments/restore", post(experiments::restore), full, None)
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
        .endpoint("POST", "/api/2.0/mlflow/runs/delete", post(runs::delete), full, None)
        .endpoint("POST", "/api/2.0/mlflow/runs/restore", post(runs::restore), full, None)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-metric", post(runs::log_metric), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-parameter", post(runs::log_parameter), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/log-batch", post(runs::log_batch), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/set-tag", post(runs::set_tag), full, witness)
        .endpoint("POST", "/api/2.0/mlflow/runs/delete-tag", post(runs::delete_tag), full, None)
        .endpoint("POST", "/api/2.0/mlflow/runs/search", post(search::runs), full, witness)
        .endpoint("GET", "/api/2.0/mlflow/metrics/get-history", get(runs::history), full, witness)
}
