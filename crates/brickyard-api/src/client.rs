use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use reqwest::RequestBuilder;
use reqwest::header::RETRY_AFTER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::error::ApiFailure;

/// How often a call is tried when the workspace is busy (429, 503) or the connection broke before it was made.
const TRIES: u32 = 5;

/// Longest wait between two tries, whatever `Retry-After` says.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The one HTTP client: user agent, time limits, trust. `proxy` says whether the system's proxy is used, which a loopback
/// address never needs.
pub fn http_client(proxy: bool) -> Result<reqwest::Client, reqwest::Error> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that another part installed a provider before: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder()
        .user_agent(concat!("brickyard/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(120));
    if proxy { builder.build() } else { builder.no_proxy().build() }
}

/// A client of one workspace; clones share the connection pool and the token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    credentials: Credentials,
    token: Arc<Mutex<Option<(String, Instant)>>>,
}

impl Client {
    /// A client of the workspace at `base`, such as `https://HOST` or `http://127.0.0.1:PORT`.
    pub fn new(base: &str, credentials: Credentials) -> Result<Self, ApiFailure> {
        let base = base.trim_end_matches('/').to_owned();
        let loopback = base.starts_with("http://127.0.0.1") || base.starts_with("http://localhost");
        let http = http_client(!loopback)
            .map_err(|source| ApiFailure::Unreachable { host: base.clone(), source })?;
        Ok(Self { http, base, credentials, token: Arc::default() })
    }

    /// Address of the workspace.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET with query parameters.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ApiFailure> {
        self.json(path, |url| self.http.get(url).query(query)).await
    }

    /// POST with a JSON body.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiFailure> {
        self.json(path, |url| self.http.post(url).json(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiFailure> {
        self.json(path, |url| self.http.patch(url).json(body)).await
    }

    /// PUT with a JSON body.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiFailure> {
        self.json(path, |url| self.http.put(url).json(body)).await
    }

    /// DELETE; the answer's body is returned as JSON, `null` when it is empty.
    pub async fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<serde_json::Value, ApiFailure> {
        self.json(path, |url| self.http.delete(url).query(query)).await
    }

    /// Any method with raw bytes; the answer's bytes.
    pub async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Bytes, ApiFailure> {
        self.bytes(path, |url| self.http.request(method.clone(), url).query(query).body(body.clone())).await
    }

    /// The bearer token that calls carry now.
    pub async fn bearer(&self) -> Result<String, ApiFailure> {
        let Credentials::ServicePrincipal { client_id, client_secret } = &self.credentials else {
            let Credentials::Token(token) = &self.credentials else {
                unreachable!("two kinds of credentials")
            };
            return Ok(token.clone());
        };
        let mut cached = self.token.lock().await;
        if let Some((token, until)) = cached.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let answer = self
            .http
            .post(format!("{}/oidc/v1/token", self.base))
            .basic_auth(client_id, Some(client_secret))
            .form(&[("grant_type", "client_credentials"), ("scope", "all-apis")])
            .send()
            .await
            .map_err(|source| ApiFailure::Unreachable { host: self.base.clone(), source })?;
        let status = answer.status();
        let body: serde_json::Value = answer.json().await.unwrap_or_default();
        let (Some(token), true) = (body["access_token"].as_str(), status.is_success()) else {
            let message =
                body["error_description"].as_str().unwrap_or("the token endpoint gave no token").to_owned();
            return Err(ApiFailure::SignIn { message });
        };
        let lifetime = body["expires_in"].as_u64().unwrap_or(3600).saturating_sub(60);
        *cached = Some((token.to_owned(), Instant::now() + Duration::from_secs(lifetime)));
        Ok(token.to_owned())
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        request: impl Fn(String) -> RequestBuilder,
    ) -> Result<T, ApiFailure> {
        let bytes = self.bytes(path, request).await?;
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text)
            .map_err(|source| ApiFailure::Unexpected { path: path.to_owned(), source: Box::new(source) })
    }

    async fn bytes(
        &self,
        path: &str,
        request: impl Fn(String) -> RequestBuilder,
    ) -> Result<Bytes, ApiFailure> {
        let mut wait = Duration::from_millis(250);
        for attempt in 1.. {
            let bearer = self.bearer().await?;
            let answer = request(format!("{}{path}", self.base)).bearer_auth(bearer).send().await;
            let last = attempt == TRIES;
            match answer {
                Err(source) if source.is_connect() && !last => {}
                Err(source) => return Err(ApiFailure::Unreachable { host: self.base.clone(), source }),
                Ok(answer) => {
                    let status = answer.status();
                    let busy =
                        status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
                    if busy && !last {
                        let asked = answer
                            .headers()
                            .get(RETRY_AFTER)
                            .and_then(|value| value.to_str().ok()?.parse().ok());
                        wait = asked.map_or(wait, Duration::from_secs);
                    } else {
                        let body = answer
                            .bytes()
                            .await
                            .map_err(|source| ApiFailure::Unreachable { host: self.base.clone(), source })?;
                        return if status.is_success() {
                            Ok(body)
                        } else {
                            Err(ApiFailure::from_body(status, &body))
                        };
                    }
                }
            }
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            wait *= 2;
        }
        unreachable!("the last try returns")
    }
}
