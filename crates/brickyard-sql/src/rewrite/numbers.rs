//! Types of numbers, and the type that two have in common.

use crate::data_type::{DataType, Field};
use crate::query::{Expr, ExprKind};
use crate::rewrite::arithmetic::{adjusted, clamp};

/// The type whose least value a number is the positive part of.
pub(super) fn least(expr: &Expr) -> Option<DataType> {
    match &expr.kind {
        ExprKind::Number(text) if text == "2147483648" => Some(DataType::Int),
        ExprKind::Number(text) if text.trim_end_matches(['L', 'l']) == "9223372036854775808" => {
            Some(DataType::BigInt)
        }
        _ => None,
    }
}

/// The type of a number as typed.
pub(super) fn number_type(text: &str) -> DataType {
    let upper = text.to_uppercase();
    if let Some(digits) = upper.strip_suffix("BD") {
        return decimal_of(digits);
    }
    match upper.chars().last() {
        Some('L') => return DataType::BigInt,
        Some('S') => return DataType::SmallInt,
        Some('Y') => return DataType::TinyInt,
        Some('D') => return DataType::Double,
        Some('F') => return DataType::Float,
        _ => {}
    }
    if upper.contains('E') {
        return DataType::Double;
    }
    if upper.contains('.') {
        return decimal_of(&upper);
    }
    match upper.parse::<i128>() {
        Ok(value) if value <= i128::from(i32::MAX) => DataType::Int,
        Ok(value) if value <= i128::from(i64::MAX) => DataType::BigInt,
        _ => decimal_of(&upper),
    }
}

fn decimal_of(digits: &str) -> DataType {
    let (mantissa, exponent) =
        digits.split_once('E').map_or((digits, 0), |(m, e)| (m, e.parse::<i32>().unwrap_or(0)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i32::try_from(fraction.len()).unwrap_or(38) - exponent;
    let significant = format!("{whole}{fraction}").trim_start_matches('0').len().max(1);
    let precision = i32::try_from(significant).unwrap_or(38);
    if scale < 0 {
        return DataType::Decimal(clamp(precision - scale), 0);
    }
    DataType::Decimal(clamp(precision.max(scale)), clamp(scale))
}

/// The type both fit into, as `CASE`, `coalesce` and `UNION` choose it.
pub(crate) fn common(a: &DataType, b: &DataType) -> DataType {
    use DataType::{Array, Date, Decimal, Double, Float, Map, String, Struct, Timestamp, Unknown, Void};
    if a == b {
        return a.clone();
    }
    match (a, b) {
        (Void, other) | (other, Void) => other.clone(),
        (Unknown, _) | (_, Unknown) => Unknown,
        (Decimal(..), other) | (other, Decimal(..)) if other.is_numeric() => {
            if matches!(other, Float | Double) {
                return Double;
            }
            let (Some((p1, s1)), Some((p2, s2))) = (a.as_decimal(), b.as_decimal()) else { return Unknown };
            let scale = s1.max(s2);
            let digits = (p1 - s1).max(p2 - s2);
            let (precision, scale) = adjusted(i32::from(digits) + i32::from(scale), i32::from(scale));
            Decimal(clamp(precision), clamp(scale))
        }
        (Double | Float, other) | (other, Double | Float) if other.is_numeric() => {
            if a == &Float && b == &Float { Float } else { Double }
        }
        _ if a.is_integer() && b.is_integer() => wider(a, b),
        (DataType::DayTime(_), DataType::DayTime(_)) => DataType::DayTime("DAY TO SECOND".to_owned()),
        (DataType::YearMonth(_), DataType::YearMonth(_)) => DataType::YearMonth("YEAR TO MONTH".to_owned()),
        (Date | DataType::TimestampNtz, Timestamp) | (Timestamp, Date | DataType::TimestampNtz) => Timestamp,
        (Date, DataType::TimestampNtz) | (DataType::TimestampNtz, Date) => DataType::TimestampNtz,
        // In ANSI mode a string gives way: to BIGINT for whole numbers, DOUBLE for others, else the other type.
        (String, other) | (other, String) => match other {
            _ if other.is_integer() => DataType::BigInt,
            Decimal(..) | Float | Double => Double,
            Date | Timestamp | DataType::TimestampNtz | DataType::Boolean | DataType::Binary => other.clone(),
            _ => Unknown,
        },
        (Array(left), Array(right)) => Array(Box::new(common(left, right))),
        (Map(k1, v1), Map(k2, v2)) => Map(Box::new(common(k1, k2)), Box::new(common(v1, v2))),
        (Struct(left), Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().zip(right).map(|(l, r)| crate::data_type::Field {
                name: l.name.clone(),
                data_type: common(&l.data_type, &r.data_type),
                not_null: false,
                comment: None,
            });
            Struct(fields.collect())
        }
        _ => Unknown,
    }
}

/// Whether two types are known to have none in common.
pub(crate) fn apart(a: &DataType, b: &DataType) -> bool {
    use DataType::{Array, DayTime, Interval, Map, Other, String, Struct, Unknown, Variant, Void, YearMonth};
    match (a, b) {
        _ if a == b => false,
        (Unknown | Void | Variant | Other(_), _) | (_, Unknown | Void | Variant | Other(_)) => false,
        (Array(left), Array(right)) => apart(left, right),
        (Map(k1, v1), Map(k2, v2)) => apart(k1, k2) || apart(v1, v2),
        (Struct(left), Struct(right)) => {
            let alike = |(left, right): (&Field, &Field)| {
                left.name.eq_ignore_ascii_case(&right.name) && !apart(&left.data_type, &right.data_type)
            };
            left.len() != right.len() || !left.iter().zip(right).all(alike)
        }
        (Array(_) | Map(..) | Struct(_), _) | (_, Array(_) | Map(..) | Struct(_)) => true,
        (YearMonth(_), YearMonth(_)) | (DayTime(_), DayTime(_)) => false,
        (YearMonth(_) | DayTime(_) | Interval, _) | (_, YearMonth(_) | DayTime(_) | Interval) => true,
        (String, _) | (_, String) => false,
        _ => !(a.is_numeric() && b.is_numeric() || is_moment(a) && is_moment(b)),
    }
}

/// Whether a value is of a day or a moment.
pub(super) fn is_moment(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Timestamp | DataType::TimestampNtz)
}

/// Whether a map is part of values of a type: they cannot be compared.
pub(crate) fn holds_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::Array(element) => holds_map(element),
        DataType::Struct(fields) => fields.iter().any(|field| holds_map(&field.data_type)),
        _ => false,
    }
}

/// Whether a type is known in all its parts.
pub(crate) fn settled(data_type: &DataType) -> bool {
    match data_type {
        DataType::Unknown => false,
        DataType::Array(element) => settled(element),
        DataType::Map(key, value) => settled(key) && settled(value),
        DataType::Struct(fields) => fields.iter().all(|field| settled(&field.data_type)),
        _ => true,
    }
}

/// The wider of two whole-number types.
pub(super) fn wider(a: &DataType, b: &DataType) -> DataType {
    let rank = |data_type: &DataType| match data_type {
        DataType::TinyInt => 0,
        DataType::SmallInt => 1,
        DataType::Int => 2,
        _ => 3,
    };
    if rank(a) >= rank(b) { a.clone() } else { b.clone() }
}
