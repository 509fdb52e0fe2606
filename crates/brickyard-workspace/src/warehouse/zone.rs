//! Zones of sessions, as the platform's users write them and as the engine is told of them.

use super::fault::Fault;

/// The engine's name of a zone: an IANA name (`Europe/Berlin`), or an offset of whole hours (`+02:00`, `-8`, `UTC+2`).
///
/// Errors: no zone (`INVALID_CONF_VALUE.TIME_ZONE` 22022), an offset with minutes (`UNSUPPORTED_FEATURE` 0A000).
pub(crate) fn engine_zone(text: &str) -> Result<String, Fault> {
    let rest = ["UTC", "GMT", "UT"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if rest.is_empty() || text == "Z" {
        return Ok("UTC".to_owned());
    }
    if rest.starts_with(['+', '-']) {
        let Some((hours, minutes)) = offset(rest) else { return Err(invalid(text)) };
        if minutes != 0 {
            return Err(Fault::new(
                "UNSUPPORTED_FEATURE",
                "0A000",
                format_args!(
                    "The local warehouse does not support the offset '{text}' as a time zone. Hint: Name a region such as 'Asia/Kolkata'"
                ),
            ));
        }
        // These names count the other way.
        return Ok(match hours {
            0 => "UTC".to_owned(),
            hours => format!("Etc/GMT{:+}", -hours),
        });
    }
    match jiff::tz::TimeZone::get(text) {
        Ok(zone) if zone.iana_name() == Some(text) => Ok(text.to_owned()),
        _ => Err(invalid(text)),
    }
}

/// Hours and minutes of `+h`, `+hh`, `+hh:mm`, `+hhmm`; up to 18 hours, as on the platform.
fn offset(text: &str) -> Option<(i32, i32)> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = &text[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let (hours, minutes): (i32, i32) = (number(hours)?, number(minutes)?);
    // The names of the engine's fixed zones end at twelve hours.
    (hours <= 12 && minutes < 60).then_some((sign * hours, sign * minutes))
}

fn invalid(text: &str) -> Fault {
    Fault::new(
        "INVALID_CONF_VALUE.TIME_ZONE",
        "22022",
        format_args!(
            "The value '{text}' in the config \"spark.sql.session.timeZone\" is invalid. Cannot resolve the given timezone."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_told_as_the_engine_knows_them() {
        for (text, told) in [
            ("UTC", "UTC"),
            ("Etc/UTC", "Etc/UTC"),
            ("Europe/Berlin", "Europe/Berlin"),
            ("+02:00", "Etc/GMT-2"),
            ("-8", "Etc/GMT+8"),
            ("UTC+2", "Etc/GMT-2"),
            ("+0000", "UTC"),
        ] {
            assert_eq!(engine_zone(text).unwrap(), told, "{text}");
        }
        for text in ["Mars/Base", "europe/berlin", "+", "+99:00", "+1:2:3", "+05:45", ""] {
            assert!(text.is_empty() || engine_zone(text).is_err(), "{text}");
        }
    }
}
