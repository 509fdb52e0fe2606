use arrow_schema::ArrowError;
use brickyard_engine::EngineError;
use brickyard_sql::SqlError;

use crate::catalog::CatalogError;
use crate::error::ApiError;

/// Why a statement failed, in the platform's terms: every protocol tells its client these three.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    /// Error class such as `TABLE_OR_VIEW_NOT_FOUND`.
    pub(crate) class: String,
    /// Five characters, such as `42P01`.
    pub(crate) sql_state: String,
    /// What a user reads: `[CLASS] … SQLSTATE: 42P01`.
    pub(crate) message: String,
}

impl Fault {
    /// `[class] text SQLSTATE: state`.
    pub(crate) fn new(class: &str, sql_state: &str, text: impl std::fmt::Display) -> Self {
        Self {
            class: class.to_owned(),
            sql_state: sql_state.to_owned(),
            message: format!("[{class}] {text} SQLSTATE: {sql_state}"),
        }
    }

    /// A statement that somebody cancelled.
    pub(crate) fn canceled() -> Self {
        Self::new("OPERATION_CANCELED", "HY008", "Operation has been canceled.")
    }

    /// A statement that ran longer than its limit.
    pub(crate) fn timed_out(seconds: u64) -> Self {
        Self::new(
            "QUERY_EXECUTION_TIMEOUT_EXCEEDED",
            "57KD0",
            format_args!("The query execution is timed out because it exceeded {seconds} seconds."),
        )
    }

    /// A part of the platform that is not there, and what to do instead.
    pub(crate) fn unsupported(what: impl std::fmt::Display, hint: impl std::fmt::Display) -> Self {
        let text = format_args!("The local warehouse does not support {what}.");
        let refused = Self::new("UNSUPPORTED_FEATURE", "0A000", text);
        Self { message: format!("{} Hint: {hint}", refused.message), ..refused }
    }

    /// A fault of ours.
    pub(crate) fn internal(text: impl std::fmt::Display) -> Self {
        Self::new("INTERNAL_ERROR", "XX000", text)
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        Self { class: error.class, sql_state: error.sql_state, message: error.message }
    }
}

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        let (class, sql_state, sentence) = error.sql();
        Self::new(class, sql_state, sentence)
    }
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        let hint = error.hint.map(|hint| format!(" Hint: {hint}")).unwrap_or_default();
        Self { class: error.class, sql_state: error.sql_state, message: format!("{}{hint}", error.message) }
    }
}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Self {
        Self::internal(format_args!("The rows cannot be read: {error}"))
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        if error.message.starts_with('[') {
            let class = error.message[1..].split(']').next().unwrap_or_default().to_owned();
            let sql_state = error.message.rsplit("SQLSTATE: ").next().filter(|state| state.len() == 5);
            let sql_state = sql_state.unwrap_or("XX000").to_owned();
            return Self { class, sql_state, message: error.message };
        }
        match error.status.as_u16() {
            401 | 403 => Self::new(
                "INSUFFICIENT_PERMISSIONS",
                "42501",
                format_args!("Insufficient privileges:\n{}", error.message),
            ),
            404 => Self::new("RESOURCE_DOES_NOT_EXIST", "42704", error.message),
            409 => Self::new("RESOURCE_ALREADY_EXISTS", "42710", error.message),
            501 => Self::new("UNSUPPORTED_FEATURE", "0A000", error.message),
            503 => Self::new("TEMPORARILY_UNAVAILABLE", "08S01", error.message),
            400..=499 => Self::new("INVALID_PARAMETER_VALUE", "22023", error.message),
            _ => Self::internal(error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn what_is_not_there_for_now_is_told_as_that() {
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", "No engine");
        let fault = Fault::from(error);
        assert_eq!(
            (fault.class.as_str(), fault.sql_state.as_str()),
            ("TEMPORARILY_UNAVAILABLE", "08S01"),
            "{fault}"
        );
        let shown = crate::warehouse::ask::refused(fault);
        assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
