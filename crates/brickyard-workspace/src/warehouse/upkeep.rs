//! The rows of materialized views and streaming tables, made with their owners' rights.
//!
//! Rows are written beside the table and taken in with one commit: whoever reads sees the table as it was or as it is, and
//! the commit of a streaming table says how far its sources were read for it.

mod schedule;
mod source;
mod stage;

use std::path::Path;
use std::sync::Arc;

use brickyard_sql::quote_name;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::oneshot::Receiver;
use uuid::Uuid;

use self::source::{Progress, streamed};
use self::stage::write;
use super::definition::starter_id;
use super::fault::Fault;
use super::name::full_name;
use super::scene::Scene;
use super::session::{Session, Settings};
use crate::caller::Caller;
use crate::catalog::{Column, Definition, TableRecord, TableType};
use crate::error::ApiError;
use crate::pipelines;
use crate::workspace::Workspace;

pub(crate) use self::schedule::keep_schedules;

/// First part of the names of directories in a table's that are gone when it is refreshed.
const ROOM: &str = "_refresh-";

/// What a refresh is to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refresh {
    /// Whether everything is made anew.
    pub(crate) full: bool,
    /// What the table becomes by it.
    pub(crate) definition: Option<Definition>,
}

/// Refreshes a table as an update of its pipeline, and waits for it.
pub(crate) async fn update(
    workspace: &Workspace,
    record: &TableRecord,
    refresh: Refresh,
) -> Result<(), Fault> {
    let waited = begin(workspace, record, "USER_ACTION", refresh).await?;
    waited.await.unwrap_or_else(|_| Err(Fault::canceled()))
}

/// Begins such an update, when those before it are over.
pub(crate) fn begin<'a>(
    workspace: &'a Workspace,
    record: &'a TableRecord,
    cause: &'a str,
    refresh: Refresh,
) -> BoxFuture<'a, Result<Receiver<Result<(), Fault>>, Fault>> {
    Box::pin(begun(workspace, record, cause, refresh))
}

async fn begun(
    workspace: &Workspace,
    record: &TableRecord,
    cause: &str,
    refresh: Refresh,
) -> Result<Receiver<Result<(), Fault>>, Fault> {
    let pipeline = record.upkeep.as_ref().map(|upkeep| upkeep.pipeline.clone()).unwrap_or_default();
    let (tell, told) = tokio::sync::oneshot::channel();
    let (task, full, is_full) = (workspace.clone(), name_of(record), refresh.full);
    let turn = pipelines::turn(workspace, &pipeline).lock_owned().await;
    let work = Box::pin(async move {
        let _turn = turn;
        let outcome = make(&task, &full, refresh).await;
        let shown = match &outcome {
            Ok(()) => Ok(()),
            Err(fault) => Err(ApiError::invalid(fault.message.clone())),
        };
        let _ = tell.send(outcome); // nobody may be waiting
        shown
    });
    pipelines::launch(workspace, &pipeline, cause, is_full, &[], work)?;
    Ok(told)
}

/// Refreshes a table for its pipeline.
pub(crate) async fn refresh(workspace: &Workspace, record: &TableRecord, full: bool) -> Result<(), ApiError> {
    let made = make(workspace, &name_of(record), Refresh { full, definition: None }).await;
    made.map_err(|fault| ApiError::invalid(fault.message))
}

fn name_of(record: &TableRecord) -> String {
    full_name(&[&record.catalog, &record.schema, &record.name])
}

/// Makes the rows, as the table's owner.
async fn make(workspace: &Workspace, full: &str, refresh: Refresh) -> Result<(), Fault> {
    let catalog = workspace.catalog();
    let lock = workspace.warehouses().writer(&catalog.table_record(full)?.full_name());
    let _writing = lock.lock().await;
    let record = catalog.table_record(full)?;
    let definition = match refresh.definition {
        Some(definition) => definition,
        None => Definition { metadata: catalog.metadata(&record)?, record: record.clone(), redefined: false },
    };
    let session = session(workspace, &record, &definition)?;
    let _running = session.run(workspace);
    let scene = Scene::new(workspace, &session, Uuid::new_v4())?;
    scene.enter(Vec::new()); // every statement has an id of its own
    let table = record.location.clone().unwrap_or_default();
    clear(&table);
    let room = tempfile::Builder::new().prefix(ROOM).tempdir_in(&table);
    let room = room.map_err(|error| Fault::internal(format_args!("Rows cannot be written: {error}")))?;
    let made = Making { scene: &scene, room: room.path(), definition };
    if record.table_type == TableType::StreamingTable {
        made.append(&record, refresh.full).await
    } else {
        made.replace().await
    }
}

/// A session of the table's owner where its query was written.
fn session(
    workspace: &Workspace,
    record: &TableRecord,
    definition: &Definition,
) -> Result<Arc<Session>, Fault> {
    let owner = Caller::acting(workspace, &record.stamp.owner)?;
    let mut settings = Settings::for_caller(workspace);
    if let Some((catalog, schema)) = definition.record.view_context.clone() {
        (settings.catalog, settings.schema) = (catalog, schema);
    }
    let warehouse = starter_id(workspace.config().workspace_id);
    let session = Session::new(owner, warehouse, settings, workspace.clock().unix_milliseconds());
    Ok(Arc::new(session.for_one_statement()))
}

/// Removes what refreshes left that were ended by the end of the workspace.
fn clear(table: &Path) {
    let entries = std::fs::read_dir(table).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(ROOM)) {
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::debug!(%error, "What a refresh left stays: {error}");
        }
    }
}

struct Making<'a> {
    scene: &'a Scene<'a>,
    room: &'a Path,
    definition: Definition,
}

impl Making<'_> {
    fn text(&self) -> &str {
        self.definition.record.view_definition.as_deref().unwrap_or_default()
    }

    fn is_fixed(&self) -> bool {
        self.definition.record.upkeep.as_ref().is_some_and(|upkeep| upkeep.fixed)
    }

    fn columns(&self) -> Result<Vec<Column>, Fault> {
        let columns = self.definition.metadata.columns();
        columns.ok_or_else(|| Fault::internal("The table has a column of a type that is not known here"))
    }

    /// All rows of a materialized view in the place of those it has.
    async fn replace(mut self) -> Result<(), Fault> {
        let text = self.text().to_owned();
        let query = self.aligned(&text, true).await?;
        self.take_in(Some(&query), true, None).await
    }

    /// What has come to the sources of a streaming table since they were read.
    async fn append(mut self, record: &TableRecord, full: bool) -> Result<(), Fault> {
        let full = full || !record.upkeep.as_ref().is_some_and(|upkeep| upkeep.filled);
        let progress = if full { Progress::default() } else { Progress::of(self.scene.catalog(), record)? };
        let text = self.text().to_owned();
        let streamed = streamed(self.scene, self.room, &text, &progress).await?;
        let query = if streamed.has_rows { Some(self.aligned(&streamed.text, full).await?) } else { None };
        if query.is_none() && !full && !self.definition.redefined {
            return Ok(self.scene.catalog().note_refreshed(&name_of(record))?);
        }
        self.take_in(query.as_deref(), full, Some(streamed.read(full))).await
    }

    /// The query with the columns that the table has, under their names, in their order and types. A table whose columns
    /// were not named gets those that the query has more; all of them, and no others, where it is made `anew`.
    async fn aligned(&mut self, text: &str, anew: bool) -> Result<String, Fault> {
        let given = Column::of_schema(&*self.scene.schema(text).await?)?;
        let mut columns = self.columns()?;
        if self.is_fixed() {
            if given.len() != columns.len() {
                return Err(Fault::new(
                    "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
                    "21S01",
                    format_args!("The query has {} columns, the table {}.", given.len(), columns.len()),
                ));
            }
            let names: Vec<String> = columns.iter().map(|column| quote_name(&column.name)).collect();
            let casts: Vec<String> = columns.iter().map(cast).collect();
            return Ok(format!(
                "SELECT {} FROM ({text}) AS `__rows`({})",
                casts.join(", "),
                names.join(", ")
            ));
        }
        let find = |columns: &[Column], name: &str| {
            columns.iter().find(|own| own.name.eq_ignore_ascii_case(name)).cloned()
        };
        if anew {
            // Comments stay with columns of the same name.
            let known = |column: &Column| {
                let own = find(&columns, &column.name);
                let comment = own.as_ref().and_then(|own| own.comment.clone());
                let metadata = own.map(|own| own.metadata).unwrap_or_default();
                Column { comment, metadata, ..column.clone() }
            };
            let same = |(own, new): (&Column, &Column)| {
                own.name.eq_ignore_ascii_case(&new.name) && own.data_type == new.data_type
            };
            if columns.len() != given.len() || !columns.iter().zip(&given).all(same) {
                columns = given.iter().map(known).collect();
                self.definition.metadata.set_columns(&columns);
            }
        } else {
            let new: Vec<Column> =
                given.iter().filter(|column| find(&columns, &column.name).is_none()).cloned().collect();
            if !new.is_empty() {
                columns.extend(new);
                self.definition.metadata.set_columns(&columns);
            }
        }
        let mut items = Vec::new();
        for column in &columns {
            match find(&given, &column.name) {
                Some(given) if given.data_type == column.data_type => items.push(quote_name(&column.name)),
                Some(given) => return Err(other_type(column, &given)),
                None => items.push(format!(
                    "CAST(NULL AS {}) AS {}",
                    column.data_type.text(),
                    quote_name(&column.name)
                )),
            }
        }
        Ok(format!("SELECT {} FROM ({text}) AS `__rows`", items.join(", ")))
    }

    async fn take_in(self, query: Option<&str>, replaces: bool, read: Option<Value>) -> Result<(), Fault> {
        let columns = self.columns()?;
        let stage = self.room.join("rows");
        write(self.scene, &stage, &self.definition.metadata, &columns, query).await?;
        Ok(self.scene.catalog().take_in(&self.scene.identity, self.definition, &stage, replaces, read)?)
    }
}

fn cast(column: &Column) -> String {
    let name = quote_name(&column.name);
    format!("CAST({name} AS {}) AS {name}", column.data_type.text())
}

fn other_type(column: &Column, given: &Column) -> Fault {
    Fault::new(
        "DELTA_FAILED_TO_MERGE_FIELDS",
        "22005",
        format_args!(
            "Failed to merge fields '{}' and '{}': the table has the type {}, the query {}. \
             Hint: Cast it in the query, or make the table anew with REFRESH STREAMING TABLE … FULL",
            column.name,
            given.name,
            column.data_type.text().to_uppercase(),
            given.data_type.text().to_uppercase()
        ),
    )
}
