//! `TCLIService` over HTTP: what SQL connectors, ODBC and JDBC drivers speak.

pub(crate) mod codec;
pub(crate) mod messages;
pub(crate) mod numbers;
