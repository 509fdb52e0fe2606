//! Databricks Connect: the Spark Connect protocol over the gateway, as the caller, and the cluster that stands for it.
//!
//! A plan goes to the engine only when every part of it was looked at: SQL and table names are authorized and rewritten as
//! in the warehouse, operations on their rows are passed, and whatever else there is (files, Python functions, writes,
//! anything unknown) is refused by name.

mod answer;
mod clusters;
mod plan;
mod serve;
mod sessions;
mod wire;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub(crate) use sessions::Spark;

use crate::endpoint::{Family, Fidelity};

/// Largest request, in bytes: a data frame made by the client travels in it.
const LARGEST: usize = 128 * 1024 * 1024;

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let witness = Some("spark::databricks_connect_reads_as_the_caller");
    let plans = Fidelity::Partial(
        "SQL, tables and the usual operations on data frames; files, Python functions, writers and streams are refused.",
    );
    let clusters = Fidelity::Partial("One cluster that always runs; it cannot be changed.");
    let runs = Fidelity::Partial("Refused, as for every cluster that runs already: this one always does.");
    let every = Some("spark::sdks_of_three_generations_see_the_cluster");
    Family::new("Databricks Connect")
        .endpoint(
            "POST",
            "/spark.connect.SparkConnectService/{method}",
            post(serve::call).layer(DefaultBodyLimit::max(LARGEST)),
            plans,
            witness,
        )
        .endpoint("GET", "/api/2.0/clusters/get", get(clusters::show), clusters, every)
        .endpoint("GET", "/api/2.1/clusters/get", get(clusters::show), clusters, every)
        .endpoint("GET", "/api/2.0/clusters/list", get(clusters::list), clusters, every)
        .endpoint("GET", "/api/2.1/clusters/list", get(clusters::list), clusters, every)
        .endpoint("POST", "/api/2.0/clusters/start", post(clusters::start), runs, every)
        .endpoint("POST", "/api/2.1/clusters/start", post(clusters::start), runs, every)
        .endpoint("GET", "/api/2.0/clusters/spark-versions", get(clusters::versions), clusters, every)
        .endpoint("GET", "/api/2.1/clusters/spark-versions", get(clusters::versions), clusters, every)
}
