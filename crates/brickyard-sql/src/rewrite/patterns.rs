//! Patterns of days and moments: letters and lengths that the platform knows none of.

use crate::error::SqlError;

/// Refuses a pattern that is none.
///
/// Errors: `INVALID_DATETIME_PATTERN` 22007, `INCONSISTENT_BEHAVIOR_CROSS_VERSION` 42K0B for what Spark 2 read otherwise.
pub(super) fn check(pattern: &str) -> Result<(), SqlError> {
    for part in pattern.split('\'').step_by(2) {
        let letters: Vec<char> = part.chars().collect();
        let mut at = 0;
        while at < letters.len() {
            let letter = letters[at];
            let length = letters[at..].iter().take_while(|other| **other == letter).count();
            at += length;
            if letter.is_ascii_alphabetic()
                && let Some(class) = wrong(letter, length)
            {
                return Err(refused(class, letter, pattern));
            }
        }
    }
    Ok(())
}

/// The class of error of so many letters.
fn wrong(letter: char, length: usize) -> Option<&'static str> {
    const OLDER: &str = "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION";
    const SUGGESTION: &str = "INVALID_DATETIME_PATTERN.WITH_SUGGESTION";
    let most = match letter {
        'G' | 'M' | 'L' | 'E' | 'z' | 'q' | 'Q' => 4,
        'y' => 6,
        'F' | 'a' => 1,
        'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's' => 2,
        'D' => 3,
        'S' => 9,
        'Z' | 'X' | 'x' => 5,
        'V' if length == 2 => 2,
        'O' if length == 1 || length == 4 => 4,
        'A' | 'n' | 'N' | 'p' | 'B' => return Some("INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"),
        'Y' | 'w' | 'W' | 'u' => return Some(OLDER),
        'e' | 'c' => return Some("INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN"),
        _ => return Some(SUGGESTION),
    };
    (length > most).then_some(match letter {
        'q' | 'Q' => "INVALID_DATETIME_PATTERN.LENGTH",
        'X' | 'x' => SUGGESTION,
        _ => OLDER,
    })
}

fn refused(class: &str, letter: char, pattern: &str) -> SqlError {
    let (state, text) = match class.split_once('.') {
        Some((_, "DATETIME_WEEK_BASED_PATTERN")) => (
            "42K0B",
            format!(
                "You may get a different result due to the upgrading to Spark >= 3.0: all week-based patterns are unsupported since Spark 3.0, detected week-based character: {letter}. Please use the SQL function EXTRACT instead."
            ),
        ),
        Some(("INCONSISTENT_BEHAVIOR_CROSS_VERSION", _)) => (
            "42K0B",
            format!(
                "You may get a different result due to the upgrading to Spark >= 3.0: Fail to recognize '{pattern}' pattern in the DateTimeFormatter."
            ),
        ),
        Some((_, "ILLEGAL_CHARACTER")) => (
            "22007",
            format!(
                "Unrecognized datetime pattern: {pattern}. Illegal pattern character found in datetime pattern: {letter}."
            ),
        ),
        Some((_, "LENGTH")) => (
            "22007",
            format!("Unrecognized datetime pattern: {pattern}. Too many letters in datetime pattern."),
        ),
        _ => (
            "22007",
            format!(
                "Unrecognized datetime pattern: {pattern}. You can form a valid datetime pattern with the guide of the documentation."
            ),
        ),
    };
    SqlError::new(class, state, text)
}
