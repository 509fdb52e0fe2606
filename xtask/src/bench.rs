//! `cargo xtask bench`: ours and the peer in turn, in one run, with what was aimed at.

#![expect(clippy::disallowed_methods, reason = "what is measured is real time")]

mod build;
mod check;
mod deploy;
mod editor;
mod environment;
mod ingress;
mod lakebase;
mod mcp;
mod memory;
mod report;
mod resources;
mod rig;
mod start;
mod statement;
mod warehouse;
mod websocket;

use report::Measured;
use rig::Rig;

use crate::command::say;

/// One group of measurements, run together because they share what has to be started first.
pub(crate) struct Row {
    /// What it is called on the command line.
    name: &'static str,
    /// What it measures, and against whom.
    about: &'static str,
    /// Whether it runs only when it is named: it takes long or needs an idle machine.
    by_name: bool,
    measure: fn(&Rig) -> Result<Vec<Measured>, String>,
}

const ROWS: &[Row] = &[
    ingress::ROW,
    websocket::ROW,
    start::ROW,
    environment::ROW,
    statement::LATENCY,
    statement::THROUGHPUT,
    warehouse::CONCURRENCY,
    warehouse::FETCH,
    warehouse::TPCH,
    warehouse::METADATA,
    deploy::DEPLOY,
    deploy::LOGS,
    deploy::TWENTY,
    lakebase::ROW,
    check::ROW,
    editor::KEYSTROKE,
    editor::NEW,
    mcp::ROW,
    memory::ROW,
    resources::SERVING,
    resources::FILES,
    resources::VECTORS,
    resources::AUTHORIZE,
    build::ROW,
];

/// Runs the named rows, or all that run unnamed; with `write` the table goes to `docs/BENCHMARKS.md`.
pub(crate) fn run(names: &[String], list: bool, write: bool) -> Result<(), String> {
    if list {
        for row in ROWS {
            say(&format!(
                "{:<22} {}{}",
                row.name,
                row.about,
                if row.by_name { " (only by name)" } else { "" }
            ));
        }
        return Ok(());
    }
    if let Some(unknown) = names.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        return Err(format!("there is no row `{unknown}`\nhint: `cargo xtask bench --list` names them"));
    }
    let rig = Rig::new()?;
    let (mut measured, mut failed) = (Vec::new(), Vec::new());
    for row in ROWS {
        if if names.is_empty() { row.by_name } else { !names.iter().any(|name| name == row.name) } {
            continue;
        }
        say(&format!("bench: {} ({})", row.name, row.about));
        match (row.measure)(&rig) {
            Ok(figures) => {
                for figure in &figures {
                    say(&format!("  {figure}"));
                }
                measured.extend(figures);
            }
            Err(reason) => {
                say(&format!("  not measured: {reason}"));
                failed.push(row.name);
            }
        }
    }
    report::print(&measured);
    if write {
        report::write(&measured)?;
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not measured: {}", failed.join(", "))) }
}
