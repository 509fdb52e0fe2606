//! Intervals as numbers and numbers as intervals; products and quotients of intervals, which the engine cuts off or has none of.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::moment_calls::around;
use crate::rewrite::planner::Planner;
use crate::token::{Span, string_literal};

/// The decimal that holds every interval in seconds.
const SECONDS: &str = "DECIMAL(20,6)";

/// What years are cast to before they are counted in months.
const MONTHS: &str = "INTERVAL MONTH";

/// `DAY TO SECOND`, the type of what is computed of such intervals.
pub(super) fn day_time() -> DataType {
    DataType::DayTime("DAY TO SECOND".to_owned())
}

fn year_month() -> DataType {
    DataType::YearMonth("YEAR TO MONTH".to_owned())
}

/// The last field.
fn last(fields: &str) -> &str {
    fields.rsplit(' ').next().unwrap_or(fields)
}

/// How many seconds a field has.
fn seconds(unit: &str) -> u32 {
    match unit {
        "DAY" => 86_400,
        "HOUR" => 3_600,
        "MINUTE" => 60,
        _ => 1,
    }
}

/// An interval as a number, a number as an interval, a time of day as a number; nothing for other casts.
///
/// Errors: an interval as a number with a floating point (`DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION` 42K09).
pub(super) fn cast(
    value: Span,
    from: &DataType,
    to: &DataType,
    shown: &str,
    function: &str,
) -> Result<Option<Vec<Piece>>, SqlError> {
    use DataType::{DayTime, Decimal, String, Time, YearMonth};
    let exact = |to: &DataType| to.is_integer() || matches!(to, Decimal(..));
    if matches!(from, DayTime(_) | YearMonth(_)) && to.is_numeric() && !exact(to) {
        let text = format!(
            "Cannot resolve \"CAST({shown} AS {to})\" due to data type mismatch: cannot cast \"{from}\" to \"{to}\"."
        );
        return Err(SqlError::new("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09", text));
    }
    Ok(Some(match (from, to) {
        (DayTime(fields), to) if to.is_integer() => pieces![
            format!("{function}(CAST("),
            value,
            format!(" AS BIGINT) DIV {} AS {to})", seconds(last(fields)))
        ],
        (DayTime(fields), Decimal(..)) => pieces![
            format!("{function}(CAST("),
            value,
            match seconds(last(fields)) {
                1 => format!(" AS {SECONDS}) AS {to})"),
                unit => format!(" AS {SECONDS}) / {unit} AS {to})"),
            }
        ],
        (YearMonth(fields), to) if exact(to) => {
            let operator = if to.is_integer() { "DIV" } else { "/" };
            let close = match last(fields) {
                "YEAR" => format!(" AS {MONTHS}) AS INT) {operator} 12 AS {to})"),
                _ => format!(" AS {MONTHS}) AS INT) AS {to})"),
            };
            pieces![format!("{function}(CAST(CAST("), value, close]
        }
        (from, YearMonth(fields)) if exact(from) => {
            let (most, unit) =
                if last(fields) == "YEAR" { (178_956_970_i64, 12) } else { (2_147_483_647, 1) };
            let number = pieces!["CAST(round(", value, ") AS BIGINT)"];
            checked(number, most, &format!("{from}"), &format!("{to}"), |number| {
                around("make_ym_interval(0, CAST(", number, &format!(" * {unit} AS INT))"))
            })
        }
        (from, DayTime(fields)) if exact(from) && (from.is_integer() || last(fields) != "SECOND") => {
            let unit = seconds(last(fields));
            let most = i64::MAX / 1_000_000 / i64::from(unit);
            let number = pieces!["CAST(", value, " AS BIGINT)"];
            checked(number, most, &format!("{from}"), &format!("{to}"), |number| {
                around(
                    &format!("CAST(CAST({unit} * "),
                    number,
                    &format!(" AS {SECONDS}) AS INTERVAL DAY TO SECOND)"),
                )
            })
        }
        (String, DayTime(_) | YearMonth(_)) => return Ok(None),
        (Time(_), to) if to.is_integer() => {
            pieces![format!("{function}(CAST("), value, format!(" AS BIGINT) DIV 1000000 AS {to})")]
        }
        (Time(_), Decimal(..)) => {
            pieces![format!("{function}(CAST("), value, format!(" AS BIGINT) * 0.000001BD AS {to})")]
        }
        _ => return Ok(None),
    }))
}

/// A number made an interval, where it is not too large for one.
fn checked(
    number: Vec<Piece>,
    most: i64,
    from: &str,
    to: &str,
    make: impl FnOnce(Vec<Piece>) -> Vec<Piece>,
) -> Vec<Piece> {
    let message = string_literal(&format!(
        "[CAST_OVERFLOW] The value of the type \"{from}\" cannot be cast to \"{to}\" due to an overflow. Use `try_cast` to tolerate overflow and return NULL instead. SQLSTATE: 22003"
    ));
    let mut text = around(
        "CASE WHEN ",
        number.clone(),
        &format!(" NOT BETWEEN -{most}L AND {most}L THEN raise_error({message}) ELSE "),
    );
    text.extend(make(number));
    text.push(Piece::from(" END"));
    text
}

impl Planner<'_> {
    /// Products, quotients and sums with intervals, but for those of moments; nothing where the engine computes them.
    ///
    /// Errors: operands that have none in common (`DATATYPE_MISMATCH` 42K09).
    pub(super) fn interval_arithmetic(
        &mut self,
        expr: &Expr,
        (left, a): (&Expr, &DataType),
        operator: &str,
        (right, b): (&Expr, &DataType),
    ) -> Result<Option<DataType>, SqlError> {
        use DataType::{Date, DayTime, Interval, String, Timestamp, TimestampNtz, Void, YearMonth};
        let is_interval = |data_type: &DataType| matches!(data_type, DayTime(_) | YearMonth(_));
        let number = |data_type: &DataType| data_type.is_numeric() || matches!(data_type, String | Void);
        let differ = || {
            let text = format!(
                "Cannot resolve \"({} {operator} {})\" due to data type mismatch: the left and right operands of the binary operator have incompatible types (\"{a}\" and \"{b}\").",
                left.span.of(self.sql),
                right.span.of(self.sql)
            );
            SqlError::new("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09", text).at(expr.span)
        };
        let moment = |data_type: &DataType| matches!(data_type, Date | Timestamp | TimestampNtz | Interval);
        if !is_interval(a) && !is_interval(b) || moment(a) || moment(b) {
            return Ok(None);
        }
        let (interval, own, factor, by) = match operator {
            "*" if is_interval(a) && number(b) => (left, a, right, b),
            "*" if is_interval(b) && number(a) => (right, b, left, a),
            "/" if is_interval(a) && number(b) => (left, a, right, b),
            "/" if is_interval(b) => return Err(differ()),
            "+" | "-" if is_interval(a) && (b.is_numeric() || is_interval(b) && !same_kind(a, b)) => {
                return Err(differ());
            }
            "+" if is_interval(b) && a.is_numeric() => return Err(differ()),
            "+" | "-" => {
                let result = if matches!(a, DayTime(_)) || matches!(b, DayTime(_)) {
                    day_time()
                } else {
                    year_month()
                };
                return Ok(is_interval(a).then_some(result).filter(|_| is_interval(b)));
            }
            _ => return Ok(None),
        };
        let result = if matches!(own, DayTime(_)) { day_time() } else { year_month() };
        let (value, factor) = (interval.span, factor.span);
        if *by == Void {
            self.edits.replace(expr.span, pieces![format!("CAST(NULL AS {result})")]);
            return Ok(Some(result));
        }
        // A decimal keeps its digits; doubles would lose those of long intervals.
        let factor =
            if *by == String { pieces!["CAST(", factor, " AS DOUBLE)"] } else { pieces!["(", factor, ")"] };
        let mut text = if matches!(own, DayTime(_)) {
            pieces!["CAST(", value, format!(" AS {SECONDS}) {operator} ")]
        } else {
            pieces!["CAST(CAST(", value, format!(" AS {MONTHS}) AS BIGINT) {operator} ")]
        };
        text.extend(factor);
        let text = if matches!(own, DayTime(_)) {
            around("CAST(CAST(", text, &format!(" AS {SECONDS}) AS INTERVAL DAY TO SECOND)"))
        } else {
            around("make_ym_interval(0, CAST(round(", text, ") AS INT))")
        };
        self.edits.replace(expr.span, text);
        Ok(Some(result))
    }

    /// Texts from which a day is taken, or that are taken from one, are days; gives the types that then stand there.
    pub(super) fn dates_of_texts(
        &mut self,
        (left, a): (&Expr, &DataType),
        operator: &str,
        (right, b): (&Expr, &DataType),
    ) -> (DataType, DataType) {
        use DataType::{Date, DayTime, String, Timestamp, TimestampNtz, Void, YearMonth};
        let (mut own, mut other) = (a.clone(), b.clone());
        let moment = |data_type: &DataType| matches!(data_type, Date | Timestamp | TimestampNtz);
        for (side, data_type, partner, is_left) in [(left, &mut own, b, true), (right, &mut other, a, false)]
        {
            let target = match (&*data_type, partner) {
                (String, partner) if operator == "-" && moment(partner) => partner.clone(),
                (String, DayTime(_) | YearMonth(_)) if operator == "+" || operator == "-" && is_left => {
                    Timestamp
                }
                (Void, Date) if operator == "-" && is_left => Date,
                (Void, Date) if matches!(operator, "+" | "-") => DataType::Int,
                _ => continue,
            };
            let text = self.as_type(side.span, data_type, &target);
            self.edits.replace(side.span, text);
            *data_type = target;
        }
        (own, other)
    }

    /// `make_interval` and `make_dt_interval`, whose sums the engine loses digits of, or gives NULL for where they are too large;
    /// `false` for other calls.
    pub(super) fn interval_call(&mut self, expr: &Expr, name: &str, call: &Call, spans: &[Span]) -> bool {
        if self.context.lenient {
            return false; // what is too large is NULL without `ansi_mode`
        }
        let rest = Span::new(call.name.span.start, expr.span.end);
        let (made, class) = match (name, spans) {
            ("make_dt_interval", [_, _, _, seconds]) => {
                let close = Span::new(seconds.end, expr.span.end);
                let open = Span::new(call.name.span.start, seconds.start);
                let text = pieces![
                    "(",
                    open,
                    "0",
                    close,
                    " + CAST(CAST((",
                    *seconds,
                    ") AS DECIMAL(18,6)) AS INTERVAL DAY TO SECOND))"
                ];
                (
                    text,
                    "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION] Integer overflow while operating with intervals. SQLSTATE: 22015",
                )
            }
            ("make_dt_interval" | "make_ym_interval", [_, ..]) => (
                pieces![rest],
                "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION] Integer overflow while operating with intervals. SQLSTATE: 22015",
            ),
            ("make_interval", [_, ..]) => (
                pieces![rest],
                "UNSUPPORTED_FEATURE] The local warehouse does not support intervals this long. SQLSTATE: 0A000",
            ),
            _ => return false,
        };
        let mut known = Vec::new();
        for (at, span) in spans.iter().enumerate() {
            known.extend(pieces![if at > 0 { " AND (" } else { "(" }, *span, ") IS NOT NULL"]);
        }
        let mut text = around("CASE WHEN ", known, " THEN coalesce(");
        text.extend(made);
        text.push(Piece::from(format!(", raise_error({})) END", string_literal(&format!("[{class}")))));
        self.edits.replace(expr.span, text);
        true
    }
}

fn same_kind(a: &DataType, b: &DataType) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// Whether a text has two signs before a number, which makes it no interval.
pub(super) fn has_two_signs(expr: &Expr) -> bool {
    let Some(text) = constant_string(expr) else { return false };
    let mut signs = 0;
    text.chars().filter(|c| !c.is_whitespace()).any(|c| {
        signs = if matches!(c, '+' | '-') { signs + 1 } else { 0 };
        signs > 1
    })
}
