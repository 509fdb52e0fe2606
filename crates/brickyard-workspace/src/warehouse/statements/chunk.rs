//! Chunks of a result in the formats of the Statement Execution API.

use std::fmt::Write as _;
use std::io::Write as _;

use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use lz4_flex::frame::FrameEncoder;
use serde_json::{Value, json};

use super::spool::{Layout, Stored, Wish};
use crate::warehouse::fault::Fault;
use crate::warehouse::result::arrow::{Native, Shape, normalize};
use crate::warehouse::result::ipc;
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::result::text::{self, Style};

/// `manifest` of a result.
pub(super) fn manifest(stored: &Stored, wish: &Wish) -> Value {
    let columns = stored.schema.fields().iter().enumerate().map(|(position, field)| {
        let sql_type = SqlType::of(field);
        let mut column = json!({
            "name": field.name(),
            "type_text": sql_type.to_string(),
            "type_name": sql_type.rest_name(),
            "position": position,
        });
        if let SqlType::Decimal(precision, scale) = sql_type {
            column["type_precision"] = json!(precision);
            column["type_scale"] = json!(scale);
        }
        if sql_type == SqlType::YearMonthInterval || sql_type == SqlType::DayTimeInterval {
            let words = sql_type.to_string();
            column["type_interval_type"] = json!(words.trim_start_matches("INTERVAL "));
        }
        column
    });
    let columns: Vec<Value> = columns.collect();
    let chunks: Vec<Value> = stored
        .chunks
        .iter()
        .enumerate()
        .map(|(index, chunk)| {
            json!({
                "chunk_index": index,
                "row_offset": chunk.offset,
                "row_count": chunk.rows,
                "byte_count": chunk.bytes,
            })
        })
        .collect();
    let mut manifest = json!({
        "format": match wish.format {
            Layout::JsonArray => "JSON_ARRAY",
            Layout::ArrowStream => "ARROW_STREAM",
            Layout::Csv => "CSV",
        },
        "schema": { "column_count": columns.len(), "columns": columns },
        "total_chunk_count": chunks.len(),
        "total_row_count": stored.rows(),
        "total_byte_count": stored.bytes(),
        "truncated": stored.truncated,
    });
    if !chunks.is_empty() {
        manifest["chunks"] = Value::from(chunks);
    }
    if wish.lz4 && wish.format == Layout::ArrowStream {
        manifest["result_compression"] = json!("LZ4_FRAME");
    }
    if stored.staging {
        manifest["is_volume_operation"] = json!(true);
    }
    manifest
}

/// `data_array` of a chunk: every value as text, NULL as null.
pub(super) fn data_array(stored: &Stored, chunk: usize) -> Result<Vec<Vec<Option<String>>>, Fault> {
    let mut rows = Vec::new();
    for batch in decoded(stored, chunk)? {
        for row in 0..batch.num_rows() {
            rows.push(cells(stored, &batch, row)?);
        }
    }
    Ok(rows)
}

/// The file behind a link.
pub(super) fn file(stored: &Stored, wish: &Wish, chunk: usize) -> Result<Bytes, Fault> {
    match wish.format {
        Layout::JsonArray => {
            let rows = data_array(stored, chunk)?;
            Ok(Bytes::from(serde_json::to_vec(&rows).map_err(Fault::internal)?))
        }
        Layout::Csv => csv(stored, chunk),
        Layout::ArrowStream => {
            let stream = arrow(stored, chunk)?;
            if !wish.lz4 {
                return Ok(stream);
            }
            let mut encoder = FrameEncoder::new(Vec::with_capacity(stream.len() / 2));
            encoder.write_all(&stream).map_err(Fault::internal)?;
            Ok(Bytes::from(encoder.finish().map_err(Fault::internal)?))
        }
    }
}

fn arrow(stored: &Stored, chunk: usize) -> Result<Bytes, Fault> {
    let shape = Shape::new(&stored.schema, Native::ALL);
    let batches: Vec<RecordBatch> =
        decoded(stored, chunk)?.iter().map(|batch| shape.apply(batch)).collect::<Result<_, _>>()?;
    Ok(ipc::stream(&shape.schema, &batches)?)
}

fn csv(stored: &Stored, chunk: usize) -> Result<Bytes, Fault> {
    let mut output = String::new();
    if chunk == 0 {
        let names = stored.schema.fields().iter().map(|field| quoted(field.name()));
        let _ = writeln!(output, "{}", names.collect::<Vec<_>>().join(","));
    }
    for batch in decoded(stored, chunk)? {
        for row in 0..batch.num_rows() {
            let cells = cells(stored, &batch, row)?;
            let cells = cells.iter().map(|cell| cell.as_deref().map_or_else(|| "null".to_owned(), quoted));
            let _ = writeln!(output, "{}", cells.collect::<Vec<_>>().join(","));
        }
    }
    Ok(Bytes::from(output))
}

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text == "null" {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn cells(stored: &Stored, batch: &RecordBatch, row: usize) -> Result<Vec<Option<String>>, Fault> {
    let columns = batch.columns().iter().zip(stored.schema.fields());
    let cells = columns.map(|(column, field)| {
        let sql_type = SqlType::of(field);
        if column.is_null(row) || sql_type == SqlType::Void {
            return Ok(None);
        }
        let mut cell = String::new();
        let column = normalize(column, &sql_type)?;
        text::cell(&column, row, &sql_type, Style::Iso, &mut cell);
        Ok(Some(cell))
    });
    cells.collect()
}

fn decoded(stored: &Stored, chunk: usize) -> Result<Vec<RecordBatch>, Fault> {
    let mut rows = Vec::new();
    for batch in stored.batches(chunk)? {
        rows.extend(batch.decode()?);
    }
    Ok(rows)
}
