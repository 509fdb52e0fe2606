//! SQL warehouses: Thrift and REST protocols over one session layer.
//!
//! A protocol file translates and decides nothing: it opens a [`session::Session`], hands a [`statement::Statement`] to
//! it, and turns the [`operation::Operation`]'s progress and rows into what its clients read.

mod ask;
mod change;
mod chatter;
mod commands;
mod definition;
mod engine_session;
mod fault;
mod grid;
mod history;
mod link;
mod listing;
mod literal;
mod models;
mod name;
mod operation;
mod outcome;
mod outside;
mod pattern;
mod planner;
mod rest;
mod result;
mod run;
mod scan;
mod scene;
mod session;
mod spool;
mod state;
mod statement;
mod statements;
mod system;
pub(crate) mod thrift;
mod transaction;
mod upkeep;
mod zone;

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use crate::endpoint::{Family, Fidelity};

pub(crate) use ask::{json_rows, rows_of};
pub(crate) use definition::starter_id;
pub(crate) use fault::Fault;
pub(crate) use outcome::Keep;
pub(crate) use result::ipc::stream as write_stream;
pub(crate) use run::{Run, run};
pub(crate) use scan::Scan;
pub(crate) use scene::{Part, Scene};
pub(crate) use session::{Session, Settings};
pub(crate) use state::Warehouses;
pub(crate) use statement::{Statement, execute};
pub(crate) use statements::{answer_for, run_for};
pub(crate) use upkeep::{keep_schedules, refresh as refresh_table};

/// Tests in which unmodified clients drive the endpoints.
const CONNECTOR: Option<&str> = Some("warehouse::connectors_of_every_generation_query");
const SDK: Option<&str> = Some("warehouse::the_sdk_manages_warehouses_and_runs_statements");

/// The addresses of the JDBC driver.
const API_DRIVER: Option<&str> = Some("warehouse::every_thrift_call_answers");

/// How true the query history is.
const HISTORY: Fidelity =
    Fidelity::Partial("The last 2000 statements; metrics of their stages are left out.");

/// Largest request to the Thrift endpoints, in bytes.
const LARGEST_CALL: usize = 64 * 1024 * 1024;

/// The endpoints of SQL warehouses.
pub(crate) fn family() -> Family {
    let thrift = || post(thrift::endpoint).layer(DefaultBodyLimit::max(LARGEST_CALL));
    let cluster = post(thrift::endpoint_of_cluster).layer(DefaultBodyLimit::max(LARGEST_CALL));
    Family::new("SQL warehouses")
        .endpoint("POST", "/sql/1.0/warehouses/{id}", thrift(), Fidelity::Full, CONNECTOR)
        .endpoint("POST", "/sql/1.0/endpoints/{id}", thrift(), Fidelity::Full, CONNECTOR)
        .endpoint(
            "POST",
            "/sql/protocolv1/o/{organization}/{cluster}",
            cluster,
            Fidelity::Full,
            Some("warehouse::every_thrift_call_answers"),
        )
        .endpoint("GET", "/api/2.0/sql/warehouses", get(rest::list), Fidelity::Full, SDK)
        .endpoint(
            "POST",
            "/api/2.0/sql/warehouses",
            post(rest::create),
            Fidelity::Full,
            Some("warehouse::a_warehouse_lives_and_queues"),
        )
        .endpoint("GET", "/api/2.0/sql/warehouses/{id}", get(rest::get), Fidelity::Full, SDK)
        .endpoint(
            "DELETE",
            "/api/2.0/sql/warehouses/{id}",
            delete(rest::delete),
            Fidelity::Full,
            Some("warehouse::a_warehouse_lives_and_queues"),
        )
        .endpoint(
            "POST",
            "/api/2.0/sql/warehouses/{id}/edit",
            post(rest::edit),
            Fidelity::Full,
            Some("warehouse::a_warehouse_lives_and_queues"),
        )
        .endpoint(
            "POST",
            "/api/2.0/sql/warehouses/{id}/start",
            post(rest::start),
            Fidelity::Full,
            Some("warehouse::a_warehouse_lives_and_queues"),
        )
        .endpoint(
            "POST",
            "/api/2.0/sql/warehouses/{id}/stop",
            post(rest::stop),
            Fidelity::Full,
            Some("warehouse::a_warehouse_lives_and_queues"),
        )
        .endpoint("GET", "/api/2.0/sql/history/queries", get(history::list), HISTORY, SDK)
        .endpoint("POST", "/api/2.0/sql/statements", post(statements::execute), Fidelity::Full, SDK)
        .endpoint("GET", "/api/2.0/sql/statements/{id}", get(statements::get), Fidelity::Full, SDK)
        .endpoint("DELETE", "/api/2.0/sql/statements/{id}", delete(statements::close), Fidelity::Full, SDK)
        .endpoint(
            "POST",
            "/api/2.0/sql/statements/{id}/cancel",
            post(statements::cancel),
            Fidelity::Full,
            SDK,
        )
        .endpoint(
            "GET",
            "/api/2.0/sql/statements/{id}/result/chunks/{chunk}",
            get(statements::get_chunk),
            Fidelity::Full,
            SDK,
        )
        .endpoint("GET", "/sql-results/{id}/{chunk}", get(link::download), Fidelity::Full, SDK)
        .endpoint(
            "POST",
            "/api/2.0/sql/warehouses/{id}/sessions",
            post(statements::create_session_on),
            Fidelity::Full,
            API_DRIVER,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/sql/warehouses/{id}/sessions/{session}",
            delete(statements::delete_session_on),
            Fidelity::Full,
            API_DRIVER,
        )
        .endpoint(
            "POST",
            "/api/2.0/sql/warehouses/{id}/sessions/{session}/statements",
            post(statements::execute_in),
            Fidelity::Full,
            API_DRIVER,
        )
        .endpoint(
            "GET",
            "/api/2.0/sql/warehouses/{id}/sessions/{session}/statements/{statement}",
            get(statements::get_in),
            Fidelity::Full,
            API_DRIVER,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/sql/warehouses/{id}/sessions/{session}/statements/{statement}",
            delete(statements::close_in),
            Fidelity::Full,
            API_DRIVER,
        )
        .endpoint("POST", "/api/2.0/sql/sessions", post(statements::create_session), Fidelity::Full, SDK)
        .endpoint(
            "DELETE",
            "/api/2.0/sql/sessions/{id}",
            delete(statements::delete_session),
            Fidelity::Full,
            SDK,
        )
        .endpoint(
            "GET",
            "/api/2.0/connector-service/feature-flags/{client}/{version}",
            get(chatter::feature_flags),
            Fidelity::Full,
            CONNECTOR,
        )
        .endpoint("POST", "/telemetry-ext", post(chatter::telemetry), Fidelity::Full, None)
        .endpoint("POST", "/telemetry-unauth", post(chatter::telemetry), Fidelity::Full, None)
}
