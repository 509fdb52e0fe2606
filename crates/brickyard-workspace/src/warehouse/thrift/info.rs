use super::messages::GetInfoValue;
use crate::warehouse::fault::Fault;

/// Answers a `TGetInfoType` question; what nobody knows of is an error, as on the platform.
pub(super) fn answer(question: i32, user: &str) -> Result<GetInfoValue, Fault> {
    let text = |value: &str| GetInfoValue { string_value: Some(value.to_owned()), ..GetInfoValue::default() };
    let length = |value: i64| GetInfoValue { len_value: Some(value), ..GetInfoValue::default() };
    Ok(match question {
        13 | 17 => text("Spark SQL"),             // CLI_SERVER_NAME, CLI_DBMS_NAME
        18 => text("4.0.0"),                      // CLI_DBMS_VER
        14 => text("\\"),                         // CLI_SEARCH_PATTERN_ESCAPE
        29 => text("`"),                          // CLI_IDENTIFIER_QUOTE_CHAR
        25 => text("N"),                          // CLI_DATA_SOURCE_READ_ONLY
        47 => text(user),                         // CLI_USER_NAME
        10003 => text("Y"),                       // CLI_CATALOG_NAME
        30 | 32 | 34 | 35 | 10005 => length(255), // CLI_MAX_…_NAME_LEN
        105 => length(32 * 1024 * 1024),          // CLI_MAX_STATEMENT_LEN
        46 => GetInfoValue { small_int_value: Some(0), ..GetInfoValue::default() }, // CLI_TXN_CAPABLE: no
        other => {
            return Err(Fault::new(
                "UNSUPPORTED_FEATURE",
                "HY096",
                format_args!("Unrecognized GetInfoType value: {other}."),
            ));
        }
    })
}
