//! Which endpoints were asked, how it went and by which client: a line in a file for each that is new.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::USER_AGENT;

/// Longest name of a client that is kept, in characters.
const LONGEST_AGENT: usize = 200;

/// The file: `METHOD`, path with `{placeholders}`, status and `User-Agent` between tabs.
#[derive(Clone)]
pub(crate) struct RequestLog {
    inner: Arc<Mutex<(File, HashSet<String>)>>,
}

impl RequestLog {
    /// Opens the file to write at its end.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { inner: Arc::new(Mutex::new((file, HashSet::new()))) })
    }

    fn add(&self, line: String) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, seen) = &mut *inner;
        if seen.contains(&line) {
            return;
        }
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "A request could not be noted: {error}");
        }
        seen.insert(line);
    }
}

/// Notes the endpoint that a request found; those which found none are not of interest here.
pub(crate) async fn note_requests(State(log): State<RequestLog>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let agent = request.headers().get(USER_AGENT).cloned();
    let response = next.run(request).await;
    if let Some(path) = path {
        let agent = agent.as_ref().and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let agent: String = agent.chars().filter(|letter| !letter.is_control()).take(LONGEST_AGENT).collect();
        log.add(format!("{method}\t{}\t{}\t{agent}\n", path.as_str(), response.status().as_u16()));
    }
    response
}
