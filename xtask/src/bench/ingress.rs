use std::path::Path;
use std::process::{Command, Stdio};

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Peer, Rig, Running, free_port, median, wait_for_port};

pub(crate) const ROW: Row = Row {
    name: "ingress",
    about: "requests through the ingress against nginx as a proxy, before the same app",
    by_name: false,
    measure,
};

/// An app that answers as fast as anything can: nginx on the app's port.
pub(crate) const BACKEND: &[(&str, &str)] = &[
    ("app.yaml", "command: [\"python\", \"app.py\"]\n"),
    ("requirements.txt", ""),
    ("app.py", include_str!("clients/backend.py")),
];

const ROUNDS: usize = 5;

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    Rig::need("nginx", "nginx-light")?;
    Rig::need("wrk", "wrk")?;
    let app = rig.app("backend", BACKEND)?;
    let running = Running::start(rig, &app)?;
    let backend = running.get("/port")?;
    let told = told(&running)?;
    let (port, _nginx) = nginx(rig.folder(), backend.trim(), &told)?;
    let direct = format!("http://127.0.0.1:{}/", backend.trim());
    let proxied = format!("http://127.0.0.1:{port}/");
    let ours = format!("{}/", running.url);

    let (mut rates, mut added) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        rates.0.push(load(&ours, 32)?.0);
        rates.1.push(load(&proxied, 32)?.0);
        let bare = load(&direct, 1)?.1;
        added.0.push(load(&ours, 1)?.1 - bare);
        added.1.push(load(&proxied, 1)?.1 - bare);
    }
    Ok(vec![
        Measured {
            what: "ingress, 32 connections, small body".to_owned(),
            unit: "requests/s",
            ours: median(rates.0),
            peer: Some(("nginx", median(rates.1))),
            aim: Aim::RatioAtLeast(1.0),
        },
        Measured {
            what: "ingress, added p50 at 1 connection".to_owned(),
            unit: "µs",
            ours: median(added.0),
            peer: Some(("nginx", median(added.1))),
            aim: Aim::AtMost(100.0),
        },
    ])
}

/// The headers that say who asks, as the app gets them from us: nginx has to send as much, or the app would have less to
/// read behind it.
fn told(running: &Running) -> Result<String, String> {
    let mut told = String::from(
        "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto http; \
         proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Request-Id $request_id;",
    );
    for (path, name) in [
        ("/user", "User"),
        ("/email", "Email"),
        ("/username", "Preferred-Username"),
        ("/token", "Access-Token"),
    ] {
        let value = running.get(path)?;
        if !value.is_empty() {
            told.push_str(&format!(" proxy_set_header X-Forwarded-{name} \"{value}\";"));
        }
    }
    Ok(told)
}

/// nginx as people set it before an app: kept connections, no access log.
fn nginx(folder: &Path, backend: &str, told: &str) -> Result<(u16, Peer), String> {
    let port = free_port()?;
    let place = folder.join("nginx");
    let configuration = format!(
        "daemon off; worker_processes 2; pid nginx.pid; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi; keepalive_requests 1000000;\n\
         upstream app {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000; }}\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\"; proxy_set_header X-Forwarded-For $remote_addr; {told} }} }} }}\n"
    );
    std::fs::create_dir_all(&place)
        .and_then(|()| std::fs::write(place.join("nginx.conf"), configuration))
        .map_err(|error| format!("cannot write nginx's configuration: {error}"))?;
    let peer = Peer::start(
        Command::new("nginx")
            .arg("-p")
            .arg(&place)
            .args(["-c", "nginx.conf"])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    wait_for_port(port)?;
    Ok((port, peer))
}

/// Requests a second and the median time of one, in µs.
fn load(url: &str, connections: usize) -> Result<(f64, f64), String> {
    let text = Rig::output(Command::new("wrk").args([
        "-t1",
        &format!("-c{connections}"),
        "-d3s",
        "--latency",
        url,
    ]))?;
    if text.contains("Non-2xx") {
        return Err(format!("some answers were no 200: {text}"));
    }
    let field = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let rate = field("Requests/sec:").and_then(|value| value.parse().ok());
    let half = field("50%").and_then(microseconds);
    rate.zip(half).ok_or_else(|| format!("wrk said: {text}"))
}

fn microseconds(text: &str) -> Option<f64> {
    let (number, factor) = match text {
        text if text.ends_with("us") => (text.trim_end_matches("us"), 1.0),
        text if text.ends_with("ms") => (text.trim_end_matches("ms"), 1e3),
        text => (text.trim_end_matches('s'), 1e6),
    };
    number.parse::<f64>().ok().map(|value| value * factor)
}
