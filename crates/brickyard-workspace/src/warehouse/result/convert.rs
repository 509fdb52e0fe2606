use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BinaryArray, PrimitiveArray, StringArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, TimeUnit};

const SECOND: i64 = 1_000_000;
const MILLISECOND: i64 = 1_000;
const DAY_IN_MILLISECONDS: i64 = 86_400_000;

/// A column in the Arrow type in which clients take its SQL type (see [`super::sql_type::SqlType::arrow`]).
///
/// Only what engines may send for that SQL type is known here: wider or unsigned integers, other units of time, views
/// and large offsets, dictionaries. Anything else, and a value that does not fit, is an error. A general cast would
/// bring in far more code than all of this service.
pub(super) fn convert(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType as D;
    Ok(match (column.data_type(), wanted) {
        (given, wanted) if given == wanted => column.clone(),
        (D::Dictionary(..), _) => return plain(column, wanted),
        (D::UInt8, D::Int16) => map::<UInt8Type, Int16Type>(column, i16::from),
        (D::UInt16, D::Int32) => map::<UInt16Type, Int32Type>(column, i32::from),
        (D::UInt32, D::Int64) => map::<UInt32Type, Int64Type>(column, i64::from),
        (D::UInt64, D::Decimal128(..)) => decimal::<UInt64Type>(column, wanted, i128::from),
        (D::Decimal32(..), D::Decimal128(..)) => decimal::<Decimal32Type>(column, wanted, i128::from),
        (D::Decimal64(..), D::Decimal128(..)) => decimal::<Decimal64Type>(column, wanted, i128::from),
        (D::Float16, D::Float32) => map::<Float16Type, Float32Type>(column, f32::from),
        (D::Date64, D::Date32) => scaled::<Date64Type, Date32Type>(column, |value| {
            i32::try_from(value.div_euclid(DAY_IN_MILLISECONDS)).ok()
        })?,
        (D::Timestamp(unit, _), D::Timestamp(TimeUnit::Microsecond, zone)) => {
            Arc::new(timestamps(column, *unit)?.with_timezone_opt(zone.clone()))
        }
        (D::Duration(unit), D::Duration(TimeUnit::Microsecond)) => durations(column, *unit)?,
        (D::LargeUtf8, D::Utf8) => Arc::new(column.as_string::<i64>().iter().collect::<StringArray>()),
        (D::Utf8View, D::Utf8) => Arc::new(column.as_string_view().iter().collect::<StringArray>()),
        (D::LargeBinary, D::Binary) => Arc::new(column.as_binary::<i64>().iter().collect::<BinaryArray>()),
        (D::BinaryView, D::Binary) => Arc::new(column.as_binary_view().iter().collect::<BinaryArray>()),
        (D::FixedSizeBinary(_), D::Binary) => {
            Arc::new(column.as_fixed_size_binary().iter().collect::<BinaryArray>())
        }
        (given, wanted) => {
            return Err(ArrowError::CastError(format!("The engine sent {given}, which cannot be {wanted}")));
        }
    })
}

fn map<From: ArrowPrimitiveType, To: ArrowPrimitiveType>(
    column: &ArrayRef,
    value: impl Fn(From::Native) -> To::Native,
) -> ArrayRef {
    Arc::new(column.as_primitive::<From>().unary::<_, To>(value))
}

fn decimal<From: ArrowPrimitiveType>(
    column: &ArrayRef,
    wanted: &DataType,
    value: impl Fn(From::Native) -> i128,
) -> ArrayRef {
    let whole = column.as_primitive::<From>().unary::<_, Decimal128Type>(value);
    Arc::new(whole.with_data_type(wanted.clone()))
}

fn scaled<From: ArrowPrimitiveType, To: ArrowPrimitiveType>(
    column: &ArrayRef,
    value: impl Fn(From::Native) -> Option<To::Native>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(scale::<From, To>(column, value)?))
}

fn scale<From: ArrowPrimitiveType, To: ArrowPrimitiveType>(
    column: &ArrayRef,
    value: impl Fn(From::Native) -> Option<To::Native>,
) -> Result<PrimitiveArray<To>, ArrowError> {
    column.as_primitive::<From>().try_unary::<_, To, _>(|given| {
        value(given).ok_or_else(|| {
            ArrowError::CastError(format!("The engine sent {given:?}, which does not fit {}", To::DATA_TYPE))
        })
    })
}

fn timestamps(
    column: &ArrayRef,
    unit: TimeUnit,
) -> Result<PrimitiveArray<TimestampMicrosecondType>, ArrowError> {
    match unit {
        TimeUnit::Second => scale::<TimestampSecondType, _>(column, |value| value.checked_mul(SECOND)),
        TimeUnit::Millisecond => {
            scale::<TimestampMillisecondType, _>(column, |value| value.checked_mul(MILLISECOND))
        }
        TimeUnit::Microsecond => Ok(column.as_primitive::<TimestampMicrosecondType>().clone()),
        TimeUnit::Nanosecond => {
            scale::<TimestampNanosecondType, _>(column, |value| Some(value.div_euclid(MILLISECOND)))
        }
    }
}

fn durations(column: &ArrayRef, unit: TimeUnit) -> Result<ArrayRef, ArrowError> {
    match unit {
        TimeUnit::Second => {
            scaled::<DurationSecondType, DurationMicrosecondType>(column, |value| value.checked_mul(SECOND))
        }
        TimeUnit::Millisecond => {
            scaled::<DurationMillisecondType, DurationMicrosecondType>(column, |value| {
                value.checked_mul(MILLISECOND)
            })
        }
        TimeUnit::Microsecond => Ok(column.clone()),
        TimeUnit::Nanosecond => scaled::<DurationNanosecondType, DurationMicrosecondType>(column, |value| {
            Some(value.div_euclid(MILLISECOND))
        }),
    }
}

/// A dictionary's values, one for each row.
fn plain(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let dictionary = column.as_any_dictionary();
    let values = convert(dictionary.values(), wanted)?;
    let keys = dictionary.normalized_keys();
    let rows: UInt64Array =
        keys.iter().enumerate().map(|(row, key)| column.is_valid(row).then_some(*key as u64)).collect();
    arrow_select::take::take(&values, &rows, None)
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int8Type;
    use arrow_array::{
        DictionaryArray, LargeStringArray, StringViewArray, TimestampMillisecondArray,
        TimestampNanosecondArray, TimestampSecondArray,
    };

    use super::*;

    fn convert(column: impl Array + 'static, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
        super::convert(&(Arc::new(column) as ArrayRef), wanted)
    }

    #[test]
    fn unsigned_integers_keep_their_values() {
        let column =
            convert(UInt64Array::from(vec![Some(u64::MAX), None]), &DataType::Decimal128(20, 0)).unwrap();
        let decimals = column.as_primitive::<Decimal128Type>();
        assert_eq!(decimals.value(0), i128::from(u64::MAX));
        assert!(decimals.is_null(1));
    }

    #[test]
    fn times_become_microseconds() {
        let zone = DataType::Timestamp(TimeUnit::Microsecond, Some("Etc/UTC".into()));
        let of = |column: ArrayRef| {
            super::convert(&column, &zone).unwrap().as_primitive::<TimestampMicrosecondType>().value(0)
        };
        assert_eq!(of(Arc::new(TimestampMillisecondArray::from(vec![-1]).with_timezone("UTC"))), -1_000);
        assert_eq!(of(Arc::new(TimestampNanosecondArray::from(vec![-1]).with_timezone("UTC"))), -1);
        let error = convert(TimestampSecondArray::from(vec![i64::MAX]), &zone).unwrap_err();
        assert!(error.to_string().contains("does not fit"), "{error}");
    }

    #[test]
    fn texts_of_every_layout_become_one() {
        let wanted = StringArray::from(vec![Some("a"), None]);
        let large = convert(LargeStringArray::from(vec![Some("a"), None]), &DataType::Utf8).unwrap();
        let view = convert(StringViewArray::from(vec![Some("a"), None]), &DataType::Utf8).unwrap();
        let dictionary: DictionaryArray<Int8Type> = [Some("a"), None].into_iter().collect();
        let dictionary = convert(dictionary, &DataType::Utf8).unwrap();
        for column in [large, view, dictionary] {
            assert_eq!(column.as_string::<i32>(), &wanted);
        }
    }

    #[test]
    fn what_no_engine_sends_is_refused() {
        let error = convert(StringArray::from(vec!["1"]), &DataType::Int32).unwrap_err();
        assert!(error.to_string().contains("cannot be Int32"), "{error}");
    }
}
