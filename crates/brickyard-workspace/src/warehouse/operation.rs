use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arrow_schema::SchemaRef;
use brickyard_engine::Batch;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::fault::Fault;
use super::link::Download;
use super::outcome::Outcome;
use super::result::arrow::Native;
use super::result::ipc;

/// Bytes of rows that wait for a client before the engine is made to wait.
const WAITING: usize = 16 * 1024 * 1024;

/// Bytes from which on a result is large: clients that can follow links get links.
const LARGE: usize = 4 * 1024 * 1024;

/// Time for which rows in hand wait for further ones.
const PATIENCE: Duration = Duration::from_millis(20);

/// What a batch is counted for at least.
const LEAST: usize = 1024;

/// A statement or catalog request from the moment it is sent until it is closed.
pub(crate) struct Operation {
    /// Id that clients see (`statement_id`, guid of the handle).
    pub(crate) id: Uuid,
    /// Second half of the Thrift handle.
    pub(crate) secret: Uuid,
    /// `TOperationType`.
    pub(crate) kind: i32,
    /// When it was sent.
    pub(crate) started: Timestamp,
    /// How a Thrift client takes the rows.
    pub(crate) format: Format,
    progress: watch::Sender<Progress>,
    cancellation: CancellationToken,
    finished: CancellationToken,
    reader: tokio::sync::Mutex<Reader>,
    queue: Mutex<Option<mpsc::UnboundedSender<Item>>>,
    room: Arc<Semaphore>,
    was_cut: AtomicBool,
    links: OnceLock<Result<Links, Fault>>,
}

/// The part of a result that a Thrift client has been given links to.
pub(crate) struct Links {
    pub(crate) download: Arc<Download>,
    /// The chunk that it gets next.
    pub(crate) next: tokio::sync::Mutex<usize>,
}

/// How a Thrift client takes rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// As Arrow messages; otherwise as columns of plain values.
    pub(crate) arrow: bool,
    /// Each message as an LZ4 frame.
    pub(crate) lz4: bool,
    /// Large results as links to files.
    pub(crate) links: bool,
    /// Types taken as Arrow.
    pub(crate) native: Native,
}

impl Format {
    /// Columns of plain values.
    pub(crate) const COLUMNS: Self = Self { arrow: false, lz4: false, links: false, native: Native::ALL };
}

/// How far an operation is.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// Waits for the warehouse.
    Pending,
    /// The engine works.
    Running,
    /// The rows are there, or as many of them as are kept waiting.
    Ready(Head),
    /// It failed.
    Failed(Fault),
    /// Somebody cancelled it.
    Canceled,
}

impl Progress {
    /// Whether it will not change by itself.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// What is known of a result before its rows are read.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Columns, in the engine's types.
    pub(crate) schema: SchemaRef,
    /// Rows changed.
    pub(crate) modified: Option<i64>,
    /// Whether the client moves a file itself.
    pub(crate) staging: bool,
    /// Whether there are more rows than fit well into one answer.
    pub(crate) large: bool,
}

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

type Item = Result<(Batch, OwnedSemaphorePermit), Fault>;

struct Reader {
    queue: mpsc::UnboundedReceiver<Item>,
    waiting: Option<Batch>,
    fault: Option<Fault>,
    offset: u64,
}

impl Operation {
    pub(crate) fn new(kind: i32, started: Timestamp, format: Format) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            id: Uuid::new_v4(),
            secret: Uuid::new_v4(),
            kind,
            started,
            format,
            progress: watch::Sender::new(Progress::Pending),
            cancellation: CancellationToken::new(),
            finished: CancellationToken::new(),
            reader: tokio::sync::Mutex::new(Reader {
                queue: receiver,
                waiting: None,
                fault: None,
                offset: 0,
            }),
            queue: Mutex::new(Some(sender)),
            room: Arc::new(Semaphore::new(WAITING)),
            was_cut: AtomicBool::new(false),
            links: OnceLock::new(),
        }
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits until it is settled.
    pub(crate) async fn settled(&self) -> Progress {
        let mut progress = self.progress.subscribe();
        match progress.wait_for(Progress::is_settled).await {
            Ok(progress) => progress.clone(),
            Err(_) => Progress::Canceled,
        }
    }

    /// Ended by a client, a timeout or the end of its session.
    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Set when the history has its end; only for what was submitted as a statement.
    pub(crate) fn finished(&self) -> &CancellationToken {
        &self.finished
    }

    /// Whether rows were left out because of the statement's row limit.
    pub(crate) fn was_cut(&self) -> bool {
        self.was_cut.load(Ordering::Relaxed)
    }

    /// Where the rows are that a Thrift client gets links to; `make` is called by the first who asks.
    pub(crate) fn links(&self, make: impl FnOnce() -> Result<Arc<Download>, Fault>) -> Result<&Links, Fault> {
        let links = || Ok(Links { download: make()?, next: tokio::sync::Mutex::default() });
        self.links.get_or_init(links).as_ref().map_err(Clone::clone)
    }

    /// The engine begins.
    pub(crate) fn begin(&self) {
        self.progress.send_replace(Progress::Running);
    }

    /// It will give no rows; a settled one stays as it is, its reader learns the fault.
    pub(crate) fn fail(&self, fault: Fault) {
        let canceled = fault.class == "OPERATION_CANCELED";
        if let Some(queue) = self.take_queue() {
            let _ = queue.send(Err(fault.clone())); // nobody may be reading
        }
        self.progress.send_if_modified(|progress| {
            if matches!(progress, Progress::Ready(_)) && !canceled || matches!(progress, Progress::Failed(_))
            {
                return false;
            }
            *progress = if canceled { Progress::Canceled } else { Progress::Failed(fault) };
            true
        });
    }

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

    fn take_queue(&self) -> Option<mpsc::UnboundedSender<Item>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take()
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

    use super::*;
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
            keep: None,
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
