//! Numbers of arguments that the engine does not survive.

use crate::error::SqlError;
use crate::query::Call;

/// Functions that take no argument, or may.
const NONE: [&str; 54] = [
    "array",
    "collations",
    "concat",
    "cume_dist",
    "curdate",
    "current_catalog",
    "current_database",
    "current_date",
    "current_metastore",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_timezone",
    "current_user",
    "current_version",
    "dense_rank",
    "e",
    "event_log",
    "getdate",
    "grouping_id",
    "input_file_block_length",
    "input_file_block_start",
    "input_file_name",
    "list_secrets",
    "localtimestamp",
    "make_dt_interval",
    "make_interval",
    "make_time",
    "make_ym_interval",
    "map",
    "monotonically_increasing_id",
    "named_struct",
    "now",
    "ntile",
    "percent_rank",
    "pi",
    "python_worker_logs",
    "rand",
    "randn",
    "random",
    "rank",
    "row_number",
    "session_user",
    "spark_partition_id",
    "sql_keywords",
    "struct",
    "to_unix_timestamp",
    "to_varchar",
    "try_make_interval",
    "unix_timestamp",
    "user",
    "uuid",
    "version",
    "count_if",
];

/// Functions that take two arguments at least.
const TWO: [&str; 6] = ["aes_decrypt", "aes_encrypt", "from_xml", "levenshtein", "max_by", "min_by"];

/// Refuses a call with fewer arguments than any form of its function has.
///
/// Errors: `WRONG_NUM_ARGS.WITHOUT_SUGGESTION` 42605.
pub(super) fn enough(name: &str, call: &Call) -> Result<(), SqlError> {
    // `mode() WITHIN GROUP (ORDER BY x)`: what is ordered by counts.
    let given = call.arguments.len() + call.within_group.len();
    let least = if TWO.contains(&name) { 2 } else { usize::from(!NONE.contains(&name)) };
    if given >= least {
        return Ok(());
    }
    let needed = if least == 2 { "at least 2" } else { "> 0" };
    let text = format!(
        "The `{name}` requires {needed} parameters but the actual number is {given}. Please, refer to the function's documentation for a fix."
    );
    Err(SqlError::new("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", text).at(call.name.span))
}
