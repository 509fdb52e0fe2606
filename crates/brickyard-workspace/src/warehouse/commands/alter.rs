//! `ALTER …`, `COMMENT ON`.

use std::collections::BTreeMap;

use brickyard_sql::command::{Alter, AlterAction, ColumnChange, Constraint as Written, Position};
use brickyard_sql::{Name, Securable, quote_name};

use crate::catalog::{Change, DataType, Policy, TableChange, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::name::{full_name, shown};
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

pub(super) fn comment(
    scene: &Scene<'_>,
    kind: Securable,
    name: &Name,
    comment: Option<String>,
) -> Result<Outcome, Fault> {
    let text = comment.unwrap_or_default();
    if kind == Securable::Column {
        let mut parts = name.values();
        let column = parts.pop().unwrap_or_default();
        let full = full_name(&scene.parts(&parts)?);
        let change =
            TableChange::ColumnComment { column, comment: Some(text).filter(|text| !text.is_empty()) };
        scene.catalog().alter_table(&scene.identity, &full, change)?;
        return Ok(Outcome::nothing());
    }
    common(scene, kind, name, Change { comment: Some(text), ..Change::default() })
}

pub(super) async fn alter(scene: &Scene<'_>, alter: &Alter) -> Result<Outcome, Fault> {
    let change = |change: Change| common(scene, alter.kind, &alter.name, change);
    match &alter.action {
        AlterAction::Rename(name) => {
            // A table may move to another schema; the catalog reads the whole name.
            let table = matches!(alter.kind, Securable::Table | Securable::View) && name.parts.len() > 1;
            let name = if table { Some(scene.full(name)?) } else { name.values().pop() };
            change(Change { name, ..Change::default() })
        }
        AlterAction::Owner(owner) => change(Change { owner: Some(owner.clone()), ..Change::default() }),
        AlterAction::SetTags(tags) => {
            change(Change { set_tags: tags.iter().cloned().collect(), ..Change::default() })
        }
        AlterAction::UnsetTags(tags) => change(Change { unset_tags: tags.clone(), ..Change::default() }),
        AlterAction::SetProperties(pairs) if alter.kind == Securable::Schema => {
            change(Change { properties: Some(pairs.iter().cloned().collect()), ..Change::default() })
        }
        AlterAction::Query(_, text) => {
            let columns = scene.columns_of(text).await?;
            let settings = scene.settings();
            let context = (settings.catalog, settings.schema);
            let change = TableChange::Query { text: text.clone(), context, columns };
            scene.catalog().alter_table(&scene.identity, &scene.full(&alter.name)?, change)?;
            Ok(Outcome::nothing())
        }
        AlterAction::Schedule(alters, written) => {
            super::kept::alter_schedule(scene, &alter.name.values(), alter.kind, Some((*alters, written)))
        }
        AlterAction::DropSchedule => {
            super::kept::alter_schedule(scene, &alter.name.values(), alter.kind, None)
        }
        action => {
            let full = scene.full(&alter.name)?;
            let record = scene.table(&alter.name.values())?;
            let lock = scene.workspace.warehouses().writer(&record.full_name());
            let _writing = lock.lock().await;
            check_rows(scene, &record, action).await?;
            for change in table_changes(scene, alter, action)? {
                scene.catalog().alter_table(&scene.identity, &full, change)?;
            }
            Ok(Outcome::nothing())
        }
    }
}

/// Changes what every securable has.
fn common(scene: &Scene<'_>, kind: Securable, name: &Name, change: Change) -> Result<Outcome, Fault> {
    let (catalog, identity, parts) = (scene.catalog(), &scene.identity, name.values());
    match kind {
        Securable::Catalog => drop_value(catalog.update_catalog(identity, &full_name(&parts), change)?),
        Securable::Schema => {
            drop_value(catalog.update_schema(identity, &full_name(&scene.schema_parts(&parts)?), change)?);
        }
        Securable::Volume => {
            drop_value(catalog.update_volume(identity, &full_name(&scene.parts(&parts)?), &change)?);
        }
        Securable::Function | Securable::Procedure => {
            drop_value(catalog.update_function(identity, &full_name(&scene.parts(&parts)?), &change)?);
        }
        Securable::Table | Securable::View | Securable::MaterializedView | Securable::StreamingTable => {
            let full = full_name(&scene.parts(&parts)?);
            drop_value(catalog.alter_table(identity, &full, TableChange::Common(change))?);
        }
        other => return Err(Fault::unsupported(format_args!("ALTER {}", other.words()), super::ELSEWHERE)),
    }
    Ok(Outcome::nothing())
}

fn table_changes(scene: &Scene<'_>, alter: &Alter, action: &AlterAction) -> Result<Vec<TableChange>, Fault> {
    let policy = |function: &Name, columns: &Vec<String>| policy(scene, function, columns);
    let unsupported = |what: &str, hint: &str| {
        Err(Fault::unsupported(format_args!("ALTER {} … {what}", alter.kind.words()), hint))
    };
    Ok(vec![match action {
        AlterAction::SetProperties(pairs) => TableChange::SetProperties(pairs.iter().cloned().collect()),
        AlterAction::UnsetProperties(names) => TableChange::UnsetProperties(names.clone()),
        AlterAction::AddColumns(columns) => {
            let mut added = Vec::new();
            for (path, definition, position) in columns {
                if !path.is_empty() {
                    return unsupported(
                        "ADD COLUMN of a nested field",
                        "Add a column of its own, or make the table anew",
                    );
                }
                let place = position.as_ref().map(|position| match position {
                    Position::First => String::new(),
                    Position::After(column) => column.clone(),
                });
                added.push((super::tables::column(definition)?, place));
            }
            TableChange::AddColumns(added)
        }
        AlterAction::AddConstraint(Written::Check { name, expression }) => TableChange::AddCheck {
            name: name.clone().unwrap_or_else(|| "check_constraint".to_owned()),
            expression: expression.clone(),
        },
        AlterAction::AddConstraint(written) => {
            let (mut checks, mut keys) = (BTreeMap::new(), Vec::new());
            let table = alter.name.values().pop().unwrap_or_default();
            super::tables::constraint(scene, &table, written, &mut checks, &mut keys)?;
            return Ok(keys.into_iter().map(TableChange::AddKey).collect());
        }
        AlterAction::DropConstraint { name, if_exists } => {
            let name = if let Some(name) = name {
                name.clone()
            } else {
                let record = scene.table(&alter.name.values())?;
                let key = record.constraints.iter().find(|key| key.references.is_none());
                match key {
                    Some(key) => key.name.clone(),
                    None if *if_exists => return Ok(Vec::new()),
                    None => {
                        let text = format_args!("Table '{}' has no primary key.", record.full_name());
                        return Err(Fault::new("CONSTRAINT_DOES_NOT_EXIST", "42704", text));
                    }
                }
            };
            TableChange::DropConstraint { name, if_exists: *if_exists }
        }
        AlterAction::SetRowFilter(function, columns) => {
            TableChange::RowFilter(Some(policy(function, columns)?))
        }
        AlterAction::DropRowFilter => TableChange::RowFilter(None),
        AlterAction::Column(path, change) if path.len() == 1 => {
            let column = path[0].clone();
            match change {
                ColumnChange::Comment(text) => {
                    let comment = Some(text.clone()).filter(|text| !text.is_empty());
                    TableChange::ColumnComment { column, comment }
                }
                ColumnChange::NotNull(false) => TableChange::DropNotNull(column),
                ColumnChange::NotNull(true) => TableChange::SetNotNull(column),
                ColumnChange::Position(Position::First) => {
                    TableChange::Place { column, after: String::new() }
                }
                ColumnChange::Position(Position::After(after)) => {
                    TableChange::Place { column, after: after.clone() }
                }
                ColumnChange::Type(data_type) => return same_type(scene, alter, &column, data_type),
                ColumnChange::Default(expression) => {
                    TableChange::Default { column, expression: expression.clone() }
                }
                ColumnChange::SetMask(function, using) => {
                    TableChange::Mask { column, policy: Some(policy(function, using)?) }
                }
                ColumnChange::DropMask => TableChange::Mask { column, policy: None },
                ColumnChange::SetTags(tags) => {
                    TableChange::ColumnTags { column, set: tags.iter().cloned().collect(), unset: Vec::new() }
                }
                ColumnChange::UnsetTags(tags) => {
                    TableChange::ColumnTags { column, set: BTreeMap::new(), unset: tags.clone() }
                }
                _ => {
                    return unsupported(
                        "ALTER COLUMN of this kind",
                        "Make the table anew with CREATE OR REPLACE TABLE … AS",
                    );
                }
            }
        }
        AlterAction::ClusterBy(columns) => TableChange::ClusterBy(columns.clone()),
        AlterAction::ClusterByAuto => TableChange::ClusterByAuto,
        AlterAction::Other(words) => {
            return unsupported(words, "Make the table anew with CREATE OR REPLACE TABLE … AS");
        }
        AlterAction::DropColumns { if_exists, columns } => {
            TableChange::DropColumns { paths: columns.clone(), if_exists: *if_exists }
        }
        AlterAction::RenameColumn(path, name) => {
            TableChange::RenameColumn { path: path.clone(), name: name.clone() }
        }
        AlterAction::ReplaceColumns(_) => {
            return unsupported("REPLACE COLUMNS", "Use ADD COLUMNS, DROP COLUMNS and RENAME COLUMN");
        }
        _ => {
            return unsupported(
                "a change of this kind",
                "Make the table anew with CREATE OR REPLACE TABLE … AS",
            );
        }
    }])
}

/// Refuses a constraint that rows which are there do not hold.
async fn check_rows(scene: &Scene<'_>, record: &TableRecord, action: &AlterAction) -> Result<(), Fault> {
    let (condition, class, text) = match action {
        AlterAction::AddConstraint(Written::Check { name, expression }) => (
            format!("NOT ({expression})"),
            "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION",
            format!(
                "violate the new CHECK constraint ({}: {expression})",
                name.as_deref().unwrap_or_default()
            ),
        ),
        AlterAction::Column(path, ColumnChange::NotNull(true)) if path.len() == 1 => (
            format!("{} IS NULL", quote_name(&path[0])),
            "DELTA_NEW_NOT_NULL_VIOLATION",
            format!("violate the new NOT NULL constraint on {}", path[0]),
        ),
        _ => return Ok(()),
    };
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    let rows = scene.collect(&format!("SELECT count(*) AS n FROM {full} WHERE {condition}")).await?;
    let count = rows.first().and_then(|batch| {
        use arrow_array::cast::AsArray;
        batch.column(0).as_primitive_opt::<arrow_array::types::Int64Type>()?.iter().next().flatten()
    });
    match count {
        Some(0) => Ok(()),
        Some(count) => {
            Err(Fault::new(class, "23512", format_args!("{count} rows in {} {text}.", record.full_name())))
        }
        None => Err(Fault::internal("The rows could not be counted")),
    }
}

/// `ALTER COLUMN … TYPE`: nothing to do for the type it has; another would need files to be written anew.
fn same_type(
    scene: &Scene<'_>,
    alter: &Alter,
    column: &str,
    wanted: &brickyard_sql::DataType,
) -> Result<Vec<TableChange>, Fault> {
    let record = scene.table(&alter.name.values())?;
    let columns = scene.catalog().columns(&record)?;
    let own = columns.iter().find(|own| own.name.eq_ignore_ascii_case(column)).ok_or_else(|| {
        let text = format_args!("A column with name `{column}` cannot be resolved.");
        Fault::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text)
    })?;
    let wanted = DataType::parse(&wanted.to_string())?;
    if own.data_type == wanted {
        return Ok(Vec::new());
    }
    let wider = match (&own.data_type, &wanted) {
        (DataType::Varchar(own) | DataType::Char(own), DataType::Varchar(wanted)) => wanted >= own,
        (DataType::Varchar(_), DataType::Plain("string")) => true,
        _ => false,
    };
    if wider {
        return Ok(vec![TableChange::Length { column: column.to_owned(), data_type: wanted }]);
    }
    Err(Fault::new(
        "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
        "0AKDC",
        format_args!(
            "ALTER TABLE CHANGE COLUMN is not supported for changing column {column} from {} to {}.",
            own.data_type.text().to_uppercase(),
            wanted.text().to_uppercase()
        ),
    ))
}

fn drop_value<T>(_value: T) {}

/// A row filter or mask; whoever sets it must be able to call its function.
pub(super) fn policy(scene: &Scene<'_>, function: &Name, columns: &[String]) -> Result<Policy, Fault> {
    let parts = scene.parts(&function.values())?;
    scene.catalog().callable_function(&scene.identity, &full_name(&parts))?;
    Ok(Policy { function: shown(&parts), columns: columns.to_vec() })
}
