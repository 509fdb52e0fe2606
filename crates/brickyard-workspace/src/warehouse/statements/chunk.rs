//! Chunks of a result as the Statement Execution API tells of them.

use serde_json::{Value, json};

use super::kept::{Stored, Wish};
use crate::warehouse::fault::Fault;
use crate::warehouse::result::file::{Layout, cells};
use crate::warehouse::result::sql_type::SqlType;
use crate::warehouse::spool::Chunk;

/// `manifest` of a result.
pub(super) fn manifest(stored: &Stored, wish: &Wish) -> Value {
    let schema = &stored.download.rendering.schema;
    let columns = schema.fields().iter().enumerate().map(|(position, field)| {
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
    let chunks = stored.download.spool.chunks();
    let chunks: Vec<Value> = chunks
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
pub(super) fn data_array(stored: &Stored, chunk: &Chunk) -> Result<Vec<Vec<Option<String>>>, Fault> {
    let mut rows = Vec::new();
    for part in &chunk.parts {
        for batch in stored.download.spool.batch(part)?.decode()? {
            rows.extend(cells(&stored.download.rendering.schema, &batch)?);
        }
    }
    Ok(rows)
}
