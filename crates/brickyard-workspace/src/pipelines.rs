//! Pipelines, as far as there are any here: those that copy synced tables into Lakebase, and those that make the rows of
//! materialized views and streaming tables.

mod record;
mod run;
mod serve;

use axum::routing::{get, post};

pub(crate) use record::{choose, forget, is_active, last_state, make, scheduled};
pub(crate) use run::{launch, resume, start, turn};

use crate::endpoint::{Family, Fidelity};

/// Kind of a pipeline in the permissions API.
pub(crate) const OBJECTS: &str = "pipelines";

/// The family's endpoints.
pub(crate) fn family() -> Family {
    let witness = Some("synced_tables::a_delta_table_is_copied_into_postgres_and_refreshed");
    let partial =
        Fidelity::Partial("the pipelines of synced tables, materialized views and streaming tables only");
    Family::new("Pipelines")
        .endpoint(
            "POST",
            "/api/2.0/pipelines",
            post(serve::create),
            Fidelity::Partial("not implemented: answers 501"),
            witness,
        )
        .endpoint("GET", "/api/2.0/pipelines", get(serve::list), partial, witness)
        .endpoint("GET", "/api/2.0/pipelines/{id}", get(serve::get), partial, witness)
        .endpoint("POST", "/api/2.0/pipelines/{id}/updates", post(serve::start_update), partial, witness)
        .endpoint("GET", "/api/2.0/pipelines/{id}/updates", get(serve::list_updates), partial, witness)
        .endpoint("GET", "/api/2.0/pipelines/{id}/updates/{update}", get(serve::get_update), partial, witness)
        .endpoint(
            "GET",
            "/api/2.0/pipelines/{id}/events",
            get(serve::list_events),
            Fidelity::Partial("one event of each update: how it went"),
            Some("materialized_views::the_pipeline_of_a_view_tells_how_it_went"),
        )
        .endpoint("POST", "/api/2.0/pipelines/{id}/stop", post(serve::stop), partial, witness)
}
