//! Unity Catalog REST 2.1 for people, SDKs and apps.

mod catalogs;
mod connections;
mod functions;
mod metastore;
mod page;
mod permissions;
mod schemas;
mod tables;
mod volumes;

use axum::routing::{delete, get, patch, post};

use crate::endpoint::{Family, Fidelity};

pub(super) use tables::column;

const CATALOGS: Option<&str> = Some("unity_catalog::the_sdk_walks_through_catalogs");
const TABLES: Option<&str> = Some("unity_catalog::the_sdk_changes_what_is_there");
const FUNCTIONS: Option<&str> = Some("functions::the_sdk_makes_functions_that_sql_calls");
const CONNECTIONS: Option<&str> = Some("connections::the_sdk_calls_through_a_connection");
const GRANTS: Option<&str> = Some("unity_catalog::grants_decide_what_the_sdk_sees");

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full = Fidelity::Full;
    Family::new("Unity Catalog")
        .endpoint("GET", "/api/2.1/unity-catalog/catalogs", get(catalogs::list), full, CATALOGS)
        .endpoint(
            "POST",
            "/api/2.1/unity-catalog/catalogs",
            post(catalogs::create),
            full,
            Some("unity_catalog::grants_decide_what_the_sdk_sees"),
        )
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/catalogs/{name}",
            get(catalogs::read),
            full,
            Some("unity_catalog::the_sdk_changes_what_is_there"),
        )
        .endpoint(
            "PATCH",
            "/api/2.1/unity-catalog/catalogs/{name}",
            patch(catalogs::update),
            Fidelity::Partial("a catalog cannot be renamed"),
            Some("unity_catalog::the_sdk_changes_what_is_there"),
        )
        .endpoint(
            "DELETE",
            "/api/2.1/unity-catalog/catalogs/{name}",
            delete(catalogs::remove),
            full,
            Some("unity_catalog::grants_decide_what_the_sdk_sees"),
        )
        .endpoint("GET", "/api/2.1/unity-catalog/schemas", get(schemas::list), full, CATALOGS)
        .endpoint(
            "POST",
            "/api/2.1/unity-catalog/schemas",
            post(schemas::create),
            full,
            Some("unity_catalog::grants_decide_what_the_sdk_sees"),
        )
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/schemas/{full_name}",
            get(schemas::read),
            full,
            Some("unity_catalog::grants_decide_what_the_sdk_sees"),
        )
        .endpoint(
            "PATCH",
            "/api/2.1/unity-catalog/schemas/{full_name}",
            patch(schemas::update),
            Fidelity::Partial("a schema cannot be renamed"),
            Some("unity_catalog::the_sdk_changes_what_is_there"),
        )
        .endpoint(
            "DELETE",
            "/api/2.1/unity-catalog/schemas/{full_name}",
            delete(schemas::remove),
            full,
            Some("warehouse::statements_are_governed"),
        )
        .endpoint("GET", "/api/2.1/unity-catalog/tables", get(tables::list), full, CATALOGS)
        .endpoint(
            "POST",
            "/api/2.1/unity-catalog/tables",
            post(tables::create),
            Fidelity::Partial("external Delta tables on this machine, by an admin"),
            TABLES,
        )
        .endpoint("GET", "/api/2.1/unity-catalog/tables/{full_name}", get(tables::read), full, CATALOGS)
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/tables/{full_name}/exists",
            get(tables::exists),
            full,
            Some("unity_catalog::the_sdk_changes_what_is_there"),
        )
        .endpoint("PATCH", "/api/2.1/unity-catalog/tables/{full_name}", patch(tables::update), full, TABLES)
        .endpoint("DELETE", "/api/2.1/unity-catalog/tables/{full_name}", delete(tables::remove), full, TABLES)
        .endpoint("GET", "/api/2.1/unity-catalog/table-summaries", get(tables::summaries), full, TABLES)
        .endpoint("GET", "/api/2.1/unity-catalog/volumes", get(volumes::list), full, CATALOGS)
        .endpoint("POST", "/api/2.1/unity-catalog/volumes", post(volumes::create), full, CATALOGS)
        .endpoint("GET", "/api/2.1/unity-catalog/volumes/{full_name}", get(volumes::read), full, CATALOGS)
        .endpoint(
            "PATCH",
            "/api/2.1/unity-catalog/volumes/{full_name}",
            patch(volumes::update),
            full,
            CATALOGS,
        )
        .endpoint(
            "DELETE",
            "/api/2.1/unity-catalog/volumes/{full_name}",
            delete(volumes::remove),
            full,
            CATALOGS,
        )
        .endpoint("GET", "/api/2.1/unity-catalog/connections", get(connections::list), full, CONNECTIONS)
        .endpoint("POST", "/api/2.1/unity-catalog/connections", post(connections::create), full, CONNECTIONS)
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/connections/{name}",
            get(connections::read),
            full,
            Some("connections::sql_calls_through_a_connection"),
        )
        .endpoint(
            "PATCH",
            "/api/2.1/unity-catalog/connections/{name}",
            patch(connections::update),
            full,
            CONNECTIONS,
        )
        .endpoint(
            "DELETE",
            "/api/2.1/unity-catalog/connections/{name}",
            delete(connections::remove),
            full,
            CONNECTIONS,
        )
        .endpoint("GET", "/api/2.1/unity-catalog/functions", get(functions::list), full, FUNCTIONS)
        .endpoint("POST", "/api/2.1/unity-catalog/functions", post(functions::create), full, FUNCTIONS)
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/functions/{full_name}",
            get(functions::read),
            full,
            FUNCTIONS,
        )
        .endpoint(
            "PATCH",
            "/api/2.1/unity-catalog/functions/{full_name}",
            patch(functions::update),
            full,
            FUNCTIONS,
        )
        .endpoint(
            "DELETE",
            "/api/2.1/unity-catalog/functions/{full_name}",
            delete(functions::remove),
            full,
            FUNCTIONS,
        )
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/permissions/{kind}/{full_name}",
            get(permissions::read),
            full,
            Some("warehouse::statements_are_governed"),
        )
        .endpoint(
            "PATCH",
            "/api/2.1/unity-catalog/permissions/{kind}/{full_name}",
            patch(permissions::update),
            full,
            GRANTS,
        )
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/effective-permissions/{kind}/{full_name}",
            get(permissions::effective),
            full,
            GRANTS,
        )
        .endpoint(
            "GET",
            "/api/2.1/unity-catalog/current-metastore-assignment",
            get(metastore::assignment),
            full,
            TABLES,
        )
        .endpoint("GET", "/api/2.1/unity-catalog/metastore_summary", get(metastore::summary), full, TABLES)
}
