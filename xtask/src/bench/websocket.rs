use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, Running, resident};

pub(crate) const ROW: Row =
    Row { name: "websocket", about: "5,000 idle WebSockets through the ingress", by_name: false, measure };

const APP: &[(&str, &str)] = &[
    ("app.yaml", "command: [\"python\", \"app.py\"]\n"),
    ("requirements.txt", ""),
    ("app.py", include_str!("clients/websocket_app.py")),
];

const SOCKETS: usize = 5_000;

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("websocket", APP)?;
    let running = Running::start(rig, &app)?;
    let before = resident(running.id())?;
    let mut client = std::process::Command::new("python3")
        .args(["-c", include_str!("clients/websocket_client.py"), &running.url, &SOCKETS.to_string()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run `python3`: {error}"))?;
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(client.stdout.take().ok_or("no stdout")?));
    let mut next = || lines.next().and_then(Result::ok).unwrap_or_default();
    let opened = next();
    let after = resident(running.id())?;
    drop(client.stdin.take());
    let echoed = next();
    let _ = client.wait();
    if opened != SOCKETS.to_string() || echoed != opened {
        return Err(format!("{SOCKETS} were asked for, {opened} opened, {echoed} still answered"));
    }
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let each = (after - before) / SOCKETS as f64;
    Ok(vec![Measured {
        what: "memory of each of 5,000 idle WebSockets, none dropped".to_owned(),
        unit: "KiB",
        ours: each,
        peer: None,
        aim: Aim::AtMost(64.0),
    }])
}
