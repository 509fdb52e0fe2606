use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use brickyard_engine::{Batch, ResultStream};

use super::engine_session::Held;
use super::fault::Fault;
use super::result::ipc;
use super::scene::arithmetic;

/// Bytes of rows that may be held at once.
const MOST_HELD: usize = 256 * 1024 * 1024;

/// What a statement gives: columns at once, rows as they are asked for.
pub(crate) struct Outcome {
    /// Columns, in the engine's types.
    pub(crate) schema: SchemaRef,
    /// The rows.
    pub(crate) rows: Rows,
    /// Rows that an INSERT, UPDATE, DELETE or MERGE changed.
    pub(crate) modified: Option<i64>,
    /// Whether the row tells the client to move a file itself (PUT, GET, REMOVE).
    pub(crate) staging: bool,
    /// Whether casts were put in that stand for overflow checks.
    pub(crate) checked: bool,
    /// What must stay as long as the rows come.
    pub(crate) keep: Held,
}

/// Rows on their way.
pub(crate) enum Rows {
    /// From the engine.
    Engine(Box<ResultStream>),
    /// Made here.
    Ready(VecDeque<Batch>),
}

impl Outcome {
    /// Rows that the engine sends.
    pub(crate) fn engine(stream: ResultStream) -> Self {
        let schema = stream.head.schema.clone();
        Self {
            schema,
            rows: Rows::Engine(Box::new(stream)),
            modified: None,
            staging: false,
            checked: false,
            keep: Held::default(),
        }
    }

    /// Rows made here.
    pub(crate) fn ready(batch: &RecordBatch) -> Result<Self, Fault> {
        let stream = ipc::stream(&batch.schema(), std::slice::from_ref(batch))?;
        let rows = VecDeque::from([Batch { rows: batch.num_rows(), stream }]);
        Ok(Self {
            schema: batch.schema(),
            rows: Rows::Ready(rows),
            modified: None,
            staging: false,
            checked: false,
            keep: Held::default(),
        })
    }

    /// The next rows; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, Fault> {
        self.rows.next().await.map_err(|fault| arithmetic(fault, self.checked))
    }

    /// The same with all its rows in hand, which are few.
    pub(crate) async fn held(mut self) -> Result<Self, Fault> {
        let mut rows = VecDeque::new();
        let mut size = 0;
        while let Some(batch) = self.next().await? {
            size += batch.stream.len();
            if size > MOST_HELD {
                return Err(Fault::new(
                    "RESULT_TOO_LARGE",
                    "54000",
                    "The rows of a statement in a script are too many.",
                ));
            }
            rows.push_back(batch);
        }
        self.rows = Rows::Ready(rows);
        self.keep = Held::default();
        Ok(self)
    }

    /// No columns, no rows: the answer of a command.
    pub(crate) fn nothing() -> Self {
        let schema = SchemaRef::new(Schema::empty());
        Self {
            schema,
            rows: Rows::Ready(VecDeque::new()),
            modified: None,
            staging: false,
            checked: false,
            keep: Held::default(),
        }
    }
}

impl Rows {
    /// The next rows; `None` when there are no more.
    async fn next(&mut self) -> Result<Option<Batch>, Fault> {
        match self {
            Self::Engine(stream) => Ok(stream.next().await?),
            Self::Ready(batches) => Ok(batches.pop_front()),
        }
    }
}
