//! An app behind its front door, for every test of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use brickyard_runner::ingress::{AppConfig, Ingress, IngressConfig, Port, Served, SignIn};
use brickyard_runner::logs::Logs;
use brickyard_runner::supervisor::Supervisor;
use brickyard_testing::python_environment;
use serde_json::Value;

use super::authority::FakeAuthority;
use crate::rig::{config, free_port, launch, logs, temporary};

pub(crate) const APP: &str = include_str!("../app.py");

pub(crate) struct Door {
    pub(crate) served: Served,
    pub(crate) logs: Logs,
    pub(crate) ingress: Ingress,
    pub(crate) supervisor: Supervisor,
    pub(crate) app_port: u16,
    _folder: tempfile::TempDir,
}

pub(crate) fn as_alice() -> SignIn {
    SignIn::As("alice".into())
}

/// The test app, up, with a door before it.
pub(crate) async fn open(sign_in: SignIn, settings: IngressConfig) -> Door {
    open_with(sign_in, settings, FakeAuthority::default(), APP).await
}

pub(crate) async fn open_with(
    sign_in: SignIn,
    settings: IngressConfig,
    authority: FakeAuthority,
    program: &str,
) -> Door {
    let python = tokio::task::spawn_blocking(|| {
        python_environment(&["uvicorn==0.30.6", "websockets==12.0", "h11==0.14.0", "click==8.1.8"]).python()
    });
    let (python, folder, logs) = (python.await.unwrap(), temporary(), logs());
    let launch = launch(folder.path(), &python, program, free_port());
    let app_port = launch.port;
    let supervisor = Supervisor::start(config(launch, &logs));
    if program == APP {
        supervisor.ready().await.unwrap();
    }
    let ingress =
        Ingress::start(IngressConfig { named_port: Some(Port::Exactly(0)), ..settings }).await.unwrap();
    let app = AppConfig {
        names: Vec::new(),
        name: "my-app".into(),
        port: Port::Exactly(0),
        status: supervisor.status(),
        logs: logs.clone(),
        authority: Arc::new(authority),
        sign_in,
    };
    let served = ingress.serve(app).await.unwrap();
    Door { served, logs, ingress, supervisor, app_port, _folder: folder }
}

impl Door {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.served.port)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        client().get(self.url(path)).send().await.unwrap()
    }

    /// Sends bytes as they are; the whole answer.
    pub(crate) async fn raw(&self, request: String) -> String {
        let port = self.served.port;
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        })
        .await
        .unwrap()
    }

    pub(crate) async fn close(self) {
        self.ingress.close().await;
        self.supervisor.close().await;
    }
}

/// A client that follows nothing and asks no proxy.
pub(crate) fn client() -> reqwest::Client {
    // Another test may have been first.
    let _already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// The same, speaking cleartext HTTP/2 from the first byte.
pub(crate) fn http2_client() -> reqwest::Client {
    let _already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap()
}

/// What the app saw under a name, however spelled: every value.
pub(crate) fn seen(headers: &Value, name: &str) -> Vec<String> {
    let same = |found: &str| found.to_lowercase().replace(['_', '.'], "-") == name;
    let pairs = headers.as_array().unwrap().iter();
    pairs
        .filter(|pair| same(pair[0].as_str().unwrap()))
        .map(|pair| pair[1].as_str().unwrap().to_owned())
        .collect()
}
