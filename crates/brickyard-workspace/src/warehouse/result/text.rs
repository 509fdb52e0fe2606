//! Cells of a result as text: as Spark prints them, as JSON, and as the Statement Execution API does.

mod interval;
mod number;

pub(crate) use number::{json_double, json_float};

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalYearMonthType, TimestampMicrosecondType,
};
use arrow_array::{Array, StructArray};
use arrow_schema::DataType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use interval::{calendar, day_time, year_month};
use number::{double, float, push};

use super::sql_type::SqlType;
use super::variant;

/// How moments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `2021-01-01 00:00:00`, in the session's zone.
    Spark,
    /// `2021-01-01T00:00:00.000Z`.
    Iso,
}

/// Writes the cell; the array must have the Arrow type of `sql_type` (see [`super::arrow::normalize`]), and the cell
/// must not be null.
pub(crate) fn cell(array: &dyn Array, row: usize, sql_type: &SqlType, style: Style, output: &mut String) {
    match sql_type {
        SqlType::Void => {}
        SqlType::Boolean => output.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        SqlType::TinyInt => push(output, array.as_primitive::<Int8Type>().value(row)),
        SqlType::SmallInt => push(output, array.as_primitive::<Int16Type>().value(row)),
        SqlType::Int => push(output, array.as_primitive::<Int32Type>().value(row)),
        SqlType::BigInt => push(output, array.as_primitive::<Int64Type>().value(row)),
        SqlType::Float => float(array.as_primitive::<Float32Type>().value(row), output),
        SqlType::Double => double(array.as_primitive::<Float64Type>().value(row), output),
        SqlType::Decimal(_, scale) => {
            output.push_str(&decimal(array.as_primitive::<Decimal128Type>().value(row), *scale));
        }
        SqlType::String => output.push_str(array.as_string::<i32>().value(row)),
        SqlType::Binary => output.push_str(&STANDARD.encode(array.as_binary::<i32>().value(row))),
        SqlType::Date => output.push_str(&date(array.as_primitive::<Date32Type>().value(row))),
        SqlType::Timestamp | SqlType::TimestampNtz => {
            let zone = match array.data_type() {
                DataType::Timestamp(_, zone) => zone.as_deref(),
                _ => None,
            };
            let value = array.as_primitive::<TimestampMicrosecondType>().value(row);
            output.push_str(&timestamp(value, zone, style));
        }
        SqlType::YearMonthInterval => {
            year_month(array.as_primitive::<IntervalYearMonthType>().value(row), output);
        }
        SqlType::DayTimeInterval => {
            day_time(array.as_primitive::<DurationMicrosecondType>().value(row), output);
        }
        SqlType::CalendarInterval => match array.data_type() {
            DataType::Interval(arrow_schema::IntervalUnit::MonthDayNano) => {
                let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                calendar(value.months, value.days, value.nanoseconds, output);
            }
            _ => output.push_str("INTERVAL"),
        },
        SqlType::Variant => {
            let parts = array.as_struct();
            let part = |name: &str, row: usize| {
                parts.column_by_name(name).map(|column| column.as_binary::<i32>().value(row))
            };
            let text = part("metadata", row)
                .zip(part("value", row))
                .and_then(|(metadata, value)| variant::json(metadata, value));
            output.push_str(text.as_deref().unwrap_or("null"));
        }
        SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_) => json(array, row, sql_type, output),
    }
}

/// Writes the cell as JSON, null included.
pub(crate) fn json(array: &dyn Array, row: usize, sql_type: &SqlType, output: &mut String) {
    if array.is_null(row) {
        output.push_str("null");
        return;
    }
    match sql_type {
        SqlType::Void => output.push_str("null"),
        SqlType::Boolean
        | SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Decimal(..)
        | SqlType::Variant => cell(array, row, sql_type, Style::Spark, output),
        SqlType::Float => json_float(array.as_primitive::<Float32Type>().value(row), output),
        SqlType::Double => json_double(array.as_primitive::<Float64Type>().value(row), output),
        SqlType::Array(element) => {
            let values = array.as_list::<i32>().value(row);
            output.push('[');
            for index in 0..values.len() {
                if index > 0 {
                    output.push(',');
                }
                json(&values, index, element, output);
            }
            output.push(']');
        }
        SqlType::Map(key, value) => {
            let entries: StructArray = array.as_map().value(row);
            output.push('{');
            for index in 0..entries.len() {
                if index > 0 {
                    output.push(',');
                }
                let mut name = String::new();
                cell(entries.column(0), index, key, Style::Spark, &mut name);
                quote(&name, output);
                output.push(':');
                json(entries.column(1), index, value, output);
            }
            output.push('}');
        }
        SqlType::Struct(fields) => {
            let parts = array.as_struct();
            output.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                if index > 0 {
                    output.push(',');
                }
                quote(name, output);
                output.push(':');
                json(parts.column(index), row, field, output);
            }
            output.push('}');
        }
        _ => {
            let mut text = String::new();
            cell(array, row, sql_type, Style::Spark, &mut text);
            quote(&text, output);
        }
    }
}

/// Writes a JSON string.
pub(crate) fn quote(text: &str, output: &mut String) {
    output.push_str(&serde_json::Value::from(text).to_string());
}

/// A decimal with exactly `scale` digits behind the point.
pub(crate) fn decimal(unscaled: i128, scale: i8) -> String {
    let Ok(scale) = usize::try_from(scale) else { return unscaled.to_string() };
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A day, counted from 1970-01-01.
pub(crate) fn date(days: i32) -> String {
    let day = Span::new()
        .try_days(days)
        .and_then(|span| Date::constant(1970, 1, 1).checked_add(span))
        .map(|date| date.to_string());
    day.unwrap_or_else(|_| format!("{days} days after 1970-01-01"))
}

/// A moment in microseconds since the epoch; without a zone the civil time that these microseconds count.
pub(crate) fn timestamp(microseconds: i64, zone: Option<&str>, style: Style) -> String {
    let zone_name = if style == Style::Iso { "UTC" } else { zone.unwrap_or("UTC") };
    let Some(local) = civil(microseconds, &time_zone(zone_name)) else {
        return format!("{microseconds} microseconds after 1970-01-01");
    };
    let fraction = microseconds.rem_euclid(1_000_000);
    let mut output = String::with_capacity(32);
    let between = if style == Style::Iso { 'T' } else { ' ' };
    let _ = write!(
        output,
        "{}{between}{:02}:{:02}:{:02}",
        local.date(),
        local.hour(),
        local.minute(),
        local.second()
    );
    match style {
        Style::Spark if fraction > 0 => {
            let digits = format!("{fraction:06}");
            let _ = write!(output, ".{}", digits.trim_end_matches('0'));
        }
        Style::Spark => {}
        Style::Iso if fraction % 1000 == 0 => {
            let _ = write!(output, ".{:03}", fraction / 1000);
        }
        Style::Iso => {
            let _ = write!(output, ".{fraction:06}");
        }
    }
    if style == Style::Iso && zone.is_some() {
        output.push('Z');
    }
    output
}

/// The civil time of a moment; the last day of the year 9999 lies behind what is a moment to `jiff`.
fn civil(microseconds: i64, zone: &TimeZone) -> Option<DateTime> {
    if let Ok(moment) = Timestamp::from_microsecond(microseconds) {
        return Some(zone.to_datetime(moment));
    }
    let edge = if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let shift = SignedDuration::from_secs(i64::from(zone.to_offset(edge).seconds()));
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    epoch.checked_add(SignedDuration::from_micros(microseconds).checked_add(shift)?).ok()
}

/// A zone by its name or offset (`+02:00`); UTC when there is none of that name.
fn time_zone(name: &str) -> TimeZone {
    if matches!(name, "UTC" | "Etc/UTC" | "Z" | "GMT") {
        return TimeZone::UTC;
    }
    TimeZone::get(name)
        .ok()
        .or_else(|| {
            let (hours, minutes) = name.strip_prefix(['+', '-'])?.split_once(':')?;
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            let sign = if name.starts_with('-') { -1 } else { 1 };
            Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(sign * seconds).ok()?))
        })
        .unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java_text(value: f64) -> String {
        let mut output = String::new();
        double(value, &mut output);
        output
    }

    #[test]
    fn doubles_look_as_in_java() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (123.456, "123.456"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.25e20, "-1.25E20"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(java_text(value), text);
        }
        let mut single = String::new();
        float(0.1, &mut single);
        assert_eq!(single, "0.1");
    }

    #[test]
    fn decimals_keep_their_scale() {
        assert_eq!(decimal(-150, 2), "-1.50");
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(7, 0), "7");
    }

    #[test]
    fn moments_are_written_in_their_zone() {
        assert_eq!(
            timestamp(1_646_222_096_000_000, Some("Europe/Amsterdam"), Style::Spark),
            "2022-03-02 12:54:56"
        );
        assert_eq!(timestamp(1_646_222_096_120_000, Some("+02:00"), Style::Spark), "2022-03-02 13:54:56.12");
        assert_eq!(timestamp(1_000, Some("Etc/UTC"), Style::Iso), "1970-01-01T00:00:00.001Z");
        let last = 253_402_300_799_999_999;
        assert_eq!(timestamp(last, Some("UTC"), Style::Iso), "9999-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(last, Some("-05:00"), Style::Spark), "9999-12-31 18:59:59.999999");
        assert_eq!(timestamp(1, None, Style::Iso), "1970-01-01T00:00:00.000001");
        assert_eq!(date(-1), "1969-12-31");
    }

    #[test]
    fn intervals_look_as_in_hive() {
        let mut output = String::new();
        year_month(-14, &mut output);
        output.push('|');
        day_time(93_784_500_000, &mut output);
        output.push('|');
        calendar(14, 3, 4_500_000_000, &mut output);
        assert_eq!(output, "-1-2|1 02:03:04.500000000|1 years 2 months 3 days 4.5 seconds");
    }
}
