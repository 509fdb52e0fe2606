//! Calls about days and moments that the engine answers otherwise for Sundays, for moments before 1970, and for the years its
//! nanoseconds do not reach.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::query::{Call, Expr, ExprKind};
use crate::rewrite::coercions::places;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::rewrite::zones::{months_between, moved, wall_clock};
use crate::token::Span;

impl Planner<'_> {
    /// Texts, and moments without a zone, in the place of a moment or a day are read as the platform reads them; gives the types
    /// that then stand there.
    fn read_moments(&mut self, name: &str, call: &Call, spans: &[Span], types: &[DataType]) -> Vec<DataType> {
        let mut own = types.to_vec();
        let (moments, days) = match (name, spans.len()) {
            ("dateadd" | "date_add" | "timestampadd", 3) => (vec![2], Vec::new()),
            ("datediff" | "date_diff" | "timestampdiff" | "timediff", 3) => (vec![1, 2], Vec::new()),
            _ => (places(MOMENTS, name), places(DAYS, name)),
        };
        for (places, target) in [(moments, DataType::Timestamp), (days, DataType::Date)] {
            for at in places {
                let Some(data_type) = own.get_mut(at) else { continue };
                let read = match data_type {
                    DataType::String | DataType::Void => true,
                    DataType::TimestampNtz => name == "date_trunc",
                    DataType::Date => {
                        matches!(name, "dateadd" | "date_add" | "timestampadd") && spans.len() == 3
                    }
                    _ => false,
                };
                if read {
                    let value = call.arguments[at].value.span;
                    let text = self.converted(value, data_type, &target, false);
                    let plain = || pieces!["CAST(", value, format!(" AS {target})")];
                    self.edits.replace(value, text.unwrap_or_else(plain));
                    *data_type = target.clone();
                }
            }
        }
        own
    }

    /// Puts the form that holds for every day in the place of such a call; `false` for calls that stay.
    pub(super) fn moment_call(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        spans: &[Span],
        types: &[DataType],
    ) -> bool {
        let own = self.read_moments(name, call, spans, types);
        let types = own.as_slice();
        if name == "timediff" {
            self.edits.replace(call.name.span, pieces!["timestampdiff"]);
        }
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
                let Some(unit) = unit_of(call, 1) else { return false };
                let unit = Some(unit).filter(|unit| !unit.to_uppercase().starts_with('D'));
                start(day(0), unit).unwrap_or_else(|| pieces!["CAST(NULL AS DATE)"])
            }
            ("date_trunc", [_, moment]) => match start(day(1), unit_of(call, 0)) {
                Some(start) => around("CAST(", start, " AS TIMESTAMP)"),
                // Counted in microseconds, this holds for every year.
                None if unit_of(call, 0).is_some_and(|unit| !is_short(&unit)) => {
                    pieces!["CAST(NULL AS TIMESTAMP)"]
                }
                None if !self.context.local_time && types.get(1) == Some(&DataType::Timestamp) => {
                    let unit = match unit_of(call, 0).unwrap_or_default().to_uppercase().as_str() {
                        "HOUR" => 3_600_000_000_u64,
                        "MINUTE" => 60_000_000,
                        "SECOND" => 1_000_000,
                        _ => return false,
                    };
                    let micros = || pieces!["unix_micros(", *moment, ")"];
                    let mut text = around("timestamp_micros(", micros(), " - pmod(");
                    text.extend(around("", micros(), &format!(", {unit}L))")));
                    text
                }
                None => return false,
            },
            ("dateadd" | "date_add" | "timestampadd", [unit, number, moment])
                if self.context.local_time && types.get(2) == Some(&DataType::Timestamp) =>
            {
                let (function, times) = match unit.of(self.sql).to_uppercase().as_str() {
                    "DAY" | "DAYOFYEAR" => ("make_dt_interval(CAST((", 1),
                    "WEEK" => ("make_dt_interval(CAST((", 7),
                    "MONTH" => ("make_ym_interval(0, CAST((", 1),
                    "QUARTER" => ("make_ym_interval(0, CAST((", 3),
                    "YEAR" => ("make_ym_interval(0, CAST((", 12),
                    _ => return false,
                };
                let interval = pieces![function, *number, format!(") * {times} AS INT))")];
                moved(&[Piece::from(*moment)], "+", &interval)
            }
            ("datediff" | "date_diff" | "timestampdiff" | "timediff", [unit, start, end]) => {
                let unit = unit.of(self.sql).to_uppercase();
                let moment = |at: usize| {
                    matches!(
                        types.get(at),
                        Some(DataType::Date | DataType::Timestamp | DataType::TimestampNtz)
                    )
                };
                // The engine knows no unit below the second.
                let below = match unit.as_str() {
                    "MICROSECOND" => Some(1),
                    "MILLISECOND" => Some(1_000),
                    _ => None,
                };
                if let Some(micros) = below {
                    let text = pieces![
                        "((unix_micros(CAST(",
                        *end,
                        " AS TIMESTAMP)) - unix_micros(CAST(",
                        *start,
                        format!(" AS TIMESTAMP))) DIV {micros})")
                    ];
                    self.edits.replace(expr.span, text);
                    return true;
                }
                let months = match unit.as_str() {
                    "MONTH" => 1,
                    "QUARTER" => 3,
                    "YEAR" => 12,
                    _ => 0,
                };
                if months > 0 && moment(1) && moment(2) {
                    let clock = |at: usize| match types.get(at) {
                        Some(DataType::Timestamp) if self.context.local_time => wall_clock(spans[at]),
                        _ => pieces!["CAST(", spans[at], " AS TIMESTAMP_NTZ)"],
                    };
                    around("(", months_between(&clock(1), &clock(2)), &format!(" DIV {months})"))
                } else {
                    for (at, moment) in [(1, start), (2, end)] {
                        if self.context.local_time && types.get(at) == Some(&DataType::Timestamp) {
                            self.edits.replace(*moment, wall_clock(*moment));
                        }
                    }
                    let seconds = match unit.as_str() {
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
            }
            // The engine fails where the clocks show the time twice or never.
            (
                "make_timestamp" | "make_timestamp_ltz" | "try_make_timestamp" | "try_make_timestamp_ltz",
                all,
            ) if self.context.local_time && all.len() == 6 => {
                let attempt = if name.starts_with("try_") { "try_" } else { "" };
                let rest = Span::new(call.name.span.end, expr.span.end);
                pieces![format!("CAST({attempt}make_timestamp_ntz"), rest, " AS TIMESTAMP)"]
            }
            ("monthname", [_]) => around("date_format(", day(0), ", 'MMM')"),
            ("dayname", [_]) => around("date_format(", day(0), ", 'E')"),
            ("try_add" | "try_subtract", [left, right])
                if types
                    .iter()
                    .any(|data_type| matches!(data_type, DataType::Timestamp | DataType::TimestampNtz)) =>
            {
                let operator = if name == "try_add" { "+" } else { "-" };
                self.edits.replace(expr.span, pieces!["(", *left, format!(" {operator} "), *right, ")"]);
                let (left, right) = (&call.arguments[0].value, &call.arguments[1].value);
                self.moments(expr, (left, &types[0]), operator, (right, &types[1]));
                return true;
            }
            ("unix_seconds", [moment]) => whole_units(*moment, 1_000_000),
            ("unix_millis", [moment]) => whole_units(*moment, 1_000),
            _ => return false,
        };
        self.edits.replace(expr.span, text);
        true
    }
}

/// Where functions take a moment, and where a day.
const MOMENTS: &str = " hour:0 minute:0 second:0 extract:1 date_part:1 datepart:1 date_trunc:1 date_format:0 from_utc_timestamp:0 \
to_utc_timestamp:0 months_between:01 ";
const DAYS: &str = " year:0 quarter:0 month:0 day:0 dayofmonth:0 dayofyear:0 dayofweek:0 weekday:0 weekofyear:0 last_day:0 \
next_day:0 date_add:0 date_sub:0 add_months:0 trunc:0 datediff:01 date_diff:01 monthname:0 dayname:0 ";

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

/// Whether a unit is shorter than a day.
fn is_short(unit: &str) -> bool {
    let upper = unit.to_uppercase();
    matches!(upper.as_str(), "HOUR" | "MINUTE" | "SECOND" | "MILLISECOND" | "MICROSECOND")
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

pub(super) fn around(open: &str, inner: Vec<Piece>, close: &str) -> Vec<Piece> {
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
