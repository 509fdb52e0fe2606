//! Arithmetic of moments in a zone whose days may have 23 or 25 hours: the engine counts hours, the platform days of the calendar.

use std::collections::HashMap;

use crate::data_type::DataType;
use crate::plan;
use crate::query::{Expr, ExprKind};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::lengths::without_length;
use crate::rewrite::moment_calls::around;
use crate::rewrite::scope::{Columns, Meaning};
use crate::token::{Span, quote_name};

/// Microseconds of 24 hours.
const DAY: i64 = 86_400_000_000;

/// A moment as the clocks of the session's zone show it; the engine's own cast shows those of UTC.
pub(super) fn wall_clock(moment: Span) -> Vec<Piece> {
    clock(pieces![moment])
}

fn clock(moment: Vec<Piece>) -> Vec<Piece> {
    around("CAST(CAST(", moment, " AS STRING) AS TIMESTAMP_NTZ)")
}

/// A moment moved by an interval of the calendar (days, months): the clocks show the same time, and where that comes twice, the
/// one with the same distance from UTC. The engine's own arithmetic fails where it comes twice or never.
pub(super) fn moved(moment: &[Piece], operator: &str, interval: &[Piece]) -> Vec<Piece> {
    let moved_clock = || {
        let mut text = pieces!["("];
        text.extend(clock(moment.to_vec()));
        text.push(Piece::from(format!(" {operator} ")));
        text.extend(interval.to_vec());
        text.push(Piece::from(")"));
        text
    };
    // As much later as the clocks say, without a look at the zone.
    let candidate = || {
        let mut text = pieces!["(("];
        text.extend(moment.to_vec());
        text.push(Piece::from(") + ("));
        text.extend(moved_clock());
        text.push(Piece::from(" - "));
        text.extend(clock(moment.to_vec()));
        text.push(Piece::from("))"));
        text
    };
    let mut text = pieces!["CASE WHEN "];
    text.extend(clock(candidate()));
    text.push(Piece::from(" = "));
    text.extend(moved_clock());
    text.push(Piece::from(" THEN "));
    text.extend(candidate());
    text.push(Piece::from(" ELSE CAST("));
    text.extend(moved_clock());
    text.push(Piece::from(" AS TIMESTAMP) END"));
    around("(", text, ")")
}

/// A moment plus or minus an interval of days and time: whole days are those of the calendar, the rest is elapsed time. Nothing
/// where the interval is a literal of less than a day, which the engine adds alike.
pub(super) fn shifted(moment: &[Piece], operator: &str, interval: &Expr) -> Option<Vec<Piece>> {
    if let Some(micros) = literal_micros(interval) {
        let (days, rest) = (micros / DAY, micros % DAY);
        if days == 0 {
            return None;
        }
        let text = moved(moment, operator, &[Piece::from(format!("INTERVAL '{days}' DAY"))]);
        if rest == 0 {
            return Some(text);
        }
        let sign = if rest < 0 { "-" } else { "" };
        let rest = rest.abs();
        let (hours, minutes, seconds) = (rest / 3_600_000_000, rest / 60_000_000 % 60, rest / 1_000_000 % 60);
        let rest = format!(
            " {operator} INTERVAL '{sign}0 {hours:02}:{minutes:02}:{seconds:02}.{:06}' DAY TO SECOND)",
            rest % 1_000_000
        );
        return Some(around("(", text, &rest));
    }
    let span = interval.span;
    let days = || pieces!["make_dt_interval(CAST(extract(DAY FROM ", span, ") AS INT))"];
    let mut text = moved(moment, operator, &days());
    text.extend(pieces![format!(" {operator} ("), span, " - "]);
    text.extend(days());
    text.push(Piece::from(")"));
    Some(around("(", text, ")"))
}

/// The length of an interval of days and time that is written out, in microseconds.
fn literal_micros(interval: &Expr) -> Option<i64> {
    match &interval.kind {
        ExprKind::Tuple(items) if items.len() == 1 => literal_micros(&items[0]),
        ExprKind::Unary(operator, operand) if operator == "-" => {
            literal_micros(operand).map(|micros| -micros)
        }
        ExprKind::Interval(parts) => match parts.as_slice() {
            [] => None,
            [(Expr { kind: ExprKind::String(text), .. }, unit)] if unit.is_empty() => {
                worded(text).iter().try_fold(0_i64, |sum, (value, unit)| sum.checked_add(units(value, unit)?))
            }
            parts => {
                parts.iter().try_fold(0_i64, |sum, (value, unit)| sum.checked_add(part_micros(value, unit)?))
            }
        },
        _ => None,
    }
}

/// The numbers and units of `'1 day 2 hours'`.
pub(super) fn worded(text: &str) -> Vec<(String, String)> {
    let words: Vec<&str> =
        text.split_whitespace().skip_while(|word| word.eq_ignore_ascii_case("interval")).collect();
    let pair = |pair: &[&str]| match pair {
        [number, unit] => ((*number).to_owned(), unit.to_uppercase()),
        rest => (rest.concat(), String::new()),
    };
    words.chunks(2).map(pair).collect()
}

fn part_micros(value: &Expr, unit: &str) -> Option<i64> {
    let text = match &value.kind {
        ExprKind::Number(text) | ExprKind::String(text) => text,
        ExprKind::Unary(operator, operand) if operator == "-" => {
            return part_micros(operand, unit).map(|micros| -micros);
        }
        _ => return None,
    };
    units(text, unit)
}

fn units(number: &str, unit: &str) -> Option<i64> {
    let unit = match unit.trim_end_matches('S') {
        "WEEK" => 7 * DAY,
        "DAY" => DAY,
        "HOUR" => 3_600_000_000,
        "MINUTE" => 60_000_000,
        "SECOND" => 1_000_000,
        "MILLISECOND" => 1_000,
        "MICROSECOND" => 1,
        _ => return None,
    };
    number.trim().parse::<i64>().ok()?.checked_mul(unit)
}

/// Whether an interval may be a day or longer.
pub(super) fn reaches_a_day(interval: &Expr, data_type: &DataType) -> bool {
    match data_type {
        DataType::YearMonth(_) | DataType::Interval => true,
        DataType::DayTime(_) => literal_micros(interval).is_none_or(|micros| micros.abs() >= DAY),
        _ => false,
    }
}

/// Whole months between two moments as the clocks show them, as `java.time` counts them: a month is full at the same day and
/// time, and the 31st is never reached by a month of 30 days.
pub(super) fn months_between(start: &[Piece], end: &[Piece]) -> Vec<Piece> {
    let day = |moment: &[Piece]| around("CAST(", moment.to_vec(), " AS DATE)");
    let time = |moment: &[Piece]| {
        let mut text = pieces!["("];
        text.extend(moment.to_vec());
        text.push(Piece::from(" - CAST("));
        text.extend(day(moment));
        text.push(Piece::from(" AS TIMESTAMP_NTZ))"));
        text
    };
    let compared = |left: Vec<Piece>, operator: &str, right: Vec<Piece>| {
        let mut text = left;
        text.push(Piece::from(operator));
        text.extend(right);
        text
    };
    // The last day that was full.
    let mut last = pieces!["date_add("];
    last.extend(day(end));
    last.push(Piece::from(", CASE WHEN "));
    last.extend(compared(day(end), " > ", day(start)));
    last.push(Piece::from(" AND "));
    last.extend(compared(time(end), " < ", time(start)));
    last.push(Piece::from(" THEN -1 WHEN "));
    last.extend(compared(day(end), " < ", day(start)));
    last.push(Piece::from(" AND "));
    last.extend(compared(time(end), " > ", time(start)));
    last.push(Piece::from(" THEN 1 ELSE 0 END)"));
    let packed = |date: &[Piece]| {
        let mut text = around("((year(", date.to_vec(), ") * 12 + month(");
        text.extend(date.to_vec());
        text.push(Piece::from(")) * 32L + day("));
        text.extend(date.to_vec());
        text.push(Piece::from("))"));
        text
    };
    let text = compared(packed(&last), " - ", packed(&day(start)));
    around("((", text, ") DIV 32L)")
}

/// A moment whose offset has an hour of one digit (`…-0`, `…+5:30`), with two: the engine reads no other. None for other moments.
pub(super) fn with_whole_offset(moment: &str) -> Option<String> {
    let sign = moment.rfind(['+', '-']).filter(|&at| moment[..at].contains(':'))?;
    let (before, offset) = moment.split_at(sign + 1);
    let hour = offset.split(':').next()?;
    (hour.len() == 1 && hour.starts_with(|c: char| c.is_ascii_digit())).then(|| format!("{before}0{offset}"))
}
/// A table's rows with their moments in the session's zone: the engine reads them in UTC, and takes days and hours from that. None if
/// there are no moments.
pub(super) fn in_session_zone(columns: &Columns, source: &str) -> Option<String> {
    if columns.open || !columns.list.iter().any(|column| has_moment(&column.data_type)) {
        return None;
    }
    let list = columns.list.iter().map(|column| {
        let name = quote_name(&column.name);
        if has_moment(&column.data_type) {
            format!("CAST({name} AS {}) AS {name}", without_length(&column.data_type))
        } else {
            name
        }
    });
    Some(format!("(SELECT {} FROM {source})", list.collect::<Vec<_>>().join(", ")))
}

/// What stands for the moments of a table that is changed, where they are read: as in [`in_session_zone`].
pub(super) fn moments_in_session_zone(
    columns: &[plan::Column],
    qualifier: Option<&str>,
) -> HashMap<String, Meaning> {
    let of = |column: &plan::Column| {
        let name = match qualifier {
            Some(qualifier) => format!("{}.{}", quote_name(qualifier), quote_name(&column.name)),
            None => quote_name(&column.name),
        };
        let text = format!("CAST({name} AS {})", without_length(&column.data_type));
        (column.name.to_lowercase(), Meaning::Text(text))
    };
    columns.iter().filter(|column| has_moment(&column.data_type)).map(of).collect()
}

fn has_moment(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp => true,
        DataType::Array(element) => has_moment(element),
        DataType::Map(key, value) => has_moment(key) || has_moment(value),
        DataType::Struct(fields) => fields.iter().any(|field| has_moment(&field.data_type)),
        _ => false,
    }
}
