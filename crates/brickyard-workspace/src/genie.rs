//! Genie: spaces over tables, conversations, and answers that are statements run in the warehouse as whoever asked.
//!
//! A question is answered by a saved pair of question and SQL, or by a serving endpoint that writes SQL; with neither the
//! answer says so. Nothing is made up.

mod ask;
mod conversations;
mod messages;
mod model;
mod record;
mod spaces;

use axum::routing::{delete, get, post};

pub(crate) use ask::{message_for, start_for};
pub use spaces::GenieSpace;

use crate::endpoint::{Family, Fidelity};

/// Kind of spaces in access lists.
pub(crate) const KIND: &str = "genie";

/// A path below one space.
macro_rules! of {
    ($rest:literal) => {
        concat!("/api/2.0/genie/spaces/{space}", $rest)
    };
}

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full = Fidelity::Full;
    let asking = Fidelity::Partial(
        "Answers come from saved pairs of question and SQL, or from the serving endpoint that is named for the space.",
    );
    let sdk = Some("genie::the_sdk_asks_saved_questions");
    Family::new("Genie")
        .endpoint("GET", "/api/2.0/genie/spaces", get(spaces::list), full, sdk)
        .endpoint("POST", "/api/2.0/genie/spaces", post(spaces::create), full, sdk)
        .endpoint("GET", of!(""), get(spaces::show), full, sdk)
        .endpoint("PATCH", of!(""), axum::routing::patch(spaces::update), full, sdk)
        .endpoint("DELETE", of!(""), delete(spaces::remove), full, sdk)
        .endpoint("POST", of!("/start-conversation"), post(messages::start), asking, sdk)
        .endpoint("GET", of!("/conversations"), get(conversations::list), full, sdk)
        .endpoint("DELETE", of!("/conversations/{conversation}"), delete(conversations::remove), full, sdk)
        .endpoint("GET", of!("/conversations/{conversation}/messages"), get(messages::list), full, sdk)
        .endpoint("POST", of!("/conversations/{conversation}/messages"), post(messages::create), asking, sdk)
        .endpoint(
            "GET",
            of!("/conversations/{conversation}/messages/{message}"),
            get(messages::show),
            full,
            sdk,
        )
        .endpoint(
            "DELETE",
            of!("/conversations/{conversation}/messages/{message}"),
            delete(messages::remove),
            full,
            sdk,
        )
        .endpoint(
            "POST",
            of!("/conversations/{conversation}/messages/{message}/feedback"),
            post(messages::feedback),
            full,
            sdk,
        )
        .endpoint(
            "GET",
            of!("/conversations/{conversation}/messages/{message}/query-result"),
            get(messages::result),
            full,
            sdk,
        )
        .endpoint(
            "GET",
            of!("/conversations/{conversation}/messages/{message}/query-result/{attachment}"),
            get(messages::result_of),
            full,
            sdk,
        )
        .endpoint(
            "GET",
            of!("/conversations/{conversation}/messages/{message}/attachments/{attachment}/query-result"),
            get(messages::result_of),
            full,
            sdk,
        )
        .endpoint(
            "POST",
            of!("/conversations/{conversation}/messages/{message}/execute-query"),
            post(messages::run_again),
            full,
            sdk,
        )
        .endpoint(
            "POST",
            of!("/conversations/{conversation}/messages/{message}/attachments/{attachment}/execute-query"),
            post(messages::run_again_of),
            full,
            sdk,
        )
}
