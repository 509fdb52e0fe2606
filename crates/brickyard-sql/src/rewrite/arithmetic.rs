//! Arithmetic with the types, the precision and the overflow of the platform.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind};
use crate::rewrite::alike::mismatch;
use crate::rewrite::bounds::{bounds, limits};
use crate::rewrite::coercions::compares;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::intervals::day_time;
use crate::rewrite::numbers::{common, wider};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;
use crate::rewrite::zones::{moved, shifted, wall_clock};

impl Planner<'_> {
    pub(super) fn binary(
        &mut self,
        expr: &Expr,
        left: &Expr,
        operator: &str,
        right: &Expr,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        let by_order = ["=", "==", "<=>", "<>", "!=", "<", "<=", ">", ">="].contains(&operator);
        if by_order && self.collated(&[left, right], scope)? {
            return Ok(DataType::Boolean);
        }
        let (a, b) = (self.expr(left, scope)?, self.expr(right, scope)?);
        if compares(operator) {
            self.fill_up(&[left, right], scope);
            let sides = [(left.span, a.clone()), (right.span, b.clone())];
            self.compared(&sides, "BINARY_OP_DIFF_TYPES")?;
        }
        match operator {
            "+" | "-" | "*" | "/" | "%" | "DIV" => {
                let result = self.arithmetic(expr, (left, &a), operator, (right, &b))?;
                self.division(expr, left, operator, right, &result);
                Ok(result)
            }
            "&" | "|" | "^" => Ok(common(&a, &b)),
            "<<" | ">>" | ">>>" => Ok(a),
            "IS DISTINCT FROM" | "IS NOT DISTINCT FROM" => {
                let (open, close) =
                    if operator == "IS DISTINCT FROM" { ("(NOT (", "))") } else { ("((", "))") };
                self.edits.replace(expr.span, pieces![open, left.span, " <=> ", right.span, close]);
                Ok(DataType::Boolean)
            }
            "=" | "==" | "<=>" => {
                self.rows_in(expr, false, left, std::slice::from_ref(right));
                Ok(DataType::Boolean)
            }
            "<>" | "!=" => {
                self.rows_in(expr, true, left, std::slice::from_ref(right));
                Ok(DataType::Boolean)
            }
            _ => Ok(DataType::Boolean),
        }
    }

    /// Arithmetic with the platform's types: overflow is an error, decimals have the platform's precision.
    pub(super) fn arithmetic(
        &mut self,
        expr: &Expr,
        (left, a): (&Expr, &DataType),
        operator: &str,
        (right, b): (&Expr, &DataType),
    ) -> Result<DataType, SqlError> {
        use DataType::{Date, Decimal, Double, Float, String, Timestamp, TimestampNtz, Unknown, Void};
        let dates = self.dates_of_texts((left, a), operator, (right, b));
        let (a, b) = (&dates.0, &dates.1);
        if let Some(result) = self.interval_arithmetic(expr, (left, a), operator, (right, b))? {
            return Ok(result);
        }
        if let Some(result) = self.moments(expr, (left, a), operator, (right, b)) {
            return Ok(result);
        }
        let no_number = |data_type: &DataType| {
            matches!(data_type, Date | Timestamp | TimestampNtz | DataType::Boolean | DataType::Array(_))
        };
        if matches!(operator, "/" | "%" | "DIV") && (no_number(a) || no_number(b)) {
            return Err(mismatch(&[a.clone(), b.clone()], "BINARY_OP_DIFF_TYPES").at(expr.span));
        }
        // A string in arithmetic is a number, as wide as its partner asks.
        let (mut a, mut b) = (a.clone(), b.clone());
        let (first, second) = (a.clone(), b.clone());
        for (side, own, other) in [(left, &mut a, second), (right, &mut b, first)] {
            if *own == String {
                let target = if other.is_integer() && operator != "/" { DataType::BigInt } else { Double };
                self.edits.replace(side.span, pieces!["CAST(", side.span, format!(" AS {target})")]);
                *own = target;
            }
        }
        if operator == "DIV" {
            return Ok(DataType::BigInt);
        }
        if a == Void || b == Void {
            return Ok(if a == Void { b } else { a });
        }
        if a == Unknown || b == Unknown {
            let number = |data_type: &DataType| *data_type == Unknown || data_type.is_integer();
            if operator != "/" && operator != "%" && number(&a) && number(&b) {
                self.unchecked += 1;
            }
            let sure = |data_type: &DataType| matches!(data_type, Double | Date | Timestamp | TimestampNtz);
            return Ok(if sure(&a) {
                a
            } else if sure(&b) {
                b
            } else {
                Unknown
            });
        }
        if !a.is_numeric() || !b.is_numeric() {
            return Ok(Unknown);
        }
        let floating = |data_type: &DataType| matches!(data_type, Float | Double);
        if floating(&a) || floating(&b) {
            return Ok(if a == Float && (b == Float) {
                if operator == "/" { Double } else { Float }
            } else {
                Double
            });
        }
        if let (Decimal(..), _) | (_, Decimal(..)) = (&a, &b) {
            return Ok(self.decimal(expr, (left, &a), operator, (right, &b)));
        }
        if operator == "/" {
            return Ok(Double);
        }
        let result = wider(&a, &b);
        if operator == "%" {
            return Ok(result);
        }
        let (low, high) = bounds((left, &a), operator, (right, &b));
        let (least, most) = limits(&result);
        if low < least || high > most {
            self.checked = true;
            let wide = if result == DataType::BigInt { "DECIMAL(20,0)" } else { "BIGINT" };
            self.edits.replace(
                expr.span,
                pieces![
                    format!("CAST(CAST("),
                    left.span,
                    format!(" AS {wide}) {operator} CAST("),
                    right.span,
                    format!(" AS {wide}) AS {result})"),
                ],
            );
        }
        Ok(result)
    }

    /// Arithmetic of dates, timestamps and intervals.
    pub(super) fn moments(
        &mut self,
        expr: &Expr,
        (left, a): (&Expr, &DataType),
        operator: &str,
        (right, b): (&Expr, &DataType),
    ) -> Option<DataType> {
        use DataType::{Date, DayTime, Interval, Timestamp, TimestampNtz, YearMonth};
        match (a, operator, b) {
            (Date, "-", Date) => {
                self.edits.replace(
                    expr.span,
                    pieces!["CAST(datediff(", left.span, ", ", right.span, ") AS INTERVAL DAY)"],
                );
                Some(DayTime("DAY".to_owned()))
            }
            (Date | Timestamp | TimestampNtz, "-", Timestamp | TimestampNtz)
            | (Timestamp | TimestampNtz, "-", Date) => {
                // What lies between is what the clocks of the zone show.
                for (side, data_type) in [(left, a), (right, b)] {
                    if self.context.local_time && *data_type == Timestamp {
                        self.edits.replace(side.span, wall_clock(side.span));
                    } else if *data_type == Date {
                        let moment = if self.context.local_time { "TIMESTAMP_NTZ" } else { "TIMESTAMP" };
                        self.edits.replace(side.span, pieces!["CAST(", side.span, format!(" AS {moment})")]);
                    }
                }
                Some(day_time())
            }
            (Timestamp, "+" | "-", DayTime(_) | YearMonth(_)) if self.context.local_time => {
                self.local_sum(expr, pieces![left.span], operator, right, b);
                Some(Timestamp)
            }
            (DayTime(_) | YearMonth(_), "+", Timestamp) if self.context.local_time => {
                self.local_sum(expr, pieces![right.span], operator, left, a);
                Some(Timestamp)
            }
            (Date, "+" | "-", YearMonth(_)) | (YearMonth(_), "+", Date) => Some(Date),
            (Date, "+" | "-", DayTime(fields)) | (DayTime(fields), "+", Date) if fields == "DAY" => {
                Some(Date)
            }
            // The engine leaves out the hours.
            (Date, "+" | "-", DayTime(_)) => {
                self.edits.replace(left.span, pieces!["CAST(", left.span, " AS TIMESTAMP)"]);
                if self.context.local_time {
                    self.local_sum(expr, pieces![left.span], operator, right, b);
                }
                Some(Timestamp)
            }
            (DayTime(_), "+", Date) => {
                self.edits.replace(right.span, pieces!["CAST(", right.span, " AS TIMESTAMP)"]);
                if self.context.local_time {
                    self.local_sum(expr, pieces![right.span], operator, left, a);
                }
                Some(Timestamp)
            }
            (Date, "+" | "-", Interval) | (Interval, "+", Date) => Some(Date),
            (Date, "+" | "-", other) if other.is_integer() => Some(Date),
            (other, "+", Date) if other.is_integer() => Some(Date),
            (Timestamp | TimestampNtz, "+" | "-", DayTime(_) | YearMonth(_) | Interval) => Some(a.clone()),
            (DayTime(_) | YearMonth(_) | Interval, "+", Timestamp | TimestampNtz) => Some(b.clone()),
            (DayTime(_) | YearMonth(_) | Interval, _, _) => Some(a.clone()),
            (_, "*", DayTime(_) | YearMonth(_) | Interval) => Some(b.clone()),
            _ => None,
        }
    }

    /// A moment plus or minus an interval in a zone that is not UTC.
    fn local_sum(
        &mut self,
        expr: &Expr,
        moment: Vec<Piece>,
        operator: &str,
        interval: &Expr,
        data_type: &DataType,
    ) {
        let text = match data_type {
            DataType::YearMonth(_) => Some(moved(&moment, operator, &[Piece::from(interval.span)])),
            _ => shifted(&moment, operator, interval),
        };
        if let Some(text) = text {
            self.edits.replace(expr.span, text);
        }
    }

    fn decimal(
        &mut self,
        expr: &Expr,
        left: (&Expr, &DataType),
        operator: &str,
        right: (&Expr, &DataType),
    ) -> DataType {
        let Some((text, result)) = decimal_text(left, operator, right) else { return DataType::Unknown };
        if let Some(text) = text {
            self.edits.replace(expr.span, text);
        }
        result
    }
}

/// Decimals under an operator as the engine is told to get the platform's digits, and the type of the result; no text where the
/// engine does so by itself, nothing where a type is no decimal.
pub(super) fn decimal_text(
    (left, a): (&Expr, &DataType),
    operator: &str,
    (right, b): (&Expr, &DataType),
) -> Option<(Option<Vec<Piece>>, DataType)> {
    let (Some((p1, s1)), Some((p2, s2))) = (literal_decimal(left, a), literal_decimal(right, b)) else {
        return None;
    };
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let (precision, scale) = match operator {
        "*" => (p1 + p2 + 1, s1 + s2),
        "/" => {
            let scale = (s1 + p2 + 1).max(6);
            (p1 - s1 + s2 + scale, scale)
        }
        "%" => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => ((p1 - s1).max(p2 - s2) + s1.max(s2) + 1, s1.max(s2)),
    };
    let (precision, scale) = adjusted(precision, scale);
    let result = DataType::Decimal(clamp(precision), clamp(scale));
    if operator == "/" {
        // The engine keeps four digits more than the dividend has: give it as many as the result needs, and one to round by.
        let wanted = (scale - 3).max(s1);
        // Values with more whole digits than then fit are refused by the cast.
        let room = (p1 - s1 + wanted).min(38);
        let dividend = DataType::Decimal(clamp(room.max(wanted)), clamp(wanted));
        let divisor = DataType::Decimal(clamp(p2), clamp(s2));
        let text = pieces![
            "CAST(CAST(",
            left.span,
            format!(" AS {dividend}) / CAST("),
            right.span,
            format!(" AS {divisor}) AS {result})"),
        ];
        Some((Some(text), result))
    } else {
        let cast = |side: &Expr, own: &DataType, precision: i32, scale: i32| -> Vec<Piece> {
            // Whole numbers become the decimal that Spark chooses, which the engine makes wider.
            if own.is_integer() {
                pieces![
                    "CAST(",
                    side.span,
                    format!(" AS {})", DataType::Decimal(clamp(precision), clamp(scale)))
                ]
            } else {
                pieces![side.span]
            }
        };
        let engine = match operator {
            "*" => (p1 + p2 + 1, s1 + s2),
            "%" => (precision, scale),
            _ => (precision.max((p1 - s1).max(p2 - s2) + s1.max(s2) + 1), s1.max(s2)),
        };
        let same = engine == (precision, scale) && !a.is_integer() && !b.is_integer() && operator != "%";
        if same {
            return Some((None, result));
        }
        let mut text = pieces!["CAST("];
        text.extend(cast(left, a, p1, s1));
        text.push(Piece::from(format!(" {operator} ")));
        text.extend(cast(right, b, p2, s2));
        text.push(Piece::from(format!(" AS {result})")));
        Some((Some(text), result))
    }
}

pub(super) fn clamp(number: i32) -> u8 {
    u8::try_from(number.clamp(0, 38)).unwrap_or(38)
}

/// Spark's rule for decimals that would need more than 38 digits: keep the whole digits, and six of the scale at least.
pub(super) fn adjusted(precision: i32, scale: i32) -> (i32, i32) {
    if precision <= 38 {
        return (precision, scale);
    }
    let digits = precision - scale;
    let least = scale.min(6);
    (38, (38 - digits).max(least))
}

/// The decimal of an operand: a whole-number literal is as wide as its digits.
pub(super) fn literal_decimal(expr: &Expr, data_type: &DataType) -> Option<(u8, u8)> {
    match &expr.kind {
        ExprKind::Number(text) if data_type.is_integer() => {
            let digits =
                text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches('0').len().max(1);
            u8::try_from(digits).ok().map(|digits| (digits, 0))
        }
        ExprKind::Tuple(items) if items.len() == 1 => literal_decimal(&items[0], data_type),
        _ => data_type.as_decimal(),
    }
}
