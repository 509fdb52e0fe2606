//! Rows in columns of plain values, for clients that do not read Arrow.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_schema::ArrowError;
use bytes::Bytes;

use super::messages::Column;
use crate::warehouse::result::arrow::{normalize, texts};
use crate::warehouse::result::sql_type::SqlType;

/// The columns of these rows, one after the other; all batches have the same types.
pub(crate) fn columns(batches: &[RecordBatch], types: &[SqlType]) -> Result<Vec<Column>, ArrowError> {
    types
        .iter()
        .enumerate()
        .map(|(index, sql_type)| {
            let mut builder = Builder::default();
            let mut column = Column::default();
            for batch in batches {
                builder.add(batch.column(index), sql_type, &mut column)?;
            }
            if batches.is_empty() {
                Builder::start(sql_type, &mut column);
            }
            builder.finish(&mut column);
            Ok(column)
        })
        .collect()
}

/// Collects the null bits of one column: bit 0 of byte 0 is the first row, 1 is null.
#[derive(Default)]
struct Builder {
    rows: usize,
    nulls: Vec<u8>,
}

impl Builder {
    fn add(&mut self, array: &ArrayRef, sql_type: &SqlType, column: &mut Column) -> Result<(), ArrowError> {
        Self::start(sql_type, column);
        let array = normalize(array, sql_type)?;
        for row in 0..array.len() {
            let null = array.is_null(row) || *sql_type == SqlType::Void;
            if self.rows.is_multiple_of(8) {
                self.nulls.push(0);
            }
            if null && let Some(last) = self.nulls.last_mut() {
                *last |= 1 << (self.rows % 8);
            }
            self.rows += 1;
        }
        match sql_type {
            SqlType::Boolean => {
                let values = array.as_boolean();
                let values = (0..values.len()).map(|row| values.is_valid(row) && values.value(row));
                extend(&mut column.bool_val.get_or_insert_default().values, values);
            }
            SqlType::TinyInt => extend(
                &mut column.byte_val.get_or_insert_default().values,
                numbers(array.as_primitive::<Int8Type>()),
            ),
            SqlType::SmallInt => extend(
                &mut column.i16_val.get_or_insert_default().values,
                numbers(array.as_primitive::<Int16Type>()),
            ),
            SqlType::Int => extend(
                &mut column.i32_val.get_or_insert_default().values,
                numbers(array.as_primitive::<Int32Type>()),
            ),
            SqlType::BigInt => extend(
                &mut column.i64_val.get_or_insert_default().values,
                numbers(array.as_primitive::<Int64Type>()),
            ),
            SqlType::Float => extend(
                &mut column.double_val.get_or_insert_default().values,
                numbers(array.as_primitive::<Float32Type>()).map(f64::from),
            ),
            SqlType::Double => extend(
                &mut column.double_val.get_or_insert_default().values,
                numbers(array.as_primitive::<Float64Type>()),
            ),
            SqlType::Binary => {
                let values = array
                    .as_binary::<i32>()
                    .iter()
                    .map(|value| value.map_or_else(Bytes::new, Bytes::copy_from_slice));
                extend(&mut column.binary_val.get_or_insert_default().values, values);
            }
            _ => {
                let values = texts(&array, sql_type);
                let values = values.iter().map(|value| value.unwrap_or_default().to_owned());
                extend(&mut column.string_val.get_or_insert_default().values, values);
            }
        }
        Ok(())
    }

    /// Makes the one field that this type uses, so that a column without rows has it too.
    fn start(sql_type: &SqlType, column: &mut Column) {
        match sql_type {
            SqlType::Boolean => extend(&mut column.bool_val.get_or_insert_default().values, [].into_iter()),
            SqlType::TinyInt => extend(&mut column.byte_val.get_or_insert_default().values, [].into_iter()),
            SqlType::SmallInt => extend(&mut column.i16_val.get_or_insert_default().values, [].into_iter()),
            SqlType::Int => extend(&mut column.i32_val.get_or_insert_default().values, [].into_iter()),
            SqlType::BigInt => extend(&mut column.i64_val.get_or_insert_default().values, [].into_iter()),
            SqlType::Float | SqlType::Double => {
                extend(&mut column.double_val.get_or_insert_default().values, [].into_iter());
            }
            SqlType::Binary => extend(&mut column.binary_val.get_or_insert_default().values, [].into_iter()),
            _ => extend(&mut column.string_val.get_or_insert_default().values, [].into_iter()),
        }
    }

    fn finish(self, column: &mut Column) {
        let nulls = Some(Bytes::from(self.nulls));
        macro_rules! set {
            ($($field:ident),*) => {$(
                if let Some(value) = &mut column.$field {
                    value.nulls = nulls.clone();
                }
            )*};
        }
        set!(bool_val, byte_val, i16_val, i32_val, i64_val, double_val, string_val, binary_val);
    }
}

fn extend<T>(values: &mut Option<Vec<T>>, more: impl Iterator<Item = T>) {
    values.get_or_insert_default().extend(more);
}

fn numbers<T: arrow_array::ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
) -> impl Iterator<Item = T::Native> + '_ {
    array.iter().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Date32Array, Float32Array, Int64Array};

    use super::*;

    #[test]
    fn nulls_are_bits_across_batches() {
        let batch = |values: Vec<Option<i64>>| {
            RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values)) as ArrayRef)]).unwrap()
        };
        let batches = [batch(vec![Some(1); 7]), batch(vec![None, None, Some(3)])];
        let columns = columns(&batches, &[SqlType::BigInt]).unwrap();
        let column = columns[0].i64_val.as_ref().unwrap();
        assert_eq!(column.values.as_ref().unwrap(), &[1, 1, 1, 1, 1, 1, 1, 0, 0, 3]);
        assert_eq!(column.nulls.as_ref().unwrap().as_ref(), [0b1000_0000, 0b0000_0001]);
    }

    #[test]
    fn types_take_their_column() {
        let batch = RecordBatch::try_from_iter([
            ("b", Arc::new(BooleanArray::from(vec![true])) as ArrayRef),
            ("f", Arc::new(Float32Array::from(vec![0.5])) as ArrayRef),
            ("d", Arc::new(Date32Array::from(vec![1])) as ArrayRef),
        ])
        .unwrap();
        let types = [SqlType::Boolean, SqlType::Float, SqlType::Date];
        let columns = columns(&[batch], &types).unwrap();
        assert_eq!(columns[0].bool_val.as_ref().unwrap().values, Some(vec![true]));
        assert_eq!(columns[1].double_val.as_ref().unwrap().values, Some(vec![0.5]));
        assert_eq!(columns[2].string_val.as_ref().unwrap().values, Some(vec!["1970-01-02".to_owned()]));
        let empty = super::columns(&[], &types).unwrap();
        assert_eq!(empty[1].double_val.as_ref().unwrap().values, Some(vec![]));
    }
}
