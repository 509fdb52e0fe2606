//! `DESCRIBE …` and `SHOW CREATE TABLE`.

mod json;
mod table;
mod text;

use arrow_schema::DataType::{Boolean, Int32, Int64, Utf8};
use brickyard_sql::command::Describe;
use jiff::Timestamp;

use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid, moment, record, text_map, texts};
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::scene::Scene;

pub(super) use self::text::{create_statement, information};

pub(super) async fn describe(scene: &Scene<'_>, sql: &str, question: &Describe) -> Result<Outcome, Fault> {
    let (catalog, identity) = (scene.catalog(), &scene.identity);
    match question {
        Describe::Table { name, extended, column: None, json: false } => {
            table::describe(scene, &name.values(), *extended)
        }
        Describe::Table { name, column: Some(column), json: false, .. } => {
            let record = scene.table(&name.values())?;
            let wanted = column.join(".");
            let columns = catalog.columns(&record)?;
            let found = columns.into_iter().find(|column| column.name.eq_ignore_ascii_case(&wanted));
            let found = found.ok_or_else(|| {
                Fault::new(
                    "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                    "42703",
                    format_args!(
                        "A column, variable, or function parameter with name `{wanted}` cannot be resolved."
                    ),
                )
            })?;
            let mut grid = Grid::texts(&["info_name", "info_value"]);
            grid.row(["col_name".into(), found.name.into()]);
            grid.row(["data_type".into(), found.data_type.text().into()]);
            grid.row(["comment".into(), found.comment.unwrap_or_else(|| "NULL".to_owned()).into()]);
            grid.outcome()
        }
        Describe::Table { name, column: None, .. } => json::table(scene, &name.values()),
        Describe::Table { .. } => {
            Err(Fault::unsupported("DESCRIBE … AS JSON of one column", "Leave the column or AS JSON out"))
        }
        Describe::Query(query) => {
            let schema = scene.schema(query.span.of(sql)).await?;
            let mut grid = Grid::texts(&["col_name", "data_type", "comment"]);
            for field in schema.fields() {
                grid.row([
                    field.name().clone().into(),
                    SqlType::of(field).to_string().to_lowercase().into(),
                    Cell::Null,
                ]);
            }
            grid.outcome()
        }
        Describe::History { name, limit } => {
            let limit = limit.map_or(1000, |limit| usize::try_from(limit).unwrap_or(1000));
            let full = scene.full(name)?;
            let mut grid = Grid::new(vec![
                ("version", Int64),
                ("timestamp", moment()),
                ("userId", Utf8),
                ("userName", Utf8),
                ("operation", Utf8),
                ("operationParameters", text_map()),
                ("job", record(&[("jobId", Utf8), ("jobName", Utf8), ("jobRunId", Utf8)])),
                ("notebook", record(&[("notebookId", Utf8)])),
                ("clusterId", Utf8),
                ("readVersion", Int64),
                ("isolationLevel", Utf8),
                ("isBlindAppend", Boolean),
                ("operationMetrics", text_map()),
                ("userMetadata", Utf8),
                ("engineInfo", Utf8),
            ]);
            let directory = scene.workspace.directory();
            for commit in catalog.history(identity, &full, limit)? {
                let id = commit.user_name.as_ref().and_then(|name| directory.principal(name).ok().flatten());
                grid.row([
                    commit.version.into(),
                    (commit.timestamp * 1000).into(),
                    id.map(|principal| principal.id().to_string()).into(),
                    commit.user_name.into(),
                    commit.operation.into(),
                    commit.operation_parameters.into_iter().collect(),
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    commit.read_version.into(),
                    commit.isolation_level.into(),
                    commit.is_blind_append.into(),
                    commit.operation_metrics.into_iter().collect(),
                    Cell::Null,
                    commit.engine_info.into(),
                ]);
            }
            grid.outcome()
        }
        Describe::Detail(name) => {
            let table = scene.table(&name.values())?;
            let full = full_name(&[&table.catalog, &table.schema, &table.name]);
            let detail = catalog.detail(identity, &full)?;
            let mut grid = Grid::new(vec![
                ("format", Utf8),
                ("id", Utf8),
                ("name", Utf8),
                ("description", Utf8),
                ("location", Utf8),
                ("createdAt", moment()),
                ("lastModified", moment()),
                ("partitionColumns", texts()),
                ("clusteringColumns", texts()),
                ("numFiles", Int64),
                ("sizeInBytes", Int64),
                ("properties", text_map()),
                ("minReaderVersion", Int32),
                ("minWriterVersion", Int32),
                ("tableFeatures", texts()),
                ("statistics", text_map()),
            ]);
            let snapshot = detail.snapshot;
            let location = table.location.as_ref().map(|location| location.to_string_lossy().into_owned());
            let mut features = snapshot.protocol.reader_features.unwrap_or_default();
            features.extend(snapshot.protocol.writer_features.unwrap_or_default());
            features.sort();
            features.dedup();
            let clustering = catalog.clustering(&table)?;
            let mut properties = snapshot.metadata.configuration;
            properties.remove("clusteringColumns");
            grid.row([
                "delta".into(),
                table.id.clone().into(),
                table.full_name().into(),
                table.stamp.comment.clone().into(),
                location.into(),
                (table.stamp.created_at * 1000).into(),
                (detail.last_modified * 1000).into(),
                snapshot.metadata.partition_columns.into(),
                clustering.into(),
                detail.num_files.into(),
                detail.size_in_bytes.into(),
                properties.into_iter().collect(),
                i64::from(snapshot.protocol.min_reader_version).into(),
                i64::from(snapshot.protocol.min_writer_version).into(),
                features.into(),
                Cell::Map(Vec::new()),
            ]);
            grid.outcome()
        }
        Describe::Schema(name, extended) => {
            let full = full_name(&scene.schema_parts(&name.values())?);
            let record = catalog.get_schema(identity, &full)?;
            let mut grid = Grid::texts(&["database_description_item", "database_description_value"]);
            grid.row(["Catalog Name".into(), record.catalog.into()]);
            grid.row(["Namespace Name".into(), record.name.into()]);
            grid.row(["Comment".into(), record.stamp.comment.unwrap_or_default().into()]);
            grid.row(["Owner".into(), record.stamp.owner.into()]);
            if *extended {
                let pairs: Vec<String> =
                    record.properties.iter().map(|(key, value)| format!("({key},{value})")).collect();
                grid.row(["Properties".into(), format!("({})", pairs.join(", ")).into()]);
            }
            grid.outcome()
        }
        Describe::Catalog(name, _) => {
            let record = catalog.get_catalog(identity, &full_name(&name.values()))?;
            let mut grid = Grid::texts(&["info_name", "info_value"]);
            grid.row(["Catalog Name".into(), record.name.into()]);
            grid.row(["Comment".into(), record.stamp.comment.unwrap_or_default().into()]);
            grid.row(["Owner".into(), record.stamp.owner.into()]);
            grid.row(["Catalog Type".into(), record.catalog_type.into()]);
            grid.outcome()
        }
        Describe::Function(name, _) if is_builtin(scene, name) => {
            let shown = name.values().concat().to_lowercase();
            let mut grid = Grid::texts(&["function_desc"]);
            grid.row([format!("Function: {shown}").into()]);
            grid.row(["Class: built in".into()]);
            grid.row([format!("Usage: {shown}(…): see the function reference of Databricks SQL.").into()]);
            grid.outcome()
        }
        Describe::Function(name, extended) => {
            let record = catalog.get_function(identity, &scene.full(name)?)?;
            let mut grid = Grid::texts(&["function_desc"]);
            grid.row([format!("Function:      {}", record.full_name()).into()]);
            grid.row([format!(
                "Type:          {}",
                if record.return_type == "TABLE_TYPE" { "TABLE" } else { "SCALAR" }
            )
            .into()]);
            for parameter in &record.parameters {
                grid.row([format!("Input:         {} {}", parameter.name, parameter.type_text).into()]);
            }
            grid.row([format!("Returns:       {}", record.return_type).into()]);
            if *extended {
                let deterministic = format!("Deterministic: {}", record.deterministic);
                grid.row([
                    format!("Comment:       {}", record.stamp.comment.clone().unwrap_or_default()).into()
                ]);
                grid.row([deterministic.into()]);
                grid.row([format!("Owner:         {}", record.stamp.owner).into()]);
                grid.row([format!("Create Time:   {}", time(record.stamp.created_at)).into()]);
                if identity.admin || identity.is(&record.stamp.owner) {
                    grid.row([format!("Body:          {}", record.body).into()]);
                }
            }
            grid.outcome()
        }
        Describe::Volume(name) => {
            let record = catalog.get_volume(identity, &scene.full(name)?)?;
            let kind = if record.managed { "MANAGED" } else { "EXTERNAL" };
            let mut grid =
                Grid::texts(&["name", "catalog", "database", "owner", "storageLocation", "volumeType"]);
            let location = record.location.to_string_lossy().into_owned();
            grid.row([
                record.name.into(),
                record.catalog.into(),
                record.schema.into(),
                record.stamp.owner.into(),
                location.into(),
                kind.into(),
            ]);
            grid.outcome()
        }
        Describe::Other(words, _) => {
            Err(Fault::unsupported(format_args!("DESCRIBE {words}"), super::ELSEWHERE))
        }
    }
}

/// Whether a name is that of a built-in function and of no other.
fn is_builtin(scene: &Scene<'_>, name: &brickyard_sql::Name) -> bool {
    let parts = name.values();
    parts.len() == 1
        && brickyard_sql::is_builtin(&parts[0])
        && scene.full(name).is_ok_and(|full| scene.catalog().get_function(&scene.identity, &full).is_err())
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|moment| moment.to_string()).unwrap_or_default()
}
