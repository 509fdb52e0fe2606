use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};

use crate::error::EngineError;
use crate::wire::{DataType, StructField, data_type::Kind};

/// The Arrow schema of a Spark `struct` type, as the engine's own batches would have it.
pub(crate) fn schema(data_type: &DataType) -> Result<SchemaRef, EngineError> {
    match &data_type.kind {
        Some(Kind::Struct(columns)) => Ok(Arc::new(Schema::new(fields(&columns.fields)?))),
        _ => Err(unknown()),
    }
}

fn fields(fields: &[StructField]) -> Result<Fields, EngineError> {
    fields.iter().map(|column| field(&column.name, column.data_type.as_ref(), column.nullable)).collect()
}

fn field(name: &str, data_type: Option<&DataType>, nullable: bool) -> Result<Field, EngineError> {
    let data_type = data_type.ok_or_else(unknown)?;
    let field = Field::new(name, arrow(data_type)?, nullable);
    Ok(match data_type.kind {
        Some(Kind::Variant(_)) => field.with_metadata(HashMap::from([(
            "ARROW:extension:name".to_owned(),
            "arrow.parquet.variant".to_owned(),
        )])),
        _ => field,
    })
}

fn arrow(data_type: &DataType) -> Result<Arrow, EngineError> {
    Ok(match data_type.kind.as_ref().ok_or_else(unknown)? {
        Kind::Null(_) => Arrow::Null,
        Kind::Binary(_) => Arrow::Binary,
        Kind::Boolean(_) => Arrow::Boolean,
        Kind::Byte(_) => Arrow::Int8,
        Kind::Short(_) => Arrow::Int16,
        Kind::Integer(_) => Arrow::Int32,
        Kind::Long(_) => Arrow::Int64,
        Kind::Float(_) => Arrow::Float32,
        Kind::Double(_) => Arrow::Float64,
        Kind::Decimal(decimal) => {
            let part =
                |value: Option<i32>, default| value.map_or(Some(default), |value| u8::try_from(value).ok());
            let precision = part(decimal.precision, 10).ok_or_else(unknown)?;
            let scale =
                part(decimal.scale, 0).and_then(|scale| i8::try_from(scale).ok()).ok_or_else(unknown)?;
            Arrow::Decimal128(precision, scale)
        }
        Kind::String(_) | Kind::Char(_) | Kind::VarChar(_) => Arrow::Utf8,
        Kind::Date(_) => Arrow::Date32,
        Kind::Timestamp(_) => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::TimestampNtz(_) => Arrow::Timestamp(TimeUnit::Microsecond, None),
        Kind::CalendarInterval(_) => Arrow::Interval(IntervalUnit::MonthDayNano),
        Kind::YearMonthInterval(_) => Arrow::Interval(IntervalUnit::YearMonth),
        Kind::DayTimeInterval(_) => Arrow::Duration(TimeUnit::Microsecond),
        Kind::Array(array) => {
            Arrow::List(Arc::new(field("item", array.element_type.as_deref(), array.contains_null)?))
        }
        Kind::Struct(columns) => Arrow::Struct(fields(&columns.fields)?),
        Kind::Map(map) => {
            let key = field("key", map.key_type.as_deref(), false)?;
            let value = field("value", map.value_type.as_deref(), map.value_contains_null)?;
            let entries = Field::new("entries", Arrow::Struct(vec![key, value].into()), false);
            Arrow::Map(Arc::new(entries), false)
        }
        Kind::Variant(_) => Arrow::Struct(
            vec![Field::new("value", Arrow::Binary, false), Field::new("metadata", Arrow::Binary, false)]
                .into(),
        ),
    })
}

fn unknown() -> EngineError {
    EngineError::of_us(
        "UNSUPPORTED_DATATYPE",
        "0A000",
        "The engine answered with a data type that is not known here",
    )
}
