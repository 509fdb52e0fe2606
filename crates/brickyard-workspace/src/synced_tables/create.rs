use brickyard_postgres::{Client, identifier, literal};
use serde_json::Value;

use super::postgres_type::postgres_type;
use super::record::{Home, SyncedTable};
use crate::caller::Caller;
use crate::catalog::{Column, Identity, Kind, Privilege, quote, split};
use crate::error::ApiError;
use crate::lakebase::{LakebaseError, SUPERUSERS, registered_catalog};
use crate::pipelines;
use crate::workspace::Workspace;

/// Most columns of a table in Postgres.
const MOST_COLUMNS: usize = 1600;

/// A synced table that is to be made.
pub(crate) struct Wanted {
    /// Full name in Unity Catalog.
    pub(crate) name: String,
    /// The server by name and uid; found through the catalog where `None`.
    pub(crate) home: Option<(Home, String)>,
    /// Database in Postgres; found through the catalog where `None`.
    pub(crate) database: Option<String>,
    /// The request's `spec`.
    pub(crate) spec: Value,
    /// Whether database and schema are made when the request does not say.
    pub(crate) create_objects: bool,
}

/// Makes the table in Postgres and in Unity Catalog, and starts the pipeline that copies the rows.
pub(crate) async fn create(
    workspace: &Workspace,
    caller: &Caller,
    wanted: Wanted,
) -> Result<SyncedTable, ApiError> {
    let parts = split(&wanted.name)?;
    let [catalog, schema, table] = parts.as_slice() else {
        return Err(ApiError::invalid(format!(
            "'{}' is not the full name of a table: catalog, schema and table",
            wanted.name
        )));
    };
    let (home, server, database) = place(workspace, &wanted, catalog)?;
    let identity = workspace.catalog().identity(caller.name())?;
    workspace.lakebase().refresh(workspace, catalog).await?;
    let name = format!("{catalog}.{schema}.{table}").to_lowercase();
    workspace.catalog().check_foreign_table(&identity, &quote(&name))?;
    let spec = &wanted.spec;
    check_unsupported(spec)?;
    let (source, source_columns) = source(workspace, &identity, spec)?;
    let mut synced = SyncedTable {
        name: name.clone(),
        uid: String::new(),
        creator: caller.name().to_owned(),
        home,
        server,
        database,
        schema: schema.clone(),
        table: table.clone(),
        source,
        primary_key: key(spec, &source_columns)?,
        timeseries_key: named(spec["timeseries_key"].as_str(), &source_columns)?,
        overrides: overrides(spec, &source_columns)?,
        columns: Vec::new(),
        spec: spec.clone(),
        pipeline: String::new(),
        created: workspace.clock().now().to_string(),
        last: None,
        failure: None,
    };
    check_policy(workspace, spec, &synced.source)?;
    synced.columns = postgres_columns(&synced, &source_columns)?;
    let create_objects =
        spec["create_database_objects_if_missing"].as_bool().unwrap_or(wanted.create_objects);
    prepare(workspace, &synced, create_objects).await?;
    let columns = workspace.lakebase().columns(workspace, &synced.place()).await?.unwrap_or_default();
    workspace.lakebase().refresh(workspace, catalog).await?;
    let record = match workspace.catalog().table_record(&quote(&name)) {
        Ok(record) => record, // seen in its database's own catalog
        Err(_) => {
            workspace.catalog().create_foreign_table(&identity, &quote(&name), &synced.place(), columns)?
        }
    };
    synced.uid = record.id;
    synced.pipeline = pipelines::choose(workspace, caller, spec, &format!("Synced table: {name}"))?;
    super::put(workspace, &synced)?;
    // A continuous pipeline that runs finds its new table itself.
    if !(synced.is_continuous() && pipelines::is_active(workspace, &synced.pipeline)) {
        pipelines::start(workspace, &synced.pipeline, "API_CALL", false, &[name])?;
    }
    super::find(workspace, &synced.name)
}

/// The server and database, as the request or the catalog says; both have to say the same.
fn place(workspace: &Workspace, wanted: &Wanted, catalog: &str) -> Result<(Home, String, String), ApiError> {
    let registered = registered_catalog(workspace, &catalog.to_lowercase())?;
    let (home, server) = match (&wanted.home, &registered) {
        (Some((home, server)), None) => (home.clone(), server.clone()),
        (Some((home, server)), Some(registered)) if *server == registered.server => {
            (home.clone(), server.clone())
        }
        (Some(_), Some(registered)) => {
            return Err(ApiError::invalid(format!(
                "Catalog '{catalog}' stands for a database of '{}', so that has to be the table's server",
                registered.title
            )));
        }
        (None, Some(registered)) => {
            let title = registered.title.clone();
            let home =
                if title.starts_with("projects/") { Home::Branch(title) } else { Home::Instance(title) };
            (home, registered.server.clone())
        }
        (None, None) => {
            return Err(ApiError::invalid(format!(
                "Catalog '{catalog}' stands for no database, so the request has to name the database instance or branch"
            )));
        }
    };
    let database = match (wanted.database.as_deref().filter(|name| !name.is_empty()), &registered) {
        (Some(name), Some(registered)) if name != registered.database => {
            return Err(ApiError::invalid(format!(
                "Catalog '{catalog}' stands for the database '{}', not '{name}'",
                registered.database
            )));
        }
        (Some(name), _) => name.to_owned(),
        (None, Some(registered)) => registered.database.clone(),
        (None, None) => {
            return Err(ApiError::invalid(
                "logical_database_name (postgres_database) is required in a standard catalog",
            ));
        }
    };
    Ok((home, server, database))
}

fn check_unsupported(spec: &Value) -> Result<(), ApiError> {
    for field in ["extra_columns", "accelerated_sync"] {
        let set = match &spec[field] {
            Value::Bool(on) => *on,
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        if set {
            return Err(ApiError::not_implemented(format_args!("{field} of synced tables")));
        }
    }
    Ok(())
}

/// `TRIGGERED` and `CONTINUOUS` need a change data feed, as on the platform.
fn check_policy(workspace: &Workspace, spec: &Value, source: &str) -> Result<(), ApiError> {
    match spec["scheduling_policy"].as_str().unwrap_or("SNAPSHOT") {
        "SNAPSHOT" => Ok(()),
        policy @ ("TRIGGERED" | "CONTINUOUS") => {
            let record = workspace.catalog().table_record(&quote(source))?;
            let feed = workspace.catalog().properties(&record)?.get("delta.enableChangeDataFeed").cloned();
            if feed.is_some_and(|on| on.eq_ignore_ascii_case("true")) {
                return Ok(());
            }
            Err(ApiError::invalid(format!(
                "Scheduling policy {policy} needs the change data feed of the source: ALTER TABLE {source} SET \
                 TBLPROPERTIES (delta.enableChangeDataFeed = true), or use SNAPSHOT"
            )))
        }
        other => Err(ApiError::invalid(format!("scheduling_policy '{other}' is unknown"))),
    }
}

fn source(
    workspace: &Workspace,
    identity: &Identity,
    spec: &Value,
) -> Result<(String, Vec<Column>), ApiError> {
    let full = spec["source_table_full_name"].as_str().unwrap_or_default();
    let parts = split(full)?;
    if parts.len() != 3 {
        return Err(ApiError::invalid("source_table_full_name has to have three parts"));
    }
    let catalog = workspace.catalog();
    let quoted = quote(full);
    let record = catalog.get_table(identity, &quoted)?;
    catalog.check(identity, Kind::Table, &quoted, Privilege::SELECT)?;
    if record.foreign().is_some() {
        return Err(ApiError::invalid(format!("The source '{full}' is a table of Lakebase itself")));
    }
    Ok((record.full_name(), catalog.columns(&record)?))
}

/// The name of a column as the source writes it.
fn named(name: Option<&str>, columns: &[Column]) -> Result<Option<String>, ApiError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let found = columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    let found = found.ok_or_else(|| ApiError::invalid(format!("The source has no column '{name}'")))?;
    Ok(Some(found.name.clone()))
}

fn key(spec: &Value, columns: &[Column]) -> Result<Vec<String>, ApiError> {
    let names = spec["primary_key_columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut key = Vec::new();
    for name in names {
        key.extend(named(name.as_str(), columns)?);
    }
    if key.is_empty() {
        return Err(ApiError::invalid("primary_key_columns has to name at least one column"));
    }
    Ok(key)
}

fn overrides(spec: &Value, columns: &[Column]) -> Result<Vec<(String, String)>, ApiError> {
    let mut found = Vec::new();
    for item in spec["type_overrides"].as_array().into_iter().flatten() {
        let Some(column) = named(item["column_name"].as_str(), columns)? else {
            return Err(ApiError::invalid("A type override has to name its column"));
        };
        let size = item["size"].as_u64().filter(|size| (1..=16_000).contains(size));
        let size = size.ok_or_else(|| ApiError::invalid("A type override needs a size of 1 to 16000"))?;
        let base = match item["pg_type"].as_str().unwrap_or_default() {
            "PG_SPECIFIC_TYPE_VECTOR" => "vector",
            "PG_SPECIFIC_TYPE_HALFVEC" => "halfvec",
            "PG_SPECIFIC_TYPE_VARCHAR" => "varchar",
            other => return Err(ApiError::invalid(format!("pg_type '{other}' is not valid"))),
        };
        found.push((column, format!("{base}({size})")));
    }
    Ok(found)
}

/// Names and types of the columns in Postgres.
pub(super) fn postgres_columns(
    synced: &SyncedTable,
    columns: &[Column],
) -> Result<Vec<(String, String)>, ApiError> {
    if columns.len() > MOST_COLUMNS {
        return Err(ApiError::invalid(format!("A table in Postgres has at most {MOST_COLUMNS} columns")));
    }
    columns
        .iter()
        .map(|column| {
            let chosen = synced.overrides.iter().find(|(name, _)| *name == column.name);
            let chosen =
                chosen.map(|(_, chosen)| chosen.clone()).or_else(|| postgres_type(&column.data_type));
            let chosen = chosen.ok_or_else(|| {
                ApiError::invalid(format!(
                    "Column '{}' has the type {}, which has no counterpart in Postgres",
                    column.name,
                    column.data_type.text()
                ))
            })?;
            Ok((column.name.clone(), chosen))
        })
        .collect()
}

/// Makes database, schema and table in Postgres.
async fn prepare(workspace: &Workspace, synced: &SyncedTable, create_objects: bool) -> Result<(), ApiError> {
    let lakebase = workspace.lakebase();
    let compute = lakebase.ready(workspace, &synced.server).await?;
    let owner = lakebase.ensure_role(workspace, &synced.server, &synced.creator).await?;
    if !compute.databases().await?.iter().any(|(name, _)| *name == synced.database) {
        if !create_objects {
            return Err(ApiError::not_found("Database", &synced.database));
        }
        compute.create_database(&synced.database, &owner.name).await?;
    }
    let mut client = compute.client(&synced.database).await?;
    let known = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", literal(&synced.schema));
    if client.query(&known).await.map_err(LakebaseError::from)?.is_empty() {
        if !create_objects {
            return Err(ApiError::not_found("Schema", &synced.schema));
        }
        let sql =
            format!("CREATE SCHEMA {} AUTHORIZATION {}", identifier(&synced.schema), identifier(&owner.name));
        client.query(&sql).await.map_err(LakebaseError::from)?;
    }
    make_table(&mut client, synced).await
}

/// Makes the table: it belongs to a role that nobody can be, so that rows come from the pipeline alone;
/// `databricks_superuser` reads it and hands the right on.
pub(super) async fn make_table(client: &mut Client, synced: &SyncedTable) -> Result<(), ApiError> {
    if synced.columns.iter().any(|(_, kind)| kind.contains("vec")) {
        let sql = "CREATE EXTENSION IF NOT EXISTS vector";
        client.query(sql).await.map_err(LakebaseError::from)?;
    }
    let rows = client.query("SELECT oid FROM pg_database WHERE datname = current_database()").await;
    let rows = rows.map_err(LakebaseError::from)?;
    let oid = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default();
    let writer = format!("databricks_writer_{oid}");
    let known = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(&writer));
    if client.query(&known).await.map_err(LakebaseError::from)?.is_empty() {
        client
            .query(&format!("CREATE ROLE {} NOLOGIN", identifier(&writer)))
            .await
            .map_err(LakebaseError::from)?;
    }
    let columns: Vec<String> =
        synced.columns.iter().map(|(name, kind)| format!("{} {kind}", identifier(name))).collect();
    let key: Vec<String> = synced.primary_key.iter().map(|name| identifier(name)).collect();
    let (table, superusers) = (synced.postgres_name(), identifier(SUPERUSERS));
    client
        .query(&format!(
            "CREATE TABLE {table} ({}, PRIMARY KEY ({})); ALTER TABLE {table} OWNER TO {};
             GRANT USAGE ON SCHEMA {} TO {superusers} WITH GRANT OPTION;
             GRANT SELECT ON {table} TO {superusers} WITH GRANT OPTION",
            columns.join(", "),
            key.join(", "),
            identifier(&writer),
            identifier(&synced.schema),
        ))
        .await
        .map_err(LakebaseError::from)?;
    Ok(())
}
