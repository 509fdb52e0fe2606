//! Patterns of `LIKE`.

use crate::command::constant_string;
use crate::error::SqlError;
use crate::query::Expr;

/// What follows the escape character of a pattern is `_`, `%` or itself.
pub(super) fn escapes(pattern: &Expr, escape: Option<&Expr>) -> Result<(), SqlError> {
    let Some(text) = constant_string(pattern) else { return Ok(()) };
    let escape = match escape {
        Some(escape) => match constant_string(escape).and_then(|text| text.chars().next()) {
            Some(escape) => escape,
            None => return Ok(()),
        },
        None => '\\',
    };
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != escape {
            continue;
        }
        let (class, what) = match letters.next() {
            Some(next) if next == escape || next == '_' || next == '%' => continue,
            Some(next) => (
                "INVALID_FORMAT.ESC_IN_THE_MIDDLE",
                format!("The escape character is not allowed to precede '{next}'"),
            ),
            None => (
                "INVALID_FORMAT.ESC_AT_THE_END",
                "The escape character is not allowed to end with".to_owned(),
            ),
        };
        let text = format!("The format is invalid: '{text}'. {what}.");
        return Err(SqlError::new(class, "42601", text).at(pattern.span));
    }
    Ok(())
}
