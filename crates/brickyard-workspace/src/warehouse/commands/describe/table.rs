use super::time;
use crate::catalog::Constraint;
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid};
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// `DESCRIBE TABLE`: columns, partitions, and with `extended` what else is known.
pub(super) fn describe(scene: &Scene<'_>, parts: &[String], extended: bool) -> Result<Outcome, Fault> {
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
        }
        if !record.is_view() {
            line("Provider", record.format.to_lowercase());
        }
        if let Some(location) = &record.location {
            line("Location", location.to_string_lossy().into_owned());
        }
        let properties = scene.catalog().properties(&record)?;
        let properties: Vec<String> =
            properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("Table Properties", format!("[{}]", properties.join(",")));
        if let Some(upkeep) = &record.upkeep {
            line("", String::new());
            line("# Refresh Information", String::new());
            if let Some(refreshed) = upkeep.refreshed {
                line("Last Refreshed", time(refreshed));
            }
            if let Some(status) = crate::pipelines::last_state(scene.workspace, &upkeep.pipeline) {
                line("Latest Refresh Status", status.to_owned());
            }
            let pipeline = format!("https://{}/pipelines/{}", scene.workspace.config().host, upkeep.pipeline);
            line("Latest Refresh", pipeline);
            let schedule = upkeep.schedule.as_ref().map(ToString::to_string);
            line("Refresh Schedule", schedule.unwrap_or_else(|| "MANUAL".to_owned()));
        }
        if !record.constraints.is_empty() {
            line("", String::new());
            line("# Constraints", String::new());
            // The primary key, then the others by name.
            let mut constraints: Vec<&Constraint> = record.constraints.iter().collect();
            constraints.sort_by_key(|constraint| (constraint.references.is_some(), &constraint.name));
            for constraint in constraints {
                line(&constraint.name, key(constraint)?);
            }
        }
    }
    grid.outcome()
}

/// A key as `DESCRIBE` writes it, which SQLAlchemy and dbt read.
pub(super) fn key(constraint: &Constraint) -> Result<String, Fault> {
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let columns = list(&constraint.columns);
    let Some((parent, parent_columns)) = &constraint.references else {
        return Ok(format!("PRIMARY KEY ({columns})"));
    };
    let parent = crate::catalog::split(parent)?.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".");
    Ok(format!("FOREIGN KEY ({columns}) REFERENCES {parent} ({})", list(parent_columns)))
}

pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
