//! Lakeview dashboards: drafts, published ones, and a page that shows a published one's queries as tables and charts.

mod chart;
mod dashboards;
mod layout;
mod page;
mod record;
mod schedules;
mod sessions;
mod sign_in;
mod subscriptions;

use axum::routing::{delete, get, patch, post, put};

use crate::endpoint::{Family, Fidelity};
use crate::oauth::PAGES_CALLBACK;

pub(crate) use sessions::Sessions;

/// Kind of dashboards in access lists.
const KIND: &str = "dashboards";

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let sdk = Some("lakeview::the_sdk_publishes_and_the_page_shows");
    let kept = Fidelity::Partial("A dashboard is no file of the workspace tree.");
    let scheduled = Fidelity::Partial(
        "Kept and checked; a published page reads its data whenever it is opened, so nothing runs by a schedule and no \
         mail is sent.",
    );
    let schedules = Some("lakeview::schedules_and_subscriptions_are_kept");
    let shown = Fidelity::Partial(
        "Tables, counters, bars, lines, areas, pies and texts; filters and other widgets are named in their place. Read \
         with a token, or in a browser that signs in at the workspace. Only pages of this machine may frame it, and \
         only one with the workspace's host name (`127.0.0.1` or `localhost`) does so as who is signed in: a browser \
         sends the session to no frame of another site, which shows a link instead.",
    );
    let signed_in = Fidelity::Partial(
        "Ours: a browser without a token signs in at the workspace and gets a session for the pages of dashboards alone.",
    );
    let browser = Some("lakeview_sign_in::people_sign_in_and_see_what_each_may");
    Family::new("Lakeview dashboards")
        .endpoint("GET", "/api/2.0/lakeview/dashboards", get(dashboards::list), kept, sdk)
        .endpoint("POST", "/api/2.0/lakeview/dashboards", post(dashboards::create), kept, sdk)
        .endpoint("GET", "/api/2.0/lakeview/dashboards/{id}", get(dashboards::show), kept, sdk)
        .endpoint("PATCH", "/api/2.0/lakeview/dashboards/{id}", patch(dashboards::update), kept, sdk)
        .endpoint("DELETE", "/api/2.0/lakeview/dashboards/{id}", delete(dashboards::trash), kept, sdk)
        .endpoint("POST", "/api/2.0/lakeview/dashboards/{id}/published", post(dashboards::publish), kept, sdk)
        .endpoint(
            "GET",
            "/api/2.0/lakeview/dashboards/{id}/published",
            get(dashboards::show_published),
            kept,
            sdk,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/lakeview/dashboards/{id}/published",
            delete(dashboards::unpublish),
            kept,
            sdk,
        )
        .endpoint("POST", "/api/2.0/lakeview/dashboards/{id}/revert", post(dashboards::revert), kept, sdk)
        .endpoint(
            "POST",
            "/api/2.0/lakeview/dashboards/{id}/schedules",
            post(schedules::create),
            scheduled,
            schedules,
        )
        .endpoint(
            "GET",
            "/api/2.0/lakeview/dashboards/{id}/schedules",
            get(schedules::list),
            scheduled,
            schedules,
        )
        .endpoint(
            "GET",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}",
            get(schedules::show),
            scheduled,
            schedules,
        )
        .endpoint(
            "PUT",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}",
            put(schedules::update),
            scheduled,
            schedules,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}",
            delete(schedules::remove),
            scheduled,
            schedules,
        )
        .endpoint(
            "POST",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}/subscriptions",
            post(subscriptions::create),
            scheduled,
            schedules,
        )
        .endpoint(
            "GET",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}/subscriptions",
            get(subscriptions::list),
            scheduled,
            schedules,
        )
        .endpoint(
            "GET",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}/subscriptions/{subscription}",
            get(subscriptions::show),
            scheduled,
            schedules,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/lakeview/dashboards/{id}/schedules/{schedule}/subscriptions/{subscription}",
            delete(subscriptions::remove),
            scheduled,
            schedules,
        )
        .endpoint("GET", "/embed/dashboardsv3/{id}", get(page::embed), shown, sdk)
        .endpoint("GET", "/embed/sign-in/{id}", get(sign_in::again), signed_in, browser)
        .endpoint("GET", PAGES_CALLBACK, get(sign_in::callback), signed_in, browser)
}
