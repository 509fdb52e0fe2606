//! Calls about days and moments that the engine answers otherwise for Sundays, for moments before 1970, and for the years its
//! nanoseconds do not reach.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::query::{Call, Expr, ExprKind};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::token::Span;

impl Planner<'_> {
    /// Puts the form that holds for every day in the place of such a call; `false` for calls that stay.
    pub(super) fn moment_call(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        spans: &[Span],
        types: &[DataType],
    ) -> bool {
        let day = |at: usize| day(spans[at], types.get(at));
        let text = match (name, spans) {
            ("weekday", [_]) => weekday(day(0)),
            ("weekofyear", [_]) => around("weekofyear(", day(0), ")"),
            ("extract" | "date_part" | "datepart", [unit, _])
                if !matches!(
                    types.get(1),
                    Some(DataType::DayTime(_) | DataType::YearMonth(_) | DataType::Interval)
                ) =>
            {
                match unit.of(self.sql).trim_matches(['\'', '"']).to_uppercase().as_str() {
                    "DOW" | "DAYOFWEEK" => around("dayofweek(", day(1), ")"),
                    "DOW_ISO" | "DAYOFWEEK_ISO" => around("(", weekday(day(1)), " + 1)"),
                    "W" | "WEEK" | "WEEKS" => around("weekofyear(", day(1), ")"),
                    // The year of the week's Thursday.
                    "YEAROFWEEK" => {
                        let mut text = around("year(date_add(", day(1), ", 3 - ");
                        text.extend(weekday(day(1)));
                        text.push(Piece::from("))"));
                        text
                    }
                    _ => return false,
                }
            }
            // Of a day there is no shorter part.
            ("trunc", [_, _]) => {
                match start(day(0), unit_of(call, 1).filter(|unit| !unit.to_uppercase().starts_with('D'))) {
                    Some(start) => start,
                    None => return false,
                }
            }
            ("date_trunc", [_, _]) => match start(day(1), unit_of(call, 0)) {
                Some(start) => around("CAST(", start, " AS TIMESTAMP)"),
                None => return false,
            },
            ("bigint" | "int", [moment]) if types.first() == Some(&DataType::Timestamp) => {
                let close = format!(" AS {name})");
                around("CAST(", whole_units(*moment, 1_000_000), &close)
            }
            ("dateadd" | "date_add" | "timestampadd", [unit, number, moment])
                if self.context.local_time && types.get(2) == Some(&DataType::Timestamp) =>
            {
                let days = match unit.of(self.sql).to_uppercase().as_str() {
                    "DAY" => 1,
                    "WEEK" => 7,
                    _ => return false,
                };
                let mut text = around("CAST(", wall_clock(*moment), " + make_dt_interval((");
                text.extend(pieces![*number, format!(") * {days}) AS TIMESTAMP)")]);
                text
            }
            ("datediff" | "date_diff" | "timestampdiff" | "timediff", [unit, start, end]) => {
                for (at, moment) in [(1, start), (2, end)] {
                    if self.context.local_time && types.get(at) == Some(&DataType::Timestamp) {
                        self.edits.replace(*moment, wall_clock(*moment));
                    }
                }
                let seconds = match unit.of(self.sql).to_uppercase().as_str() {
                    "DAY" => 86_400,
                    "WEEK" => 604_800,
                    _ => return self.context.local_time,
                };
                if !types
                    .iter()
                    .any(|data_type| matches!(data_type, DataType::Timestamp | DataType::TimestampNtz))
                {
                    return false;
                }
                // The engine counts the midnights between.
                pieces!["(timestampdiff(SECOND, ", *start, ", ", *end, format!(") DIV {seconds})")]
            }
            ("unix_seconds", [moment]) => whole_units(*moment, 1_000_000),
            ("unix_millis", [moment]) => whole_units(*moment, 1_000),
            _ => return false,
        };
        self.edits.replace(expr.span, text);
        true
    }
}

/// The day of a moment; texts are read as moments.
fn day(value: Span, data_type: Option<&DataType>) -> Vec<Piece> {
    match data_type {
        Some(DataType::Date | DataType::Timestamp | DataType::TimestampNtz) => {
            pieces!["CAST(", value, " AS DATE)"]
        }
        _ => pieces!["CAST(CAST(", value, " AS TIMESTAMP) AS DATE)"],
    }
}

/// The first day of the day's week, month, quarter or year; nothing for other units.
fn start(day: Vec<Piece>, unit: Option<String>) -> Option<Vec<Piece>> {
    let date = |parts: &[&str]| {
        let mut text = pieces!["make_date("];
        for part in parts {
            text.push(Piece::from(*part));
            if part.ends_with('(') {
                text.extend(day.clone());
            }
        }
        text
    };
    Some(match unit?.to_uppercase().as_str() {
        "YEAR" | "YYYY" | "YY" => date(&["year(", "), 1, 1)"]),
        "QUARTER" => date(&["year(", "), quarter(", ") * 3 - 2, 1)"]),
        "MONTH" | "MM" | "MON" => date(&["year(", "), month(", "), 1)"]),
        "WEEK" => {
            let mut text = around("date_sub(", day.clone(), ", ");
            text.extend(weekday(day));
            text.push(Piece::from(")"));
            text
        }
        "DAY" | "DD" => day,
        _ => return None,
    })
}

/// Days since Monday.
fn weekday(day: Vec<Piece>) -> Vec<Piece> {
    around("((dayofweek(", day, ") + 5) % 7)")
}

/// Whole units since 1970, rounded down; the engine rounds to zero.
pub(super) fn whole_units(moment: Span, unit: u32) -> Vec<Piece> {
    let micros = |moment: Span| pieces!["unix_micros(", moment, ")"];
    let mut text = pieces!["(("];
    text.extend(micros(moment));
    text.push(Piece::from(" - pmod("));
    text.extend(micros(moment));
    text.push(Piece::from(format!(", {unit}L)) DIV {unit}L)")));
    text
}

/// A moment as the clocks of the session's zone show it; the engine's own cast shows those of UTC.
pub(super) fn wall_clock(moment: Span) -> Vec<Piece> {
    pieces!["CAST(CAST(", moment, " AS STRING) AS TIMESTAMP_NTZ)"]
}

fn around(open: &str, inner: Vec<Piece>, close: &str) -> Vec<Piece> {
    let mut text = pieces![open];
    text.extend(inner);
    text.push(Piece::from(close));
    text
}

fn unit_of(call: &Call, at: usize) -> Option<String> {
    call.arguments.get(at).and_then(|argument| constant_string(&argument.value))
}

/// Whether an expression is a number below zero, as written.
pub(super) fn is_negative(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Unary(operator, operand)
        if operator == "-" && matches!(operand.kind, ExprKind::Number(_)))
}
