//! What one decision takes where 10,000 grants are held: prints microseconds as JSON, for `cargo xtask bench`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures")]
#![expect(clippy::disallowed_methods, reason = "what is measured is real time")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use brickyard_workspace::{
    Provision, ProvisionError, ServicePrincipal, Workspace, WorkspaceConfig, WorkspaceHandle,
};
use futures_util::future::BoxFuture;

const GRANTS: usize = 10_000;
const PRINCIPALS: usize = 100;
const DECISIONS: u32 = 20_000;

/// Nothing is run by what is measured.
struct Nothing;

impl Provision for Nothing {
    fn engine(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async { Err(absent()) })
    }

    fn postgres(&self, _major: Option<u32>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async { Err(absent()) })
    }

    fn python(&self, _: Vec<String>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async { Err(absent()) })
    }

    fn warden(&self) -> Vec<String> {
        Vec::new()
    }
}

fn absent() -> ProvisionError {
    ProvisionError { message: "Nothing is to be run".to_owned(), hint: None }
}

fn principal(number: usize) -> String {
    format!("7a3c9f10-2b4d-4e6f-8a1b-{number:012}")
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Every grant is written through to the disk, which is not what is measured: in memory where the system has such a place.
    let memory = std::path::Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let mut config = WorkspaceConfig::new(directory.path().join("state"), Arc::new(Nothing));
    config.cache_directory = directory.path().join("cache");
    config.service_principals = (0..PRINCIPALS)
        .map(|number| {
            let display_name = format!("app-{number}");
            let application_id = principal(number);
            (ServicePrincipal { id: number as u64 + 1, application_id, display_name }, "secret".to_owned())
        })
        .collect();
    let workspace: WorkspaceHandle = runtime.block_on(Workspace::start(config)).unwrap();
    for number in 0..GRANTS {
        let object = (number / PRINCIPALS).to_string();
        workspace.grant_object(&principal(number % PRINCIPALS), "jobs", &object, "CAN_VIEW").unwrap();
    }
    let (last, object) = (principal(PRINCIPALS - 1), (GRANTS / PRINCIPALS - 1).to_string());
    assert!(workspace.may(&last, "jobs", &object, "CAN_VIEW").unwrap());
    assert!(!workspace.may(&last, "jobs", &object, "CAN_MANAGE").unwrap());
    let start = Instant::now();
    for _ in 0..DECISIONS {
        assert!(workspace.may(&last, "jobs", &object, "CAN_VIEW").unwrap());
    }
    let microseconds = start.elapsed().as_secs_f64() * 1e6 / f64::from(DECISIONS);
    println!("{{\"object\": {microseconds}}}");
    runtime.block_on(workspace.stop());
}
