//! The server and the proxy against a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "support code of tests may panic as the tests do")]

mod attacks;
mod fuzzing;
mod history;
mod outside;
mod pooled;
mod proxy;
mod server;
mod sockets;
mod support;
