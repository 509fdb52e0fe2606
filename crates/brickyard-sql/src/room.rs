//! Room on the stack: deeply nested statements are handled on a thread with a larger one.

use crate::error::SqlError;

/// Room for the deepest nesting the parser follows, in bytes; frames of unoptimized builds are large.
const STACK: usize = 32 * 1024 * 1024;

/// Marks that may nest, beyond which the caller's own stack is not trusted.
const TRUSTED: usize = 20;

/// Runs `work` with room for the nesting of `sql`.
pub(crate) fn with_room<T: Send>(
    sql: &str,
    work: impl FnOnce() -> Result<T, SqlError> + Send,
) -> Result<T, SqlError> {
    if nesting(sql) <= TRUSTED {
        return work();
    }
    let failed = || SqlError::new("INTERNAL_ERROR", "XX000", "The statement could not be read.");
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("sql-parser".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(failed())),
            Err(_) => Err(failed()),
        }
    })
}

/// Stack that must be left where a view or function is planned within another.
const LEFT: usize = 1024 * 1024;

/// Runs `work` with more stack where little is left: of views and functions within one another no text tells the depth.
pub(crate) fn grown<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LEFT, STACK / 4, work)
}

/// An upper bound of how deep things nest: all marks that may open a level.
fn nesting(sql: &str) -> usize {
    let marks =
        sql.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'<' | b'-' | b'+' | b'~' | b'!')).count();
    let words = sql
        .split(|c: char| !(c == '_' || c.is_alphanumeric()))
        .filter(|word| {
            ["NOT", "CASE", "INTERVAL", "EXPLAIN"].iter().any(|known| word.eq_ignore_ascii_case(known))
        })
        .count();
    marks + words + sql.matches("->").count()
}
