//! `CREATE TABLE`, `DROP TABLE`, `ALTER`, `COMMENT ON`.

use std::collections::BTreeMap;

use brickyard_sql::command::{Alter, AlterAction, ColumnChange, Constraint as Written, Moment, Position};
use brickyard_sql::command::{ColumnDefinition, CreateTable, Generated, Like};
use brickyard_sql::{Name, Securable};

use crate::catalog::{CatalogError, Change, Column, Constraint, DataType, NewTable, Policy, TableChange};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::name::{full_name, shown};
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// Nothing, also when it was there already and that is allowed.
pub(super) fn unless_there(made: Result<(), CatalogError>, if_not_exists: bool) -> Result<Outcome, Fault> {
    match made {
        Err(CatalogError::AlreadyExists { .. }) if if_not_exists => Ok(Outcome::nothing()),
        made => Ok(made.map(|()| Outcome::nothing())?),
    }
}

pub(super) async fn create(scene: &Scene<'_>, sql: &str, create: &CreateTable) -> Result<Outcome, Fault> {
    if create.temporary {
        return Err(Fault::unsupported("temporary tables"));
    }
    let parts = scene.parts(&create.name.values())?;
    let full = full_name(&parts);
    if create.if_not_exists && scene.catalog().get_table(&scene.identity, &full).is_ok() {
        return Ok(Outcome::nothing());
    }
    let query = create.query.as_ref().map(|query| query.span.of(sql).to_owned());
    let (columns, query) = match (&create.like, query) {
        (Some(Like::Columns(source)), _) => {
            let source = scene.table(&source.values())?;
            (scene.catalog().columns(&source)?, None)
        }
        (Some(Like::Clone { source, travel, .. }), _) => {
            let mut text = format!("SELECT * FROM {}", full_name(&scene.parts(&source.values())?));
            match travel {
                Some(Moment::Version(version)) => text = format!("{text} VERSION AS OF {version}"),
                Some(Moment::Timestamp(moment)) => text = format!("{text} TIMESTAMP AS OF {moment}"),
                None => {}
            }
            let schema = scene.schema(&text).await?;
            (Column::of_schema(&schema)?, Some(text))
        }
        (None, Some(query)) => {
            let schema = scene.schema(&query).await?;
            (Column::of_schema(&schema)?, Some(query))
        }
        (None, None) => {
            let columns = create.columns.iter().map(column);
            (columns.collect::<Result<Vec<_>, _>>()?, None)
        }
    };
    let mut checks = BTreeMap::new();
    let mut keys = Vec::new();
    let of_columns = create.columns.iter().flat_map(|column| &column.constraints);
    for written in create.constraints.iter().chain(of_columns) {
        constraint(scene, &parts[2], written, &mut checks, &mut keys)?;
    }
    let mut properties: BTreeMap<String, String> = create.properties.iter().cloned().collect();
    properties.extend(checks.into_iter().map(|(name, text)| (format!("delta.constraints.{name}"), text)));
    let table = NewTable {
        full_name: full.clone(),
        columns,
        partition_columns: create.partitioned_by.clone(),
        format: create.format.clone().unwrap_or_default(),
        location: create.location.clone(),
        options: create.options.iter().cloned().collect(),
        properties,
        comment: create.comment.clone(),
        view: None,
        constraints: keys,
        replace: create.or_replace,
    };
    let existed = scene.catalog().get_table(&scene.identity, &full).is_ok();
    scene.catalog().create_table(&scene.identity, table)?;
    if let Some((function, on)) = &create.row_filter {
        let policy = Policy { function: shown(&scene.parts(&function.values())?), columns: on.clone() };
        scene.catalog().alter_table(&scene.identity, &full, TableChange::RowFilter(Some(policy)))?;
    }
    for column in &create.columns {
        if let Some((function, using)) = &column.mask {
            let policy =
                Policy { function: shown(&scene.parts(&function.values())?), columns: using.clone() };
            let change = TableChange::Mask { column: column.name.clone(), policy: Some(policy) };
            scene.catalog().alter_table(&scene.identity, &full, change)?;
        }
    }
    let Some(query) = query else { return Ok(Outcome::nothing()) };
    let filled = Box::pin(scene.run(&format!("INSERT INTO {full} {query}"))).await;
    if let Err(fault) = filled {
        if !existed {
            scene.catalog().drop_table(&scene.identity, &full)?;
        }
        return Err(fault);
    }
    Grid::new(vec![
        ("num_affected_rows", arrow_schema::DataType::Int64),
        ("num_inserted_rows", arrow_schema::DataType::Int64),
    ])
    .outcome()
}

pub(super) fn drop(scene: &Scene<'_>, parts: &[String], is_view: bool) -> Result<(), Fault> {
    if let [name] = parts
        && scene.session.settings().drop_temporary(name)
    {
        return Ok(());
    }
    let full = full_name(&scene.parts(parts)?);
    let record = scene.catalog().table_record(&full)?;
    if record.is_view() != is_view {
        let (found, wanted) = if is_view { ("table", "DROP TABLE") } else { ("view", "DROP VIEW") };
        return Err(Fault::new(
            if is_view { "EXPECT_VIEW_NOT_TABLE" } else { "EXPECT_TABLE_NOT_VIEW" },
            "42809",
            format_args!("{full} is a {found}. Use {wanted} instead."),
        ));
    }
    scene.catalog().drop_table(&scene.identity, &full)?;
    Ok(())
}

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

pub(super) fn alter(scene: &Scene<'_>, alter: &Alter) -> Result<Outcome, Fault> {
    let change = |change: Change| common(scene, alter.kind, &alter.name, change);
    match &alter.action {
        AlterAction::Rename(name) => change(Change { name: name.values().pop(), ..Change::default() }),
        AlterAction::Owner(owner) => change(Change { owner: Some(owner.clone()), ..Change::default() }),
        AlterAction::SetTags(tags) => {
            change(Change { set_tags: tags.iter().cloned().collect(), ..Change::default() })
        }
        AlterAction::UnsetTags(tags) => change(Change { unset_tags: tags.clone(), ..Change::default() }),
        AlterAction::SetProperties(pairs) if alter.kind == Securable::Schema => {
            change(Change { properties: Some(pairs.iter().cloned().collect()), ..Change::default() })
        }
        action => {
            let full = scene.full(&alter.name)?;
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
        Securable::Function => {
            drop_value(catalog.update_function(identity, &full_name(&scene.parts(&parts)?), &change)?);
        }
        Securable::Table | Securable::View | Securable::MaterializedView | Securable::StreamingTable => {
            let full = full_name(&scene.parts(&parts)?);
            drop_value(catalog.alter_table(identity, &full, TableChange::Common(change))?);
        }
        other => return Err(Fault::unsupported(format_args!("ALTER {}", other.words()))),
    }
    Ok(Outcome::nothing())
}

fn table_changes(scene: &Scene<'_>, alter: &Alter, action: &AlterAction) -> Result<Vec<TableChange>, Fault> {
    let policy = |function: &Name, columns: &Vec<String>| -> Result<Policy, Fault> {
        Ok(Policy { function: shown(&scene.parts(&function.values())?), columns: columns.clone() })
    };
    let unsupported =
        |what: &str| Err(Fault::unsupported(format_args!("ALTER {} … {what}", alter.kind.words())));
    Ok(vec![match action {
        AlterAction::SetProperties(pairs) => TableChange::SetProperties(pairs.iter().cloned().collect()),
        AlterAction::UnsetProperties(names) => TableChange::UnsetProperties(names.clone()),
        AlterAction::AddColumns(columns) => {
            let mut added = Vec::new();
            for (path, definition, position) in columns {
                if !path.is_empty() {
                    return unsupported("ADD COLUMN of a nested field");
                }
                let place = position.as_ref().map(|position| match position {
                    Position::First => String::new(),
                    Position::After(column) => column.clone(),
                });
                added.push((column(definition)?, place));
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
            constraint(scene, &table, written, &mut checks, &mut keys)?;
            return Ok(keys.into_iter().map(TableChange::AddKey).collect());
        }
        AlterAction::DropConstraint { name: Some(name), if_exists } => {
            TableChange::DropConstraint { name: name.clone(), if_exists: *if_exists }
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
                _ => return unsupported("ALTER COLUMN of this kind"),
            }
        }
        AlterAction::ClusterBy(_) => return Ok(Vec::new()), // a hint about the layout of files
        AlterAction::Other(words) => return unsupported(words),
        AlterAction::DropColumns { .. } => return unsupported("DROP COLUMN"),
        AlterAction::RenameColumn(..) => return unsupported("RENAME COLUMN"),
        AlterAction::ReplaceColumns(_) => return unsupported("REPLACE COLUMNS"),
        _ => return unsupported("a change of this kind"),
    }])
}

/// A column as the catalog keeps it.
pub(super) fn column(definition: &ColumnDefinition) -> Result<Column, Fault> {
    let data_type = DataType::parse(&definition.data_type.to_string())?;
    let mut column = Column::new(definition.name.clone(), data_type);
    let key =
        definition.constraints.iter().any(|constraint| matches!(constraint, Written::PrimaryKey { .. }));
    column.nullable = !(definition.not_null || key);
    column.comment.clone_from(&definition.comment);
    if let Some(default) = &definition.default {
        column.metadata.insert("CURRENT_DEFAULT".to_owned(), default.as_str().into());
    }
    match &definition.generated {
        Some(Generated::Expression(text)) => {
            column.metadata.insert("delta.generationExpression".to_owned(), text.as_str().into());
        }
        Some(Generated::Identity(identity)) => {
            let by_default = !identity.always;
            column.metadata.insert("delta.identity.start".to_owned(), identity.start.into());
            column.metadata.insert("delta.identity.step".to_owned(), identity.step.into());
            column.metadata.insert("delta.identity.allowExplicitInsert".to_owned(), by_default.into());
        }
        None => {}
    }
    Ok(column)
}

/// Sorts a constraint to the checks of the log or the keys of the catalog.
fn constraint(
    scene: &Scene<'_>,
    table: &str,
    written: &Written,
    checks: &mut BTreeMap<String, String>,
    keys: &mut Vec<Constraint>,
) -> Result<(), Fault> {
    match written {
        Written::Check { name, expression } => {
            let name = name.clone().unwrap_or_else(|| format!("{table}_check{}", checks.len() + 1));
            checks.insert(name, expression.clone());
        }
        Written::PrimaryKey { name, columns } => keys.push(Constraint {
            name: name.clone().unwrap_or_else(|| format!("{table}_pk")),
            columns: columns.clone(),
            references: None,
            rely: false,
        }),
        Written::ForeignKey { name, columns, table: parent, references } => {
            let parent = shown(&scene.parts(parent)?);
            let name = name.clone().unwrap_or_else(|| format!("{table}_{}_fk", columns.join("_")));
            keys.push(Constraint {
                name,
                columns: columns.clone(),
                references: Some((parent, references.clone())),
                rely: false,
            });
        }
        Written::Unique { .. } => return Err(Fault::unsupported("UNIQUE constraints")),
    }
    Ok(())
}

fn drop_value<T>(_value: T) {}
