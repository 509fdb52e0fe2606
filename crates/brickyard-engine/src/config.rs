use std::path::PathBuf;

use crate::endpoint::Endpoint;
use crate::error::EngineError;

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

impl EngineConfig {
    /// The endpoint of a connection string, `sc://host[:port][/;key=value…]`; refused where it names none. Nothing is connected.
    pub fn remote(url: &str) -> Result<Self, EngineError> {
        Endpoint::parse(url)?;
        Ok(Self::Remote { url: url.to_owned() })
    }
}

/// A Sail child.
#[derive(Clone)]
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
    /// Tokens for that API: a session of slot N presents the N-th. Every three slots share a child.
    pub catalog_tokens: Vec<String>,
    /// Upper bound of a child's memory pool, in bytes.
    pub memory: u64,
    /// Bytes of memory above which a child in which nothing runs is replaced by a new one.
    pub largest: u64,
}

impl std::fmt::Debug for ChildConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ChildConfig")
            .field("executable", &self.executable)
            .field("warehouse_directory", &self.warehouse_directory)
            .field("catalog_url", &self.catalog_url)
            .field("catalog_tokens", &format_args!("{} secrets", self.catalog_tokens.len()))
            .field("memory", &self.memory)
            .field("largest", &self.largest)
            .finish_non_exhaustive()
    }
}
