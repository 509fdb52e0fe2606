use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use ring::rand::SecureRandom;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

use super::Server;
use crate::environment::MCP_TOKEN;
use crate::failure::{Exit, Failure};
use crate::lifecycle::Lifecycle;
use crate::ops::target::TargetArgs;
use crate::printer::Printer;
use crate::settings::Settings;

const SHORTEST_TOKEN: usize = 16;

/// Pages that may speak to the server: those of this machine.
const ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

/// Serves any number of clients over streamable HTTP on loopback until it is told to stop.
pub(crate) async fn serve_http(
    settings: Settings,
    target: TargetArgs,
    port: u16,
    lifecycle: &Lifecycle,
    printer: Printer,
) -> Result<Exit, Failure> {
    let given = settings.environment.text(MCP_TOKEN).map(str::to_owned);
    let token = match &given {
        Some(token) if token.len() < SHORTEST_TOKEN => {
            return Err(Failure::user(format!("`{MCP_TOKEN}` is shorter than {SHORTEST_TOKEN} characters"))
                .hint("leave it out: the server makes one and says where it is"));
        }
        Some(token) => token.clone(),
        None => random()?,
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::machine(format!("Cannot listen on port {port}"))
            .because(error)
            .hint("`--http 0` takes any free port")
    })?;
    let address =
        listener.local_addr().map_err(|error| Failure::machine("Cannot tell the port").because(error))?;
    let url = format!("http://127.0.0.1:{}/mcp", address.port());

    let _note = if given.is_none() {
        let note = Note::leave(&settings.service_directory(), &url, &token)?;
        printer.note(format!("MCP at {url}; the bearer token is in {}", note.0.display()));
        Some(note)
    } else {
        printer.note(format!("MCP at {url}; the bearer token is that of {MCP_TOKEN}"));
        None
    };
    let server = Server::new(settings, target);
    let runs = server.runs.clone();
    let config = StreamableHttpServerConfig::default()
        .with_cancellation_token(lifecycle.soft.clone())
        .with_allowed_origins(ORIGINS);
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let router = Router::new()
        .nest_service("/mcp", service)
        .layer(from_fn_with_state(Arc::new(digest(&token)), only_with_token));
    axum::serve(listener, router)
        .with_graceful_shutdown(lifecycle.soft.clone().cancelled_owned())
        .await
        .map_err(|error| Failure::machine("The MCP server failed").because(error))?;
    runs.stop_all().await;
    Ok(Exit::Success)
}

/// Refuses whoever does not bring the token (RFC 6750 §3).
async fn only_with_token(State(wanted): State<Arc<Vec<u8>>>, request: Request, next: Next) -> Response {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, token)| token.trim());
    // Digests are compared: how far they agree says nothing of the token.
    if token.is_some_and(|token| digest(token) == *wanted) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], "The bearer token is missing or wrong\n")
        .into_response()
}

fn digest(token: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

fn random() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::machine("The machine gives no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The file that tells address and token; it goes when the server does.
struct Note(PathBuf);

impl Note {
    fn leave(directory: &Path, url: &str, token: &str) -> Result<Self, Failure> {
        let path = directory.join("mcp.json");
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(directory)?;
            let part = path.with_extension("part");
            let _left_before = std::fs::remove_file(&part);
            let mut file =
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
            file.write_all(json!({ "url": url, "token": token }).to_string().as_bytes())?;
            std::fs::rename(&part, &path)
        };
        write()
            .map_err(|error| Failure::machine(format!("Cannot write `{}`", path.display())).because(error))?;
        Ok(Self(path))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
