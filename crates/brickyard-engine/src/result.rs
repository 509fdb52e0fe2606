use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use crate::error::EngineError;
use crate::session::Running;
use crate::wire::{ExecutePlanResponse, execute_plan_response::ResponseType};

/// One piece of a result: a whole Arrow IPC stream, passed through as the engine sent it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Rows in it.
    pub rows: usize,
    /// Schema message, record batches, end of stream.
    pub stream: Bytes,
}

impl Batch {
    /// The rows as Arrow arrays.
    pub fn decode(&self) -> Result<Vec<RecordBatch>, EngineError> {
        let reader = StreamReader::try_new(Cursor::new(&self.stream), None)?;
        Ok(reader.collect::<Result<_, _>>()?)
    }

    /// The columns, without reading the rows.
    pub fn schema(&self) -> Result<SchemaRef, EngineError> {
        Ok(StreamReader::try_new(Cursor::new(&self.stream), None)?.schema())
    }
}

/// What the engine says of a result before its rows.
#[derive(Debug, Clone)]
pub struct ResultHead {
    /// Columns.
    pub schema: SchemaRef,
}

/// A running statement: its columns are known, its rows come as they are asked for.
///
/// Nothing is read ahead beyond the transport's window (a few MiB), so a result larger than memory is fine and a reader
/// that stops makes the engine stop. Dropping the stream ends the statement.
pub struct ResultStream {
    /// Columns of the result.
    pub head: ResultHead,
    first: Option<Batch>,
    running: Running,
    done: bool,
}

impl std::fmt::Debug for ResultStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ResultStream").field("head", &self.head).finish_non_exhaustive()
    }
}

impl ResultStream {
    /// Waits for the columns and the first rows.
    pub(crate) async fn begin(mut running: Running) -> Result<Self, EngineError> {
        let mut declared = None;
        while let Some(response) = running.next().await? {
            if let Some(schema) = &response.schema {
                declared = Some(crate::data_type::schema(schema)?);
            }
            if let Some(batch) = batch(response) {
                let head = ResultHead { schema: batch.schema()? };
                return Ok(Self { head, first: Some(batch), running, done: false });
            }
        }
        let schema = declared.unwrap_or_else(|| SchemaRef::new(arrow_schema::Schema::empty()));
        Ok(Self { head: ResultHead { schema }, first: None, running, done: true })
    }

    /// The next rows; `None` when there are no more. Pieces without rows are left out.
    pub async fn next(&mut self) -> Result<Option<Batch>, EngineError> {
        if let Some(first) = self.first.take().filter(|batch| batch.rows > 0) {
            return Ok(Some(first));
        }
        while !self.done {
            match self.running.next().await {
                Ok(Some(response)) => {
                    if let Some(batch) = batch(response).filter(|batch| batch.rows > 0) {
                        return Ok(Some(batch));
                    }
                }
                Ok(None) => self.done = true,
                Err(error) => {
                    self.done = true;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// All rows as Arrow arrays; for results that are known to be small.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>, EngineError> {
        let mut rows = Vec::new();
        while let Some(batch) = self.next().await? {
            rows.extend(batch.decode()?);
        }
        Ok(rows)
    }
}

fn batch(response: ExecutePlanResponse) -> Option<Batch> {
    match response.response_type {
        Some(ResponseType::ArrowBatch(batch)) => {
            Some(Batch { rows: usize::try_from(batch.row_count).unwrap_or(0), stream: batch.data })
        }
        _ => None,
    }
}
