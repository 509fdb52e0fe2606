//! OAuth scopes: what a token may be used for (platform §6.2).

/// Scope that carries every other one.
pub(crate) const ALL_APIS: &str = "all-apis";

/// Names of one scope in the older and the newer vocabulary.
const ALIASES: [(&str, &str); 12] = [
    ("dashboards.genie", "genie"),
    ("files.files", "files"),
    ("serving.serving-endpoints", "model-serving"),
    ("serving.serving-endpoints-data-plane", "model-serving"),
    ("vectorsearch.vector-search-endpoints", "vector-search"),
    ("vectorsearch.vector-search-indexes", "vector-search"),
    ("catalog.connections", "unity-catalog"),
    ("catalog.catalogs", "unity-catalog"),
    ("catalog.schemas", "unity-catalog"),
    ("catalog.tables", "unity-catalog"),
    ("catalog.volumes", "unity-catalog"),
    ("workspace.workspace", "workspace"),
];

/// Scopes that apps are known to declare, in both vocabularies; the platform takes others too, so an unknown one is told
/// and not refused.
const KNOWN: [&str; 42] = [
    "sql",
    "sql.alerts",
    "sql.alerts-legacy",
    "sql.dashboards",
    "sql.data-sources",
    "sql.dbsql-permissions",
    "sql.queries",
    "sql.queries-legacy",
    "sql.query-history",
    "sql.statement-execution",
    "sql.warehouses",
    "dashboards.genie",
    "genie",
    "files.files",
    "files",
    "serving.serving-endpoints",
    "serving.serving-endpoints-data-plane",
    "model-serving",
    "ai-gateway",
    "vectorsearch.vector-search-endpoints",
    "vectorsearch.vector-search-indexes",
    "vector-search",
    "unity-catalog",
    "catalog.connections",
    "catalog.catalogs",
    "catalog.schemas",
    "catalog.tables",
    "catalog.volumes",
    "workspace.workspace",
    "workspace",
    "mcp.genie",
    "mcp.functions",
    "mcp.vectorsearch",
    "mcp.external",
    "mcp.sql",
    "postgres",
    "access-management",
    "iam.current-user",
    "iam.access-control",
    "offline_access",
    "openid",
    "email",
];

/// Whether apps are known to declare this scope.
pub(crate) fn is_known(scope: &str) -> bool {
    KNOWN.contains(&scope.strip_suffix(":read").unwrap_or(scope))
}

/// The name under which a missing scope is told: refusals speak of whole families where declarations name parts.
pub(crate) fn refusal_name(needed: &str) -> &str {
    match needed {
        _ if needed.starts_with("catalog.") => "unity-catalog",
        _ if needed.starts_with("vectorsearch.") => "vector-search",
        _ if needed.starts_with("serving.") => "model-serving",
        _ if needed.starts_with("workspace.") => "workspace",
        "sql.statement-execution" | "sql.warehouses" | "sql.warehouses:read" | "sql.query-history" => "sql",
        "dashboards.genie" => "genie",
        "files.files" => "files",
        other => other,
    }
}

/// Whether a token with the scopes `held` may do what `needed` stands for.
///
/// A scope carries what lies below it (`sql` carries `sql.warehouses`) and its own `:read` half; `catalog.…` scopes are
/// refused under the name `unity-catalog`.
pub(crate) fn carries(held: &[String], needed: &str) -> bool {
    held.iter().any(|held| one_carries(held, needed))
}

/// Whether a token with the scopes `held` may be exchanged for one with `wanted`: names count as they are written, so
/// that no chain of exchanges leads from one vocabulary to more rights in the other.
pub(crate) fn includes(held: &[String], wanted: &str) -> bool {
    held.iter().any(|held| one_includes(held, wanted))
}

fn one_includes(held: &str, wanted: &str) -> bool {
    let whole = wanted.strip_suffix(":read").unwrap_or(wanted);
    let covers = held == whole || whole.strip_prefix(held).is_some_and(|below| below.starts_with('.'));
    held == ALL_APIS || held == wanted || (covers && !held.ends_with(":read"))
}

fn one_carries(held: &str, needed: &str) -> bool {
    let whole = needed.strip_suffix(":read").unwrap_or(needed);
    one_includes(held, needed)
        || ALIASES.iter().any(|&(old, new)| {
            // A part of Unity Catalog does not stand for the whole of it.
            (held == new && whole == old) || (held == old && whole == new && new != "unity-catalog")
        })
}

/// The scope a request needs by its method and path; `None` where any valid token is enough.
///
/// What is not listed needs `all-apis`: a user token narrowed for an app reaches nothing by accident.
pub(crate) fn needed(method: &http::Method, path: &str) -> Option<&'static str> {
    let read = matches!(*method, http::Method::GET | http::Method::HEAD);
    let below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let unity = path.strip_prefix("/api/2.1/unity-catalog/").unwrap_or_default();
    let kind = unity.split('/').next().unwrap_or_default();
    Some(match path {
        _ if path.ends_with("/scim/v2/Me") => "iam.current-user:read",
        _ if below("/oidc") || below("/telemetry-ext") || below("/telemetry-unauth") => return None,
        _ if below("/storage") => return None,
        _ if below("/api/2.0/connector-service") => return None,
        _ if below("/api/2.0/oauth-app-integrations") => return None,
        _ if path.contains("/scim/v2/") && read => "iam.access-control:read",
        _ if below("/sql") => "sql",
        _ if below("/api/2.0/sql/statements") => "sql.statement-execution",
        _ if below("/api/2.0/sql/sessions") => "sql.statement-execution",
        _ if below("/api/2.0/sql/history") => "sql.query-history",
        _ if below("/api/2.0/sql/warehouses") && read => "sql.warehouses:read",
        _ if below("/api/2.0/sql/warehouses") => "sql.warehouses",
        _ if below("/api/2.0/sql") => "sql",
        _ if below("/api/2.0/lakeview") || below("/embed/dashboardsv3") => "sql.dashboards",
        _ if below("/api/2.0/genie") => "dashboards.genie",
        _ if below("/api/2.0/fs") => "files.files",
        _ if below("/serving-endpoints") => "model-serving",
        _ if below("/ai-gateway") => "ai-gateway",
        _ if below("/api/2.0/serving-endpoints") => "serving.serving-endpoints",
        _ if below("/api/2.0/vector-search/indexes") => "vectorsearch.vector-search-indexes",
        _ if below("/api/2.0/vector-search") => "vectorsearch.vector-search-endpoints",
        _ if below("/api/brickyard/connections") => "catalog.connections",
        _ if below("/api/2.0/external-function") => "catalog.connections",
        _ if below("/api/2.0/mcp/sql") => "sql",
        _ if below("/api/2.0/mcp/genie") => "mcp.genie",
        _ if below("/api/2.0/mcp/functions") => "mcp.functions",
        _ if below("/api/2.0/mcp/vector-search") => "mcp.vectorsearch",
        _ if below("/api/2.0/mcp/external") => "mcp.external",
        _ if below("/api/2.0/postgres") || below("/api/2.0/database") => "postgres",
        _ if below("/api/2.0/workspace") && read => "workspace.workspace:read",
        _ if below("/api/2.0/workspace") => "workspace.workspace",
        _ if kind == "catalogs" && read => "catalog.catalogs:read",
        _ if kind == "schemas" && read => "catalog.schemas:read",
        _ if kind == "tables" && read => "catalog.tables:read",
        _ if kind == "volumes" && read => "catalog.volumes:read",
        _ if kind == "volumes" => "catalog.volumes",
        _ if kind == "connections" => "catalog.connections",
        _ if below("/api/2.1/unity-catalog") => "unity-catalog",
        _ => ALL_APIS,
    })
}

/// Entitlements of which a user needs one for a path; none where every user may ask.
pub(crate) fn entitlements(path: &str) -> &'static [&'static str] {
    let below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if below("/sql") || below("/api/2.0/sql") {
        return &["databricks-sql-access", "workspace-access"];
    }
    let workspace =
        ["/api/2.0/workspace", "/api/2.0/mlflow", "/api/2.1/jobs", "/api/2.2/jobs", "/api/2.0/clusters"];
    if workspace.into_iter().any(below) { &["workspace-access"] } else { &[] }
}

/// Whether this is a scope token (RFC 6749 §3.3).
pub(crate) fn is_valid(scope: &str) -> bool {
    !scope.is_empty()
        && scope.len() <= 128
        && scope
            .bytes()
            .all(|byte| byte == b'!' || (b'#'..=b'[').contains(&byte) || (b']'..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(scopes: &str) -> Vec<String> {
        scopes.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_scope_carries_what_lies_below_it_and_no_more() {
        for (scopes, needed, carried) in [
            ("all-apis", "anything", true),
            ("sql", "sql.warehouses:read", true),
            ("sql", "sqlx", false),
            ("sql.warehouses", "sql.warehouses:read", true),
            ("sql.warehouses:read", "sql.warehouses", false),
            ("sql.warehouses:read", "sql.warehouses:read", true),
            ("sql.warehouses", "sql.statement-execution", false),
            ("files", "files.files", true),
            ("genie", "dashboards.genie", true),
            ("serving.serving-endpoints", "model-serving", true),
            ("unity-catalog", "catalog.tables:read", true),
            ("catalog.tables:read", "catalog.tables:read", true),
            ("catalog.tables", "unity-catalog", false),
            ("workspace", "workspace.workspace:read", true),
            ("iam.current-user:read iam.access-control:read", "sql", false),
            ("", "sql", false),
        ] {
            assert_eq!(carries(&held(scopes), needed), carried, "{scopes} {needed}");
        }
    }

    #[test]
    fn both_vocabularies_are_known_and_refusals_speak_of_families() {
        assert!(is_known("dashboards.genie") && is_known("genie") && is_known("catalog.tables:read"));
        assert!(!is_known("jobs") && !is_known("sqll"));
        assert_eq!(refusal_name("catalog.tables:read"), "unity-catalog");
        assert_eq!(refusal_name("vectorsearch.vector-search-indexes"), "vector-search");
        assert_eq!(refusal_name("all-apis"), "all-apis");
    }

    #[test]
    fn unknown_paths_need_every_scope() {
        let get = http::Method::GET;
        assert_eq!(needed(&get, "/api/2.0/preview/scim/v2/Me"), Some("iam.current-user:read"));
        assert_eq!(needed(&get, "/api/2.0/sql/warehouses"), Some("sql.warehouses:read"));
        assert_eq!(needed(&http::Method::POST, "/api/2.0/sql/warehouses"), Some("sql.warehouses"));
        assert_eq!(needed(&get, "/api/2.0/sql/warehousesx"), Some("sql"));
        assert_eq!(needed(&get, "/api/2.2/jobs/list"), Some(ALL_APIS));
        assert_eq!(needed(&get, "/api/2.0/fsx"), Some(ALL_APIS));
    }
}
