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

/// How often a call is tried when the workspace is busy (429, 503) or the connection broke.
const TRIES: u32 = 6;

/// Longest wait between two tries, whatever `Retry-After` says.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Wait before the second try; doubled before each later one.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// So long before its end a token counts as spent.
const EARLY: Duration = Duration::from_secs(60);

/// The one HTTP client: user agent, time limits, trust. `proxy` says whether the system's proxy is used, which a loopback
/// address never needs.
pub fn http_client(proxy: bool) -> Result<reqwest::Client, reqwest::Error> {
    http_client_builder(proxy).read_timeout(Duration::from_secs(120)).build()
}

/// The same for a look at an address: a redirect is an answer.
pub fn probe_client(proxy: bool) -> Result<reqwest::Client, reqwest::Error> {
    http_client_builder(proxy).redirect(reqwest::redirect::Policy::none()).build()
}

/// The same for WebSockets, which HTTP/1.1 alone opens and which may be silent for long.
pub fn stream_client(proxy: bool) -> Result<reqwest::Client, reqwest::Error> {
    http_client_builder(proxy).http1_only().redirect(reqwest::redirect::Policy::none()).build()
}

/// The same before it is built, for those that need it stricter.
pub fn http_client_builder(proxy: bool) -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that another part installed a provider before: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let builder = reqwest::Client::builder()
        .user_agent(concat!("brickyard/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10));
    if proxy { builder } else { builder.no_proxy() }
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
        self.json(path, Repeat::Always, |url| self.http.get(url).query(query)).await
    }

    /// POST with a JSON body.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiFailure> {
        self.json(path, Repeat::UnlessSent, |url| self.http.post(url).json(body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiFailure> {
        self.json(path, Repeat::Always, |url| self.http.patch(url).json(body)).await
    }

    /// PUT with a JSON body.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiFailure> {
        self.json(path, Repeat::Always, |url| self.http.put(url).json(body)).await
    }

    /// DELETE; the answer's body is returned as JSON, `null` when it is empty.
    pub async fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<serde_json::Value, ApiFailure> {
        self.json(path, Repeat::UnlessSent, |url| self.http.delete(url).query(query)).await
    }

    /// Any method, with a JSON body or none; the answer's bytes.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Bytes, ApiFailure> {
        let request = |url| {
            let request = self.http.request(method.clone(), url);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        self.bytes(path, Repeat::UnlessSent, request).await
    }

    /// POST that may be repeated when the connection breaks: asked twice it does the same.
    pub async fn post_again<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiFailure> {
        self.json(path, Repeat::Always, |url| self.http.post(url).json(body)).await
    }

    /// Any method with raw bytes that may be repeated; the answer's bytes.
    pub async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Bytes, ApiFailure> {
        let request = |url| self.http.request(method.clone(), url).query(query).body(body.clone());
        self.bytes(path, Repeat::Always, request).await
    }

    /// The HTTP client below, for what is no JSON call, such as a WebSocket.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Whether the bearer is an OAuth token: personal tokens open neither apps nor their logs (platform §4.3).
    pub fn is_oauth(&self) -> bool {
        match &self.credentials {
            Credentials::Token(token) => !token.starts_with("dapi"),
            Credentials::ServicePrincipal { .. } | Credentials::Login(_) => true,
        }
    }

    /// The bearer token that calls carry now.
    pub async fn bearer(&self) -> Result<String, ApiFailure> {
        if let Credentials::Token(token) = &self.credentials {
            return Ok(token.clone());
        }
        let mut cached = self.token.lock().await;
        if let Some((token, until)) = cached.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (token, lifetime) = match &self.credentials {
            Credentials::Token(token) => (token.clone(), Duration::MAX),
            Credentials::Login(login) => login.token(&self.http, &self.base).await?,
            Credentials::ServicePrincipal { client_id, client_secret } => {
                self.exchange(client_id, client_secret).await?
            }
        };
        *cached = Some((token.clone(), Instant::now() + lifetime.saturating_sub(EARLY)));
        Ok(token)
    }

    /// Gives up a token that was refused; `false` where no other can be had.
    async fn renew(&self, refused: &str) -> bool {
        let mut cached = self.token.lock().await;
        if cached.as_ref().is_some_and(|(token, _)| token == refused) {
            *cached = None;
        }
        match &self.credentials {
            Credentials::Token(_) => false,
            Credentials::ServicePrincipal { .. } => true,
            Credentials::Login(login) => login.give_up(refused).await,
        }
    }

    async fn exchange(&self, client_id: &str, secret: &str) -> Result<(String, Duration), ApiFailure> {
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let request = self.http.post(format!("{}/oidc/v1/token", self.base));
            let answer = request.basic_auth(client_id, Some(secret)).form(&form).send().await;
            let pause = match answer {
                Ok(answer) if is_busy(answer.status()) && attempt < TRIES => {
                    retry_after(&answer).unwrap_or(wait)
                }
                Ok(answer) => return token_answer(answer).await,
                Err(source) if attempt == TRIES => {
                    return Err(ApiFailure::Unreachable { host: self.base.clone(), source });
                }
                Err(_) => wait,
            };
            tokio::time::sleep(pause.min(LONGEST_WAIT)).await;
            wait *= 2;
        }
        unreachable!("the last try returns")
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        repeat: Repeat,
        request: impl Fn(String) -> RequestBuilder,
    ) -> Result<T, ApiFailure> {
        let bytes = self.bytes(path, repeat, request).await?;
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text)
            .map_err(|source| ApiFailure::Unexpected { path: path.to_owned(), source: Box::new(source) })
    }

    async fn bytes(
        &self,
        path: &str,
        repeat: Repeat,
        request: impl Fn(String) -> RequestBuilder,
    ) -> Result<Bytes, ApiFailure> {
        let mut wait = FIRST_WAIT;
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let last = attempt >= TRIES;
            let bearer = self.bearer().await?;
            let answer = request(format!("{}{path}", self.base)).bearer_auth(&bearer).send().await;
            let broken = match answer {
                Err(source) => source,
                Ok(answer) => {
                    let status = answer.status();
                    // A token may end in the middle of a long piece of work: a fresh one goes on.
                    if status == StatusCode::UNAUTHORIZED && !renewed && self.renew(&bearer).await {
                        renewed = true;
                        attempt -= 1;
                        continue;
                    }
                    if is_busy(status) && !last {
                        let pause = retry_after(&answer).unwrap_or(wait);
                        tokio::time::sleep(pause.min(LONGEST_WAIT)).await;
                        wait *= 2;
                        continue;
                    }
                    match answer.bytes().await {
                        Ok(body) if status.is_success() => return Ok(body),
                        Ok(body) => return Err(ApiFailure::from_body(status, &body)),
                        Err(source) => source,
                    }
                }
            };
            let again = broken.is_connect() || repeat == Repeat::Always;
            if last || !again {
                return Err(ApiFailure::Unreachable { host: self.base.clone(), source: broken });
            }
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            wait *= 2;
        }
    }
}

/// When a call is made again after its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Asked twice it does the same.
    Always,
    /// Only while it cannot have arrived.
    UnlessSent,
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}

fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let value = answer.headers().get(RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Token and lifetime of a token endpoint's answer (RFC 6749 §5).
pub(crate) async fn token_answer(answer: reqwest::Response) -> Result<(String, Duration), ApiFailure> {
    let status = answer.status();
    let body: serde_json::Value = answer.json().await.unwrap_or_default();
    match (body["access_token"].as_str(), status.is_success()) {
        (Some(token), true) => {
            Ok((token.to_owned(), Duration::from_secs(body["expires_in"].as_u64().unwrap_or(3600))))
        }
        _ => Err(ApiFailure::SignIn {
            message: body["error_description"]
                .as_str()
                .unwrap_or("the token endpoint gave no token")
                .to_owned(),
        }),
    }
}
