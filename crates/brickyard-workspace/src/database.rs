//! Lakebase provisioned: `/api/2.0/database/*`, as `databricks-sdk` reads it (platform §8).

mod catalogs;
mod credentials;
mod instances;
mod record;
mod roles;
mod synced_tables;

use axum::routing::{delete, get, patch, post};

use crate::endpoint::{Family, Fidelity};
pub(crate) use credentials::{Claim, read_only};
pub(crate) use instances::{find_or_create, remove_all};

const INSTANCES: &str = "/api/2.0/database/instances";
const INSTANCE: &str = "/api/2.0/database/instances/{name}";
const ROLES: &str = "/api/2.0/database/instances/{name}/roles";
const ROLE: &str = "/api/2.0/database/instances/{name}/roles/{role}";
const CATALOG: &str = "/api/2.0/database/catalogs/{name}";
const SYNCED_TABLE: &str = "/api/2.0/database/synced_tables/{name}";

/// The family's endpoints.
pub(crate) fn family() -> Family {
    let witness = Some("lakebase::the_sdk_drives_provisioned_instances");
    let unlisted =
        Fidelity::Partial("the catalog makes and names its database, and is not readable from SQL");
    Family::new("Lakebase provisioned")
        .endpoint("POST", INSTANCES, post(instances::create), Fidelity::Partial("ready at once; capacity sets the connection limit only; the version is that of the PostgreSQL found here"), witness)
        .endpoint("GET", INSTANCES, get(instances::list), Fidelity::Full, witness)
        .endpoint("GET", INSTANCE, get(instances::get), Fidelity::Full, witness)
        .endpoint("GET", "/api/2.0/database/instances:findByUid", get(instances::find_by_uid), Fidelity::Full, witness)
        .endpoint("PATCH", INSTANCE, patch(instances::update), Fidelity::Full, witness)
        .endpoint("DELETE", INSTANCE, delete(instances::remove), Fidelity::Full, witness)
        .endpoint("POST", ROLES, post(roles::create), Fidelity::Full, witness)
        .endpoint("GET", ROLES, get(roles::list), Fidelity::Full, witness)
        .endpoint("GET", ROLE, get(roles::get), Fidelity::Full, witness)
        .endpoint("DELETE", ROLE, delete(roles::remove), Fidelity::Full, witness)
        .endpoint("POST", "/api/2.0/database/credentials", post(credentials::create), Fidelity::Partial("claims on single tables are refused"), witness)
        .endpoint("POST", "/api/2.0/database/catalogs", post(catalogs::create), unlisted, witness)
        .endpoint("GET", CATALOG, get(catalogs::get), unlisted, witness)
        .endpoint("DELETE", CATALOG, delete(catalogs::remove), unlisted, witness)
        .endpoint("GET", "/api/2.0/database/instances/{name}/catalogs", get(catalogs::list), unlisted, witness)
        .endpoint("POST", "/api/2.0/database/synced_tables", post(synced_tables::create), Fidelity::Partial("not implemented: answers 501"), None)
        .endpoint("GET", SYNCED_TABLE, get(synced_tables::get), Fidelity::Partial("there are none: answers 404"), witness)
        .endpoint("DELETE", SYNCED_TABLE, delete(synced_tables::get), Fidelity::Partial("there are none: answers 404"), witness)
}
