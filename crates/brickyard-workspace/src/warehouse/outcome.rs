use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use brickyard_engine::{Batch, ResultStream};

use super::engine_session::Shown;
use super::fault::Fault;
use super::result::ipc;
use super::scene::arithmetic;
use super::transaction::Transaction;
use crate::catalog::Delegation;

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
    /// What the engine may read as long as the rows come.
    pub(crate) keep: Keep,
}

/// What must stay as long as a statement's rows come.
#[derive(Default)]
pub(crate) struct Keep {
    /// What the engine may read.
    #[expect(dead_code, reason = "it ends when it is dropped")]
    pub(crate) delegation: Option<Delegation>,
    /// Views that were made for it.
    #[expect(dead_code, reason = "their rows go when it is dropped")]
    pub(crate) shown: Vec<Shown>,
    /// Whose branches it reads.
    pub(crate) transaction: Option<Arc<Transaction>>,
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
            keep: Keep::default(),
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
            keep: Keep::default(),
        })
    }

    /// The next rows; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, Fault> {
        let next = self.rows.next().await;
        next.map_err(|fault| {
            let fault = arithmetic(fault, self.checked);
            match &self.keep.transaction {
                Some(transaction) => transaction.told(fault),
                None => fault,
            }
        })
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
        self.keep = Keep::default();
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
            keep: Keep::default(),
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
