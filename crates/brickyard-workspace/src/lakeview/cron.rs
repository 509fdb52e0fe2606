//! Times of a schedule in Quartz's notation, `0 0 8 * * ?`: read, so that what cannot be one is refused.

use std::ops::RangeInclusive;

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
pub(super) fn check(expression: &str) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::check;

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
