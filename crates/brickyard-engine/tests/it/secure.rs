use std::process::Stdio;
use std::sync::Arc;

use brickyard_engine::{Engine, EngineConfig, Parameters, SessionSpec};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_rustls::TlsAcceptor;

use crate::support::text;

/// An engine behind TLS is reached when its certificate is trusted and bears its name, and not otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_behind_tls_is_reached_with_use_ssl() {
    let (_sail, behind) = sail().await;
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = |name: &str, of: &CertifiedKey<rcgen::KeyPair>| {
        let path = directory.path().join(name);
        std::fs::write(&path, of.cert.pem()).unwrap();
        path.display().to_string()
    };
    let (own, foreign) = (file("own.pem", &made), file("foreign.pem", &other));
    let port = front(made, &behind).await;
    let start = |url: String| Engine::start(EngineConfig::Remote { url });

    let engine = start(format!("sc://localhost:{port};use_ssl=true;ssl_ca={own}")).await.unwrap();
    let spec = SessionSpec { user: "ada@example.com".to_owned(), ..SessionSpec::default() };
    let session = engine.open(spec).await.unwrap();
    assert_eq!(text(&session, "SELECT 6 * 7", &Parameters::None).await, "42");

    for url in [
        format!("sc://localhost:{port};use_ssl=true;ssl_ca={foreign}"),
        format!("sc://127.0.0.1:{port};use_ssl=true;ssl_ca={own}"),
        format!("sc://localhost:{port};use_ssl=true"),
    ] {
        let error = start(url.clone()).await.err().unwrap();
        assert!(error.message.contains("certificate"), "{url}: {error}");
    }
}

/// A server that nobody here supervises, and its address.
async fn sail() -> (Child, String) {
    let environment = brickyard_testing::python_environment(&["pysail==0.7.2"]);
    let mut server = Command::new(environment.program("sail"))
        .args(["spark", "server", "--ip", "127.0.0.1", "--port", "0"])
        .env("RUST_LOG", "warn,sail_cli=info")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some((_, address)) = line.split_once("Spark Connect server on ") {
            return (server, address.trim_end_matches('.').to_owned());
        }
    }
}

/// Ends TLS before a server of this machine and gives the port where it does.
async fn front(made: CertifiedKey<rcgen::KeyPair>, behind: &str) -> u16 {
    let behind = behind.to_owned();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (TlsAcceptor::from(Arc::new(config.clone())), behind.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut engine = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut engine).await; // ends with either
            });
        }
    });
    port
}
