//! A chunk of a result as a file that clients fetch: Arrow, CSV or JSON, made piece by piece while it is sent.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use lz4_flex::frame::FrameEncoder;

use super::arrow::{Native, Shape, normalize};
use super::ipc;
use super::sql_type::SqlType;
use super::text::{self, Style};
use crate::warehouse::fault::Fault;
use crate::warehouse::link::Download;
use crate::warehouse::spool::{Chunk, Part};

/// What ends an Arrow stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Formats of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    JsonArray,
    ArrowStream,
    Csv,
}

/// How rows become a file.
#[derive(Debug, Clone)]
pub(crate) struct Rendering {
    /// Columns, in the engine's types.
    pub(crate) schema: SchemaRef,
    pub(crate) layout: Layout,
    /// As an LZ4 frame; Arrow only.
    pub(crate) lz4: bool,
    /// Types taken as Arrow.
    pub(crate) native: Native,
}

/// The pieces of a file, one for each batch; nothing more than a batch is in memory.
pub(crate) struct Pieces {
    download: Arc<Download>,
    chunk: Arc<Chunk>,
    shape: Shape,
    opening: Bytes,
    encoder: Option<FrameEncoder<Vec<u8>>>,
    step: usize,
    rows: usize,
}

impl Pieces {
    /// The file of a chunk; the `first` one of a CSV result names the columns.
    pub(crate) fn new(download: Arc<Download>, chunk: Arc<Chunk>, first: bool) -> Result<Self, Fault> {
        let rendering = &download.rendering;
        let shape = Shape::new(&rendering.schema, rendering.native);
        let opening = match rendering.layout {
            Layout::ArrowStream => ipc::schema(&shape.schema)?,
            Layout::JsonArray => Bytes::from_static(b"["),
            Layout::Csv if first => Bytes::from(heading(&rendering.schema)),
            Layout::Csv => Bytes::new(),
        };
        let lz4 = rendering.lz4 && rendering.layout == Layout::ArrowStream;
        let encoder = lz4.then(|| FrameEncoder::new(Vec::new()));
        Ok(Self { download, chunk, shape, opening, encoder, step: 0, rows: 0 })
    }

    /// Length of the file, where it is known before it is made.
    pub(crate) fn length(&self) -> Option<u64> {
        if self.download.rendering.layout != Layout::ArrowStream
            || !self.shape.untouched
            || self.encoder.is_some()
        {
            return None;
        }
        let parts = self.chunk.parts.iter().map(Part::messages_length);
        let parts = parts.sum::<Option<u64>>()?;
        Some((self.opening.len() + END.len()) as u64 + parts)
    }

    fn part(&mut self, index: usize) -> Result<Bytes, Fault> {
        let (part, rendering) = (&self.chunk.parts[index], &self.download.rendering);
        let spool = &self.download.spool;
        if rendering.layout == Layout::ArrowStream {
            if self.shape.untouched
                && let Some(messages) = spool.messages(part)?
            {
                return Ok(messages);
            }
            let rows = spool.batch(part)?.decode()?;
            let rows: Vec<RecordBatch> =
                rows.iter().map(|rows| self.shape.apply(rows)).collect::<Result<_, _>>()?;
            let pieces = ipc::split(&ipc::stream(&self.shape.schema, &rows)?)?;
            let messages: Vec<&[u8]> = pieces.batches.iter().map(|(message, _)| &message[..]).collect();
            return Ok(Bytes::from(messages.concat()));
        }
        let mut output = String::new();
        for batch in spool.batch(part)?.decode()? {
            for row in cells(&rendering.schema, &batch)? {
                if rendering.layout == Layout::Csv {
                    csv_line(&row, &mut output);
                } else {
                    output.push_str(if self.rows == 0 { "" } else { "," });
                    output.push_str(&serde_json::to_string(&row).map_err(Fault::internal)?);
                }
                self.rows += 1;
            }
        }
        Ok(Bytes::from(output))
    }

    fn closing(&self) -> Bytes {
        match self.download.rendering.layout {
            Layout::ArrowStream => Bytes::from_static(&END),
            Layout::JsonArray => Bytes::from_static(b"]"),
            Layout::Csv => Bytes::new(),
        }
    }
}

impl Iterator for Pieces {
    type Item = Result<Bytes, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (step, last) = (self.step, self.chunk.parts.len() + 1);
        if step > last {
            return None;
        }
        self.step += 1;
        let piece = match step {
            0 => Ok(self.opening.clone()),
            step if step == last => Ok(self.closing()),
            step => self.part(step - 1),
        };
        let piece = piece.and_then(|piece| compressed(&mut self.encoder, piece, step == last));
        if piece.is_err() {
            self.step = last + 1;
        }
        Some(piece)
    }
}

/// A piece as the next bytes of the LZ4 frame, where there is one.
fn compressed(encoder: &mut Option<FrameEncoder<Vec<u8>>>, piece: Bytes, last: bool) -> Result<Bytes, Fault> {
    let Some(writer) = encoder else { return Ok(piece) };
    writer.write_all(&piece).map_err(Fault::internal)?;
    if last && let Some(writer) = encoder.take() {
        return Ok(Bytes::from(writer.finish().map_err(Fault::internal)?));
    }
    Ok(encoder.as_mut().map_or_else(Bytes::new, |writer| Bytes::from(std::mem::take(writer.get_mut()))))
}

/// The rows of a batch, every value as text and NULL as nothing.
pub(crate) fn cells(schema: &Schema, batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, Fault> {
    let types: Vec<SqlType> = schema.fields().iter().map(|field| SqlType::of(field)).collect();
    let columns = batch.columns().iter().zip(&types).map(|(column, sql_type)| normalize(column, sql_type));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let rows = (0..batch.num_rows()).map(|row| {
        let cells = columns.iter().zip(&types).map(|(column, sql_type)| {
            if column.is_null(row) || *sql_type == SqlType::Void {
                return None;
            }
            let mut cell = String::new();
            text::cell(column, row, sql_type, Style::Iso, &mut cell);
            Some(cell)
        });
        cells.collect()
    });
    Ok(rows.collect())
}

fn heading(schema: &Schema) -> String {
    let names: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
    names.join(",") + "\n"
}

fn csv_line(row: &[Option<String>], output: &mut String) {
    let cells = row.iter().map(|cell| cell.as_deref().map_or_else(|| "null".to_owned(), quoted));
    let _ = writeln!(output, "{}", cells.collect::<Vec<_>>().join(","));
}

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text == "null" {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
