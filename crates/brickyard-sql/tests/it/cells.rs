//! Rows of the engine as JSON, and how they are compared.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Value, json};

/// The rows of batches.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<Vec<Value>> {
    let row =
        |batch: &RecordBatch, row: usize| batch.columns().iter().map(|column| cell(column, row)).collect();
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

fn cell(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Int8 => json!(array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => json!(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => float(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            Value::Array((0..list.len()).map(|at| cell(&list, at)).collect())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let key = |at: usize| match cell(keys, at) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let pair = |at: usize| (key(at), cell(values, at));
            Value::Object((0..entries.len()).map(pair).collect::<Map<_, _>>())
        }
        DataType::Struct(_) => {
            Value::Array(array.as_struct().columns().iter().map(|column| cell(column, row)).collect())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let moment = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
            json!(moment.to_string())
        }
        _ => json!(text(array, row)),
    }
}

fn text(array: &dyn Array, row: usize) -> String {
    array_value_to_string(array, row).unwrap()
}

fn float(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(|| json!(value.to_string()), Value::Number)
}

/// Whether two values are the same; numbers by value.
pub(crate) fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        // What has no entries is written as a list or a map.
        (Value::Object(a), Value::Array(b)) => a.is_empty() && b.is_empty(),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => got == want,
    }
}
