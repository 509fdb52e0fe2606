mod calls;

use super::EngineError;

/// Finds class and SQLSTATE in what an engine said.
///
/// Apache Spark names both (`[CLASS] … SQLSTATE: 22012`); Sail often names neither, so its sentences are known here
/// (engine §2). A sentence that is not known is an `UNSUPPORTED_FEATURE` with the engine's own words: it is a statement that the
/// engine does not carry out.
pub(super) fn read(message: &str) -> EngineError {
    let message = message.trim();
    named(message).or_else(|| sentence(message)).unwrap_or_else(|| {
        let words = message.trim_end_matches('.');
        let text = format!(
            "The local engine does not carry this statement out ({words}). Hint: Write it another way"
        );
        of("UNSUPPORTED_FEATURE", &text)
    })
}

/// A message that carries `[CLASS]` or `[CLASS.SUBCLASS]`.
fn named(message: &str) -> Option<EngineError> {
    let start = message.find('[')?;
    let (full, text) = message[start + 1..].split_once(']')?;
    let plain = |part: &str| {
        part.len() > 3
            && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if !full.split('.').all(plain) {
        return None;
    }
    let class = full.split('.').next()?;
    let text = text.trim();
    if class == "TABLE_OR_VIEW_NOT_FOUND"
        && let Some((_, name)) = text.split_once("Table or view not found: ")
    {
        return Some(table_not_found(name));
    }
    let (text, state) = match text.split_once("SQLSTATE: ") {
        Some((_, state)) if state.len() >= 5 && state.is_char_boundary(5) => (text.to_owned(), &state[..5]),
        _ => {
            let state = sql_state(class);
            (format!("{}. SQLSTATE: {state}", text.trim_end_matches('.')), state)
        }
    };
    Some(EngineError {
        class: class.to_owned(),
        sql_state: state.to_owned(),
        message: format!("[{full}] {text}"),
        retryable: retryable(class),
    })
}

/// SQLSTATE of a class, where the engine names the class alone.
fn sql_state(class: &str) -> &'static str {
    match class {
        "DIVIDE_BY_ZERO" | "REMAINDER_BY_ZERO" => "22012",
        "CAST_INVALID_INPUT" => "22018",
        "CAST_OVERFLOW"
        | "ARITHMETIC_OVERFLOW"
        | "NUMERIC_VALUE_OUT_OF_RANGE"
        | "INVALID_ARRAY_INDEX"
        | "INVALID_ARRAY_INDEX_IN_ELEMENT_AT"
        | "BINARY_ARITHMETIC_OVERFLOW" => "22003",
        "CANNOT_PARSE_TIMESTAMP" => "22007",
        "MALFORMED_RECORD_IN_PARSING" | "DATETIME_FIELD_OUT_OF_BOUNDS" | "INVALID_PARAMETER_VALUE" => "22023",
        "UNRESOLVED_COLUMN" => "42703",
        "UNRESOLVED_ROUTINE" => "42883",
        "TABLE_OR_VIEW_NOT_FOUND" => "42P01",
        "SCHEMA_NOT_FOUND" | "NO_SUCH_CATALOG_EXCEPTION" | "AMBIGUOUS_REFERENCE" => "42704",
        "PARSE_SYNTAX_ERROR" => "42601",
        "PERMISSION_DENIED" | "INSUFFICIENT_PERMISSIONS" => "42501",
        "DATATYPE_MISMATCH" => "42K09",
        "WRONG_NUM_ARGS" => "42605",
        "UNSUPPORTED_FEATURE" => "0A000",
        "DELTA_CONCURRENT_WRITE" | "DELTA_CONCURRENT_APPEND" => "2D521",
        "DELTA_NOT_NULL_CONSTRAINT_VIOLATED" => "23502",
        "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES" => "23001",
        _ => "42000",
    }
}

fn retryable(class: &str) -> bool {
    class.starts_with("DELTA_CONCURRENT")
}

fn of(full: &str, text: &str) -> EngineError {
    let class = full.split('.').next().unwrap_or(full);
    let state = sql_state(class);
    of_state(full, state, text)
}

fn of_state(full: &str, state: &str, text: &str) -> EngineError {
    let class = full.split('.').next().unwrap_or(full);
    EngineError {
        class: class.to_owned(),
        sql_state: state.to_owned(),
        message: format!("[{full}] {text}. SQLSTATE: {state}"),
        retryable: retryable(class),
    }
}

/// What is said of operands whose types do not go together.
const MISMATCHES: [&str; 7] = [
    "failed to coerce arguments",
    "there isn't a common type to coerce",
    "cannot infer common",
    "cannot coerce arithmetic expression",
    "are not coercible to",
    "is not comparable",
    "does not support type '",
];

/// The sentences of Sail and of the libraries in it.
fn sentence(message: &str) -> Option<EngineError> {
    let lower = message.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if let Some(found) = calls::call(message, &lower) {
        return Some(found);
    }
    arithmetic(message, &lower).or_else(|| names(message, &lower)).or_else(|| {
        Some(if let Some(found) = syntax(message) {
            found
        } else if has("403 forbidden") {
            of("PERMISSION_DENIED", "User does not have the privilege that the statement needs")
        } else if has("scalar subquery returned more than one row") {
            let text = "More than one row returned by a subquery used as an expression";
            of_state("SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000", text)
        } else if has("queries have different number of columns") {
            of_state("NUM_COLUMNS_MISMATCH", "42826", message)
        } else if has("failed to commit transaction") {
            let text = "Another statement has written to the table meanwhile. Send the statement again";
            of("DELTA_CONCURRENT_WRITE", text)
        } else if has("resources exhausted") {
            of_state("OUT_OF_MEMORY", "53200", message)
        } else if has("was not provided a value") {
            let name = between(message, '\'', '\'').unwrap_or("?").trim_start_matches([':', '$']);
            let text = format!(
                "Found the unbound parameter: {name}. Give a value for it, or remove its marker from the statement"
            );
            of_state("UNBOUND_SQL_PARAMETER", "42P02", &text)
        } else if has("providing values for generated always as identity column") {
            let text = format!(
                "Providing values for GENERATED ALWAYS AS IDENTITY column {} is not supported",
                between(message, '`', '`').unwrap_or("?")
            );
            of_state("DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED", "42808", &text)
        } else if MISMATCHES.iter().any(|sentence| has(sentence)) {
            of("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", message)
        } else if has("expected datetime literal") || has("(nanosecond") && has("to spark data type") {
            of("UNSUPPORTED_FEATURE", message)
        } else if has("invalid timezone") {
            of_state("INVALID_TIMEZONE", "22009", message)
        } else if has("unsupported cast from") || has("invalid argument: cannot cast") {
            of("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", message)
        } else if has("datevalue {") || has("timestampvalue {") {
            let text = "The value of the typed literal is invalid: there is no such day or time";
            of_state("INVALID_TYPED_LITERAL", "42604", text)
        } else if has("value expected: [") || has("values expected: [") {
            of("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", message)
        } else if has("requires") && has("argument") {
            let text = message.trim_start_matches("invalid argument: ");
            of("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", text)
        } else if has("delta identity columns is not yet supported") {
            let text = format!("{message}. Hint: Use UPDATE, then INSERT of the rows that are not there");
            of("UNSUPPORTED_FEATURE", &text)
        } else if has("not implemented") || has("not supported") || has("not yet supported") || has("unsupported") || message.starts_with("PlanNode::") {
            of("UNSUPPORTED_FEATURE", message)
        } else {
            return None;
        })
    })
}

fn arithmetic(message: &str, lower: &str) -> Option<EngineError> {
    let has = |part: &str| lower.contains(part);
    Some(if has("divide by zero") || has("division by zero") {
        let text = "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead";
        of("DIVIDE_BY_ZERO", text)
    } else if has("remainder by zero") {
        let text = "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead";
        of("REMAINDER_BY_ZERO", text)
    } else if has("cannot cast") && has("to value of") {
        let value = between(message, '\'', '\'').unwrap_or_default();
        let target = message.rsplit_once(" to value of ").map_or("", |(_, target)| target);
        malformed(value, type_name(target.trim_end_matches(" type")))
    } else if let Some(at) = lower.find("invalid timestamp: ") {
        malformed(message[at + "invalid timestamp: ".len()..].trim_end_matches('.'), "TIMESTAMP")
    } else if has("can't cast value") {
        let rest = message.split_once("cast value ").map_or("", |(_, rest)| rest);
        let (value, target) = rest.split_once(" to type ").unwrap_or((rest, ""));
        let text = format!(
            "The value {value} cannot be cast to \"{}\" due to an overflow. Use `try_cast` to tolerate overflow and \
             return NULL instead",
            type_name(target)
        );
        of("CAST_OVERFLOW", &text)
    } else if has("to store in a decimal") {
        let value = message.split(' ').next().unwrap_or_default();
        of(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION",
            &format!("The value {value} does not fit: {message}"),
        )
    } else if has("representable i64 range")
        || has("represented as nanoseconds")
        || (lower.starts_with("timestamp ") && has("out of range"))
    {
        let text = format!("The local engine computes this for the years 1678 to 2261 alone ({message})");
        of("UNSUPPORTED_FEATURE", &text)
    } else if has("timestamp out of range") {
        of_state("DATETIME_OVERFLOW", "22008", message)
    } else if has("cannot be represented as decimal") {
        of("NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION", message)
    } else if has("timestamp must contain") || has("invalid input syntax for type") {
        of("CAST_INVALID_INPUT", message)
    } else if has("overflow") {
        of("ARITHMETIC_OVERFLOW", message)
    } else if has("the index 0 is invalid") {
        of_state("INVALID_INDEX_OF_ZERO", "22003", message)
    } else if has("the index is out of bounds") {
        of("INVALID_ARRAY_INDEX_IN_ELEMENT_AT", message)
    } else if has("invalid timestamp") || has("invalid parsed") || has("invalid date") {
        of("CANNOT_PARSE_TIMESTAMP", message)
    } else if has("is out of range") || has("invalid input for spark `make_") {
        of("DATETIME_FIELD_OUT_OF_BOUNDS", message)
    } else {
        return None;
    })
}

/// A text that is no value of the type it is cast to.
fn malformed(value: &str, target: &str) -> EngineError {
    let text = format!(
        "The value '{value}' of the type \"STRING\" cannot be cast to \"{target}\" because it is malformed. \
         Correct the value as per the syntax, or change its target type. Use `try_cast` to tolerate malformed \
         input and return NULL instead"
    );
    of("CAST_INVALID_INPUT", &text)
}

fn names(message: &str, lower: &str) -> Option<EngineError> {
    let after = |part: &str| {
        let start = lower.find(part)? + part.len();
        Some(message[start..].trim().trim_end_matches('.').to_owned())
    };
    if let Some(name) = after("table or view not found: ")
        .or_else(|| after("table not found: "))
        .or_else(|| after("view not found: "))
    {
        return Some(table_not_found(&name));
    }
    if let Some(name) = after("database not found: ").or_else(|| after("schema not found: ")) {
        let text = format!(
            "The schema {} cannot be found. Verify the spelling and correctness of the schema and catalog",
            quote(&name)
        );
        return Some(of("SCHEMA_NOT_FOUND", &text));
    }
    if let Some(name) = after("catalog not found: ") {
        return Some(of("NO_SUCH_CATALOG_EXCEPTION", &format!("Catalog '{name}' was not found")));
    }
    if let Some(name) = after("table already exists: ").or_else(|| after("view already exists: ")) {
        let text = format!("Cannot create table or view {} because it already exists", quote(&name));
        return Some(of_state("TABLE_OR_VIEW_ALREADY_EXISTS", "42P07", &text));
    }
    if let Some(name) = after("database already exists: ") {
        let text = format!("Cannot create schema {} because it already exists", quote(&name));
        return Some(of_state("SCHEMA_ALREADY_EXISTS", "42P06", &text));
    }
    if let Some(name) = after("unknown function: ").or_else(|| after("unknown table function: ")) {
        let text = format!(
            "Cannot resolve routine {} on search path [`system`.`builtin`, `system`.`session`]. Verify the spelling of \
             {} and that it exists",
            quote(&name),
            quote(&name)
        );
        return Some(of("UNRESOLVED_ROUTINE", &text));
    }
    if lower.contains("ambiguous attribute") {
        let text = format!("Reference {} is ambiguous", object_name(message));
        return Some(of("AMBIGUOUS_REFERENCE", &text));
    }
    if lower.contains("cannot resolve attribute") || lower.contains("is missing from the schema") {
        let text = format!(
            "A column, variable, or function parameter with name {} cannot be resolved",
            object_name(message)
        );
        return Some(of("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", &text));
    }
    let field = after("no field named ")?;
    // Columns of a query that is decided are known by their places, such as "#2".
    let wanted = field.split(['\n', ' ']).next().unwrap_or_default();
    if field.contains("\"#") && !wanted.contains('#') {
        let text = "The local warehouse cannot run this correlated subquery. Hint: Compare with equality alone, or use a join";
        return Some(of("UNSUPPORTED_FEATURE", text));
    }
    if field.contains("\"#") {
        let text = "The query has an expression that is neither in GROUP BY nor inside an aggregate function";
        return Some(of_state("MISSING_AGGREGATION", "42803", text));
    }
    let name = field.split(". ").next().unwrap_or(&field).replace('"', "");
    let text =
        format!("A column, variable, or function parameter with name {} cannot be resolved", quote(&name));
    Some(of("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", &text))
}

fn table_not_found(name: &str) -> EngineError {
    let text = format!(
        "The table or view {} cannot be found. Verify the spelling and correctness of the schema and catalog.\n\
         If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with \
         the correct schema and catalog.\n\
         To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS",
        quote(name)
    );
    of("TABLE_OR_VIEW_NOT_FOUND", &text)
}

/// `found X at 0:5 expected …` and `found end of input expected …`.
fn syntax(message: &str) -> Option<EngineError> {
    let rest = message.strip_prefix("invalid argument: ").unwrap_or(message).strip_prefix("found ")?;
    let (found, _) = rest.split_once(" expected ")?;
    let (token, position) = match found.rsplit_once(" at ") {
        Some((token, span)) => (token, span.split(':').next().and_then(|start| start.parse::<u32>().ok())),
        None => (found, None),
    };
    let near = if token == "end of input" { token.to_owned() } else { format!("'{token}'") };
    let place = position.map(|position| format!(" (pos {position})")).unwrap_or_default();
    let mut error = of("PARSE_SYNTAX_ERROR", &format!("Syntax error at or near {near}"));
    error.message.push_str(&place);
    Some(error)
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

/// The name in `ObjectName([Identifier("t"), Identifier("c")])`, quoted.
fn object_name(message: &str) -> String {
    let parts: Vec<String> = message
        .split("Identifier(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once("\")"))
        .map(|(name, _)| quote(name))
        .collect();
    parts.join(".")
}

/// `` a.b `` as `` `a`.`b` ``; what is quoted already stays.
fn quote(name: &str) -> String {
    if name.contains('`') {
        return name.to_owned();
    }
    name.split('.').map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".")
}

/// SQL name of an Arrow type.
fn type_name(arrow: &str) -> &str {
    match arrow {
        "Int8" => "TINYINT",
        "Int16" => "SMALLINT",
        "Int32" => "INT",
        "Int64" => "BIGINT",
        "Float32" => "FLOAT",
        "Float64" => "DOUBLE",
        "Boolean" => "BOOLEAN",
        "Utf8" | "LargeUtf8" | "Utf8View" => "STRING",
        "Null" => "VOID",
        "Binary" => "BINARY",
        "Date32" => "DATE",
        _ if arrow.starts_with("Decimal") => "DECIMAL",
        _ if arrow.starts_with("Timestamp") => "TIMESTAMP",
        _ => arrow,
    }
}

#[cfg(test)]
mod tests;
