use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// `[serving.NAME]`: what answers an endpoint; exactly one of `python`, `mlflow`, `url` and `replay`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ServingSettings {
    /// Task shown to clients, such as `llm/v1/chat` or `llm/v1/embeddings`.
    pub task: Option<String>,
    /// A Python file with a function `predict`, relative to `brickyard.toml`.
    pub python: Option<PathBuf>,
    /// Requirements of the Python file, one per item.
    pub requirements: Vec<String>,
    /// A directory with an MLflow model.
    pub mlflow: Option<PathBuf>,
    /// Base URL of an OpenAI-compatible service, such as `http://127.0.0.1:11434/v1`.
    pub url: Option<String>,
    /// Model named to that service; default: the endpoint's name.
    pub model: Option<String>,
    /// Secret sent to that service, as `scope/key`.
    pub api_key: Option<String>,
    /// A file of recorded answers.
    pub replay: Option<PathBuf>,
    /// Headers added to calls of `url`.
    pub headers: BTreeMap<String, String>,
    /// Requests a minute that are answered, of all callers together; more get a 429.
    pub calls_per_minute: Option<u32>,
    /// Requests a minute that are answered, of each caller.
    pub calls_per_minute_and_user: Option<u32>,
    /// Requests that are answered at the same time.
    pub concurrency: Option<u32>,
    /// Longest time an answer may take, in seconds; default: 297, as on the platform.
    pub timeout_seconds: Option<u64>,
    /// Table that requests and answers are written to, such as `main.default.chat_payload`.
    pub log_table: Option<String>,
}
