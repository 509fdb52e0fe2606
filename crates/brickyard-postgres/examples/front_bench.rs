//! Measures the proxy against the bare server and against `PgBouncer`, in one run: `cargo run --release -p
//! brickyard-postgres --example front_bench`; words after `--` choose parts of it, such as `connect`. Needs `pgbench`,
//! `psql` and `pgbouncer` on `PATH`, and Linux.
//!
//! Each way has TLS on the client's side, the server's own where it is direct; only `copier` has none: it is the least that
//! any process between client and server does, a thread that copies bytes to the unix socket and back. Where client, server
//! and proxy share the processors, no proxy comes nearer to `direct` than that.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for measuring by hand")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use brickyard_postgres::{
    Account, Admission, Authenticator, BoxFuture, Installation, Login, Proxy, ProxyConfig, Refusal, Server,
    ServerConfig, listen, places,
};
use rustls::pki_types::PrivateKeyDer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ROUNDS: usize = 3;
const SECONDS: &str = "2";

/// The way without TLS.
const COPIER: &str = "copier";

/// Parts of a run.
const PARTS: [&str; 5] = ["start", "query", "connect", "copy", "idle"];

struct Anybody;

impl Authenticator for Anybody {
    fn admit<'a>(&'a self, login: Login<'a>) -> BoxFuture<'a, Result<Admission, Refusal>> {
        let admission = Admission { role: login.user.to_owned(), settings: Vec::new(), password: None };
        Box::pin(std::future::ready(Ok(admission)))
    }
}

/// One way to the server.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    host: &'static str,
    port: u16,
    /// The process in front of the server.
    front: Option<u32>,
}

#[tokio::main]
async fn main() {
    let mut parts: Vec<String> = std::env::args().skip(1).collect();
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    assert!(parts.iter().all(|part| PARTS.contains(&part.as_str())), "parts are {PARTS:?}");
    let chosen = |part: &str| parts.iter().any(|name| name == part);
    let path: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    let installation = Installation::find(&places(path), None).await.unwrap();
    println!("PostgreSQL {}", installation.version);
    let directory = tempfile::tempdir().unwrap();
    let account = Account::needed().unwrap();
    let (certificate, key) = certificate(directory.path(), account.as_ref());
    let (tracker, cancellation) = (TaskTracker::new(), CancellationToken::new());
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let cache = directory.path().join("cache");
    if chosen("start") {
        starts(&installation, directory.path(), &cache).await;
    }
    let server = Server::new(ServerConfig {
        source: Arc::new(installation),
        data: directory.path().join("server/data"),
        cache,
        sockets: PathBuf::from("/tmp"),
        warden: Vec::new(),
        max_connections: 1100,
        outside: None,
        settings: vec![
            setting("listen_addresses", "127.0.1.1".to_owned()),
            setting("ssl", "on".to_owned()),
            setting("ssl_cert_file", directory.path().join("cert.pem").display().to_string()),
            setting("ssl_key_file", directory.path().join("key.pem").display().to_string()),
        ],
        tracker: tracker.clone(),
        cancellation: cancellation.clone(),
    });
    let socket = server.socket().await.unwrap();
    let mut client = server.client("postgres").await.unwrap();
    client.query("CREATE ROLE ada LOGIN SUPERUSER").await.unwrap();
    client.query("CREATE DATABASE bench OWNER ada").await.unwrap();

    let listener = listen(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let tls = Arc::new(tls);
    let config = |pooled| ProxyConfig {
        name: "bench".to_owned(),
        server: server.clone(),
        tls: Arc::clone(&tls),
        authenticator: Arc::new(Anybody),
        connection_limit: 1100,
        pooled,
        clock: Arc::new(|| 0),
        tracker: tracker.clone(),
        cancellation: cancellation.clone(),
    };
    let proxy = Proxy::start(config(false), listener).unwrap();
    let pooled =
        Proxy::start(config(true), listen(&["127.0.0.1:0".parse().unwrap()]).await.unwrap()).unwrap();
    let copier = copier(&socket);
    let mut bouncer = bouncer(directory.path(), socket.parent().unwrap(), account.as_ref());
    let own = Some(std::process::id());
    let ways = [
        Way { name: "direct", host: "127.0.1.1", port: 5432, front: None },
        Way { name: "brickyard", host: "127.0.0.1", port: proxy.address().port(), front: own },
        Way { name: "pgbouncer", host: "127.0.0.1", port: 26432, front: Some(bouncer.id()) },
        Way { name: "pooled", host: "127.0.0.1", port: pooled.address().port(), front: own },
        Way { name: COPIER, host: "127.0.0.1", port: copier, front: own },
    ];
    let file = std::fs::read_to_string(directory.path().join("server/data/postmaster.pid")).unwrap();
    let postmaster: u32 = file.lines().next().unwrap().parse().unwrap();
    let wanted = parts.clone();
    tokio::task::spawn_blocking(move || measure(&wanted, &ways, postmaster)).await.unwrap();
    if chosen("idle") {
        let before = memory();
        idle(&proxy, before).await;
    }
    let _ = bouncer.kill();
    let _ = bouncer.wait();
    cancellation.cancel();
    tracker.close();
    tracker.wait().await;
}

/// Seconds until a server answers: the very first on the machine, the first of a further one, and one that was stopped.
async fn starts(installation: &Installation, directory: &Path, cache: &Path) {
    let (tracker, cancellation) = (TaskTracker::new(), CancellationToken::new());
    let server = |name: &str| {
        Server::new(ServerConfig {
            source: Arc::new(installation.clone()),
            data: directory.join(name).join("data"),
            cache: cache.to_path_buf(),
            sockets: PathBuf::from("/tmp"),
            warden: Vec::new(),
            max_connections: 1000,
            outside: None,
            settings: Vec::new(),
            tracker: tracker.clone(),
            cancellation: cancellation.clone(),
        })
    };
    let time = async |title: &str, server: &Server| {
        let before = Instant::now();
        server.client("postgres").await.unwrap().query("SELECT 1").await.unwrap();
        println!("{title}\n  {:10} {:10.3}", "brickyard", before.elapsed().as_secs_f64());
    };
    let first = server("first");
    time("start, the first of the machine (s)", &first).await;
    first.stop().await;
    time("start, warm (s)", &first).await;
    first.stop().await;
    let second = server("second");
    time("start, a further server (s)", &second).await;
    second.stop().await;
}

fn measure(parts: &[String], ways: &[Way], postmaster: u32) {
    wait_for(ways);
    pgbench(&ways[0], &["-i", "-s", "10", "-q"]);
    let simple = &["-S", "-M", "simple", "-c", "8", "-j", "2", "-T", SECONDS];
    let prepared = &["-S", "-M", "prepared", "-c", "1", "-T", SECONDS];
    let connecting = &["-S", "-C", "-c", "4", "-j", "2", "-T", SECONDS];
    let named = |names: &[&str]| -> Vec<Way> {
        ways.iter().filter(|way| names.contains(&way.name)).copied().collect()
    };
    let titles = [
        (
            "query",
            "pgbench -S, 8 clients (tps)",
            named(&["direct", "brickyard", "pgbouncer", COPIER]),
            &simple[..],
        ),
        ("query", "pgbench -S prepared, 1 client (tps)", named(&["direct", "brickyard"]), &prepared[..]),
        (
            "connect",
            "connect per transaction, 4 clients (tps)",
            named(&["direct", "brickyard", "pgbouncer", "pooled"]),
            &connecting[..],
        ),
    ];
    let chosen = |part: &str| parts.iter().any(|name| name == part);
    for (_, title, ways, arguments) in titles.into_iter().filter(|(part, ..)| chosen(part)) {
        let (mut results, mut costs) = (vec![Vec::new(); ways.len()], vec![Vec::new(); ways.len()]);
        for _ in 0..ROUNDS {
            for (at, way) in ways.iter().enumerate() {
                let before = seconds_of(way.front) + seconds_of(Some(postmaster));
                let text = pgbench(way, arguments);
                let spent = seconds_of(way.front) + seconds_of(Some(postmaster)) - before;
                results[at].push(tps(&text));
                costs[at].push(spent * 1e6 / transactions(&text));
            }
        }
        report(title, &ways, &mut results, 0);
        if arguments == connecting {
            report("processor time for a connection, beside the client's (µs)", &ways, &mut costs, 0);
        }
    }
    if chosen("copy") {
        let ways = &ways[..2];
        let mut results = vec![Vec::new(); ways.len()];
        for _ in 0..ROUNDS {
            for (way, results) in ways.iter().zip(&mut results) {
                results.push(copy(way));
            }
        }
        report("COPY of 1 GB to the client (MB/s)", ways, &mut results, 0);
    }
}

/// Processor time of a process and of its children, those that have ended too.
fn seconds_of(process: Option<u32>) -> f64 {
    let Some(process) = process else { return 0.0 };
    let children =
        std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let living = children.split_whitespace().map(|child| seconds(child, 2));
    seconds(&process.to_string(), 4) + living.sum::<f64>()
}

/// Its own time in user and system mode, and for four fields that of its ended children too.
fn seconds(process: &str, fields: usize) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(") ") else { return 0.0 };
    rest.split(' ').skip(11).take(fields).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

fn report(title: &str, ways: &[Way], results: &mut [Vec<f64>], base: usize) {
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let medians: Vec<f64> = results.iter_mut().map(median).collect();
    println!("{title}");
    for (way, value) in ways.iter().zip(&medians) {
        println!("  {:10} {value:10.1}  {:.2} of {}", way.name, value / medians[base], ways[base].name);
    }
}

fn variables(command: &mut Command, way: &Way) {
    command
        .env("PGHOST", way.host)
        .env("PGPORT", way.port.to_string())
        .env("PGUSER", "ada")
        .env("PGPASSWORD", "good")
        .env("PGDATABASE", "bench")
        .env("PGSSLMODE", if way.name == COPIER { "disable" } else { "require" });
}

fn pgbench(way: &Way, arguments: &[&str]) -> String {
    let mut command = Command::new("pgbench");
    variables(&mut command, way);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}: {}", way.name, String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn tps(text: &str) -> f64 {
    let line = text.lines().rev().find(|line| line.starts_with("tps = ")).unwrap();
    line["tps = ".len()..].split(' ').next().unwrap().parse().unwrap()
}

fn transactions(text: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
    line.unwrap().split('/').next().unwrap().parse().unwrap()
}

fn copy(way: &Way) -> f64 {
    let mut command = Command::new("psql");
    variables(&mut command, way);
    let before = Instant::now();
    let sql = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT";
    let status = command.args(["-c", sql]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    1001.0 / before.elapsed().as_secs_f64()
}

/// 1,000 sessions that do nothing, opened by another process.
async fn idle(proxy: &Proxy, before: u64) {
    let script = "\\set x 1\n\\sleep 2 s\nSELECT 1;\n";
    let file = std::env::temp_dir().join("brickyard-idle.sql");
    std::fs::write(&file, script).unwrap();
    let way = Way { name: "brickyard", host: "127.0.0.1", port: proxy.address().port(), front: None };
    let mut command = Command::new("pgbench");
    variables(&mut command, &way);
    let mut child = command
        .args(["-n", "-c", "1000", "-j", "1", "-t", "1", "-f"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = (0, before);
    while child.try_wait().unwrap().is_none() {
        most = most.max((proxy.sessions(), memory()));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (sessions, after) = most;
    println!("{sessions} idle sessions: {} kB more in the proxy's process", after.saturating_sub(before));
}

/// Resident memory of this process in kB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn certificate(
    directory: &Path,
    account: Option<&Account>,
) -> (rustls::pki_types::CertificateDer<'static>, PrivateKeyDer<'static>) {
    use std::os::unix::fs::{PermissionsExt, chown};
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    for file in [&cert, &key] {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some(account) = account {
            chown(file, Some(account.uid), Some(account.gid)).unwrap();
        }
    }
    (made.cert.der().clone(), PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()))
}

/// A thread of its own that copies between clients and the server's socket; returns its port. It ends with the program.
fn copier(socket: &Path) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = socket.to_path_buf();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let tracker = TaskTracker::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                client.set_nodelay(true).unwrap();
                let mut server = tokio::net::UnixStream::connect(&socket).await.unwrap();
                tracker.spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
            }
        });
    });
    port
}

fn bouncer(directory: &Path, socket: &Path, account: Option<&Account>) -> Child {
    let config = format!(
        "[databases]\nbench = host={} port=5432 user=ada\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = 26432\n\
         unix_socket_dir =\nauth_type = plain\nauth_file = {1}/users.txt\npool_mode = session\nmax_client_conn = 1200\n\
         default_pool_size = 200\nclient_tls_sslmode = require\nclient_tls_key_file = {1}/key.pem\n\
         client_tls_cert_file = {1}/cert.pem\nlog_connections = 0\nlog_disconnections = 0\nignore_startup_parameters = extra_float_digits\n",
        socket.display(),
        directory.display(),
    );
    let file = directory.join("pgbouncer.ini");
    std::fs::write(&file, config).unwrap();
    std::fs::write(directory.join("users.txt"), "\"ada\" \"good\"\n").unwrap();
    let mut command = Command::new("pgbouncer");
    if let Some(account) = account {
        command.args(["-u", &account.name]);
    }
    command.arg("-q").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_for(ways: &[Way]) {
    for way in ways {
        let mut tries = 0;
        while std::net::TcpStream::connect((way.host, way.port)).is_err() {
            tries += 1;
            assert!(tries < 200, "{} does not listen", way.name);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}
