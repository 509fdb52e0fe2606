//! SQL behind one small interface: a supervised Sail child or any other Spark Connect endpoint.
//!
//! The caller opens a [`Session`] for a user, executes statements and reads Arrow batches; everything Databricks adds to
//! Spark's SQL is done before a statement comes here. Nobody above knows which engine it is.

mod child;
mod config;
mod connect;
mod data_type;
mod endpoint;
mod engine;
mod environment;
mod error;
mod live;
mod parameter;
mod raw;
mod recursion;
mod result;
mod runaway;
mod session;
mod socket;
mod swollen;
mod tls;
mod wire;
mod work;

pub use config::{ChildConfig, EngineConfig};
pub use engine::Engine;
pub use error::EngineError;
pub use parameter::{Parameter, Parameters};
pub use raw::RawResult;
pub use recursion::Recursion;
pub use result::{Batch, ResultHead, ResultStream};
pub use session::{Session, SessionSpec};
pub use socket::Socket;
