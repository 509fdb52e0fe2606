use std::process::Command;
use std::time::Instant;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Peer, Rig, Running, free_port, median, wait_for_port};

pub(crate) const ROW: Row = Row {
    name: "start",
    about: "`run` in a warm environment to the first answer, against the bare command",
    by_name: false,
    measure,
};

const APP: &[(&str, &str)] = &[
    ("app.yaml", "command: [\"python\", \"app.py\"]\n"),
    ("requirements.txt", ""),
    ("app.py", include_str!("clients/flask_app.py")),
];

const ROUNDS: usize = 7;

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("start", APP)?;
    drop(Running::start(rig, &app)?); // makes the environment and the workspace's own files
    let python = Rig::output(rig.brickyard(&["exec", "--quiet", "--app"]).arg(&app).args([
        "--",
        "python",
        "-c",
        "import sys; print(sys.executable)",
    ]))?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(Running::start(rig, &app)?.took.as_secs_f64() * 1e3);
        let port = free_port()?;
        let start = Instant::now();
        let _child = Peer::start(
            Command::new(python.trim())
                .arg("app.py")
                .current_dir(&app)
                .env("DATABRICKS_APP_PORT", port.to_string()),
        )?;
        wait_for_port(port)?;
        Rig::output(Command::new("curl").args(["-s", "-f", &format!("http://127.0.0.1:{port}/")]))?;
        bare.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![Measured {
        what: "`run` of a warm Flask app to its first answer, more than the bare command".to_owned(),
        unit: "ms",
        ours: median(ours) - median(bare),
        peer: None,
        aim: Aim::AtMost(100.0),
    }])
}
