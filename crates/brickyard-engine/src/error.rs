mod message;

/// Why the engine refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// Error class such as `DIVIDE_BY_ZERO`; `INTERNAL_ERROR` when nothing better is known.
    pub class: String,
    /// Five characters, such as `22012`.
    pub sql_state: String,
    /// What a user reads: `[CLASS] … SQLSTATE: 22012`.
    pub message: String,
    /// Whether the same statement may succeed when sent again: the engine died, or another writer was faster.
    pub retryable: bool,
}

impl EngineError {
    /// An error made here rather than by the engine.
    pub(crate) fn of_us(class: &str, sql_state: &str, sentence: &str) -> Self {
        Self {
            class: class.to_owned(),
            sql_state: sql_state.to_owned(),
            message: format!("[{class}] {sentence}. SQLSTATE: {sql_state}"),
            retryable: false,
        }
    }

    /// The engine is not there, now.
    pub(crate) fn unavailable(sentence: &str) -> Self {
        Self { retryable: true, ..Self::of_us("TEMPORARILY_UNAVAILABLE", "08S01", sentence) }
    }

    /// The engine failed in a way that is no fault of the statement.
    pub(crate) fn internal(sentence: &str) -> Self {
        Self::of_us("INTERNAL_ERROR", "XX000", sentence)
    }

    /// The statement was cancelled.
    pub(crate) fn cancelled() -> Self {
        Self::of_us("OPERATION_CANCELED", "HY008", "Operation has been canceled")
    }

    /// The engine does not take a connection.
    pub(crate) fn unreachable(error: &tonic::transport::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Self::unavailable(&format!("Cannot reach the SQL engine: {cause}"))
    }

    /// What the engine said, with its class found.
    pub(crate) fn from_message(message: &str) -> Self {
        message::read(message)
    }
}

impl From<arrow_schema::ArrowError> for EngineError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::internal(&format!("Rows cannot be read or written: {error}"))
    }
}
