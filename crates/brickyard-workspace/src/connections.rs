//! HTTP connections of Unity Catalog: their credentials, and requests through them.
//!
//! A request leaves only for the connection's own host and below its base path, with the connection's credential; what a
//! caller sends can change neither.

mod address;
mod credential;
mod proxy;

use axum::routing::post;

pub(crate) use address::{address, check};
pub(crate) use credential::{credential_type, is_secret};
pub(crate) use proxy::{Sent, content, send};

use crate::endpoint::{Family, Fidelity};

/// Tokens that connections were given, by connection and scope.
#[derive(Default)]
pub(crate) struct Connections {
    tokens: credential::Tokens,
}

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let own = Fidelity::Partial(
        "Ours alone: a person's own credential for a connection, as the platform's login gives it.",
    );
    Family::new("External connections")
        .endpoint(
            "POST",
            "/api/2.0/external-function",
            post(proxy::external_function),
            Fidelity::Partial("Bearer tokens, OAuth machine to machine, and credentials of each person."),
            Some("connections::the_sdk_calls_through_a_connection"),
        )
        .endpoint(
            "POST",
            "/api/brickyard/connections/{name}/login",
            post(credential::login),
            own,
            Some("connections::people_bring_their_own_credentials"),
        )
}
