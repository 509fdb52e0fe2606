//! Times of a schedule in Quartz's notation, `0 0 8 * * ?`: read, so that what cannot be one is refused, and the next of them.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// A field of an expression.
struct Field {
    name: &'static str,
    values: RangeInclusive<u32>,
    words: &'static [&'static str],
    /// Days: `?`, `L`, `W` and `#` mean something there.
    days: bool,
}

const fn field(name: &'static str, values: RangeInclusive<u32>) -> Field {
    Field { name, values, words: &[], days: false }
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 7] = [
    field("second", 0..=59),
    field("minute", 0..=59),
    field("hour", 0..=23),
    Field { days: true, ..field("day of the month", 1..=31) },
    Field { words: MONTHS, ..field("month", 1..=12) },
    Field { days: true, words: DAYS, ..field("day of the week", 1..=7) },
    field("year", 1970..=2099),
];

/// Why a text is no expression.
pub(crate) fn check(expression: &str) -> Result<(), String> {
    let parts: Vec<&str> = expression.split_whitespace().collect();
    if !matches!(parts.len(), 6 | 7) {
        return Err(format!("it has {} fields, not 6 or 7", parts.len()));
    }
    if (parts[3] == "?") == (parts[5] == "?") {
        return Err("exactly one of day of the month and day of the week is `?`".to_owned());
    }
    for (part, field) in parts.iter().zip(&FIELDS) {
        if !part.split(',').all(|item| field.takes(&item.to_ascii_uppercase())) {
            return Err(format!("`{part}` is no {}", field.name));
        }
    }
    Ok(())
}

impl Field {
    fn takes(&self, item: &str) -> bool {
        if self.days && item == "?" {
            return true;
        }
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let stepped = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0));
        stepped && (range == "*" || self.is_range(range) || (self.days && self.is_special(range)))
    }

    fn is_range(&self, text: &str) -> bool {
        text.split_once('-')
            .map_or_else(|| self.is_value(text), |(first, last)| self.is_value(first) && self.is_value(last))
    }

    fn is_value(&self, text: &str) -> bool {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        self.words.contains(&text)
            || (digits && text.parse().is_ok_and(|number| self.values.contains(&number)))
    }

    /// `L`, `LW`, `L-3`, `15W`, `6L` and `FRI#2`.
    fn is_special(&self, text: &str) -> bool {
        let small = |number: &str, most: u32| number.parse().is_ok_and(|number| (1..=most).contains(&number));
        matches!(text, "L" | "LW")
            || text.strip_prefix("L-").is_some_and(|days| small(days, 30))
            || text.strip_suffix(['L', 'W']).is_some_and(|day| self.is_value(day))
            || text.split_once('#').is_some_and(|(day, week)| self.is_value(day) && small(week, 5))
    }
}

/// Days that are looked at for the next time: a leap day may be eight years away.
const FARTHEST: usize = 366 * 9;

/// The first time of an expression in a zone after a time.
pub(crate) fn next(expression: &str, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    check(expression).ok()?;
    let parts: Vec<String> = expression.split_whitespace().map(str::to_ascii_uppercase).collect();
    let fits = |at: usize, value: u32| {
        parts.get(at).is_none_or(|part| part.split(',').any(|item| FIELDS[at].holds(item, value)))
    };
    let all = |at: usize| -> Vec<i8> {
        let values = FIELDS[at].values.clone().filter(|value| fits(at, *value));
        values.filter_map(|value| i8::try_from(value).ok()).collect()
    };
    let (seconds, minutes, hours) = (all(0), all(1), all(2));
    let mut date = zone.to_datetime(after).date();
    for _ in 0..FARTHEST {
        let number = |part: i16| u32::try_from(part).unwrap_or(0);
        let day = fits(6, number(date.year()))
            && fits(4, number(date.month().into()))
            && parts[3].split(',').any(|item| is_day_of_month(item, date))
            && parts[5].split(',').any(|item| is_day_of_week(item, date));
        if day {
            let mut times = Vec::new();
            for hour in &hours {
                for minute in &minutes {
                    times.extend(seconds.iter().map(|second| (*hour, *minute, *second)));
                }
            }
            let found = times
                .into_iter()
                .filter_map(|(hour, minute, second)| Time::new(hour, minute, second, 0).ok())
                .filter_map(|time| zone.to_timestamp(date.to_datetime(time)).ok())
                .find(|time| *time > after);
            if found.is_some() {
                return found;
            }
        }
        date = date.tomorrow().ok()?;
    }
    None
}

fn is_day_of_month(item: &str, date: Date) -> bool {
    let last = date.last_of_month();
    let number = |text: &str| text.parse::<i8>().unwrap_or(0);
    match item {
        "?" => true,
        "L" => date == last,
        "LW" => nearest_weekday(last) == date,
        _ => {
            if let Some(days) = item.strip_prefix("L-") {
                return date.day() == last.day() - number(days);
            }
            if let Some(day) = item.strip_suffix('W') {
                let day = number(day).min(last.day()).max(1);
                return date.with().day(day).build().is_ok_and(|wanted| nearest_weekday(wanted) == date);
            }
            FIELDS[3].holds(item, u32::try_from(date.day()).unwrap_or(0))
        }
    }
}

/// The day itself from Monday to Friday, else the nearest of them in the same month.
fn nearest_weekday(day: Date) -> Date {
    let moved = |days: i64| {
        let moved = day.checked_add(jiff::Span::new().days(days)).unwrap_or(day);
        (moved.month() == day.month()).then_some(moved)
    };
    match day.weekday() {
        jiff::civil::Weekday::Saturday => moved(-1).or_else(|| moved(2)).unwrap_or(day),
        jiff::civil::Weekday::Sunday => moved(1).or_else(|| moved(-2)).unwrap_or(day),
        _ => day,
    }
}

fn is_day_of_week(item: &str, date: Date) -> bool {
    let field = &FIELDS[5];
    let today = u32::try_from(date.weekday().to_sunday_one_offset()).unwrap_or(0);
    if item == "?" {
        return true;
    }
    if item == "L" {
        return today == 7;
    }
    if let Some((day, week)) = item.split_once('#') {
        return field.number(day) == Some(today) && week.parse() == Ok((date.day() - 1) / 7 + 1);
    }
    match item.strip_suffix('L') {
        Some(day) => field.number(day) == Some(today) && date.day() + 7 > date.days_in_month(),
        None => field.holds(item, today),
    }
}

impl Field {
    /// A number, or a word that stands for one.
    fn number(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|word| *word == text);
        word.map_or_else(|| text.parse().ok(), |at| u32::try_from(at).ok().map(|at| at + self.values.start()))
    }

    /// Whether an item such as `*`, `3`, `1-5` or `0/15` holds a value.
    fn holds(&self, item: &str, value: u32) -> bool {
        let (range, step) =
            item.split_once('/').map_or((item, 1), |(range, step)| (range, step.parse().unwrap_or(1)));
        let bounds = if range == "*" {
            Some((*self.values.start(), *self.values.end()))
        } else if let Some((first, last)) = range.split_once('-') {
            self.number(first).zip(self.number(last))
        } else {
            let first = self.number(range);
            // A step goes on to the last value.
            first.map(|first| (first, if item.contains('/') { *self.values.end() } else { first }))
        };
        let Some((first, last)) = bounds else { return false };
        if first <= last {
            return (first..=last).contains(&value) && (value - first).is_multiple_of(step);
        }
        // From one end around to the other: `FRI-MON`.
        let length = self.values.end() - self.values.start() + 1;
        let distance = (value + length - first) % length;
        distance <= last + length - first && distance.is_multiple_of(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_found() {
        for (expression, after, expected) in [
            ("0 0 * * * ? *", "2026-11-27T10:00:00Z", "2026-11-27T11:00:00Z"),
            ("0 0 8 * * ?", "2026-11-27T10:00:00Z", "2026-11-28T08:00:00Z"),
            ("0 0/15 9-17 ? * MON-FRI", "2026-11-27T17:45:00Z", "2026-11-30T09:00:00Z"),
            ("0 0 0 L * ?", "2027-02-01T00:00:00Z", "2027-02-28T00:00:00Z"),
            ("0 0 0 L-3 JAN,jul ?", "2026-11-27T00:00:00Z", "2027-01-28T00:00:00Z"),
            ("0 0 12 ? * FRI#2", "2026-11-27T00:00:00Z", "2026-12-11T12:00:00Z"),
            ("0 0 12 ? * 6L", "2026-11-27T13:00:00Z", "2026-12-25T12:00:00Z"),
            ("0 0 12 15W * ?", "2026-11-20T00:00:00Z", "2026-12-15T12:00:00Z"),
            ("0 0 12 1W * ?", "2027-05-01T00:00:00Z", "2027-05-03T12:00:00Z"),
            ("0 0 0 ? * SAT-MON", "2026-11-30T00:00:00Z", "2026-12-05T00:00:00Z"),
            ("0 0 0 29 2 ?", "2026-11-27T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 30 2 * * ?", "2026-11-26T18:30:00Z", "2026-11-27T02:30:00Z"),
        ] {
            let found = next(expression, &TimeZone::UTC, after.parse().unwrap());
            assert_eq!(found, Some(expected.parse().unwrap()), "{expression}");
        }
        let after: Timestamp = "2026-11-27T00:00:00Z".parse().unwrap();
        assert_eq!(next("0 0 0 1 1 ? 2020", &TimeZone::UTC, after), None);
        assert_eq!(next("0 0 0 30 2 ?", &TimeZone::UTC, after), None);
        let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
        assert_eq!(next("0 30 2 * * ?", &kolkata, after), Some("2026-11-27T21:00:00Z".parse().unwrap()));
    }

    #[test]
    fn expressions_are_told_from_what_is_none() {
        for good in [
            "0 0 8 * * ?",
            "0 0/15 9-17 ? * MON-FRI",
            "0 30 10 15,L * ? 2026",
            "0 0 0 L-3 JAN,jul ?",
            "0 0 12 ? * 6L",
            "0 0 12 ? * FRI#2",
            "0 0 12 15W * ?",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "0 8 * * *",
            "0 0 8 * * *",
            "0 0 8 ? * ?",
            "60 0 8 * * ?",
            "0 0 24 * * ?",
            "0 0 8 * 13 ?",
            "0 0 8 ? * MOO",
            "0 0/0 8 * * ?",
            "0 0 8, * * ?",
            "0 -1 8 * * ?",
            "? 0 8 * * ?",
            "0 0 8 * * ? 1900",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
