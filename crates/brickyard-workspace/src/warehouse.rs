//! SQL warehouses: Thrift and REST protocols over one session layer.
//!
//! A protocol file translates and decides nothing: it opens a [`session::Session`], hands a [`statement::Statement`] to
//! it, and turns the [`operation::Operation`]'s progress and rows into what its clients read.

mod chatter;
mod definition;
mod fault;
mod grid;
mod listing;
mod operation;
mod outcome;
mod pattern;
mod result;
mod session;
mod state;
mod statement;
mod thrift;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::endpoint::{Family, Fidelity};

pub(crate) use definition::starter_id;
pub(crate) use state::Warehouses;

/// Largest request to the Thrift endpoints, in bytes.
const LARGEST_CALL: usize = 64 * 1024 * 1024;

/// The endpoints of SQL warehouses.
pub(crate) fn family() -> Family {
    let thrift = || post(thrift::endpoint).layer(DefaultBodyLimit::max(LARGEST_CALL));
    let cluster = post(thrift::endpoint_of_cluster).layer(DefaultBodyLimit::max(LARGEST_CALL));
    Family::new("SQL warehouses")
        .endpoint("POST", "/sql/1.0/warehouses/{id}", thrift(), Fidelity::Full, None)
        .endpoint("POST", "/sql/1.0/endpoints/{id}", thrift(), Fidelity::Full, None)
        .endpoint("POST", "/sql/protocolv1/o/{organization}/{cluster}", cluster, Fidelity::Full, None)
        .endpoint(
            "GET",
            "/api/2.0/connector-service/feature-flags/{client}/{version}",
            get(chatter::feature_flags),
            Fidelity::Full,
            None,
        )
        .endpoint("POST", "/telemetry-ext", post(chatter::telemetry), Fidelity::Full, None)
        .endpoint("POST", "/telemetry-unauth", post(chatter::telemetry), Fidelity::Full, None)
}
