//! Which values whole numbers may have: where no overflow can be, none is looked for.

use crate::data_type::DataType;
use crate::query::{Expr, ExprKind};

/// The least and the greatest value of a whole-number type.
pub(super) fn limits(data_type: &DataType) -> (i128, i128) {
    match data_type {
        DataType::TinyInt => (i8::MIN.into(), i8::MAX.into()),
        DataType::SmallInt => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// What values the result of arithmetic may have.
pub(super) fn bounds(
    (left, a): (&Expr, &DataType),
    operator: &str,
    (right, b): (&Expr, &DataType),
) -> (i128, i128) {
    let ((l1, h1), (l2, h2)) = (values(left, a), values(right, b));
    match operator {
        "+" => (l1 + l2, h1 + h2),
        "-" => (l1 - h2, h1 - l2),
        _ => {
            let products = [l1 * l2, l1 * h2, h1 * l2, h1 * h2];
            (products.into_iter().min().unwrap_or(i128::MIN), products.into_iter().max().unwrap_or(i128::MAX))
        }
    }
}

/// What values an operand may have.
pub(super) fn values(expr: &Expr, data_type: &DataType) -> (i128, i128) {
    match &expr.kind {
        ExprKind::Number(text) => {
            match text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<i128>() {
                Ok(value) => (value, value),
                Err(_) => limits(data_type),
            }
        }
        ExprKind::Unary(operator, operand) if operator == "-" => {
            let (low, high) = values(operand, data_type);
            let (least, most) = limits(data_type);
            ((-high).max(least), (-low).min(most))
        }
        ExprKind::Tuple(items) if items.len() == 1 => values(&items[0], data_type),
        ExprKind::Call(call) => match call.name.single().unwrap_or_default().as_str() {
            "YEAR" => (-300_000, 300_000),
            "MONTH" | "DAY" | "HOUR" | "MINUTE" | "SECOND" | "QUARTER" | "DAYOFWEEK" | "DAYOFMONTH"
            | "WEEKDAY" | "WEEKOFYEAR" | "DAYOFYEAR" => (0, 366),
            "LENGTH" | "LEN" | "CHAR_LENGTH" | "SIZE" | "CARDINALITY" | "ARRAY_SIZE" | "ROW_NUMBER"
            | "RANK" | "DENSE_RANK" => (-1, i32::MAX.into()),
            _ => limits(data_type),
        },
        _ => limits(data_type),
    }
}
