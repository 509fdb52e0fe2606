//! Tables and views as text: `SHOW TABLE EXTENDED` and `SHOW CREATE TABLE`.

use std::fmt::Write as _;

use brickyard_sql::string_literal;

use super::table::{key, quoted};
use super::time;
use crate::catalog::{Column, Constraint, Schedule, TableRecord, TableType};
use crate::warehouse::fault::Fault;
use crate::warehouse::scene::Scene;

/// What `SHOW TABLE EXTENDED` tells of a table.
pub(crate) fn information(scene: &Scene<'_>, record: &TableRecord) -> Result<String, Fault> {
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
    if let Some(text) = &record.view_definition {
        line("View Text", text);
    }
    if !record.is_view() {
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
pub(crate) fn create_statement(scene: &Scene<'_>, record: &TableRecord) -> Result<String, Fault> {
    let mut text = String::new();
    let columns = scene.catalog().columns(record)?;
    if let Some(query) = record.view_definition.as_ref().filter(|_| record.is_view()) {
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
                "  {name} {}{null}{}{}",
                brickyard_sql::DataType::from(column.data_type.text().as_str()),
                computed(column),
                comment.unwrap_or_default()
            )
        })
        .collect();
    let mut lines = lines;
    for constraint in &record.constraints {
        lines.push(key_text(constraint)?);
    }
    let kind = match record.table_type {
        TableType::MaterializedView => "MATERIALIZED VIEW",
        TableType::StreamingTable => "STREAMING TABLE",
        _ => "TABLE",
    };
    let _ = write!(text, "CREATE {kind} {} (\n{})", record.full_name(), lines.join(",\n"));
    if record.upkeep.is_none() {
        let _ = write!(text, "\nUSING {}", record.format.to_lowercase());
    }
    let partitions = scene.catalog().partition_columns(record)?;
    if !partitions.is_empty() {
        let _ = write!(text, "\nPARTITIONED BY ({})", partitions.join(", "));
    }
    if let Some(comment) = &record.stamp.comment {
        let _ = write!(text, "\nCOMMENT {}", string_literal(comment));
    }
    let mut properties = scene.catalog().properties(record)?;
    properties.remove("pipelines.pipelineId");
    let columns = properties.remove("clusteringColumns");
    if columns.is_some() && !properties.contains_key("clusterByAuto") {
        let names = scene.catalog().clustering(record)?;
        let names: Vec<String> = names.iter().map(|name| brickyard_sql::quote_name(name)).collect();
        let _ = write!(text, "\nCLUSTER BY ({})", names.join(", "));
    }
    if properties.remove("clusterByAuto").is_some() {
        text.push_str("\nCLUSTER BY AUTO");
    }
    if !properties.is_empty() {
        let pairs: Vec<String> = properties
            .iter()
            .map(|(name, value)| format!("  {} = {}", string_literal(name), string_literal(value)))
            .collect();
        let _ = write!(text, "\nTBLPROPERTIES (\n{})", pairs.join(",\n"));
    }
    if let Some(schedule) = record.upkeep.as_ref().and_then(|upkeep| upkeep.schedule.as_ref()) {
        let word = if matches!(schedule, Schedule::OnUpdate { .. }) { "" } else { "SCHEDULE " };
        let _ = write!(text, "\n{word}{schedule}");
    }
    if let Some(query) = &record.view_definition {
        let _ = write!(text, "\nAS {query}");
    }
    text.push('\n');
    Ok(text)
}

/// Where the value of a column comes from when none is given, as it stands in `CREATE TABLE`.
fn computed(column: &Column) -> String {
    let text = |key: &str| column.metadata.get(key).and_then(|value| value.as_str());
    let number = |key: &str| column.metadata.get(key).and_then(serde_json::Value::as_i64);
    if let Some(start) = number("delta.identity.start") {
        let explicit = column.metadata.get("delta.identity.allowExplicitInsert");
        let kind = if explicit == Some(&true.into()) { "BY DEFAULT" } else { "ALWAYS" };
        let step = number("delta.identity.step").unwrap_or(1);
        return format!(" GENERATED {kind} AS IDENTITY (START WITH {start} INCREMENT BY {step})");
    }
    match (text("delta.generationExpression"), text("CURRENT_DEFAULT")) {
        (Some(expression), _) => format!(" GENERATED ALWAYS AS ({expression})"),
        (None, Some(default)) => format!(" DEFAULT {default}"),
        (None, None) => String::new(),
    }
}

/// A key as it stands in `CREATE TABLE`.
fn key_text(constraint: &Constraint) -> Result<String, Fault> {
    Ok(format!("  CONSTRAINT {} {}", quoted(&constraint.name), key(constraint)?))
}
