//! Intervals in words.

use std::fmt::Write as _;

pub(super) fn year_month(months: i32, output: &mut String) {
    let sign = if months < 0 { "-" } else { "" };
    let _ = write!(output, "{sign}{}-{}", months.unsigned_abs() / 12, months.unsigned_abs() % 12);
}

pub(super) fn day_time(microseconds: i64, output: &mut String) {
    let sign = if microseconds < 0 { "-" } else { "" };
    let total = microseconds.unsigned_abs();
    let (seconds, fraction) = (total / 1_000_000, total % 1_000_000);
    let _ = write!(
        output,
        "{sign}{} {:02}:{:02}:{:02}.{:09}",
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        fraction * 1000
    );
}

/// A calendar interval as Spark prints it: `1 years 2 months 3 days 4 hours`.
pub(super) fn calendar(months: i32, days: i32, nanoseconds: i64, output: &mut String) {
    let microseconds = nanoseconds / 1000;
    let seconds = microseconds % 60_000_000;
    let parts = [
        (i64::from(months / 12), "years"),
        (i64::from(months % 12), "months"),
        (i64::from(days), "days"),
        (microseconds / 3_600_000_000, "hours"),
        (microseconds / 60_000_000 % 60, "minutes"),
    ];
    let mut words: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if seconds != 0 {
        let sign = if seconds < 0 { "-" } else { "" };
        let digits = format!("{:06}", seconds.unsigned_abs() % 1_000_000);
        let fraction = digits.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        words.push(format!("{sign}{}{point}{fraction} seconds", seconds.unsigned_abs() / 1_000_000));
    }
    output.push_str(if words.is_empty() { "0 seconds" } else { "" });
    output.push_str(&words.join(" "));
}
