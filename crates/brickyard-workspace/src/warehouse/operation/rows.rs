//! The way of rows from the engine to the client that takes them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use brickyard_engine::Batch;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Head, Operation, Progress};
use crate::warehouse::fault::Fault;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::ipc;

/// Bytes of rows that wait for a client before the engine is made to wait.
pub(super) const WAITING: usize = 16 * 1024 * 1024;

/// Bytes from which on a result is large: clients that can follow links get links.
const LARGE: usize = 4 * 1024 * 1024;

/// Time for which rows in hand wait for further ones.
const PATIENCE: Duration = Duration::from_millis(20);

/// What a batch is counted for at least.
const LEAST: usize = 1024;

/// Rows taken from an operation.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The rows.
    pub(crate) batches: Vec<Batch>,
    /// Number of the first row.
    pub(crate) offset: u64,
    /// Whether more may come.
    pub(crate) more: bool,
}

/// What is handed from the engine to the reader; the permit is the room that the rows take.
pub(super) type Item = Result<(Batch, OwnedSemaphorePermit), Fault>;

/// Where a client is in the rows.
pub(super) struct Reader {
    queue: mpsc::UnboundedReceiver<Item>,
    waiting: Option<Batch>,
    fault: Option<Fault>,
    offset: u64,
}

impl Reader {
    /// At the first row.
    pub(super) fn of(queue: mpsc::UnboundedReceiver<Item>) -> Self {
        Self { queue, waiting: None, fault: None, offset: 0 }
    }
}

impl Operation {
    /// Moves rows from the engine to where clients take them; returns their number, when all have left the engine.
    ///
    /// The operation is ready when all rows wait, or when no more find room. `ready` is called once at that moment.
    /// With a `limit` no more rows than that are kept.
    pub(crate) async fn pump(
        &self,
        mut outcome: Outcome,
        limit: Option<u64>,
        ready: impl FnOnce(),
    ) -> Result<u64, Fault> {
        let head = Head {
            schema: outcome.schema.clone(),
            modified: outcome.modified,
            staging: outcome.staging,
            large: false,
        };
        let mut ready = Some(ready);
        let mut settle = |large: bool| {
            if let Some(ready) = ready.take() {
                ready();
                self.progress.send_replace(Progress::Ready(Head { large, ..head.clone() }));
            }
        };
        let (mut rows, mut bytes) = (0, 0);
        let limit = limit.unwrap_or(u64::MAX);
        while rows < limit
            && let Some(batch) = outcome.next().await?
        {
            let (batch, rest) = cut(batch, usize::try_from(limit - rows).unwrap_or(usize::MAX))?;
            rows += batch.rows as u64;
            let more = rows == limit && (rest.is_some() || outcome.next().await?.is_some());
            self.was_cut.fetch_or(more, Ordering::Relaxed);
            bytes += batch.stream.len();
            let size = u32::try_from(batch.stream.len().clamp(LEAST, WAITING)).unwrap_or(u32::MAX);
            let permit = if let Ok(permit) = Arc::clone(&self.room).try_acquire_many_owned(size) {
                permit
            } else {
                settle(true);
                Arc::clone(&self.room).acquire_many_owned(size).await.map_err(|_| Fault::canceled())?
            };
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let sent = queue.is_some_and(|queue| queue.send(Ok((batch, permit))).is_ok());
            if !sent {
                return Err(Fault::canceled());
            }
        }
        drop(self.take_queue());
        settle(bytes > LARGE);
        Ok(rows)
    }

    /// Takes the next rows: at most `rows` of them, about `bytes` bytes, but one batch at least.
    ///
    /// Waits for the first batch; further ones are taken as far as they are there, and up to the end when it is near.
    pub(crate) async fn take(&self, rows: usize, bytes: usize) -> Result<Taken, Fault> {
        let mut reader = self.reader.lock().await;
        if let Some(fault) = reader.fault.clone() {
            return Err(fault);
        }
        let mut taken = Taken { offset: reader.offset, more: true, ..Taken::default() };
        let (mut row_count, mut byte_count) = (0, 0);
        while row_count < rows && byte_count < bytes {
            let batch = if let Some(batch) = reader.waiting.take() {
                batch
            } else {
                let limit = if taken.batches.is_empty() { Duration::MAX } else { PATIENCE };
                match tokio::time::timeout(limit, reader.queue.recv()).await {
                    Err(_) => break,
                    Ok(Some(Ok((batch, _)))) => batch,
                    Ok(Some(Err(fault))) if taken.batches.is_empty() => return Err(fault),
                    Ok(Some(Err(fault))) => {
                        reader.fault = Some(fault);
                        break;
                    }
                    Ok(None) => {
                        taken.more = false;
                        break;
                    }
                }
            };
            if !taken.batches.is_empty() && byte_count + batch.stream.len() > bytes {
                reader.waiting = Some(batch);
                break;
            }
            let (batch, rest) = cut(batch, rows - row_count)?;
            reader.waiting = rest;
            row_count += batch.rows;
            byte_count += batch.stream.len();
            taken.batches.push(batch);
        }
        if taken.more && reader.waiting.is_none() && reader.fault.is_none() {
            match reader.queue.try_recv() {
                Ok(Ok((batch, _))) => reader.waiting = Some(batch),
                Ok(Err(fault)) => reader.fault = Some(fault),
                Err(mpsc::error::TryRecvError::Disconnected) => taken.more = false,
                Err(mpsc::error::TryRecvError::Empty) => {}
            }
        }
        reader.offset += row_count as u64;
        Ok(taken)
    }
}

/// The first rows of a batch, and the rest of it when there are more.
fn cut(batch: Batch, rows: usize) -> Result<(Batch, Option<Batch>), Fault> {
    if batch.rows <= rows {
        return Ok((batch, None));
    }
    let decoded = batch.decode()?;
    let (mut head, mut tail, mut left) = (Vec::new(), Vec::new(), rows);
    for part in &decoded {
        let here = left.min(part.num_rows());
        head.push(part.slice(0, here));
        tail.push(part.slice(here, part.num_rows() - here));
        left -= here;
    }
    let encode = |parts: &[arrow_array::RecordBatch]| -> Result<Batch, Fault> {
        let rows = parts.iter().map(arrow_array::RecordBatch::num_rows).sum();
        Ok(Batch { rows, stream: ipc::stream(&decoded[0].schema(), parts)? })
    };
    Ok((encode(&head)?, Some(encode(&tail)?)))
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use jiff::Timestamp;

    use super::*;
    use crate::warehouse::operation::Format;
    use crate::warehouse::outcome::Rows;

    fn outcome(sizes: &[i64]) -> Outcome {
        let mut from = 0;
        let batches: Vec<RecordBatch> = sizes
            .iter()
            .map(|size| {
                let array = Int64Array::from_iter_values(from..from + size);
                from += size;
                RecordBatch::try_from_iter([("n", Arc::new(array) as ArrayRef)]).unwrap()
            })
            .collect();
        let schema = batches[0].schema();
        let rows = batches.iter().map(|batch| Batch {
            rows: batch.num_rows(),
            stream: ipc::stream(&schema, std::slice::from_ref(batch)).unwrap(),
        });
        Outcome {
            schema: schema.clone(),
            rows: Rows::Ready(rows.collect()),
            modified: None,
            staging: false,
            checked: false,
            keep: crate::warehouse::outcome::Keep::default(),
        }
    }

    fn numbers(taken: &Taken) -> Vec<i64> {
        let batches = taken.batches.iter().flat_map(|batch| batch.decode().unwrap());
        batches.flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    fn operation() -> Operation {
        Operation::new(0, Timestamp::UNIX_EPOCH, Format::COLUMNS)
    }

    #[tokio::test]
    async fn rows_are_taken_in_order_and_cut_to_size() {
        let operation = operation();
        operation.pump(outcome(&[5, 5, 2]), None, || ()).await.unwrap();
        let first = operation.take(7, 1 << 20).await.unwrap();
        assert_eq!((numbers(&first), first.offset, first.more), ((0..7).collect(), 0, true));
        let second = operation.take(100, 1 << 20).await.unwrap();
        assert_eq!((numbers(&second), second.offset, second.more), ((7..12).collect(), 7, false));
        let third = operation.take(100, 1 << 20).await.unwrap();
        assert!(third.batches.is_empty() && !third.more);
    }

    #[tokio::test]
    async fn the_last_rows_say_that_they_are_the_last() {
        let operation = operation();
        operation.pump(outcome(&[3]), None, || ()).await.unwrap();
        assert!(!operation.take(3, 1 << 20).await.unwrap().more);
    }

    #[tokio::test]
    async fn rows_without_room_wait_for_the_reader() {
        let operation = Arc::new(operation());
        let sizes = vec![500_000; 10]; // 40 MB
        let pumped = Arc::clone(&operation);
        let task = tokio::spawn(async move { pumped.pump(outcome(&sizes), None, || ()).await });
        assert!(matches!(operation.settled().await, Progress::Ready(_)));
        assert!(!task.is_finished());
        let mut rows = 0;
        loop {
            let taken = operation.take(usize::MAX, 1 << 20).await.unwrap();
            rows += taken.batches.iter().map(|batch| batch.rows).sum::<usize>();
            if !taken.more {
                break;
            }
        }
        assert_eq!(rows, 5_000_000);
        assert_eq!(task.await.unwrap(), Ok(5_000_000));
    }

    #[tokio::test]
    async fn a_fault_reaches_whoever_waits() {
        let operation = operation();
        operation.fail(Fault::internal("x"));
        assert!(matches!(operation.settled().await, Progress::Failed(_)));
        assert_eq!(operation.take(1, 1).await.unwrap_err().class, "INTERNAL_ERROR");
    }
}
