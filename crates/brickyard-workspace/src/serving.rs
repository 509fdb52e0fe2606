//! Model serving: endpoints whose answers come from a backend the user names, an OpenAI-compatible service, a Python
//! function or a file of recorded answers. Nothing is ever made up here.

mod describe;
mod endpoint;
mod gate;
mod invoke;
mod log;
mod python;
mod remote;
mod replay;
mod settings;
mod shape;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use endpoint::{ServingBackend, ServingEndpoint};
pub use gate::ServingOptions;

use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;

/// Largest request, in bytes: 16 MiB as on the platform.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// Endpoints, the programs and connections behind them.
#[derive(Default)]
pub(crate) struct Serving {
    endpoints: RwLock<BTreeMap<String, Arc<ServingEndpoint>>>,
    workers: tokio::sync::Mutex<HashMap<String, Arc<python::Worker>>>,
    clients: remote::Clients,
    gates: RwLock<BTreeMap<String, Arc<gate::Gate>>>,
    log: std::sync::OnceLock<tokio::sync::mpsc::Sender<log::Row>>,
}

impl Serving {
    /// The endpoint of this name: its own, or the longest pattern (`databricks-*`) that fits.
    fn find(&self, name: &str) -> Option<Arc<ServingEndpoint>> {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        let exact = endpoints.get(name);
        let fits = |pattern: &str| pattern.strip_suffix('*').is_some_and(|start| name.starts_with(start));
        let pattern = || endpoints.values().filter(|one| fits(&one.name)).max_by_key(|one| one.name.len());
        exact.or_else(pattern).cloned()
    }

    /// The limits of the endpoint of this name.
    fn gate(&self, name: &str) -> Arc<gate::Gate> {
        if let Some(gate) = self.gates.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(gate);
        }
        self.put_options(name, ServingOptions::default())
    }

    fn put_options(&self, name: &str, options: ServingOptions) -> Arc<gate::Gate> {
        let gate = Arc::new(gate::Gate::new(options));
        let mut gates = self.gates.write().unwrap_or_else(PoisonError::into_inner);
        gates.insert(name.to_owned(), Arc::clone(&gate));
        gate
    }

    fn all(&self) -> Vec<Arc<ServingEndpoint>> {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        endpoints.values().filter(|one| !one.is_pattern()).cloned().collect()
    }
}

impl WorkspaceHandle {
    /// Adds or replaces a serving endpoint; a name that ends in `*` stands for every name that starts so.
    ///
    /// 400 where the name or the backend cannot be one.
    pub fn put_serving_endpoint(&self, endpoint: ServingEndpoint) -> Result<(), ApiError> {
        endpoint.check()?;
        if let ServingBackend::OpenAi { base_url, .. } = &endpoint.backend {
            self.workspace().serving().clients.prepare(base_url)?;
        }
        let mut endpoints =
            self.workspace().serving().endpoints.write().unwrap_or_else(PoisonError::into_inner);
        endpoints.insert(endpoint.name.clone(), Arc::new(endpoint));
        Ok(())
    }
}

impl WorkspaceHandle {
    /// Sets limits and logging of a serving endpoint, named as it was put.
    pub fn set_serving_options(&self, name: &str, options: ServingOptions) {
        self.workspace().serving().put_options(name, options);
    }
}

/// Model serving, both its control and its data plane.
pub(crate) fn family() -> Family {
    let reading =
        Fidelity::Partial("Endpoints are named in `brickyard.toml`; creating them through the API is a 501.");
    let asking = Fidelity::Partial("Answers come from the backend that is configured for the endpoint.");
    let by_hand = Fidelity::Partial(
        "Answers come from the backend that is configured for the endpoint. No client has a method for this path; the SDK's `api_client` asks.",
    );
    let read = Some("serving::the_sdk_finds_and_queries_a_python_function");
    let ask = Some("serving::openai_talks_to_a_compatible_service");
    let doors = Some("serving_limits::openai_comes_through_every_door");
    let limits = Some("serving_limits::limits_feedback_and_the_request_log");
    let gateway = Fidelity::Partial("The serving endpoints under the paths of the AI gateway.");
    let limit = || DefaultBodyLimit::max(LARGEST_REQUEST);
    Family::new("Model serving")
        .endpoint("GET", "/api/2.0/serving-endpoints", get(describe::list), reading, read)
        .endpoint("GET", "/api/2.0/serving-endpoints/{name}", get(describe::show), reading, read)
        .endpoint(
            "POST",
            "/serving-endpoints/{name}/invocations",
            post(invoke::by_path).layer(limit()),
            asking,
            read,
        )
        .endpoint(
            "POST",
            "/api/2.0/serving-endpoints/{name}/invocations",
            post(invoke::by_path).layer(limit()),
            by_hand,
            read,
        )
        .endpoint(
            "POST",
            "/serving-endpoints/{name}/served-models/{model}/invocations",
            post(invoke::by_served_model).layer(limit()),
            asking,
            limits,
        )
        .endpoint(
            "PUT",
            "/api/2.0/serving-endpoints/{name}/ai-gateway",
            axum::routing::put(settings::put_ai_gateway),
            Fidelity::Partial("Rate limits in requests a minute and payload logging; guardrails are a 501."),
            limits,
        )
        .endpoint(
            "PUT",
            "/api/2.0/serving-endpoints/{name}/rate-limits",
            axum::routing::put(settings::put_rate_limits),
            Fidelity::Partial("Requests a minute, of all callers or of each."),
            limits,
        )
        .endpoint(
            "POST",
            "/serving-endpoints/chat/completions",
            post(invoke::chat).layer(limit()),
            asking,
            ask,
        )
        .endpoint("POST", "/serving-endpoints/completions", post(invoke::text).layer(limit()), asking, doors)
        .endpoint("POST", "/serving-endpoints/embeddings", post(invoke::embed).layer(limit()), asking, ask)
        .endpoint("POST", "/serving-endpoints/responses", post(invoke::respond).layer(limit()), asking, doors)
        .endpoint(
            "POST",
            "/ai-gateway/mlflow/v1/chat/completions",
            post(invoke::chat).layer(limit()),
            gateway,
            doors,
        )
        .endpoint(
            "POST",
            "/ai-gateway/mlflow/v1/embeddings",
            post(invoke::embed).layer(limit()),
            gateway,
            doors,
        )
        .endpoint(
            "POST",
            "/ai-gateway/mlflow/v1/responses",
            post(invoke::respond).layer(limit()),
            gateway,
            doors,
        )
        .endpoint(
            "POST",
            "/ai-gateway/openai/v1/chat/completions",
            post(invoke::chat).layer(limit()),
            gateway,
            doors,
        )
        .endpoint(
            "POST",
            "/ai-gateway/openai/v1/embeddings",
            post(invoke::embed).layer(limit()),
            gateway,
            doors,
        )
        .endpoint(
            "POST",
            "/ai-gateway/openai/v1/responses",
            post(invoke::respond).layer(limit()),
            gateway,
            doors,
        )
}
