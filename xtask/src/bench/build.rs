use std::time::Instant;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::Rig;
use crate::command::program;

pub(crate) const ROW: Row = Row { name: "build", about: "a clean release build", by_name: true, measure };

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let start = Instant::now();
    let status = program("cargo")
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(rig.folder().join("target"))
        .status()
        .map_err(|error| format!("cannot run `cargo`: {error}"))?;
    if !status.success() {
        return Err("the build failed".to_owned());
    }
    Ok(vec![Measured {
        what: "clean `cargo build --release`".to_owned(),
        unit: "min",
        ours: start.elapsed().as_secs_f64() / 60.0,
        peer: None,
        aim: Aim::AtMost(8.0),
    }])
}
