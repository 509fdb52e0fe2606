//! `DESCRIBE …` and `SHOW CREATE TABLE`.

mod json;

use std::fmt::Write as _;

use arrow_schema::DataType::{Boolean, Int32, Int64, Utf8};
use brickyard_sql::command::Describe;
use brickyard_sql::string_literal;
use jiff::Timestamp;

use crate::catalog::{Constraint, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid, moment, record, text_map, texts};
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::scene::Scene;

pub(super) async fn describe(scene: &Scene<'_>, sql: &str, question: &Describe) -> Result<Outcome, Fault> {
    let (catalog, identity) = (scene.catalog(), &scene.identity);
    match question {
        Describe::Table { name, extended, column: None, json: false } => {
            table(scene, &name.values(), *extended)
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
        Describe::Table { .. } => Err(Fault::unsupported("DESCRIBE … AS JSON of one column")),
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
        Describe::History(name) => {
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
            for commit in catalog.history(identity, &full, 1000)? {
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
        Describe::Other(words, _) => Err(Fault::unsupported(format_args!("DESCRIBE {words}"))),
    }
}

/// Whether a name is that of a built-in function and of no other.
fn is_builtin(scene: &Scene<'_>, name: &brickyard_sql::Name) -> bool {
    let parts = name.values();
    parts.len() == 1
        && brickyard_sql::is_builtin(&parts[0])
        && scene.full(name).is_ok_and(|full| scene.catalog().get_function(&scene.identity, &full).is_err())
}

fn table(scene: &Scene<'_>, parts: &[String], extended: bool) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["col_name", "data_type", "comment"]);
    if let [name] = parts
        && let Some(relation) = scene.settings().temporary(name)
    {
        for column in &relation.columns {
            grid.row([
                column.name.clone().into(),
                column.data_type.to_string().to_lowercase().into(),
                Cell::Null,
            ]);
        }
        return grid.outcome();
    }
    let record = scene.table(parts)?;
    for column in scene.catalog().columns(&record)? {
        grid.row([column.name.into(), column.data_type.text().into(), column.comment.into()]);
    }
    let partitions = scene.catalog().partition_columns(&record)?;
    if !partitions.is_empty() {
        grid.row(["# Partition Information".into(), "".into(), "".into()]);
        grid.row(["# col_name".into(), "data_type".into(), "comment".into()]);
        for column in scene.catalog().columns(&record)? {
            if partitions.iter().any(|name| name.eq_ignore_ascii_case(&column.name)) {
                grid.row([column.name.into(), column.data_type.text().into(), column.comment.into()]);
            }
        }
    }
    if extended {
        let mut line = |name: &str, value: String| grid.row([name.into(), value.into(), "".into()]);
        line("", String::new());
        line("# Detailed Table Information", String::new());
        line("Catalog", record.catalog.clone());
        line("Database", record.schema.clone());
        line("Table", record.name.clone());
        line("Owner", record.stamp.owner.clone());
        line("Created Time", time(record.stamp.created_at));
        line("Created By", record.stamp.created_by.clone());
        line("Type", record.table_type.code().to_owned());
        if let Some(comment) = &record.stamp.comment {
            line("Comment", comment.clone());
        }
        if let Some(text) = &record.view_definition {
            line("View Text", text.clone());
        } else {
            line("Provider", record.format.to_lowercase());
        }
        if let Some(location) = &record.location {
            line("Location", location.to_string_lossy().into_owned());
        }
        let properties = scene.catalog().properties(&record)?;
        let properties: Vec<String> =
            properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("Table Properties", format!("[{}]", properties.join(",")));
        if !record.constraints.is_empty() {
            line("", String::new());
            line("# Constraints", String::new());
            for constraint in &record.constraints {
                line(&constraint.name, key(constraint)?);
            }
        }
    }
    grid.outcome()
}

/// A key as `DESCRIBE` writes it, which SQLAlchemy and dbt read.
fn key(constraint: &Constraint) -> Result<String, Fault> {
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let columns = list(&constraint.columns);
    let Some((parent, parent_columns)) = &constraint.references else {
        return Ok(format!("PRIMARY KEY ({columns})"));
    };
    let parent = crate::catalog::split(parent)?.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".");
    Ok(format!("FOREIGN KEY ({columns}) REFERENCES {parent} ({})", list(parent_columns)))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// What `SHOW TABLE EXTENDED` tells of a table.
pub(super) fn information(scene: &Scene<'_>, record: &TableRecord) -> Result<String, Fault> {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}: {value}");
    };
    line("Catalog", &record.catalog);
    line("Database", &record.schema);
    line("Table", &record.name);
    line("Owner", &record.stamp.owner);
    line("Created Time", &time(record.stamp.created_at));
    line("Created By", &record.stamp.created_by);
    line("Type", record.table_type.code());
    if record.is_view() {
        line("View Text", record.view_definition.as_deref().unwrap_or_default());
    } else {
        line("Provider", &record.format.to_lowercase());
    }
    text.push_str("Schema: root\n");
    for column in scene.catalog().columns(record)? {
        let _ = writeln!(
            text,
            " |-- {}: {} (nullable = {})",
            column.name,
            column.data_type.text(),
            column.nullable
        );
    }
    Ok(text)
}

/// The statement that would make a table or view again.
pub(super) fn create_statement(scene: &Scene<'_>, record: &TableRecord) -> Result<String, Fault> {
    let mut text = String::new();
    let columns = scene.catalog().columns(record)?;
    if let Some(query) = &record.view_definition {
        let names: Vec<String> =
            columns.iter().map(|column| format!("  {}", brickyard_sql::quote_name(&column.name))).collect();
        let _ = write!(text, "CREATE VIEW {} (\n{})\nAS {query}", record.full_name(), names.join(",\n"));
        return Ok(text);
    }
    let lines: Vec<String> = columns
        .iter()
        .map(|column| {
            let null = if column.nullable { "" } else { " NOT NULL" };
            let comment = column.comment.as_ref().map(|text| format!(" COMMENT {}", string_literal(text)));
            let name = brickyard_sql::quote_name(&column.name);
            format!(
                "  {name} {}{null}{}",
                column.data_type.text().to_uppercase(),
                comment.unwrap_or_default()
            )
        })
        .collect();
    let mut lines = lines;
    for constraint in &record.constraints {
        lines.push(key_text(constraint)?);
    }
    let _ = write!(
        text,
        "CREATE TABLE {} (\n{})\nUSING {}",
        record.full_name(),
        lines.join(",\n"),
        record.format.to_lowercase()
    );
    let partitions = scene.catalog().partition_columns(record)?;
    if !partitions.is_empty() {
        let _ = write!(text, "\nPARTITIONED BY ({})", partitions.join(", "));
    }
    if let Some(comment) = &record.stamp.comment {
        let _ = write!(text, "\nCOMMENT {}", string_literal(comment));
    }
    let mut properties = scene.catalog().properties(record)?;
    if properties.remove("clusteringColumns").is_some() {
        let names = scene.catalog().clustering(record)?;
        let names: Vec<String> = names.iter().map(|name| brickyard_sql::quote_name(name)).collect();
        let _ = write!(text, "\nCLUSTER BY ({})", names.join(", "));
    }
    if !properties.is_empty() {
        let pairs: Vec<String> = properties
            .iter()
            .map(|(name, value)| format!("  {} = {}", string_literal(name), string_literal(value)))
            .collect();
        let _ = write!(text, "\nTBLPROPERTIES (\n{})", pairs.join(",\n"));
    }
    text.push('\n');
    Ok(text)
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|moment| moment.to_string()).unwrap_or_default()
}

/// A key as it stands in `CREATE TABLE`.
fn key_text(constraint: &Constraint) -> Result<String, Fault> {
    Ok(format!("  CONSTRAINT {} {}", quoted(&constraint.name), key(constraint)?))
}
