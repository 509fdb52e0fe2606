//! Clock and faults of `brickyard.toml`.

use brickyard_project::Project;
use brickyard_workspace::{Fault, WorkspaceHandle};

use crate::failure::Failure;

/// Moves the clock and orders the faults; done last, so that nothing of our own start meets them.
pub(crate) fn prepare(handle: &WorkspaceHandle, project: &Project) -> Result<(), Failure> {
    handle.advance_clock(project.settings.clock.advance_seconds);
    for fault in project.settings.faults.clone() {
        let fault = Fault {
            path: fault.path,
            method: fault.method,
            status: fault.status,
            error_code: fault.error_code,
            retry_after: fault.retry_after,
            after_effect: fault.after_effect,
            delay_milliseconds: fault.delay_milliseconds,
            cut_after_milliseconds: fault.cut_after_milliseconds,
            count: fault.count,
        };
        handle.add_fault(fault).map_err(Failure::from)?;
    }
    Ok(())
}
