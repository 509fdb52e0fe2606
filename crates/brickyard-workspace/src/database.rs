//! Lakebase provisioned: `/api/2.0/database/*`, as `databricks-sdk` reads it (platform §8).

mod catalogs;
mod credentials;
mod instances;
mod record;
mod roles;
mod synced_tables;
mod tables;

use axum::routing::{delete, get, patch, post};

use crate::endpoint::{Family, Fidelity};
pub(crate) use credentials::{Claim, read_only};
pub(crate) use instances::{find_or_create, remove_all, uid_of};

const INSTANCES: &str = "/api/2.0/database/instances";
const INSTANCE: &str = "/api/2.0/database/instances/{name}";
const ROLES: &str = "/api/2.0/database/instances/{name}/roles";
const ROLE: &str = "/api/2.0/database/instances/{name}/roles/{role}";
const CATALOG: &str = "/api/2.0/database/catalogs/{name}";
const TABLE: &str = "/api/2.0/database/tables/{name}";
const SYNCED_TABLE: &str = "/api/2.0/database/synced_tables/{name}";

/// The family's endpoints.
pub(crate) fn family() -> Family {
    let witness = Some("lakebase::the_sdk_drives_provisioned_instances");
    let catalogs =
        Fidelity::Partial("a statement reads the tables whole, up to 512 MB, as they are at that moment");
    let synced = Fidelity::Partial(
        "each update copies the whole table, a CONTINUOUS one at each new version of the source, looked for twice a second",
    );
    let copied = Some("synced_tables::a_delta_table_is_copied_into_postgres_and_refreshed");
    let read = Some("synced_tables::a_registered_database_is_read_from_sql");
    Family::new("Lakebase provisioned")
        .endpoint("POST", INSTANCES, post(instances::create), Fidelity::Partial("ready at once; capacity sets the connection limit only; the version is that of the PostgreSQL found here; history, for children by branch_time or lsn, is kept where retention_window_in_days is given; `databricks_auth` is made by CREATE EXTENSION IF NOT EXISTS, with databricks_create_role and databricks_list_roles"), witness)
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
        .endpoint("POST", "/api/2.0/database/catalogs", post(catalogs::create), catalogs, read)
        .endpoint("GET", CATALOG, get(catalogs::get), Fidelity::Full, witness)
        .endpoint("DELETE", CATALOG, delete(catalogs::remove), Fidelity::Full, witness)
        .endpoint("GET", "/api/2.0/database/instances/{name}/catalogs", get(catalogs::list), Fidelity::Full, witness)
        .endpoint("POST", "/api/2.0/database/tables", post(tables::create), catalogs, read)
        .endpoint("GET", TABLE, get(tables::get), Fidelity::Full, read)
        .endpoint("DELETE", TABLE, delete(tables::remove), Fidelity::Full, read)
        .endpoint("POST", "/api/2.0/database/synced_tables", post(synced_tables::create), synced, copied)
        .endpoint("GET", SYNCED_TABLE, get(synced_tables::get), Fidelity::Full, copied)
        .endpoint("PATCH", SYNCED_TABLE, patch(synced_tables::update), Fidelity::Full, None)
        .endpoint("DELETE", SYNCED_TABLE, delete(synced_tables::remove), Fidelity::Full, copied)
        .endpoint("GET", "/api/2.0/database/instances/{name}/synced_tables", get(synced_tables::list), Fidelity::Full, copied)
}
