use http::StatusCode;

/// Why a call of the workspace API failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiFailure {
    /// The workspace answered with an error.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// The platform's error code, such as `PERMISSION_DENIED`; empty when the body had none.
        code: String,
        /// The platform's sentence.
        message: String,
    },
    /// The workspace could not be reached.
    #[error("Cannot reach the workspace `{host}`")]
    Unreachable {
        /// Address asked.
        host: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The answer is not what the contract says.
    #[error("The workspace answered `{path}` with something unexpected")]
    Unexpected {
        /// Path asked.
        path: String,
        /// The parser's answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No token could be had.
    #[error("Cannot sign in to the workspace: {message}")]
    SignIn {
        /// What the token endpoint said.
        message: String,
    },
}

impl ApiFailure {
    /// Whether the workspace said that the thing is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    /// The platform's error code; empty for other failures.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// Reads an error body: `{"error_code","message"}`, SCIM's `detail`, OAuth's `error`, or plain text.
    pub(crate) fn from_body(status: StatusCode, body: &[u8]) -> Self {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let code = text("error_code").or_else(|| text("error")).unwrap_or_default();
        let message = text("message")
            .or_else(|| text("detail"))
            .or_else(|| text("error_description"))
            .unwrap_or_else(|| match std::str::from_utf8(body).map(str::trim) {
                Ok(text) if !text.is_empty() && text.len() < 500 => text.to_owned(),
                _ => format!("The workspace answered {status}"),
            });
        Self::Refused { status, code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_shape_is_read() {
        let read = |body: &str| match ApiFailure::from_body(StatusCode::BAD_REQUEST, body.as_bytes()) {
            ApiFailure::Refused { code, message, .. } => (code, message),
            _ => unreachable!(),
        };
        assert_eq!(read(r#"{"error_code":"A","message":"b"}"#), ("A".into(), "b".into()));
        assert_eq!(read(r#"{"detail":"c","status":"404"}"#), (String::new(), "c".into()));
        assert_eq!(
            read(r#"{"error":"invalid_grant","error_description":"d"}"#),
            ("invalid_grant".into(), "d".into())
        );
        assert_eq!(read("plain"), (String::new(), "plain".into()));
        assert_eq!(read("").1, "The workspace answered 400 Bad Request");
    }
}
