//! Literals as Spark prints them in the names of columns: days, moments, intervals.

use crate::query::{Expr, ExprKind};
use crate::rewrite::zones::worded;

/// `DATE'2020-1-1'` and the like.
pub(super) fn typed(word: &str, value: &str) -> String {
    match word {
        "X" => format!("X'{}'", value.to_uppercase()),
        "DATE" => format!("DATE '{}'", day(value.trim()).unwrap_or_else(|| value.to_owned())),
        "TIMESTAMP" | "TIMESTAMP_LTZ" => format!("TIMESTAMP '{}'", moment(value)),
        "TIMESTAMP_NTZ" => format!("TIMESTAMP_NTZ '{}'", moment(value)),
        word => format!("{word} '{value}'"),
    }
}

fn day(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let mut two = || match parts.next() {
        None => Some("01".to_owned()),
        Some(part) => part.parse::<u8>().ok().map(|number| format!("{number:02}")),
    };
    Some(format!("{year}-{}-{}", two()?, two()?))
}

fn moment(value: &str) -> String {
    let text = value.trim();
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let plain = time.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.'));
    let Some(date) = day(date).filter(|_| plain) else { return value.to_owned() };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock: Vec<String> = clock.split(':').map(|part| format!("{part:0>2}")).collect();
    clock.resize(3, "00".to_owned());
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{date} {}{dot}{fraction}", clock.join(":"))
}

const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];

/// An interval in its fields; nothing for one that is none of years and months, or of days and shorter.
pub(super) fn interval(parts: &[(Expr, String)]) -> Option<String> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (value, unit) in parts {
        let text = written(value)?;
        if unit.is_empty() {
            let words = worded(&text);
            if words.is_empty() {
                return None;
            }
            all.extend(words);
        } else {
            all.push((text, unit.clone()));
        }
    }
    let (mut total, mut places) = (0_i128, Vec::new());
    let mut monthly = None;
    for (value, unit) in &all {
        let (first, last) = unit.split_once(" TO ").map_or((unit.as_str(), unit.as_str()), |(a, b)| (a, b));
        let (first, last) = (field(first)?, field(last)?);
        places.extend([first.0, last.0]);
        let months = last.0 < 2;
        if *monthly.get_or_insert(months) != months {
            return None;
        }
        total += if first.0 == last.0 { single(value, first.1)? } else { ranged(value, first.0, last.0)? };
    }
    let (first, last) = (*places.iter().min()?, *places.iter().max()?);
    let sign = if total < 0 { "-" } else { "" };
    let text = shown(total.unsigned_abs(), first, last);
    let names = if first == last {
        FIELDS[first].to_owned()
    } else {
        format!("{} TO {}", FIELDS[first], FIELDS[last])
    };
    Some(format!("INTERVAL '{sign}{text}' {names}"))
}

/// The text of a value with its sign.
fn written(value: &Expr) -> Option<String> {
    Some(match &value.kind {
        ExprKind::Number(text) | ExprKind::String(text) => text.trim().to_owned(),
        ExprKind::Unary(operator, inner) if operator == "-" => {
            let inner = written(inner)?;
            inner.strip_prefix('-').map_or_else(|| format!("-{inner}"), str::to_owned)
        }
        ExprKind::Unary(operator, inner) if operator == "+" => written(inner)?,
        _ => return None,
    })
}

/// The place of a unit's field, and how many months or microseconds it has.
fn field(unit: &str) -> Option<(usize, i128)> {
    Some(match unit.trim_end_matches('S') {
        "YEAR" => (0, 12),
        "QUARTER" => (1, 3),
        "MONTH" => (1, 1),
        "WEEK" => (2, 604_800_000_000),
        "DAY" => (2, 86_400_000_000),
        "HOUR" => (3, 3_600_000_000),
        "MINUTE" => (4, 60_000_000),
        "SECOND" => (5, 1_000_000),
        "MILLISECOND" => (5, 1_000),
        "MICROSECOND" => (5, 1),
        _ => return None,
    })
}

fn single(value: &str, unit: i128) -> Option<i128> {
    let (negative, digits) = value.strip_prefix('-').map_or((false, value), |rest| (true, rest));
    let (whole, fraction) =
        digits.trim_start_matches('+').split_once('.').unwrap_or((digits.trim_start_matches('+'), ""));
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let micros = whole.checked_mul(unit)? + fraction.parse::<i128>().ok()? * unit / 1_000_000;
    Some(if negative { -micros } else { micros })
}

/// `1-2`, `3 04:05:06.7` between two fields.
fn ranged(value: &str, first: usize, last: usize) -> Option<i128> {
    let (negative, digits) = value.strip_prefix('-').map_or((false, value), |rest| (true, rest));
    let parts: Vec<&str> = digits.trim_start_matches('+').split(['-', ' ', ':']).collect();
    if parts.len() != last - first + 1 {
        return None;
    }
    let mut total = 0;
    for (part, place) in parts.iter().zip(first..=last) {
        total += single(part, field(FIELDS[place])?.1)?;
    }
    Some(if negative { -total } else { total })
}

/// So many months or microseconds between two fields.
fn shown(total: u128, first: usize, last: usize) -> String {
    if last < 2 {
        return match (first, last) {
            (0, 0) => (total / 12).to_string(),
            (1, 1) => total.to_string(),
            _ => format!("{}-{}", total / 12, total % 12),
        };
    }
    let mut text = String::new();
    let mut rest = total;
    for (place, name) in FIELDS.iter().enumerate().take(last + 1).skip(first) {
        let unit = field(name).map_or(1, |(_, unit)| unit.unsigned_abs());
        let number = rest / unit;
        rest %= unit;
        text.push_str(match place {
            _ if place == first => "",
            3 => " ",
            _ => ":",
        });
        text.push_str(&if place == 2 { number.to_string() } else { format!("{number:02}") });
    }
    if last == 5 && rest > 0 {
        let fraction = format!("{rest:06}");
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}
