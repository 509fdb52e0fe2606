use crate::message::ServerMessage;

/// Why a login or a connection is refused: a SQLSTATE, a sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({sqlstate})")]
pub struct Refusal {
    /// SQLSTATE, such as `28P01` for a bad password.
    pub sqlstate: &'static str,
    /// The sentence drivers show.
    pub message: String,
    /// What exactly was wrong.
    pub detail: Option<String>,
    /// What the developer can do.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal with this SQLSTATE and sentence.
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { sqlstate, message: message.into(), detail: None, hint: None }
    }

    /// `28P01`: the password does not fit.
    pub fn password(message: impl Into<String>) -> Self {
        Self::new("28P01", message)
    }

    /// `28000`: this user may not log in at all.
    pub fn authorization(message: impl Into<String>) -> Self {
        Self::new("28000", message)
    }

    /// Adds what exactly was wrong.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As the `FATAL` message that goes to the client.
    pub(crate) fn to_message(&self) -> ServerMessage {
        ServerMessage {
            severity: "FATAL".to_owned(),
            sqlstate: self.sqlstate.to_owned(),
            message: self.message.clone(),
            detail: self.detail.clone(),
            hint: self.hint.clone(),
        }
    }
}
