use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use super::convert::convert;
use super::nested::nested;
use super::sql_type::SqlType;
use super::text::{self, Style};

/// Which types a client takes as Arrow; the others become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Native {
    pub(crate) timestamps: bool,
    pub(crate) decimals: bool,
    pub(crate) complex: bool,
}

impl Native {
    /// Everything that Arrow readers of every language take.
    pub(crate) const ALL: Self = Self { timestamps: true, decimals: true, complex: true };
}

/// How rows of one result are turned into what a client takes.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Databricks types of the columns.
    pub(crate) types: Vec<SqlType>,
    /// What the client is told of the Arrow columns.
    pub(crate) schema: SchemaRef,
    /// Whether the engine's messages can go out as they are.
    pub(crate) untouched: bool,
    native: Native,
}

impl Shape {
    /// The shape for the engine's schema.
    pub(crate) fn new(engine: &Schema, native: Native) -> Self {
        let types: Vec<SqlType> = engine.fields().iter().map(|field| SqlType::of(field)).collect();
        let mut untouched = true;
        let fields = engine.fields().iter().zip(&types).map(|(field, sql_type)| {
            let sent = sent_type(field, sql_type, native);
            untouched &= same_layout(field.data_type(), &sent);
            let mut out = Field::new(field.name(), sent, field.is_nullable() || *sql_type == SqlType::Void);
            if *sql_type == SqlType::Variant {
                // The connector learns from this that the text is a VARIANT (wire §3.1).
                let name = ("Spark:DataType:SqlName".to_owned(), "VARIANT".to_owned());
                out.set_metadata(HashMap::from([name]));
            }
            out
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { types, schema, untouched, native }
    }

    /// Rows with the columns that the client takes.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = batch.columns().iter().zip(&self.types).zip(self.schema.fields()).map(
            |((column, sql_type), field)| {
                let column = normalize(column, sql_type)?;
                if keeps(sql_type, self.native) {
                    return convert(&column, field.data_type());
                }
                Ok(Arc::new(texts(&column, sql_type)) as ArrayRef)
            },
        );
        RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns.collect::<Result<_, _>>()?,
            &arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
        )
    }
}

/// A column in the one Arrow type that [`text::cell`] expects for its SQL type.
pub(crate) fn normalize(column: &ArrayRef, sql_type: &SqlType) -> Result<ArrayRef, ArrowError> {
    let wanted = match (sql_type, column.data_type()) {
        (SqlType::Timestamp, DataType::Timestamp(TimeUnit::Microsecond, _))
        | (SqlType::Void | SqlType::YearMonthInterval | SqlType::CalendarInterval | SqlType::Variant, _) => {
            return Ok(column.clone());
        }
        (SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_), _) => return nested(column, sql_type),
        (SqlType::Timestamp, DataType::Timestamp(_, zone)) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        (SqlType::DayTimeInterval, _) => DataType::Duration(TimeUnit::Microsecond),
        (sql_type, _) => sql_type.arrow(),
    };
    convert(column, &wanted)
}

/// A column as texts, nulls kept.
pub(crate) fn texts(column: &ArrayRef, sql_type: &SqlType) -> StringArray {
    if *sql_type == SqlType::Void {
        return StringArray::new_null(column.len());
    }
    let mut buffer = String::new();
    (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                return None;
            }
            buffer.clear();
            text::cell(column, row, sql_type, Style::Spark, &mut buffer);
            Some(buffer.clone())
        })
        .collect()
}

fn keeps(sql_type: &SqlType, native: Native) -> bool {
    match sql_type {
        SqlType::Void
        | SqlType::YearMonthInterval
        | SqlType::DayTimeInterval
        | SqlType::CalendarInterval
        | SqlType::Variant => false,
        SqlType::Decimal(..) => native.decimals,
        SqlType::Timestamp | SqlType::TimestampNtz => native.timestamps,
        SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_) => native.complex && plain_inside(sql_type),
        _ => true,
    }
}

/// Whether all parts of a complex type are ones that Arrow readers take.
fn plain_inside(sql_type: &SqlType) -> bool {
    match sql_type {
        SqlType::Array(element) => plain_inside(element),
        SqlType::Map(key, value) => plain_inside(key) && plain_inside(value),
        SqlType::Struct(fields) => fields.iter().all(|(_, field)| plain_inside(field)),
        other => keeps(other, Native::ALL) || *other == SqlType::Void,
    }
}

fn sent_type(field: &Field, sql_type: &SqlType, native: Native) -> DataType {
    if !keeps(sql_type, native) {
        return DataType::Utf8;
    }
    match (sql_type, field.data_type()) {
        (SqlType::Timestamp, DataType::Timestamp(_, zone)) => {
            let zone = zone.clone().filter(|zone| &**zone != "UTC").unwrap_or_else(|| "Etc/UTC".into());
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone))
        }
        (complex, engine) if complex.is_complex() => engine.clone(),
        (simple, _) => simple.arrow(),
    }
}

/// Whether bytes of one type can be read as the other: the zone of a timestamp stands in the schema alone.
fn same_layout(engine: &DataType, sent: &DataType) -> bool {
    match (engine, sent) {
        (DataType::Timestamp(unit, _), DataType::Timestamp(sent_unit, _)) => unit == sent_unit,
        _ => engine == sent,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int32Type;
    use arrow_array::{Decimal128Array, Int32Array, ListArray, NullArray, TimestampMicrosecondArray};

    use super::*;

    fn batch() -> RecordBatch {
        RecordBatch::try_from_iter([
            ("n", Arc::new(Int32Array::from(vec![Some(1), None])) as ArrayRef),
            (
                "t",
                Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]).with_timezone("UTC"))
                    as ArrayRef,
            ),
            (
                "d",
                Arc::new(
                    Decimal128Array::from(vec![Some(150), None]).with_precision_and_scale(10, 2).unwrap(),
                ) as ArrayRef,
            ),
            (
                "a",
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
                    Some(vec![Some(1), None]),
                    None,
                ])) as ArrayRef,
            ),
        ])
        .unwrap()
    }

    #[test]
    fn plain_types_go_out_untouched() {
        let shape = Shape::new(&batch().schema(), Native::ALL);
        assert!(shape.untouched);
        assert_eq!(shape.schema.field(1).data_type(), &SqlType::Timestamp.arrow());
        assert_eq!(shape.apply(&batch()).unwrap().num_rows(), 2);
    }

    #[test]
    fn what_a_client_does_not_take_becomes_text() {
        let native = Native { timestamps: false, decimals: false, complex: false };
        let shape = Shape::new(&batch().schema(), native);
        assert!(!shape.untouched);
        let rows = shape.apply(&batch()).unwrap();
        let text = |column: usize| -> Vec<Option<String>> {
            let array = rows.column(column).as_any().downcast_ref::<StringArray>().unwrap();
            array.iter().map(|text| text.map(str::to_owned)).collect()
        };
        assert_eq!(
            text(1),
            [Some("1970-01-01 00:00:00".to_owned()), Some("1970-01-01 00:00:01.5".to_owned())]
        );
        assert_eq!(text(2), [Some("1.50".to_owned()), None]);
        assert_eq!(text(3), [Some("[1,null]".to_owned()), None]);
    }

    #[test]
    fn a_column_of_nulls_is_a_string_column() {
        let batch = RecordBatch::try_from_iter([("x", Arc::new(NullArray::new(2)) as ArrayRef)]).unwrap();
        let shape = Shape::new(&batch.schema(), Native::ALL);
        let rows = shape.apply(&batch).unwrap();
        assert_eq!(rows.column(0).data_type(), &DataType::Utf8);
        assert_eq!(rows.column(0).null_count(), 2);
    }
}
