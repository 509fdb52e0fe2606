use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, Running, resident};

pub(crate) const ROW: Row =
    Row { name: "memory", about: "brickyard itself beside an idle app", by_name: false, measure };

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let app = rig.app("memory", super::ingress::BACKEND)?;
    let running = Running::start(rig, &app)?;
    Ok(vec![Measured {
        what: "resident memory of `brickyard run`, idle".to_owned(),
        unit: "MB",
        ours: resident(running.id())? / 1024.0,
        peer: None,
        aim: Aim::AtMost(50.0),
    }])
}
