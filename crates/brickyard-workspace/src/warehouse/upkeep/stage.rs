//! Rows written beside a table.

use std::path::Path;

use brickyard_sql::{parse, quote_name, string_literal};
use uuid::Uuid;

use crate::catalog::{Column, Metadata};
use crate::warehouse::fault::Fault;
use crate::warehouse::scene::Scene;

/// Writes the rows of a query to a table of its own in `stage`; without a query it stays empty.
pub(super) async fn write(
    scene: &Scene<'_>,
    stage: &Path,
    metadata: &Metadata,
    columns: &[Column],
    query: Option<&str>,
) -> Result<(), Fault> {
    scene.catalog().stage_like(stage, metadata)?;
    let Some(query) = query else { return Ok(()) };
    let planned = scene.plan(&parse(query)?).await?;
    scene.bring(&planned).await?;
    let place = scene.catalog().engine_path(stage)?;
    let place = place.to_string_lossy();
    let remote = scene.workspace.config().engine.is_some();
    let name = format!("`session`.`default`.`refresh_{}`", Uuid::new_v4().simple());
    let target = if remote { format!("delta.{}", quote_name(&place)) } else { name };
    if !remote {
        let create = format!("CREATE TABLE {target} USING delta LOCATION {}", string_literal(&place));
        scene.raw(&create, Vec::new()).await?;
    }
    let names: Vec<String> = columns.iter().map(|column| quote_name(&column.name)).collect();
    let insert = format!("INSERT INTO {target} ({}) {}", names.join(", "), planned.statement.sql);
    let written = drain(scene, &planned, &insert).await;
    if !remote && let Err(fault) = scene.raw(&format!("DROP TABLE IF EXISTS {target}"), Vec::new()).await {
        tracing::debug!("The engine keeps a table of a refresh until its session ends: {fault}");
    }
    written
}

async fn drain(
    scene: &Scene<'_>,
    planned: &crate::warehouse::scene::Planned,
    text: &str,
) -> Result<(), Fault> {
    let mut outcome = scene.engine_text(planned, text).await?;
    while outcome.next().await?.is_some() {}
    Ok(())
}
