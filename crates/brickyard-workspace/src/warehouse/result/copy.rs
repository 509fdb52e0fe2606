//! Rows as PostgreSQL's `COPY … FROM STDIN` takes them in its text format (PostgreSQL docs, "COPY", "Text Format").

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};

use super::arrow::normalize;
use super::sql_type::SqlType;
use super::text::{self, Style};
use crate::warehouse::fault::Fault;

/// Appends the rows of a batch: columns between tabs, rows between line feeds, `\N` for NULL.
pub(crate) fn rows(batch: &RecordBatch, types: &[SqlType], output: &mut Vec<u8>) -> Result<(), Fault> {
    let columns = batch.columns().iter().zip(types).map(|(column, sql_type)| normalize(column, sql_type));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut cell = String::new();
    for row in 0..batch.num_rows() {
        for (index, (column, sql_type)) in columns.iter().zip(types).enumerate() {
            if index > 0 {
                output.push(b'\t');
            }
            if column.is_null(row) {
                output.extend_from_slice(b"\\N");
                continue;
            }
            cell.clear();
            value(column.as_ref(), row, sql_type, &mut cell);
            if cell.contains('\0') {
                let name = batch.schema().field(index).name().clone();
                return Err(Fault::new(
                    "INVALID_PARAMETER_VALUE",
                    "22021",
                    format_args!(
                        "A value of the column `{name}` holds the character 0x00, which PostgreSQL cannot store."
                    ),
                ));
            }
            escape(&cell, output);
        }
        output.push(b'\n');
    }
    Ok(())
}

fn value(column: &dyn Array, row: usize, sql_type: &SqlType, output: &mut String) {
    match sql_type {
        SqlType::Timestamp => {
            let moment = column.as_primitive::<TimestampMicrosecondType>().value(row);
            output.push_str(&text::timestamp(moment, Some("UTC"), Style::Spark));
            output.push_str("+00");
        }
        SqlType::Binary => {
            output.push_str("\\x");
            for byte in column.as_binary::<i32>().value(row) {
                output.extend(
                    [byte >> 4, byte & 15]
                        .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or_default()),
                );
            }
        }
        SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_) => {
            text::json(column, row, sql_type, output);
        }
        _ => text::cell(column, row, sql_type, Style::Spark, output),
    }
}

fn escape(cell: &str, output: &mut Vec<u8>) {
    for byte in cell.bytes() {
        match byte {
            b'\\' => output.extend_from_slice(b"\\\\"),
            b'\n' => output.extend_from_slice(b"\\n"),
            b'\r' => output.extend_from_slice(b"\\r"),
            b'\t' => output.extend_from_slice(b"\\t"),
            _ => output.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, Int32Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> (RecordBatch, Vec<SqlType>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let types = batch.schema().fields().iter().map(|field| SqlType::of(field)).collect();
        (batch, types)
    }

    #[test]
    fn cells_cannot_leave_their_column() {
        let (batch, types) = batch(vec![
            ("n", Arc::new(Int32Array::from(vec![Some(1), None]))),
            ("t", Arc::new(StringArray::from(vec!["a\tb\nc\\d\r", "\\N"]))),
            ("b", Arc::new(BinaryArray::from_vec(vec![b"\x00\xff", b""]))),
            (
                "m",
                Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]).with_timezone("Europe/Berlin")),
            ),
        ]);
        let mut output = Vec::new();
        rows(&batch, &types, &mut output).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "1\ta\\tb\\nc\\\\d\\r\t\\\\x00ff\t1970-01-01 00:00:00+00\n\\N\t\\\\N\t\\\\x\t1970-01-01 00:00:01.5+00\n"
        );
    }

    #[test]
    fn what_postgres_cannot_store_is_refused() {
        let (batch, types) = batch(vec![("t", Arc::new(StringArray::from(vec!["a\0b"])))]);
        assert!(rows(&batch, &types, &mut Vec::new()).unwrap_err().message.contains("0x00"));
    }
}
