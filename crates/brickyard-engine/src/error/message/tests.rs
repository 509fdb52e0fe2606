use super::*;

fn check(message: &str, class: &str, state: &str, start: &str) {
    let error = read(message);
    assert_eq!((error.class.as_str(), error.sql_state.as_str()), (class, state), "{message}");
    assert!(error.message.starts_with(start), "{}", error.message);
    assert!(error.message.contains(&format!("SQLSTATE: {state}")), "{}", error.message);
}

#[test]
fn sails_sentences_have_a_class() {
    for (message, class, state) in [
        ("divide by zero", "DIVIDE_BY_ZERO", "22012"),
        ("Remainder by zero", "REMAINDER_BY_ZERO", "22012"),
        ("Can't cast value 300 to type Int8", "CAST_OVERFLOW", "22003"),
        ("unknown function: nofunc", "UNRESOLVED_ROUTINE", "42883"),
        ("Database not found: nosch", "SCHEMA_NOT_FOUND", "42704"),
        ("Table already exists: t1", "TABLE_OR_VIEW_ALREADY_EXISTS", "42P07"),
        ("Table not found: nope", "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
        ("Scalar subquery returned more than one row", "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000"),
        ("element_at: the index is out of bounds", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "22003"),
        (
            "This feature is not implemented: Unsupported CAST from Binary to List(Int32)",
            "DATATYPE_MISMATCH",
            "42K09",
        ),
        (
            "No field named range.\"#0\".\nValid fields are \"count(Int64(1))\".",
            "MISSING_AGGREGATION",
            "42803",
        ),
        ("No field named r.column1.\nValid fields are r.\"#3\".", "UNSUPPORTED_FEATURE", "0A000"),
        ("one value expected: []", "WRONG_NUM_ARGS", "42605"),
        ("invalid argument: DateValue { year: 2024, month: 13, day: 1 }", "INVALID_TYPED_LITERAL", "42604"),
        (
            "MERGE INTO tables with Delta identity columns is not yet supported",
            "UNSUPPORTED_FEATURE",
            "0A000",
        ),
        (
            "invalid argument: Providing values for GENERATED ALWAYS AS IDENTITY column `id` is not supported",
            "DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED",
            "42808",
        ),
        ("Failed to get table: error status 403 Forbidden", "PERMISSION_DENIED", "42501"),
        ("Failed to commit transaction: 0", "DELTA_CONCURRENT_WRITE", "2D521"),
        ("something else went wrong", "UNSUPPORTED_FEATURE", "0A000"),
    ] {
        check(message, class, state, &format!("[{class}"));
    }
}

#[test]
fn names_and_values_are_kept() {
    check(
        "Cannot cast string 'abc' to value of Int32 type",
        "CAST_INVALID_INPUT",
        "22018",
        "[CAST_INVALID_INPUT] The value 'abc' of the type \"STRING\" cannot be cast to \"INT\"",
    );
    check(
        "attribute ObjectName([Identifier(\"t\"), Identifier(\"nocol\")]) is missing from the schema: cannot resolve attribute",
        "UNRESOLVED_COLUMN",
        "42703",
        "[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column, variable, or function parameter with name `t`.`nocol` ",
    );
    check(
        "Table not found: [TABLE_OR_VIEW_NOT_FOUND] Table or view not found: notable",
        "TABLE_OR_VIEW_NOT_FOUND",
        "42P01",
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `notable` cannot be found.",
    );
    check(
        "invalid argument: found selec at 0:5 expected something else, ';', statement, or end of input",
        "PARSE_SYNTAX_ERROR",
        "42601",
        "[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'. SQLSTATE: 42601 (pos 0)",
    );
    check(
        "invalid argument: found end of input expected 'GROUPING', or expression",
        "PARSE_SYNTAX_ERROR",
        "42601",
        "[PARSE_SYNTAX_ERROR] Syntax error at or near end of input.",
    );
}

#[test]
fn a_class_that_is_named_is_taken() {
    check(
        "[INVALID_ARRAY_INDEX] The index 5 is out of bounds.",
        "INVALID_ARRAY_INDEX",
        "22003",
        "[INVALID_ARRAY_INDEX] The index 5 is out of bounds. SQLSTATE: 22003",
    );
    check(
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` cannot be resolved. SQLSTATE: 42703; line 1 pos 7",
        "UNRESOLVED_COLUMN",
        "42703",
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x`",
    );
    assert!(read("[DELTA_CONCURRENT_APPEND] x").retryable);
    assert_eq!(read("array [1,2] is bad").class, "UNSUPPORTED_FEATURE");
}

#[test]
fn operands_and_years_are_told_by_their_class() {
    check(
        "Error during planning: There isn't a common type to coerce Date32 and Utf8 in LIKE expression",
        "DATATYPE_MISMATCH",
        "42K09",
        "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] Error during planning: There isn't a common type",
    );
    check(
        "Cannot cast Timestamp(µs, \"UTC\") value -62103715200000000 to Timestamp(ns): converted value exceeds the representable i64 range.",
        "UNSUPPORTED_FEATURE",
        "0A000",
        "[UNSUPPORTED_FEATURE] The local engine computes this for the years 1678 to 2261 alone",
    );
    check(
        "cast Timestamp(Nanosecond, None) to Spark data type",
        "UNSUPPORTED_FEATURE",
        "0A000",
        "[UNSUPPORTED_FEATURE] cast Timestamp(Nanosecond, None)",
    );
    check(
        "Compute error: Timestamp out of range",
        "DATETIME_OVERFLOW",
        "22008",
        "[DATETIME_OVERFLOW] Compute",
    );
    check(
        "Invalid timezone '+05:45': failed to parse timezone",
        "INVALID_TIMEZONE",
        "22009",
        "[INVALID_TIMEZONE]",
    );
}
