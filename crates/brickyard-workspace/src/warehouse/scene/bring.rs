//! What the engine is given before a statement runs: rows that are not in its tables, columns of files, rows of commands.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use brickyard_sql::{Body, Column, Files, Relation, parse};

use super::{Planned, Scene};
use crate::error::ApiError;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::planner::foreign_view;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::{commands, system};

impl Scene<'_> {
    /// Brings the catalogs of Lakebase databases that a statement names in line with them.
    pub(super) async fn refresh_lakebase(&self, sql: &str) -> Result<(), Fault> {
        let current = self.settings().catalog;
        let refreshed = self.workspace.lakebase().refresh_named(self.workspace, sql, &current).await;
        refreshed.map_err(|error| ApiError::from(error).into())
    }

    /// Gives the engine the rows of tables in Lakebase that a statement reads, as they are now.
    async fn show_foreign(&self, planned: &Planned) -> Result<(), Fault> {
        let behind = planned.statement.definer_reads.iter().map(|(_, reference)| reference);
        let mut shown = BTreeSet::new();
        for reference in planned.touched.iter().chain(behind) {
            let Ok(parts) = self.parts(&reference.parts) else { continue };
            let Ok(table) = self.catalog().table_record(&full_name(&parts)) else { continue };
            let Some(place) = table.foreign().filter(|_| shown.insert(table.full_name())) else { continue };
            let rows = self.workspace.lakebase().rows(self.workspace, &place, &table.columns).await;
            let rows = rows.map_err(ApiError::from)?;
            self.session.engine(self.workspace).await?.put_view(&foreign_view(&table), rows).await?;
        }
        Ok(())
    }

    /// Gives the engine the tables of `information_schema` and the like that a statement reads, as this caller may see them; and
    /// the rows of `samples` where the engine does not ask for them itself.
    pub(crate) async fn bring(&self, planned: &Planned) -> Result<(), Fault> {
        self.show_foreign(planned).await?;
        if self.workspace.config().engine.is_some() {
            for reference in &planned.touched {
                if let Ok(table) = self.table(&reference.parts) {
                    self.workspace.make_sample(&table).await?;
                }
            }
        }
        let current = self.settings().catalog;
        let behind = planned.statement.definer_reads.iter().map(|(_, reference)| reference);
        for reference in planned.touched.iter().chain(behind) {
            let Some(name) = system::whole(&reference.parts, &current) else { continue };
            if let Some(rows) = system::rows(self.workspace, &self.identity, &name)? {
                let engine = self.session.engine(self.workspace).await?;
                engine.put_view(&system::view_name(&name), vec![rows]).await?;
            }
        }
        Ok(())
    }

    /// Asks the engine for the columns of files that the statement may read.
    pub(super) async fn look_at(&self, files: Files) -> Result<(), Fault> {
        let engine = self.session.engine(self.workspace).await?;
        self.prepare(&engine, files.setup.as_slice()).await?;
        let sql = format!("SELECT * FROM {}", files.source);
        let schema = engine.schema(&sql, &brickyard_engine::Parameters::None).await?;
        if schema.fields().is_empty() {
            let text = "Path does not exist, or holds nothing that tells the columns.";
            return Err(Fault::new("PATH_NOT_FOUND", "42K03", text));
        }
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            data_type: brickyard_sql::DataType::from(SqlType::of(field).to_string().as_str()),
            mask: None,
            generated: false,
            default: None,
        });
        self.seen().files.insert(files, columns.collect());
        Ok(())
    }

    /// Runs a command that stands in `FROM` and gives the engine its rows.
    pub(super) async fn show_command(&self, command: String) -> Result<(), Fault> {
        let statement = parse(&command)?;
        let Body::Command(parsed) = &statement.body else { return Ok(()) };
        self.admit(&command, &statement)?;
        let mut outcome = commands::run(self, &command, parsed).await?;
        let mut rows = Vec::new();
        while let Some(batch) = outcome.next().await? {
            rows.extend(batch.decode()?);
        }
        let columns = outcome.schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            data_type: brickyard_sql::DataType::from(SqlType::of(field).to_string().as_str()),
            mask: None,
            generated: false,
            default: None,
        });
        let number = self.seen().commands.len();
        let name = format!("__command_{}_{number}", self.operation.simple());
        let relation =
            Relation { columns: columns.collect(), engine_name: Some(name.clone()), ..Relation::default() };
        if rows.is_empty() {
            rows.push(RecordBatch::new_empty(outcome.schema.clone()));
        }
        self.session.engine(self.workspace).await?.put_view(&name, rows).await?;
        self.seen().commands.insert(command, relation);
        Ok(())
    }
}
