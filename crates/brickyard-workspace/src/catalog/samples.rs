//! The `samples` catalog: the platform's schemas with rows of our own, generated, the same everywhere, made when first
//! looked up.

mod bakehouse;
mod nyctaxi;
mod tpch;

use std::collections::BTreeMap;

use brickyard_engine::{Parameters, SessionSpec};
use uuid::Uuid;

use super::Catalog;
use super::column::Column;
use super::data_type::DataType;
use super::delta::{self, Log};
use super::fault::CatalogError;
use super::record::{TableRecord, TableType};
use crate::error::ApiError;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// A table of samples.
struct Sample {
    schema: &'static str,
    name: &'static str,
    comment: &'static str,
    /// Name and SQL type.
    columns: &'static [(&'static str, &'static str)],
    /// The rows, a query over `range`.
    query: &'static str,
}

/// Held while rows are made: one table at a time.
#[derive(Default)]
pub(super) struct Samples {
    making: tokio::sync::Mutex<()>,
}

fn samples() -> impl Iterator<Item = &'static Sample> {
    [nyctaxi::TABLES, tpch::TABLES, bakehouse::TABLES].into_iter().flatten()
}

impl Sample {
    fn columns(&self) -> Result<Vec<Column>, CatalogError> {
        self.columns.iter().map(|(name, sql)| Ok(Column::new(*name, DataType::parse(sql)?))).collect()
    }
}

impl Catalog {
    /// Registers the tables of `samples`; their rows come later.
    pub(super) fn put_samples(&self, owner: &str) -> Result<(), StoreError> {
        for sample in samples() {
            let name = format!("samples.{}.{}", sample.schema, sample.name);
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
            self.put_table(&TableRecord {
                catalog: "samples".to_owned(),
                schema: sample.schema.to_owned(),
                name: sample.name.to_owned(),
                table_type: TableType::Managed,
                format: "DELTA".to_owned(),
                location: Some(self.tables_directory().join(&id)),
                id,
                columns: sample.columns().unwrap_or_default(),
                partition_columns: Vec::new(),
                options: BTreeMap::new(),
                properties: BTreeMap::new(),
                view_definition: None,
                view_context: None,
                constraints: Vec::new(),
                row_filter: None,
                column_masks: BTreeMap::new(),
                column_tags: BTreeMap::new(),
                upkeep: None,
                stamp: self.stamp(owner, Some(sample.comment.to_owned())),
            })?;
        }
        Ok(())
    }
}

impl Workspace {
    /// Makes the rows of a table of `samples` if nobody has; does nothing for other tables.
    pub(crate) async fn make_sample(&self, table: &TableRecord) -> Result<(), ApiError> {
        let is_it = |sample: &&Sample| sample.schema == table.schema && sample.name == table.name;
        let (Some(sample), Some(location)) =
            (samples().filter(|_| table.catalog == "samples").find(is_it), table.location.clone())
        else {
            return Ok(());
        };
        if location.exists() {
            return Ok(());
        }
        let catalog = self.catalog();
        let _making = catalog.inner.samples.making.lock().await;
        if location.exists() {
            return Ok(());
        }
        // Made aside and moved when complete: a table of samples is never seen half full.
        let aside = location.with_extension(format!("making-{}", Uuid::new_v4()));
        let result = self.write_sample(sample, &aside, &table.id).await;
        let moved = result.and_then(|()| {
            std::fs::rename(&aside, &location)
                .map_err(|source| CatalogError::Directory { path: location.clone(), source }.into())
        });
        if moved.is_err() {
            super::tables::remove_directory(&aside)?;
        }
        moved
    }

    async fn write_sample(&self, sample: &Sample, aside: &std::path::Path, id: &str) -> Result<(), ApiError> {
        let catalog = self.catalog();
        let columns = sample.columns()?;
        delta::create(
            aside,
            &delta::NewTable {
                columns,
                comment: Some(sample.comment.to_owned()),
                managed: true,
                user: "System user".to_owned(),
                now: catalog.now(),
                id: id.to_owned(),
                ..delta::NewTable::default()
            },
        )
        .map_err(CatalogError::from)?;
        let session = self.engine().await?.open(SessionSpec::default()).await?;
        let path = brickyard_engine::Parameter {
            sql_type: "STRING".to_owned(),
            value: Some(catalog.engine_path(aside)?.to_string_lossy().into_owned()),
        };
        let expressions = sample
            .columns
            .iter()
            .map(|(name, sql)| format!("CAST(`{name}` AS {sql}) AS `{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let rows = format!("SELECT {expressions} FROM ({})", sample.query);
        let statements = match &self.config().engine {
            None => vec![
                format!("CREATE TABLE made USING delta LOCATION {}", path.inline()?),
                format!("INSERT INTO made {rows}"),
            ],
            Some(_) => vec![format!("INSERT INTO delta.`{}` {rows}", path.value.unwrap_or_default())],
        };
        for statement in statements {
            session.execute(Uuid::new_v4(), &statement, &Parameters::None).await?.collect().await?;
        }
        let latest = Log::of(aside).latest().map_err(CatalogError::from)?;
        if latest != Some(1) {
            return Err(ApiError::internal(&CatalogError::invalid("The sample was not written")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_columns() {
        for sample in samples() {
            assert!(!sample.columns().unwrap().is_empty(), "{}", sample.name);
        }
    }
}
