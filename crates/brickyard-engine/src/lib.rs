//! SQL behind one small interface: a supervised Sail child or any other Spark Connect endpoint.
//!
//! The caller opens a [`Session`] for a user, executes statements and reads Arrow batches; everything Databricks adds to
//! Spark's SQL is done before a statement comes here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

/// How to have an engine.
#[derive(Debug, Clone)]
pub enum EngineConfig {
    /// Start Sail as a child.
    Child(ChildConfig),
    /// Use the endpoint `sc://host:port[/;token=…]`.
    Remote {
        /// The Spark Connect connection string.
        url: String,
    },
}

/// A Sail child.
#[derive(Debug, Clone)]
pub struct ChildConfig {
    /// The `sail` executable.
    pub executable: PathBuf,
    /// Words before the command, so that the child dies with us; may be empty.
    pub warden: Vec<String>,
    /// Where tables without a location go; absolute.
    pub warehouse_directory: PathBuf,
    /// Base address of the Unity Catalog REST API the child resolves names against, such as
    /// `http://127.0.0.1:4040/api/2.1/unity-catalog`.
    pub catalog_url: String,
    /// Tokens for that API: slot `sNN` of the child's catalogs presents the NN-th.
    pub catalog_tokens: Vec<String>,
    /// Upper bound of the engine's memory pool, in bytes.
    pub memory: u64,
}

/// What a session is opened with.
#[derive(Debug, Clone, Default)]
pub struct SessionSpec {
    /// Name that `current_user()` gives.
    pub user: String,
    /// Which catalog slot the session resolves names through; `None` for an engine without our catalog.
    pub slot: Option<usize>,
    /// Spark configuration, such as `spark.sql.session.timeZone`.
    pub configuration: BTreeMap<String, String>,
}

/// A value bound to a parameter marker.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// SQL type, such as `DECIMAL(10,2)`; `VOID` for NULL.
    pub sql_type: String,
    /// The value as text; `None` is NULL.
    pub value: Option<String>,
}

/// Values for the markers of a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Parameters {
    /// No markers.
    #[default]
    None,
    /// `?` in order.
    Positional(Vec<Parameter>),
    /// `:name`.
    Named(BTreeMap<String, Parameter>),
}

/// One piece of a result: a whole Arrow IPC stream, passed through as the engine sent it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Rows in it.
    pub rows: usize,
    /// Schema message, record batches, end of stream.
    pub stream: Bytes,
}

impl Batch {
    /// The rows as Arrow arrays.
    pub fn decode(&self) -> Result<Vec<RecordBatch>, EngineError> {
        let reader = arrow_ipc::reader::StreamReader::try_new(self.stream.as_ref(), None)?;
        Ok(reader.collect::<Result<_, _>>()?)
    }
}

/// What the engine says of a result before its rows.
#[derive(Debug, Clone)]
pub struct ResultHead {
    /// Columns.
    pub schema: SchemaRef,
}

/// Why the engine refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// Error class such as `DIVIDE_BY_ZERO`; `INTERNAL_ERROR` when nothing better is known.
    pub class: String,
    /// Five characters, such as `22012`.
    pub sql_state: String,
    /// What a user reads, starting with `[CLASS]`.
    pub message: String,
    /// Whether the same statement may succeed when sent again (the engine died).
    pub retryable: bool,
}

impl From<arrow_schema::ArrowError> for EngineError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self {
            class: "INTERNAL_ERROR".to_owned(),
            sql_state: "XX000".to_owned(),
            message: format!("[INTERNAL_ERROR] The engine sent rows that cannot be read: {error}"),
            retryable: false,
        }
    }
}
