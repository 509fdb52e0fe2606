//! Lakebase as both API families share it: servers, their fronts, roles and credentials.
//!
//! An instance (`database`) and a branch (`postgres`) are each a PostgreSQL server of their own; an instance's address and
//! an endpoint are each a front of such a server. Names and states stand in the families; here everything goes by uid.

mod bind;
mod columns;
mod compute;
mod credential;
mod door;
mod failure;
mod front;
mod gate;
mod history;
mod idle;
mod password;
mod record;
mod registered;
mod role;
mod rows;
mod scripts;
mod size;
mod sql_roles;
mod withdraw;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use brickyard_postgres::{Installation, InstallationError, Proxy, places};

pub(crate) use bind::Placed;
pub use bind::{DatabaseBinding, DatabaseTarget};
pub(crate) use compute::Compute;
pub(crate) use credential::{CredentialRequest, issue};
pub use failure::LakebaseError;
pub(crate) use front::NewFront;
pub(crate) use record::{Databases, RoleRecord, ServerRecord};
pub(crate) use registered::{
    Registered, Registration, all as registered_catalogs, find as registered_catalog,
};
pub(crate) use role::{NATIVE, NO_LOGIN, OAUTH, RoleWish, SUPERUSERS};
pub use scripts::Script;

pub(crate) use size::{autoscaling_connections, provisioned_connections};

/// Version and directory of a PostgreSQL that is on this machine: on `PATH`, or where distributions put it; of this major
/// version where one is named. Without one, what is wrong with those that are there.
pub async fn postgres_at_hand(
    path_entries: Vec<PathBuf>,
    major: Option<u32>,
) -> Result<(String, PathBuf), Vec<String>> {
    match Installation::find(&places(path_entries), major).await {
        Ok(installation) => Ok((installation.version, installation.directory)),
        Err(InstallationError::Absent { passed_over }) => Err(passed_over),
        Err(error) => Err(vec![error.to_string()]),
    }
}

/// Major version and version of the PostgreSQL in a directory, where it is supported.
pub async fn postgres_version(directory: &std::path::Path) -> Option<(u32, String)> {
    Installation::at(directory).await.ok().map(|installation| (installation.major, installation.version))
}

/// Database every server begins with.
pub(crate) const FIRST_DATABASE: &str = "databricks_postgres";

/// Running servers and open fronts of the workspace.
#[derive(Default)]
pub(crate) struct Lakebase {
    computes: Mutex<HashMap<String, Arc<Compute>>>,
    fronts: Mutex<HashMap<String, Proxy>>,
    /// Held while a front opens, so that none opens twice.
    opening: tokio::sync::Mutex<()>,
    /// Held while servers are told who is in the workspace, so that none keeps what was before.
    telling: Mutex<()>,
    idle_watch: OnceLock<()>,
}

impl Lakebase {
    fn known(&self, uid: &str) -> Option<Arc<Compute>> {
        self.computes.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    fn keep(&self, compute: Arc<Compute>) -> Arc<Compute> {
        let mut computes = self.computes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(computes.entry(compute.uid().to_owned()).or_insert(compute))
    }

    fn forget(&self, uid: &str) {
        self.computes.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    fn all(&self) -> Vec<Arc<Compute>> {
        self.computes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn open_front(&self, id: &str) -> Option<Proxy> {
        self.fronts.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn keep_front(&self, id: &str, proxy: Proxy) {
        self.fronts.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), proxy);
    }

    fn close_front(&self, id: &str) {
        if let Some(proxy) = self.fronts.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            proxy.close();
        }
    }
}
