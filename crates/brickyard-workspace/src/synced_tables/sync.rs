use std::time::Duration;

use brickyard_postgres::{Client, identifier};

use super::create::{make_table, postgres_columns};
use super::record::{LastSync, SyncedTable};
use crate::caller::Caller;
use crate::catalog::{Kind, Privilege, TableRecord, quote};
use crate::error::ApiError;
use crate::lakebase::LakebaseError;
use crate::scope::ALL_APIS;
use crate::warehouse::Scan;
use crate::workspace::Workspace;

/// Longest time a step of a copy may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Copies the source's rows as they are now, and remembers the outcome with the table.
pub(crate) async fn sync(workspace: &Workspace, name: &str) -> Result<(), ApiError> {
    let mut table = super::find(workspace, name)?;
    let outcome = copy(workspace, &mut table).await;
    let Ok(mut current) = super::find(workspace, name) else { return Ok(()) }; // deleted meanwhile
    match &outcome {
        Ok(last) => {
            if current.columns != table.columns {
                let columns = workspace.lakebase().columns(workspace, &current.place()).await?;
                let columns = columns.unwrap_or_default();
                workspace.catalog().set_foreign_columns(&current.quoted_name(), columns)?;
                current.columns = table.columns;
            }
            current.last = Some(last.clone());
            current.failure = None;
        }
        Err(error) => current.failure = Some(error.message.clone()),
    }
    super::put(workspace, &current)?;
    outcome.map(drop)
}

async fn copy(workspace: &Workspace, table: &mut SyncedTable) -> Result<LastSync, ApiError> {
    let started = workspace.clock().now().to_string();
    let catalog = workspace.catalog();
    let principal = workspace.directory().principal(&table.creator).map_err(LakebaseError::from)?;
    let principal = principal.ok_or_else(|| ApiError::not_found("Principal", &table.creator))?;
    let caller = Caller { principal, scopes: vec![ALL_APIS.to_owned()] };
    let identity = catalog.identity(caller.name())?;
    let source = quote(&table.source);
    catalog.check(&identity, Kind::Table, &source, Privilege::SELECT)?;
    let record = catalog.table_record(&source)?;
    let columns = catalog.columns(&record)?;
    let compute = workspace.lakebase().ready(workspace, &table.server).await?;
    let mut client = compute.client(&table.database).await?;
    client.set_patience(PATIENCE);

    // Held until the engine has chosen what it reads, so that the version told is the one copied.
    let writer = workspace.warehouses().writer(&record.full_name());
    let writing = writer.lock().await;
    let (version, commit_time) = version(workspace, &record);
    let mut scan = Scan::open(workspace, caller, &table.query(&columns)).await?;
    let mut next = scan.next_copied().await?;
    drop(writing);

    run(&mut client, "BEGIN").await?;
    evolve(&mut client, table, postgres_columns(table, &columns)?).await?;
    // Readers keep the earlier rows until the commit; a lock on the whole table would keep them waiting.
    run(&mut client, &format!("DELETE FROM {}", table.postgres_name())).await?;
    let names: Vec<String> = columns.iter().map(|column| identifier(&column.name)).collect();
    let sql = format!("COPY {} ({}) FROM STDIN", table.postgres_name(), names.join(", "));
    let mut copying = client.copy_in(&sql).await.map_err(LakebaseError::from)?;
    let mut rows = 0;
    while let Some((text, count)) = next {
        copying.send(&text).await.map_err(LakebaseError::from)?;
        rows += count;
        next = scan.next_copied().await?;
    }
    copying.finish().await.map_err(LakebaseError::from)?;
    run(&mut client, "COMMIT").await?;
    let _ = run(&mut client, &format!("ANALYZE {}", table.postgres_name())).await;
    Ok(LastSync { version, commit_time, started, ended: workspace.clock().now().to_string(), rows })
}

/// The Delta version of the source, and when it was committed.
fn version(workspace: &Workspace, record: &TableRecord) -> (i64, Option<String>) {
    if !record.is_delta() {
        return (0, None);
    }
    let version = workspace.catalog().version(record).unwrap_or_default();
    let time = workspace.catalog().commit_time(record);
    let time = time.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    (version, time.map(|time| time.to_string()))
}

/// Brings the columns in Postgres in line with the source's: new ones are added; after any other change the table is
/// made anew, within the transaction.
async fn evolve(
    client: &mut Client,
    table: &mut SyncedTable,
    columns: Vec<(String, String)>,
) -> Result<(), ApiError> {
    let known = format!("SELECT to_regclass({})", brickyard_postgres::literal(&table.postgres_name()));
    let rows = client.query(&known).await.map_err(LakebaseError::from)?;
    let present = rows.iter().flatten().any(Option::is_some);
    if present && columns == table.columns {
        return Ok(());
    }
    let added = columns.strip_prefix(table.columns.as_slice()).map(<[_]>::to_vec);
    table.columns = columns;
    if let Some(added) = added.filter(|_| present) {
        for (name, kind) in added {
            let sql =
                format!("ALTER TABLE {} ADD COLUMN {} {kind}", table.postgres_name(), identifier(&name));
            run(client, &sql).await?;
        }
        return Ok(());
    }
    run(client, &format!("DROP TABLE IF EXISTS {}", table.postgres_name())).await?;
    make_table(client, table).await
}

async fn run(client: &mut Client, sql: &str) -> Result<(), ApiError> {
    client.query(sql).await.map_err(LakebaseError::from)?;
    Ok(())
}
