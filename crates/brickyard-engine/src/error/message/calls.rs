//! Sentences about calls of functions: their number of arguments, their types, their values.

use super::{between, of, of_state};
use crate::error::EngineError;

/// What is said of a number of arguments that the function does not take.
const NUMBERS: [&str; 16] = [
    "arguments but received",
    "arguments but got",
    "does not support zero arguments",
    "takes exactly",
    "takes 0 arguments",
    "takes 2 or 3 arguments",
    "expects at least",
    "expects exactly",
    "expects 2 or 3 arguments",
    "expects 3 or 4 arguments",
    "expects 1 argument",
    "value expected: [",
    "values expected: [",
    "at least one value, but got an empty",
    "expect number of args to be",
    "argument, but got",
];

/// What is said of a type that the function does not take.
const TYPES: [&str; 27] = [
    "failed to match any signature",
    "user-defined coercion failed",
    "no function matches the given name",
    "failed to coerce",
    "cannot automatically convert",
    "can only accept",
    "can only be",
    "expected a list",
    "expected a string",
    "expects list",
    "expects the first argument",
    "expects one map argument",
    "expected a lambda",
    "lambda must return",
    "should only be called with",
    "invalid ntz timestamp type",
    "invalid utc ntz timestamp type",
    "cannot get result type for arithmetic",
    "does not support input type",
    "must be int",
    "must be numeric",
    "must be binary",
    "must be castable",
    "must be a string",
    "to non-list data type",
    "does not have extension type",
    "type_coercion",
];

/// What is said of an argument that must be written as a literal.
const LITERALS: [&str; 9] = [
    "must be a string literal",
    "must be string literals",
    "must be a string scalar",
    "must be integer literal",
    "requires an integer literal",
    "non-null integer literal",
    "non-empty constant string",
    "must be a constant",
    "failed to extract percentile",
];

/// An error in a call, where the sentence is one of those.
pub(super) fn call(message: &str, lower: &str) -> Option<EngineError> {
    let has = |part: &str| lower.contains(part);
    let function = name(message);
    if has("expected numeric datetime field")
        || has("datetime field at byte")
        || has("datetime literal at byte")
    {
        let text = "The text is no date or time of the format that was given. Use `try_to_timestamp` or `try_to_date` to tolerate it and return NULL instead";
        return Some(of("CANNOT_PARSE_TIMESTAMP", text));
    }
    if let Some(absent) = message.strip_prefix("function: ") {
        let text = format!(
            "The local warehouse does not support the function {absent} with these arguments. Hint: Compute it with other functions or in the app"
        );
        return Some(of("UNSUPPORTED_FEATURE", &text));
    }
    if has("failed to parse schema") {
        let shown = between(message, '\'', '\'').unwrap_or_default();
        let text = format!("Syntax error in the schema '{shown}'");
        return Some(of("PARSE_SYNTAX_ERROR", &text));
    }
    if has("for non-nullable structarray field \"key\"") {
        return Some(of_state("NULL_MAP_KEY", "2200E", "Cannot use null as map key"));
    }
    if has("non utf-8 data") || has("invalid utf-8") {
        let text =
            "The local warehouse does not support bytes that are no UTF-8 as text. Hint: Use hex or base64";
        return Some(of("UNSUPPORTED_FEATURE", text));
    }
    if LITERALS.iter().any(|part| has(part)) {
        let text = format!(
            "Cannot resolve \"{function}\" due to data type mismatch: an argument must be a literal of another type or value"
        );
        return Some(of("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", &text));
    }
    if NUMBERS.iter().any(|part| has(part)) || has("requires") && has("argument") && has("got") {
        let text = format!("The {function} is called with a number of arguments that it does not take");
        return Some(of("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", &text));
    }
    if TYPES.iter().any(|part| has(part))
        || has("does not support type")
        || has(" as argument, got ")
        || has("argument, got")
    {
        let text = format!(
            "Cannot resolve \"{function}\" due to data type mismatch: it does not take arguments of these types{}",
            types(message)
        );
        return Some(of("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", &text));
    }
    if has("unable to represent") && has("-bit integer") {
        return Some(of("ARITHMETIC_OVERFLOW", "The number is too large for a distance of days or months"));
    }
    if has("requested length exceeds") || has("exceeds maximum array size") {
        let text = "Can't create array with so many elements, which exceeds the array size limit";
        return Some(of_state("COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION", "54000", text));
    }
    if has("is out of bounds. expected pos")
        || has("key length must be")
        || has("pattern contains invalid character")
    {
        let text = format!("An argument of {function} has a value that it does not take: {}", plain(message));
        return Some(of("INVALID_PARAMETER_VALUE", &text));
    }
    None
}

/// The function that a sentence speaks of, as the platform knows it.
fn name(message: &str) -> String {
    let quoted = ["Function '", "function '", "argument types '", "Spark `", "call to '"]
        .iter()
        .find_map(|before| message.split_once(before))
        .map(|(_, rest)| rest)
        .or_else(|| message.strip_prefix(['\'', '`']))
        .unwrap_or("");
    let word: String =
        quoted.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
    let word = word.trim_start_matches("spark_");
    match word {
        "" => "function".to_owned(),
        "approx_distinct" => "approx_count_distinct".to_owned(),
        word => word.to_owned(),
    }
}

/// `: ("INT", "STRING")`, where the sentence has the types.
fn types(message: &str) -> String {
    let Some((_, rest)) = message.split_once("argument types '") else { return String::new() };
    let Some(list) = rest.split_once('(').and_then(|(_, rest)| rest.split_once(")'")).map(|(list, _)| list)
    else {
        return String::new();
    };
    // Those of nested types have parts of their own.
    if list.contains(['(', '"']) || list.is_empty() {
        return String::new();
    }
    let names: Vec<String> =
        list.split(", ").map(|arrow| format!("\"{}\"", super::type_name(arrow))).collect();
    format!(": ({})", names.join(", "))
}

/// A sentence without the engine's words around it.
fn plain(message: &str) -> &str {
    let after = ["Execution error: ", "Compute error: ", "Error during planning: "]
        .iter()
        .filter_map(|before| message.rfind(before).map(|at| at + before.len()))
        .max()
        .unwrap_or(0);
    message[after..].trim_end_matches('.')
}
