use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, median};
use crate::command::root;

pub(crate) const ROW: Row = Row {
    name: "environment",
    about: "the pre-installed set from a warm cache, against `pip install` of the same lock",
    by_name: false,
    measure,
};

/// The same environment with a small package on top, so that it is a new one each time.
const APP: &[(&str, &str)] = &[("app.yaml", "command: [\"python\", \"app.py\"]\n"), ("requirements.txt", "")];

const ROUNDS: usize = 3;

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("environment", APP)?;
    let run = || {
        let start = Instant::now();
        Rig::output(rig.brickyard(&["exec", "--quiet", "--app"]).arg(&app).args(["--", "true"]))
            .map(|_| start.elapsed().as_secs_f64())
    };
    run()?; // fills the caches
    let warm = run()?;
    let mut made = Vec::new();
    for _ in 0..ROUNDS {
        remove_environments(&rig.cache().join("environments"))?;
        made.push(run()? - warm);
    }
    let ours = median(made);

    let lock = root().join("crates/brickyard-runner/src/environment/preinstalled.lock");
    let install = |name: &str| {
        let place = rig.folder().join(name);
        Rig::output(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        let start = Instant::now();
        Rig::output(
            Command::new(place.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--require-hashes",
                    "-r",
                ])
                .arg(&lock),
        )?;
        Ok::<_, String>(start.elapsed().as_secs_f64())
    };
    install("pip-cold")?; // fills pip's own cache
    let theirs = install("pip-warm")?;
    Ok(vec![
        Measured {
            what: "the pre-installed environment from a warm cache".to_owned(),
            unit: "s",
            ours,
            peer: Some(("pip", theirs)),
            aim: Aim::RatioAtMost(1.0 / 30.0),
        },
        Measured { what: "the same alone".to_owned(), unit: "s", ours, peer: None, aim: Aim::AtMost(2.0) },
    ])
}

/// The engine's own environment stays; those of apps go, to be made again from the package cache.
fn remove_environments(environments: &Path) -> Result<(), String> {
    let entries =
        std::fs::read_dir(environments).map_err(|error| format!("cannot list environments: {error}"))?;
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with("engine-") {
            std::fs::remove_dir_all(entry.path())
                .map_err(|error| format!("cannot remove an environment: {error}"))?;
        }
    }
    Ok(())
}
