//! Queries that are repeated on their own rows, level by level, as `WITH RECURSIVE` asks for.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use uuid::Uuid;

use crate::error::EngineError;
use crate::parameter::Parameters;
use crate::session::Session;

/// Rows that a recursion may have, as on the platform.
const MOST_ROWS: u64 = 1_000_000;

/// A query for the first level, and one that reads a level and gives the next.
#[derive(Debug, Clone, Copy)]
pub struct Recursion<'a> {
    /// The first level.
    pub anchor: &'a str,
    /// The next level. Its columns have the anchor's types.
    pub step: &'a str,
    /// Name of the temporary view in which the step finds the level before.
    pub level: &'a str,
    /// Name of the temporary view in which all rows are shown in the end.
    pub view: &'a str,
    /// How often the step may run.
    pub levels: u64,
    /// With so many rows it may end early.
    pub wanted: Option<u64>,
}

impl Session {
    /// Repeats a query until a level is empty, and shows all rows as a temporary view of this session.
    ///
    /// Errors: `RECURSION_LEVEL_LIMIT_EXCEEDED` and `RECURSION_ROW_LIMIT_EXCEEDED` (42836), and those of the queries.
    pub async fn put_recursion(&self, recursion: Recursion<'_>) -> Result<(), EngineError> {
        let (schema, mut level) = self.level(recursion.anchor, None).await?;
        let (mut all, mut count, mut steps) = (Vec::new(), 0, 0);
        loop {
            let found: usize = level.iter().map(RecordBatch::num_rows).sum();
            count += found as u64;
            all.extend(level.iter().cloned());
            if found == 0 || recursion.wanted.is_some_and(|wanted| count >= wanted) {
                break;
            }
            if count > MOST_ROWS {
                let text = format!(
                    "Recursion row limit {MOST_ROWS} reached but query has not exhausted, try setting a larger LIMIT value when querying the CTE relation"
                );
                return Err(EngineError::of_us("RECURSION_ROW_LIMIT_EXCEEDED", "42836", &text));
            }
            if steps >= recursion.levels {
                let text = format!(
                    "Recursion level limit {} reached but query has not exhausted, try increasing it like 'WITH RECURSIVE t(col) MAX RECURSION LEVEL 200'",
                    recursion.levels
                );
                return Err(EngineError::of_us("RECURSION_LEVEL_LIMIT_EXCEEDED", "42836", &text));
            }
            self.put_view(recursion.level, level).await?;
            (_, level) = self.level(recursion.step, Some(&schema)).await?;
            steps += 1;
        }
        self.put_view(recursion.view, all).await
    }

    /// All rows of a query under the schema that is given, or under its own with columns that may hold NULL: what is never NULL
    /// in one level may be so in the next. A batch without rows if there are none.
    async fn level(
        &self,
        sql: &str,
        schema: Option<&SchemaRef>,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
        let stream = self.execute(Uuid::new_v4(), sql, &Parameters::None).await?;
        let own = stream.head.schema.clone();
        let schema = schema.cloned().unwrap_or_else(|| {
            let fields = own.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        });
        let mut rows = Vec::new();
        for batch in stream.collect().await? {
            rows.push(RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?);
        }
        if rows.is_empty() {
            rows.push(RecordBatch::new_empty(schema.clone()));
        }
        Ok((schema, rows))
    }
}
