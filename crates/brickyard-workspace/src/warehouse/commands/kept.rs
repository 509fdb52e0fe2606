//! Materialized views and streaming tables: `CREATE`, `REFRESH`, schedules.

use std::collections::BTreeMap;

use brickyard_sql::command::{CreateView, Schedule as Written, ViewKind};
use brickyard_sql::{DataType as SqlDataType, Securable, parse, streams};

use crate::catalog::{
    CatalogError, Column, Constraint, DataType, Definition, Kind, NewTable, Policy, Privilege, Schedule,
    TableChange, TableRecord, TableType, Upkeep,
};
use crate::pipelines;
use crate::quartz;
use crate::warehouse::commands::alter::policy;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::{full_name, shown};
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;
use crate::warehouse::upkeep::{Refresh, begin, update};

/// `CREATE MATERIALIZED VIEW` and `CREATE STREAMING TABLE`.
pub(super) async fn create(scene: &Scene<'_>, create: &CreateView) -> Result<Outcome, Fault> {
    let streaming = create.kind == ViewKind::Streaming;
    let parts = scene.parts(&create.name.values())?;
    let full = full_name(&parts);
    if streaming && create.or_replace {
        return Err(Fault::new(
            "STREAMING_TABLE_OPERATION_NOT_ALLOWED.CREATE_OR_REPLACE",
            "42601",
            "The operation CREATE is not allowed: REPLACE is not allowed for Streaming Tables; please update the command to use CREATE OR REFRESH instead and then retry the command.",
        ));
    }
    let present = match scene.catalog().get_table(&scene.identity, &full) {
        Ok(record) => Some(record),
        Err(CatalogError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(present) = &present {
        if create.if_not_exists {
            return Ok(Outcome::nothing());
        }
        if !create.or_replace && !create.or_refresh {
            return Err(CatalogError::AlreadyExists { kind: Kind::Table, name: shown(&parts) }.into());
        }
        may_redefine(scene, present, streaming)?;
    }
    check_streams(create, &shown(&parts))?;
    let new = new_table(scene, create, &full).await?;
    let (filter, masks) = policies(scene, create)?;
    let Some(present) = present else {
        return made(scene, new, filter, masks).await;
    };
    let mut definition = scene.catalog().redefine(&scene.identity, &present, &new)?;
    definition.record.row_filter = filter;
    definition.record.column_masks = masks;
    if streaming {
        keep_columns(scene, &present, &mut definition)?;
    }
    update(scene.workspace, &present, Refresh { full: false, definition: Some(definition) }).await?;
    Ok(Outcome::nothing())
}

/// Makes a new table, fills it, and takes it back when that fails.
async fn made(
    scene: &Scene<'_>,
    new: NewTable,
    filter: Option<Policy>,
    masks: BTreeMap<String, Policy>,
) -> Result<Outcome, Fault> {
    let (catalog, full) = (scene.catalog(), new.full_name.clone());
    let record = catalog.create_table(&scene.identity, new)?;
    let pipeline = record.upkeep.as_ref().map(|upkeep| upkeep.pipeline.clone()).unwrap_or_default();
    let kind = if record.is_materialized() { "MV" } else { "ST" };
    let name = format!("{kind}-{}", record.full_name());
    let filled = async {
        pipelines::make(scene.workspace, &scene.session.caller, &pipeline, &name, &full)?;
        if filter.is_some() {
            catalog.alter_table(&scene.identity, &full, TableChange::RowFilter(filter))?;
        }
        for (column, policy) in masks {
            let change = TableChange::Mask { column, policy: Some(policy) };
            catalog.alter_table(&scene.identity, &full, change)?;
        }
        update(scene.workspace, &record, Refresh::default()).await
    };
    if let Err(fault) = filled.await {
        catalog.drop_table(&scene.identity, &full)?;
        return Err(fault);
    }
    Ok(Outcome::nothing())
}

/// Refuses another kind of table, and whoever does not own it: the query is run with its owner's rights.
fn may_redefine(scene: &Scene<'_>, present: &TableRecord, streaming: bool) -> Result<(), Fault> {
    let wanted = if streaming { TableType::StreamingTable } else { TableType::MaterializedView };
    if present.table_type != wanted {
        return Err(other_kind(present, streaming, "CREATE"));
    }
    if scene.identity.admin || scene.identity.is(&present.stamp.owner) {
        return Ok(());
    }
    Err(CatalogError::NotOwner { kind: Kind::Table, name: present.full_name() }.into())
}

pub(super) fn other_kind(record: &TableRecord, streaming: bool, operation: &str) -> Fault {
    let name = record.full_name();
    if streaming {
        return Fault::new(
            "STREAMING_TABLE_OPERATION_NOT_ALLOWED.NON_STREAMING_TABLE",
            "42601",
            format_args!("The operation {operation} is not allowed: {name} is not a Streaming Table."),
        );
    }
    Fault::new(
        "MATERIALIZED_VIEW_OPERATION_NOT_ALLOWED.NON_MATERIALIZED_VIEW",
        "56038",
        format_args!(
            "The materialized view operation {operation} is not allowed: {name} is not a materialized view. Please run {operation} again with a materialized view."
        ),
    )
}

/// A streaming table reads streams, a materialized view none.
fn check_streams(create: &CreateView, name: &str) -> Result<(), Fault> {
    let streaming = create.kind == ViewKind::Streaming;
    if streaming && streams(&parse(&create.text)?)?.is_empty() {
        return Err(Fault::new(
            "STREAMING_TABLE_QUERY_INVALID",
            "42000",
            format_args!(
                "Streaming table {name} can only be created from a streaming query. Please add the STREAM keyword to your FROM clause to turn this relation into a streaming query."
            ),
        ));
    }
    // What a stream may not be in, it may be in a query that is none: the words are looked for, not the form.
    if !streaming && batch_text(&create.text)?.is_some() {
        return Err(Fault::new(
            "MATERIALIZED_VIEW_OVER_STREAMING_QUERY_INVALID",
            "42000",
            format_args!(
                "Materialized view {name} cannot be created from a streaming query. Please use CREATE [OR REFRESH] STREAMING TABLE or remove the STREAM keyword from your FROM clause to turn this relation into a batch query instead."
            ),
        ));
    }
    Ok(())
}

/// The query without its `STREAM`, which has the same columns; none where it has no stream.
fn batch_text(text: &str) -> Result<Option<String>, Fault> {
    let spans = brickyard_sql::stream_words(&parse(text)?);
    if spans.is_empty() {
        return Ok(None);
    }
    let (mut batch, mut at) = (String::new(), 0);
    for span in spans {
        batch.push_str(&text[at..span.start]);
        at = span.end;
    }
    batch.push_str(&text[at..]);
    Ok(Some(batch))
}

async fn new_table(scene: &Scene<'_>, create: &CreateView, full: &str) -> Result<NewTable, Fault> {
    let text = batch_text(&create.text)?.unwrap_or_else(|| create.text.clone());
    let mut columns = Column::of_schema(&*scene.schema(&text).await?)?;
    let fixed = !create.columns.is_empty();
    if fixed {
        if create.columns.len() != columns.len() {
            return Err(Fault::new(
                "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
                "21S01",
                "The view has another number of columns than its query.",
            ));
        }
        for (column, written) in columns.iter_mut().zip(&create.columns) {
            if written.default.is_some() || written.generated.is_some() {
                return Err(Fault::unsupported(
                    "defaults and generated columns of materialized views and streaming tables",
                    "Compute the value in the query",
                ));
            }
            column.name.clone_from(&written.name);
            column.comment.clone_from(&written.comment);
            column.nullable = !written.not_null;
            if written.data_type != SqlDataType::Unknown {
                column.data_type = DataType::parse(&written.data_type.to_string())?;
            }
        }
    }
    let mut properties: BTreeMap<String, String> = create.properties.iter().cloned().collect();
    for own in ["clusteringColumns", "clusterByAuto", "pipelines.pipelineId"] {
        properties.remove(own);
    }
    if !create.partitioned_by.is_empty() && (create.cluster_auto || !create.cluster_by.is_empty()) {
        let text = "Clustering and partitioning cannot both be specified. \
                    Please remove PARTITIONED BY / partitionBy / partition_cols or CLUSTER BY / clusterBy.";
        return Err(Fault::new("DELTA_CLUSTER_BY_WITH_PARTITIONED_BY", "42613", text));
    }
    if create.cluster_auto {
        properties.extend([scene.catalog().clustering_auto_property()]);
    } else if !create.cluster_by.is_empty() {
        properties.extend(scene.catalog().clustering_property(&columns, &create.cluster_by)?);
    }
    let table_type = if create.kind == ViewKind::Streaming {
        TableType::StreamingTable
    } else {
        TableType::MaterializedView
    };
    let upkeep = Upkeep {
        pipeline: uuid::Uuid::new_v4().to_string(),
        schedule: create.schedule.as_ref().map(|written| schedule(scene, written)).transpose()?,
        fixed,
        filled: false,
        refreshed: None,
        looked: scene.workspace.clock().unix_milliseconds(),
    };
    let settings = scene.settings();
    Ok(NewTable {
        full_name: full.to_owned(),
        columns,
        partition_columns: create.partitioned_by.clone(),
        properties,
        comment: create.comment.clone(),
        view: Some((create.text.clone(), (settings.catalog, settings.schema))),
        constraints: keys(scene, create)?,
        upkeep: Some((table_type, upkeep)),
        ..NewTable::default()
    })
}

fn keys(scene: &Scene<'_>, create: &CreateView) -> Result<Vec<Constraint>, Fault> {
    let (mut checks, mut keys) = (BTreeMap::new(), Vec::new());
    let table = create.name.values().pop().unwrap_or_default();
    let of_columns = create.columns.iter().flat_map(|column| &column.constraints);
    for written in create.constraints.iter().chain(of_columns) {
        super::tables::constraint(scene, &table, written, &mut checks, &mut keys)?;
    }
    if !checks.is_empty() {
        return Err(Fault::unsupported(
            "CHECK constraints of materialized views and streaming tables",
            "Write the condition into the query's WHERE",
        ));
    }
    Ok(keys)
}

/// A row filter, and masks by column in lower case.
type Policies = (Option<Policy>, BTreeMap<String, Policy>);

fn policies(scene: &Scene<'_>, create: &CreateView) -> Result<Policies, Fault> {
    let filter = create.row_filter.as_ref().map(|(function, on)| policy(scene, function, on)).transpose()?;
    let mut masks = BTreeMap::new();
    for column in &create.columns {
        if let Some((function, using)) = &column.mask {
            masks.insert(column.name.to_lowercase(), policy(scene, function, using)?);
        }
    }
    Ok((filter, masks))
}

/// A streaming table keeps the columns that its rows have; those that its new query has more come after them.
fn keep_columns(scene: &Scene<'_>, present: &TableRecord, definition: &mut Definition) -> Result<(), Fault> {
    let known = scene.catalog().metadata(present)?;
    if known.partition_columns != definition.metadata.partition_columns {
        return Err(Fault::new(
            "CANNOT_UPDATE_PARTITION_COLUMNS",
            "428FT",
            format_args!(
                "Declared partitioning columns ({}) are different to the existing partitioning columns ({}) of {}. Hint: Drop the streaming table and make it again",
                definition.metadata.partition_columns.join(", "),
                known.partition_columns.join(", "),
                present.full_name()
            ),
        ));
    }
    let mut columns = known.columns().unwrap_or_default();
    for new in definition.metadata.columns().unwrap_or_default() {
        match columns.iter_mut().find(|own| own.name.eq_ignore_ascii_case(&new.name)) {
            Some(own) if own.data_type == new.data_type => {
                own.comment = new.comment;
                own.nullable = own.nullable || new.nullable;
            }
            Some(own) => {
                return Err(Fault::new(
                    "DELTA_FAILED_TO_MERGE_FIELDS",
                    "22005",
                    format_args!("Failed to merge fields '{}' and '{}'.", own.name, new.name),
                ));
            }
            None => columns.push(Column { nullable: true, ..new }),
        }
    }
    // A column list may name fewer than the table has by now.
    if let Some(upkeep) = &mut definition.record.upkeep {
        upkeep.fixed &= columns.len() == definition.metadata.columns().map_or(0, |columns| columns.len());
    }
    definition.metadata.set_columns(&columns);
    Ok(())
}

fn schedule(scene: &Scene<'_>, written: &Written) -> Result<Schedule, Fault> {
    Ok(match written.clone() {
        Written::Every { number, unit } => Schedule::Every { number, unit },
        Written::OnUpdate { at_most_every } => Schedule::OnUpdate { at_most_every },
        Written::Cron { expression, zone } => {
            quartz::check(&expression).map_err(|why| {
                let text =
                    format_args!("`{expression}` is not a cron expression in Quartz's notation: {why}");
                Fault::new("INVALID_PARAMETER_VALUE", "22023", text)
            })?;
            let zone = zone.or_else(|| scene.settings().zone().map(str::to_owned));
            let zone = zone.unwrap_or_else(|| "Etc/UTC".to_owned());
            if jiff::tz::TimeZone::get(&zone).is_err() {
                let text = format_args!("`{zone}` is not a time zone.");
                return Err(Fault::new("INVALID_TIMEZONE", "22009", text));
            }
            Schedule::Cron { expression, zone }
        }
    })
}

/// `ALTER … ADD|ALTER SCHEDULE …`, `DROP SCHEDULE`.
pub(super) fn alter_schedule(
    scene: &Scene<'_>,
    parts: &[String],
    kind: Securable,
    change: Option<(bool, &Written)>,
) -> Result<Outcome, Fault> {
    let record = scene.table(parts)?;
    let streaming = kind == Securable::StreamingTable;
    let Some(upkeep) = record.upkeep.as_ref().filter(|_| fits(&record, kind)) else {
        return Err(other_kind(&record, streaming, "ALTER"));
    };
    if let (Some((false, _)), Some(own)) = (change, &upkeep.schedule) {
        return Err(Fault::new(
            "SCHEDULE_ALREADY_EXISTS",
            "42710",
            format_args!(
                "Cannot add a schedule to a table that already has one ({own}). Please drop the existing schedule or use ALTER … ALTER SCHEDULE to alter it."
            ),
        ));
    }
    let new = change.map(|(_, written)| schedule(scene, written)).transpose()?;
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    scene.catalog().set_schedule(&scene.identity, &full, new)?;
    Ok(Outcome::nothing())
}

/// Whether a statement that names this kind may name the table.
fn fits(record: &TableRecord, kind: Securable) -> bool {
    match kind {
        Securable::MaterializedView => record.is_materialized(),
        Securable::StreamingTable => record.table_type == TableType::StreamingTable,
        _ => record.is_kept(),
    }
}

/// `REFRESH`: by its owner or whoever has `REFRESH` on it, with its owner's rights.
pub(super) async fn refresh(
    scene: &Scene<'_>,
    record: &TableRecord,
    kind: Securable,
    full: bool,
    background: bool,
) -> Result<Outcome, Fault> {
    if !fits(record, kind) {
        return Err(other_kind(record, kind == Securable::StreamingTable, "REFRESH"));
    }
    let name = full_name(&[&record.catalog, &record.schema, &record.name]);
    scene.catalog().check(&scene.identity, Kind::Table, &name, Privilege::REFRESH)?;
    let refresh = Refresh { full, definition: None };
    if background {
        begin(scene.workspace, record, "USER_ACTION", refresh).await?;
    } else {
        update(scene.workspace, record, refresh).await?;
    }
    Ok(Outcome::nothing())
}
