use std::process::Command;
use std::time::Instant;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::Rig;
use crate::command::root;

pub(crate) const ROW: Row = Row {
    name: "environment",
    about: "the pre-installed set from a warm cache, against `pip install` of the same lock",
    by_name: false,
    measure,
};

/// The same environment with a small package on top, so that it is a new one each time.
const APP: &[(&str, &str)] = &[("app.yaml", "command: [\"python\", \"app.py\"]\n"), ("requirements.txt", "")];

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("environment", APP)?;
    let run = || {
        let start = Instant::now();
        Rig::output(rig.brickyard(&["exec", "--quiet", "--app"]).arg(&app).args(["--", "true"]))
            .map(|_| start.elapsed().as_secs_f64())
    };
    run()?; // fills the caches
    let warm = run()?;
    let environments = rig.cache().join("environments");
    // The engine's own environment stays; that of the app goes and is made again from the package cache.
    for entry in std::fs::read_dir(&environments)
        .map_err(|error| format!("cannot list environments: {error}"))?
        .flatten()
    {
        if !entry.file_name().to_string_lossy().starts_with("engine-") {
            std::fs::remove_dir_all(entry.path())
                .map_err(|error| format!("cannot remove an environment: {error}"))?;
        }
    }
    let ours = run()? - warm;

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
