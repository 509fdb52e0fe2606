//! `CREATE TABLE`, `DROP TABLE`.

use std::collections::BTreeMap;

use brickyard_sql::command::{ColumnDefinition, Constraint as Written, CreateTable, Generated, Like, Moment};
use brickyard_sql::{Name, Securable, quote_name, string_literal};

use crate::catalog::{
    CatalogError, CloneOf, Column, Constraint, DataType, Kind, NewTable, Privilege, TableChange,
};
use crate::warehouse::commands::alter::policy;
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
        return Err(Fault::unsupported("temporary tables", "Use a temporary view or a table"));
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
        (Some(Like::Clone { source, shallow, travel }), _) => {
            return clone(scene, create, &full, source, *shallow, travel.as_ref()).await;
        }
        (None, Some(query)) => (scene.columns_of(&query).await?, Some(query)),
        (None, None)
            if create.columns.is_empty()
                && create.format.as_deref().is_some_and(|format| format != "DELTA") =>
        {
            (columns_of_files(scene, create).await?, None)
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
    properties.extend(clustering(scene, create, &columns)?);
    let table = NewTable {
        full_name: full.clone(),
        columns,
        partition_columns: create.partitioned_by.clone(),
        format: create.format.clone().unwrap_or_default(),
        location: create.location.clone().or_else(|| option(create, "path")),
        options: create.options.iter().cloned().collect(),
        properties,
        comment: create.comment.clone(),
        view: None,
        constraints: keys,
        replace: create.or_replace,
        upkeep: None,
        clone: None,
    };
    // A table whose filter or mask cannot be is not made.
    let mut policies = Vec::new();
    if let Some((function, on)) = &create.row_filter {
        policies.push(TableChange::RowFilter(Some(policy(scene, function, on)?)));
    }
    for column in &create.columns {
        if let Some((function, using)) = &column.mask {
            let policy = Some(policy(scene, function, using)?);
            policies.push(TableChange::Mask { column: column.name.clone(), policy });
        }
    }
    let existed = scene.catalog().get_table(&scene.identity, &full).is_ok();
    scene.catalog().create_table(&scene.identity, table)?;
    for change in policies {
        scene.catalog().alter_table(&scene.identity, &full, change)?;
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

/// The property that keeps what `CLUSTER BY` says; nothing is chosen for `AUTO`.
fn clustering(
    scene: &Scene<'_>,
    create: &CreateTable,
    columns: &[Column],
) -> Result<Option<(String, String)>, Fault> {
    let own = ["clusteringColumns", "clusterByAuto"];
    if let Some((name, _)) = create.properties.iter().find(|(name, _)| own.contains(&name.as_str())) {
        return Err(Fault::unsupported(
            format_args!("the property {name}"),
            "Write CLUSTER BY (…) or CLUSTER BY AUTO",
        ));
    }
    let names = create.cluster_by.as_deref().unwrap_or_default();
    if names.is_empty() && !create.cluster_auto {
        return Ok(None);
    }
    if !create.partitioned_by.is_empty() {
        let text = "Clustering and partitioning cannot both be specified. \
                    Please remove PARTITIONED BY / partitionBy / partition_cols or CLUSTER BY / clusterBy.";
        return Err(Fault::new("DELTA_CLUSTER_BY_WITH_PARTITIONED_BY", "42613", text));
    }
    if create.format.as_deref().is_some_and(|format| format != "DELTA") {
        let hint = "Leave CLUSTER BY out, or make a Delta table";
        return Err(Fault::unsupported("CLUSTER BY of tables that are not Delta", hint));
    }
    if create.cluster_auto {
        return Ok(Some(scene.catalog().clustering_auto_property()));
    }
    Ok(scene.catalog().clustering_property(columns, names)?)
}

fn option(create: &CreateTable, name: &str) -> Option<String> {
    create.options.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}

/// `CREATE TABLE … CLONE`: the files are linked, the log is written anew.
async fn clone(
    scene: &Scene<'_>,
    create: &CreateTable,
    full: &str,
    source: &Name,
    shallow: bool,
    travel: Option<&Moment>,
) -> Result<Outcome, Fault> {
    let from = scene.full(source)?;
    scene.catalog().check(&scene.identity, Kind::Table, &from, Privilege::SELECT)?;
    let table = scene.catalog().table_record(&from)?;
    if table.is_view() || !table.is_delta() {
        return Err(Fault::new(
            "DELTA_CLONE_UNSUPPORTED_SOURCE",
            "0AKDC",
            format_args!("Unsupported clone source '{}', whose format is not Delta.", table.full_name()),
        ));
    }
    scene.catalog().check_not_kept(&table, "CLONE")?;
    if table.is_guarded() {
        let text = format_args!(
            "Cloning '{}', which has a row filter or column masks, is not supported.",
            table.full_name()
        );
        return Err(Fault::new("UNSUPPORTED_FEATURE.CLONE_WITH_ROW_FILTER_OR_COLUMN_MASK", "0A000", text));
    }
    scene.workspace.make_sample(&table).await?;
    let version = match travel {
        Some(moment) => Some(super::maintain::version_of(scene, &table, moment).await?),
        None => None,
    };
    let constraints = table.constraints.clone();
    let comment = create.comment.clone().or_else(|| table.stamp.comment.clone());
    let new = NewTable {
        full_name: full.to_owned(),
        columns: scene.catalog().columns(&table)?,
        location: create.location.clone(),
        properties: create.properties.iter().cloned().collect(),
        comment,
        constraints,
        replace: create.or_replace,
        clone: Some(CloneOf { table, version, shallow }),
        ..NewTable::default()
    };
    let made = scene.catalog().create_table(&scene.identity, new)?;
    let history = scene.catalog().history(
        &scene.identity,
        &full_name(&[&made.catalog, &made.schema, &made.name]),
        1,
    )?;
    let names = [
        ("source_table_size", "sourceTableSize"),
        ("source_num_of_files", "sourceNumOfFiles"),
        ("num_removed_files", "numRemovedFiles"),
        ("num_copied_files", "numCopiedFiles"),
        ("removed_files_size", "removedFilesSize"),
        ("copied_files_size", "copiedFilesSize"),
    ];
    let mut grid = Grid::new(names.map(|(name, _)| (name, arrow_schema::DataType::Int64)).to_vec());
    let metric = |name: &str| -> Option<i64> { history.first()?.operation_metrics.get(name)?.parse().ok() };
    grid.row(names.map(|(_, name)| metric(name).into()));
    grid.outcome()
}

/// The columns of the files that a table is made over; only who may name files of this machine learns them.
async fn columns_of_files(scene: &Scene<'_>, create: &CreateTable) -> Result<Vec<Column>, Fault> {
    let format = create.format.clone().unwrap_or_default().to_lowercase();
    let place = create.location.clone().or_else(|| option(create, "path"));
    let Some(place) = place.filter(|_| ["csv", "json", "parquet", "avro", "text"].contains(&format.as_str()))
    else {
        return Ok(Vec::new());
    };
    let place = scene.catalog().external_place(&scene.identity, &place)?;
    let place = scene.catalog().engine_path(&place)?;
    let mut options = vec![format!("`path` {}", string_literal(&place.to_string_lossy()))];
    let given = create.options.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("path"));
    options.extend(given.map(|(key, value)| format!("{} {}", quote_name(key), string_literal(value))));
    let view = format!("__files_{}", uuid::Uuid::new_v4().simple());
    let setup =
        format!("CREATE OR REPLACE TEMPORARY VIEW {view} USING {format} OPTIONS ({})", options.join(", "));
    let columns = scene
        .file_columns(&setup, &view)
        .await?
        .into_iter()
        .map(|column| Ok(Column::new(column.name, DataType::parse(&column.data_type.to_string())?)));
    columns.collect::<Result<Vec<_>, CatalogError>>().map_err(Fault::from)
}

/// `DROP TABLE`, `DROP VIEW` and the like: a streaming table is a table, a materialized view is a view.
pub(super) fn drop(scene: &Scene<'_>, parts: &[String], kind: Securable) -> Result<(), Fault> {
    if let [name] = parts
        && scene.session.settings().drop_temporary(name)
    {
        return Ok(());
    }
    let full = full_name(&scene.parts(parts)?);
    let record = scene.catalog().table_record(&full)?;
    let is_view = record.is_view() || record.is_materialized();
    let wants_view = matches!(kind, Securable::View | Securable::MaterializedView);
    if is_view != wants_view {
        let (found, wanted) = if wants_view { ("table", "DROP TABLE") } else { ("view", "DROP VIEW") };
        return Err(Fault::new(
            if wants_view { "EXPECT_VIEW_NOT_TABLE" } else { "EXPECT_TABLE_NOT_VIEW" },
            "42809",
            format_args!("{full} is a {found}. Use {wanted} instead."),
        ));
    }
    match kind {
        Securable::MaterializedView if !record.is_materialized() => {
            return Err(super::kept::other_kind(&record, false, "DROP"));
        }
        Securable::StreamingTable if !record.is_kept() => {
            return Err(super::kept::other_kind(&record, true, "DROP"));
        }
        _ => {}
    }
    scene.catalog().drop_table(&scene.identity, &full)?;
    Ok(())
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
pub(super) fn constraint(
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
        Written::Unique { .. } => {
            return Err(Fault::unsupported(
                "UNIQUE constraints",
                "Use PRIMARY KEY, or leave it out: it is not enforced",
            ));
        }
    }
    Ok(())
}
