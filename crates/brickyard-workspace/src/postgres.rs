//! Lakebase autoscaling: `/api/2.0/postgres/*`, as `databricks-sdk` reads it (platform §8).
//!
//! A branch is a PostgreSQL server, an endpoint an address of it. Writes answer long-running operations, which are done
//! when they are answered.

mod branches;
mod catalogs;
mod credentials;
mod databases;
mod endpoints;
mod hosts;
mod names;
mod operations;
mod projects;
mod record;
mod roles;
mod snapshots;
mod synced_tables;

use axum::routing::{delete, get, patch, post};

pub(crate) use databases::database_of_id;
pub(crate) use names::uid_of;
pub(crate) use projects::{find_or_create, remove_all};

use crate::endpoint::{Family, Fidelity};

const PROJECTS: &str = "/api/2.0/postgres/projects";
const PROJECT: &str = "/api/2.0/postgres/projects/{project}";
const BRANCHES: &str = "/api/2.0/postgres/projects/{project}/branches";
const BRANCH: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}";
const SNAPSHOTS: &str = "/api/2.0/postgres/projects/{project}/snapshots";
const SNAPSHOT: &str = "/api/2.0/postgres/projects/{project}/snapshots/{snapshot}";
const SCHEDULE: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/snapshot-schedule";
const ENDPOINTS: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/endpoints";
const ENDPOINT: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/endpoints/{endpoint}";
const DATABASES: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/databases";
const DATABASE: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/databases/{database}";
const ROLES: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/roles";
const ROLE: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/roles/{role}";
const PASSWORD: &str = "/api/2.0/postgres/projects/{project}/branches/{branch}/roles/{role}/password";
const CATALOG: &str = "/api/2.0/postgres/catalogs/{catalog}";
const SYNCED_TABLE: &str = "/api/2.0/postgres/synced_tables/{table}";
const OPERATION: &str = "/api/2.0/postgres/projects/{project}/operations/{operation}";

/// The family's endpoints.
pub(crate) fn family() -> Family {
    let witness = Some("lakebase::the_sdk_drives_autoscaling_projects");
    let copied = Some("synced_tables::autoscaling_has_catalogs_and_synced_tables_too");
    let size = Fidelity::Partial("ready at once; sizes set the connection limit and nothing else");
    let kept = Some("lakebase_snapshots::snapshots_are_kept_and_become_branches");
    let copy = Fidelity::Partial("a whole copy of the branch, on disk, with the points of a branch");
    let gone = Fidelity::Partial("deleted at once, with or without purge, and cannot be undeleted");
    Family::new("Lakebase autoscaling")
        .endpoint(
            "POST",
            PROJECTS,
            post(projects::create),
            Fidelity::Partial(
                "ready at once; the version is that of the PostgreSQL found here; history is kept where history_retention_duration is given, from then on, since it costs up to two copies of the data and the log of twice that time; `databricks_auth` is made by CREATE EXTENSION IF NOT EXISTS, with databricks_create_role and databricks_list_roles",
            ),
            witness,
        )
        .endpoint("GET", PROJECTS, get(projects::list), Fidelity::Full, witness)
        .endpoint("GET", PROJECT, get(projects::get), Fidelity::Full, witness)
        .endpoint("PATCH", PROJECT, patch(projects::update), Fidelity::Full, witness)
        .endpoint("DELETE", PROJECT, delete(projects::remove), gone, witness)
        .endpoint(
            "POST",
            BRANCHES,
            post(branches::create),
            Fidelity::Partial("a copy of the source as it is, or as it was at a source_branch_time or an LSN where the project keeps history, else 501"),
            witness,
        )
        .endpoint("GET", BRANCHES, get(branches::list), Fidelity::Full, witness)
        .endpoint("GET", BRANCH, get(branches::get), Fidelity::Full, witness)
        .endpoint("PATCH", BRANCH, patch(branches::update), Fidelity::Full, witness)
        .endpoint("DELETE", BRANCH, delete(branches::remove), gone, witness)
        .endpoint("POST", SNAPSHOTS, post(snapshots::create), copy, kept)
        .endpoint("GET", SNAPSHOTS, get(snapshots::list), Fidelity::Full, kept)
        .endpoint("GET", SNAPSHOT, get(snapshots::get), Fidelity::Full, kept)
        .endpoint("DELETE", SNAPSHOT, delete(snapshots::remove), Fidelity::Full, kept)
        .endpoint(
            "GET",
            SCHEDULE,
            get(snapshots::schedule),
            Fidelity::Partial("always empty: snapshots are made on request, and setting a schedule answers 501"),
            kept,
        )
        .endpoint("POST", ENDPOINTS, post(endpoints::create), size, witness)
        .endpoint("GET", ENDPOINTS, get(endpoints::list), Fidelity::Full, witness)
        .endpoint(
            "GET",
            ENDPOINT,
            get(endpoints::get),
            Fidelity::Partial("a pooled host takes native passwords only, as the platform's; it holds a backend for a whole session, not for one transaction"),
            witness,
        )
        .endpoint("PATCH", ENDPOINT, patch(endpoints::update), size, witness)
        .endpoint("DELETE", ENDPOINT, delete(endpoints::remove), Fidelity::Full, witness)
        .endpoint("POST", DATABASES, post(databases::create), Fidelity::Full, witness)
        .endpoint("GET", DATABASES, get(databases::list), Fidelity::Full, witness)
        .endpoint("GET", DATABASE, get(databases::get), Fidelity::Full, witness)
        .endpoint("PATCH", DATABASE, patch(databases::update), Fidelity::Full, witness)
        .endpoint("DELETE", DATABASE, delete(databases::remove), Fidelity::Full, witness)
        .endpoint("POST", ROLES, post(roles::create), Fidelity::Partial("a password that SQL sets is held against 60 bits of entropy when somebody logs in with it, not when it is set"), witness)
        .endpoint("GET", ROLES, get(roles::list), Fidelity::Full, witness)
        .endpoint("GET", ROLE, get(roles::get), Fidelity::Full, witness)
        .endpoint("PATCH", ROLE, patch(roles::update), Fidelity::Full, witness)
        .endpoint("DELETE", ROLE, delete(roles::remove), Fidelity::Full, witness)
        .endpoint(
            "POST",
            PASSWORD,
            post(roles::reveal_password),
            Fidelity::Partial("makes a new password at each call, since none is kept"),
            witness,
        )
        .endpoint("GET", OPERATION, get(operations::get), Fidelity::Full, witness)
        .endpoint(
            "POST",
            "/api/2.0/postgres/catalogs",
            post(catalogs::create),
            Fidelity::Partial("a statement reads the tables whole, up to 512 MB, as they are at that moment"),
            copied,
        )
        .endpoint("GET", CATALOG, get(catalogs::get), Fidelity::Full, copied)
        .endpoint("DELETE", CATALOG, delete(catalogs::remove), Fidelity::Full, copied)
        .endpoint(
            "POST",
            "/api/2.0/postgres/synced_tables",
            post(synced_tables::create),
            Fidelity::Partial(
                "each update copies the whole table, a CONTINUOUS one at each new version of the source, looked for twice a second; extra columns answer 501",
            ),
            copied,
        )
        .endpoint("GET", SYNCED_TABLE, get(synced_tables::get), Fidelity::Full, copied)
        .endpoint("DELETE", SYNCED_TABLE, delete(synced_tables::remove), Fidelity::Full, copied)
        .endpoint(
            "POST",
            "/api/2.0/postgres/credentials",
            post(credentials::create),
            Fidelity::Partial("claims on single tables are refused"),
            witness,
        )
}
