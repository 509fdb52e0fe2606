use std::path::PathBuf;

use crate::error::ApiError;

/// A model serving endpoint and what answers for it.
#[derive(Debug, Clone)]
pub struct ServingEndpoint {
    /// Name in URLs and `model` fields; one that ends in `*` stands for every name that starts so.
    pub name: String,
    /// Task shown to clients: `llm/v1/chat`, `llm/v1/completions`, `llm/v1/embeddings`, `agent/v1/responses`, …
    pub task: Option<String>,
    /// What answers.
    pub backend: ServingBackend,
}

/// What stands behind an endpoint.
#[derive(Debug, Clone)]
pub enum ServingBackend {
    /// Nothing yet: the endpoint can be seen, and a query says how to name a backend.
    Unset,
    /// A service that speaks `OpenAI`'s API, such as Ollama, vLLM or a hosted one.
    OpenAi {
        /// Where its API begins, such as `http://127.0.0.1:11434/v1`.
        base_url: String,
        /// Model to name to it; `None` names the endpoint.
        model: Option<String>,
        /// Secret to send as bearer token: scope and key.
        key: Option<(String, String)>,
        /// Further headers to send.
        headers: Vec<(String, String)>,
    },
    /// A function `predict(request)` in a Python file, kept warm in a process of its own.
    Python {
        /// The file.
        file: PathBuf,
        /// Lines of a `requirements.txt` for its environment.
        requirements: Vec<String>,
    },
    /// A model that `MLflow` saved, kept warm in a process of its own.
    Mlflow {
        /// The directory with the `MLmodel` file.
        model: PathBuf,
        /// Lines of a `requirements.txt` beside those the model brings.
        requirements: Vec<String>,
    },
    /// Recorded answers, one JSON object a line: `{"request": …, "response": …}` or with `"chunks": […]`.
    Replay {
        /// The file.
        file: PathBuf,
    },
}

impl ServingEndpoint {
    /// Whether the name stands for many.
    pub(super) fn is_pattern(&self) -> bool {
        self.name.ends_with('*')
    }

    pub(super) fn check(&self) -> Result<(), ApiError> {
        let name = self.name.strip_suffix('*').unwrap_or(&self.name);
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if (name.is_empty() && !self.is_pattern()) || name.len() > 63 || !name.bytes().all(good) {
            return Err(ApiError::invalid(format!("`{}` is not a name of a serving endpoint", self.name)));
        }
        if let ServingBackend::OpenAi { base_url, headers, .. } = &self.backend {
            let url = url::Url::parse(base_url);
            if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                return Err(ApiError::invalid(format!("`{base_url}` is not an http or https URL")));
            }
            let sendable = |(name, value): &(String, String)| {
                http::HeaderName::try_from(name).is_ok() && http::HeaderValue::try_from(value).is_ok()
            };
            if !headers.iter().all(sendable) {
                return Err(ApiError::invalid(format!(
                    "A header of the endpoint `{}` cannot be sent",
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// The task, as configured or as the name suggests.
    pub(super) fn task(&self, name: &str) -> &str {
        self.task.as_deref().unwrap_or_else(|| {
            let embeds = ["embed", "gte", "bge"].iter().any(|part| name.contains(part));
            match self.backend {
                ServingBackend::Python { .. } | ServingBackend::Mlflow { .. } => "",
                _ if embeds => "llm/v1/embeddings",
                _ => "llm/v1/chat",
            }
        })
    }
}
