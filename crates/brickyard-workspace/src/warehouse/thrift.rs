//! `TCLIService` over HTTP: what SQL connectors, ODBC and JDBC drivers speak.

mod answer;
mod catalog;
pub(crate) mod codec;
mod columns;
mod info;
mod keys;
mod links;
pub(crate) mod messages;
pub(crate) mod numbers;
mod service;
mod statement;

pub(crate) use service::{endpoint, endpoint_of_cluster, read_every_request};
