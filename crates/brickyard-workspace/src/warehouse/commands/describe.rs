//! `DESCRIBE …` and `SHOW CREATE TABLE`.

use std::fmt::Write as _;

use arrow_schema::DataType::{Boolean, Int64, Utf8};
use brickyard_sql::command::Describe;
use brickyard_sql::string_literal;
use jiff::Timestamp;

use crate::catalog::{Constraint, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid};
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
        Describe::Table { .. } => Err(Fault::unsupported("DESCRIBE … AS JSON")),
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
                ("timestamp", Utf8),
                ("userId", Utf8),
                ("userName", Utf8),
                ("operation", Utf8),
                ("operationParameters", Utf8),
                ("readVersion", Int64),
                ("isolationLevel", Utf8),
                ("isBlindAppend", Boolean),
                ("operationMetrics", Utf8),
                ("userMetadata", Utf8),
                ("engineInfo", Utf8),
            ]);
            for commit in catalog.history(identity, &full, 1000)? {
                let json = |map: &std::collections::BTreeMap<String, String>| {
                    Cell::from(serde_json::to_string(map).unwrap_or_default())
                };
                grid.row([
                    commit.version.into(),
                    moment(commit.timestamp).into(),
                    Cell::Null,
                    commit.user_name.clone().into(),
                    commit.operation.clone().into(),
                    json(&commit.operation_parameters),
                    commit.read_version.into(),
                    commit.isolation_level.clone().into(),
                    commit.is_blind_append.into(),
                    json(&commit.operation_metrics),
                    Cell::Null,
                    commit.engine_info.clone().into(),
                ]);
            }
            grid.outcome()
        }
        Describe::Detail(name) => {
            let record = scene.table(&name.values())?;
            let full = full_name(&[&record.catalog, &record.schema, &record.name]);
            let detail = catalog.detail(identity, &full)?;
            let mut grid = Grid::new(vec![
                ("format", Utf8),
                ("id", Utf8),
                ("name", Utf8),
                ("description", Utf8),
                ("location", Utf8),
                ("createdAt", Utf8),
                ("lastModified", Utf8),
                ("partitionColumns", Utf8),
                ("numFiles", Int64),
                ("sizeInBytes", Int64),
                ("properties", Utf8),
                ("minReaderVersion", Int64),
                ("minWriterVersion", Int64),
            ]);
            let snapshot = &detail.snapshot;
            let location = record.location.as_ref().map(|location| location.to_string_lossy().into_owned());
            grid.row([
                "delta".into(),
                record.id.clone().into(),
                record.full_name().into(),
                record.stamp.comment.clone().into(),
                location.into(),
                moment(record.stamp.created_at).into(),
                moment(detail.last_modified).into(),
                serde_json::to_string(&snapshot.metadata.partition_columns).unwrap_or_default().into(),
                detail.num_files.into(),
                detail.size_in_bytes.into(),
                serde_json::to_string(&snapshot.metadata.configuration).unwrap_or_default().into(),
                i64::from(snapshot.protocol.min_reader_version).into(),
                i64::from(snapshot.protocol.min_writer_version).into(),
            ]);
            grid.outcome()
        }
        Describe::Schema(name, _) => {
            let full = full_name(&scene.schema_parts(&name.values())?);
            let record = catalog.get_schema(identity, &full)?;
            let mut grid = Grid::texts(&["database_description_item", "database_description_value"]);
            grid.row(["Catalog Name".into(), record.catalog.into()]);
            grid.row(["Namespace Name".into(), record.name.into()]);
            grid.row(["Comment".into(), record.stamp.comment.unwrap_or_default().into()]);
            grid.row(["Owner".into(), record.stamp.owner.into()]);
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
        Describe::Function(name, _) => {
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
        line("Created Time", moment(record.stamp.created_at));
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
    let properties = scene.catalog().properties(record)?;
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

fn moment(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|moment| moment.to_string()).unwrap_or_default()
}
