//! Jobs: definitions, and runs whose tasks are real processes in real environments.

mod control;
mod dbt;
mod definitions;
mod execute;
mod process;
mod readiness;
mod record;
mod reference;
mod runs;
mod work;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

use crate::endpoint::{Family, Fidelity};

/// Runs under way, and how to end them.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Mutex<HashMap<u64, Running>>,
}

/// A run under way.
struct Running {
    cancellation: CancellationToken,
    /// Cancelled when it is over and recorded.
    over: CancellationToken,
}

impl Jobs {
    fn running(&self) -> MutexGuard<'_, HashMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, run_id: u64, cancellation: CancellationToken) {
        self.running().insert(run_id, Running { cancellation, over: CancellationToken::new() });
    }

    fn end(&self, run_id: u64) {
        if let Some(run) = self.running().remove(&run_id) {
            run.over.cancel();
        }
    }

    /// What tells that a run is over; `None` when it is.
    fn over(&self, run_id: u64) -> Option<CancellationToken> {
        self.running().get(&run_id).map(|run| run.over.clone())
    }

    fn cancel(&self, run_id: u64) {
        if let Some(run) = self.running().get(&run_id) {
            run.cancellation.cancel();
        }
    }
}

const TASKS: Fidelity = Fidelity::Partial(
    "Tasks are Python files, wheels, notebooks, SQL files, dbt projects, conditions, iterations and other jobs; other kinds are a 501 that names them.",
);

/// The jobs API, in both versions that SDKs ask.
pub(crate) fn family() -> Family {
    let mut family = Family::new("Jobs");
    for version in VERSIONS {
        let [
            create,
            list,
            show,
            update,
            reset,
            delete,
            run,
            runs,
            run_get,
            output,
            cancel,
            submit,
            forget,
            all,
        ] = version;
        family = family
            .endpoint("POST", create, post(definitions::create), TASKS, WITNESS)
            .endpoint("GET", list, get(definitions::list), Fidelity::Full, WITNESS)
            .endpoint("GET", show, get(definitions::show), Fidelity::Full, WITNESS)
            .endpoint("POST", update, post(definitions::update), TASKS, WITNESS)
            .endpoint("POST", reset, post(definitions::reset), TASKS, WITNESS)
            .endpoint("POST", delete, post(definitions::delete), Fidelity::Full, WITNESS)
            .endpoint("POST", run, post(runs::run_now), TASKS, WITNESS)
            .endpoint("GET", runs, get(runs::list), Fidelity::Full, WITNESS)
            .endpoint("GET", run_get, get(runs::show), Fidelity::Full, WITNESS)
            .endpoint("GET", output, get(runs::output), Fidelity::Full, WITNESS)
            .endpoint("POST", cancel, post(runs::cancel), Fidelity::Full, WITNESS)
            .endpoint("POST", submit, post(runs::submit), TASKS, WITNESS)
            .endpoint("POST", forget, post(runs::delete), Fidelity::Full, WITNESS)
            .endpoint("POST", all, post(runs::cancel_all), Fidelity::Full, WITNESS);
    }
    family
}

/// Asks everything of both versions.
const WITNESS: Option<&str> = Some("jobs::the_sdk_changes_and_replaces_settings");

const VERSIONS: [[&str; 14]; 2] = [
    [
        "/api/2.1/jobs/create",
        "/api/2.1/jobs/list",
        "/api/2.1/jobs/get",
        "/api/2.1/jobs/update",
        "/api/2.1/jobs/reset",
        "/api/2.1/jobs/delete",
        "/api/2.1/jobs/run-now",
        "/api/2.1/jobs/runs/list",
        "/api/2.1/jobs/runs/get",
        "/api/2.1/jobs/runs/get-output",
        "/api/2.1/jobs/runs/cancel",
        "/api/2.1/jobs/runs/submit",
        "/api/2.1/jobs/runs/delete",
        "/api/2.1/jobs/runs/cancel-all",
    ],
    [
        "/api/2.2/jobs/create",
        "/api/2.2/jobs/list",
        "/api/2.2/jobs/get",
        "/api/2.2/jobs/update",
        "/api/2.2/jobs/reset",
        "/api/2.2/jobs/delete",
        "/api/2.2/jobs/run-now",
        "/api/2.2/jobs/runs/list",
        "/api/2.2/jobs/runs/get",
        "/api/2.2/jobs/runs/get-output",
        "/api/2.2/jobs/runs/cancel",
        "/api/2.2/jobs/runs/submit",
        "/api/2.2/jobs/runs/delete",
        "/api/2.2/jobs/runs/cancel-all",
    ],
];
