//! The Apps API: apps, their deployments and their life (facts: platform §7).
//!
//! The workspace keeps what an app is; an [`AppHost`] given from above runs its process, so that every state the API
//! shows is that of a real process.

mod access;
mod create;
mod deployments;
mod host;
mod life;
mod record;
mod resources;
mod securables;
mod update;

use axum::routing::{get, post};

pub use access::{AppClient, AppVisitor};
pub use host::{AppFailure, AppHost, AppLaunch, AppLog, AppState};
pub use record::RegisteredApp;

use crate::endpoint::{Family, Fidelity};

const WITNESS: Option<&str> = Some("apps::the_sdk_takes_an_app_through_its_life");

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full = Fidelity::Full;
    Family::new("Apps")
        .endpoint("POST", "/api/2.0/apps", post(create::create), full, WITNESS)
        .endpoint("GET", "/api/2.0/apps", get(create::list), full, WITNESS)
        .endpoint("GET", "/api/2.0/apps/{name}", get(create::get), full, WITNESS)
        .endpoint("PATCH", "/api/2.0/apps/{name}", axum::routing::patch(update::patch), full, WITNESS)
        .endpoint(
            "DELETE",
            "/api/2.0/apps/{name}",
            axum::routing::delete(life::delete),
            Fidelity::Partial("the app stays visible as DELETING for seconds instead of minutes"),
            WITNESS,
        )
        .endpoint("POST", "/api/2.0/apps/{name}/update", post(update::create), full, WITNESS)
        .endpoint("GET", "/api/2.0/apps/{name}/update", get(update::get), full, WITNESS)
        .endpoint("POST", "/api/2.0/apps/{name}/start", post(life::start), full, WITNESS)
        .endpoint("POST", "/api/2.0/apps/{name}/stop", post(life::stop), full, WITNESS)
        .endpoint(
            "POST",
            "/api/2.0/apps/{name}/deployments",
            post(deployments::create),
            Fidelity::Partial("modes SNAPSHOT and AUTO_SYNC from workspace files; a git source answers 501"),
            WITNESS,
        )
        .endpoint("GET", "/api/2.0/apps/{name}/deployments", get(deployments::list), full, WITNESS)
        .endpoint("GET", "/api/2.0/apps/{name}/deployments/{id}", get(deployments::get), full, WITNESS)
        .endpoint(
            "GET",
            "/api/2.0/apps/{name}/deployments/{id}/logs",
            get(deployments::logs),
            Fidelity::Partial(
                "not in the public API; older agents call it, so it gives the app's last lines",
            ),
            WITNESS,
        )
}
