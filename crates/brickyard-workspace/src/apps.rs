//! The Apps API: apps, their deployments and their life (facts: platform §7).
//!
//! The workspace keeps what an app is; an [`AppHost`] given from above runs its process, so that every state the API
//! shows is that of a real process.

mod access;
mod auto_sync;
mod create;
mod deployments;
mod git;
mod host;
mod life;
mod page;
mod record;
mod resources;
mod securables;
mod source;
mod spaces;
mod templates;
mod thumbnail;
mod underway;
mod update;
mod versions;

use axum::routing::{delete, get, patch, post, put};

pub use access::{AppClient, AppVisitor};
pub use host::{AppFailure, AppHost, AppLaunch, AppLog, AppState, Progress};
pub use record::RegisteredApp;
pub(crate) use underway::Underway;

use crate::endpoint::{Family, Fidelity};

const WITNESS: Option<&str> = Some("apps::the_sdk_takes_an_app_through_its_life");

/// Pictures, templates and spaces.
const MORE: Option<&str> = Some("apps_more::the_sdk_knows_pictures_templates_and_spaces");

const TEMPLATES: &str = "/api/2.0/apps-settings/templates";

const SPACES: Fidelity =
    Fidelity::Partial("a preview: apps of a space keep their own service principal and resources");

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full = Fidelity::Full;
    Family::new("Apps")
        .endpoint("POST", "/api/2.0/apps", post(create::create), full, WITNESS)
        .endpoint("GET", "/api/2.0/apps", get(create::list), full, WITNESS)
        .endpoint("GET", "/api/2.0/apps/{name}", get(create::get), full, WITNESS)
        .endpoint("PATCH", "/api/2.0/apps/{name}", patch(update::patch), full, WITNESS)
        .endpoint(
            "DELETE",
            "/api/2.0/apps/{name}",
            delete(life::delete),
            Fidelity::Partial("the app stays visible as DELETING for seconds instead of minutes"),
            WITNESS,
        )
        .endpoint(
            "POST",
            "/api/2.0/apps/{name}/update",
            post(update::create),
            full,
            Some("apps_more::the_sdk_knows_pictures_templates_and_spaces"),
        )
        .endpoint(
            "GET",
            "/api/2.0/apps/{name}/update",
            get(update::get),
            full,
            Some("apps_more::the_sdk_knows_pictures_templates_and_spaces"),
        )
        .endpoint("POST", "/api/2.0/apps/{name}/start", post(life::start), full, WITNESS)
        .endpoint("POST", "/api/2.0/apps/{name}/stop", post(life::stop), full, WITNESS)
        .endpoint(
            "POST",
            "/api/2.0/apps/{name}/deployments",
            post(deployments::create),
            Fidelity::Partial("a git source is cloned with the git of this machine and its credentials"),
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
        .endpoint("PATCH", "/api/2.0/apps/{name}/thumbnail", patch(thumbnail::update), full, MORE)
        .endpoint("DELETE", "/api/2.0/apps/{name}/thumbnail", delete(thumbnail::delete), full, MORE)
        .endpoint(
            "GET",
            "/api/2.0/apps/{name}/thumbnail",
            get(thumbnail::show),
            Fidelity::Partial("not in the public API: where `thumbnail_url` points"),
            MORE,
        )
        .endpoint("POST", TEMPLATES, post(templates::create), full, MORE)
        .endpoint("GET", TEMPLATES, get(templates::list), full, MORE)
        .endpoint("GET", "/api/2.0/apps-settings/templates/{name}", get(templates::get), full, MORE)
        .endpoint("PUT", "/api/2.0/apps-settings/templates/{name}", put(templates::update), full, MORE)
        .endpoint("DELETE", "/api/2.0/apps-settings/templates/{name}", delete(templates::delete), full, MORE)
        .endpoint("POST", "/api/2.0/app-spaces", post(spaces::create), SPACES, MORE)
        .endpoint("GET", "/api/2.0/app-spaces", get(spaces::list), SPACES, MORE)
        .endpoint("GET", "/api/2.0/app-spaces/{name}", get(spaces::get), SPACES, MORE)
        .endpoint("PATCH", "/api/2.0/app-spaces/{name}", patch(spaces::update), SPACES, MORE)
        .endpoint("DELETE", "/api/2.0/app-spaces/{name}", delete(spaces::delete), SPACES, MORE)
        .endpoint("GET", "/api/2.0/app-spaces/{name}/operation", get(spaces::show_operation), SPACES, MORE)
}
