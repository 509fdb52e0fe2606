//! Calls that the engine answers otherwise at the edges: no value, nothing found, lengths below zero, halves, words.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr, ExprKind};
use crate::rewrite::arithmetic::decimal_text;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::empties::NEVER;
use crate::rewrite::moment_calls::is_negative;
use crate::rewrite::numbers::common;
use crate::rewrite::planner::Planner;
use crate::token::{Span, string_literal};

impl Planner<'_> {
    /// Puts the form that holds at the edges in the place of such a call; `false` for calls that stay.
    pub(super) fn edge_call(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        spans: &[Span],
        types: &[DataType],
    ) -> Result<bool, SqlError> {
        let is_number = |at: usize| matches!(call.arguments[at].value.kind, ExprKind::Number(_));
        let first = types.first().cloned().unwrap_or_default();
        let text = match (name, spans) {
            ("size" | "cardinality" | "array_size", [_]) if first == DataType::Void => {
                pieces!["CAST(NULL AS INT)"]
            }
            // Words are parted by spaces alone.
            ("initcap", [value]) => pieces![
                "array_join(transform(split(lower(",
                *value,
                "), ' '), `__w` -> concat(upper(substring(`__w`, 1, 1)), substring(`__w`, 2))), ' ')"
            ],
            ("split", [value, _])
                if constant_string(&call.arguments[1].value).is_some_and(|p| p.is_empty()) =>
            {
                pieces![
                    "CASE WHEN (",
                    *value,
                    ") = '' THEN array('') ELSE filter(split(",
                    *value,
                    ", ''), `__s` -> `__s` <> '') END"
                ]
            }
            // What is not found may be one of the elements that are not known.
            ("array_contains", [array, wanted]) => pieces![
                "CASE WHEN array_contains(",
                *array,
                ", ",
                *wanted,
                ") THEN true WHEN (",
                *array,
                ") IS NULL OR (",
                *wanted,
                ") IS NULL OR exists(",
                *array,
                ", `__c` -> `__c` IS NULL) THEN NULL ELSE false END"
            ],
            ("array_except", [left, right]) => pieces![
                "array_except(concat(",
                *left,
                ", slice(",
                *right,
                ", 1, 0)), concat(",
                *right,
                ", slice(",
                *left,
                ", 1, 0)))"
            ],
            // The other value is not computed where it is not wanted.
            ("nanvl", [value, other]) => {
                let wide = if types.iter().all(|own| *own == DataType::Float) { "FLOAT" } else { "DOUBLE" };
                pieces![
                    "CASE WHEN isnan(CAST(",
                    *value,
                    format!(" AS {wide})) THEN CAST("),
                    *other,
                    format!(" AS {wide}) ELSE CAST("),
                    *value,
                    format!(" AS {wide}) END")
                ]
            }
            ("elt", [index, values @ ..]) if !values.is_empty() && !self.context.lenient => {
                let message = string_literal(
                    "[INVALID_ARRAY_INDEX] The index is out of bounds. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead. SQLSTATE: 22003",
                );
                pieces![
                    "CASE WHEN (",
                    *index,
                    format!(") NOT BETWEEN 1 AND {} THEN raise_error({message}) ELSE ", values.len()),
                    expr.span,
                    " END"
                ]
            }
            ("isnan", [_]) => pieces!["coalesce(", expr.span, ", false)"],
            // The engine's own does not find minus zero.
            ("nullif", [value, other])
                if matches!(first, DataType::Double | DataType::Float) && types.get(1) == Some(&first) =>
            {
                pieces!["CASE WHEN (", *value, ") = (", *other, ") THEN NULL ELSE ", *value, " END"]
            }
            ("is_valid_utf8", [value]) => {
                pieces!["CASE WHEN (", *value, ") IS NOT NULL THEN ", expr.span, " END"]
            }
            ("hypot", [left, right]) => {
                pieces!["hypot(CAST(", *left, " AS DOUBLE), CAST(", *right, " AS DOUBLE))"]
            }
            ("chr" | "char", [code]) => {
                pieces!["CASE WHEN (", *code, ") < 0 THEN '' ELSE chr((", *code, ") % 256) END"]
            }
            ("regexp_replace", [value, pattern, new, start]) => pieces![
                "concat(left(",
                *value,
                ", (",
                *start,
                ") - 1), regexp_replace(substring(",
                *value,
                ", ",
                *start,
                "), ",
                *pattern,
                ", ",
                *new,
                "))"
            ],
            ("collate", [value, _]) => {
                let name = constant_string(&call.arguments[1].value).unwrap_or_default();
                if !name.eq_ignore_ascii_case("UTF8_BINARY") {
                    return Err(SqlError::unsupported(
                        format!("the collation {name}"),
                        "Compare lower(a) with lower(b) for comparisons without case",
                    )
                    .at(call.name.span));
                }
                pieces!["(", *value, ")"]
            }
            ("raise_error", [value]) => {
                pieces!["raise_error(concat('[USER_RAISED_EXCEPTION] ', ", *value, ", '. SQLSTATE: P0001'))"]
            }
            // Of what is outside of the table there is none.
            ("factorial", [value]) => {
                pieces!["CASE WHEN (", *value, ") BETWEEN 0 AND 20 THEN ", expr.span, " END"]
            }
            ("zeroifnull", [value]) if first == DataType::String => {
                pieces!["coalesce(CAST(", *value, " AS BIGINT), 0L)"]
            }
            ("nullifzero", [value]) if first == DataType::String => {
                pieces!["CASE WHEN CAST(", *value, " AS BIGINT) = 0 THEN NULL ELSE ", *value, " END"]
            }
            ("zeroifnull", [value]) if matches!(first, DataType::Decimal(..)) => {
                pieces!["coalesce(", *value, format!(", CAST(0 AS {first}))")]
            }
            ("rint", [value]) => pieces!["bround(CAST(", *value, " AS DOUBLE))"],
            // The engine gives a text of another layout, which few of its functions take.
            ("left" | "right", [value, length]) => {
                let mut text = pieces![format!("CAST({name}("), *value, ", "];
                text.extend(if is_number(1) { pieces![*length] } else { not_below_zero(*length) });
                text.push(Piece::from(") AS STRING)"));
                text
            }
            // A start before the text counts against the length.
            ("substr" | "substring", [value, start, length])
                if is_negative(&call.arguments[1].value) && is_number(2) =>
            {
                pieces![
                    "CASE WHEN length(",
                    *value,
                    ") < -(",
                    *start,
                    ") THEN substring(",
                    *value,
                    ", 1, greatest(",
                    *length,
                    " + (",
                    *start,
                    ") + length(",
                    *value,
                    "), 0)) ELSE substring(",
                    *value,
                    ", ",
                    *start,
                    ", ",
                    *length,
                    ") END"
                ]
            }
            ("substr" | "substring", [value, start, rest @ ..])
                if !is_number(1) && !is_negative(&call.arguments[1].value)
                    || spans.len() > 2 && !is_number(2) =>
            {
                let mut text =
                    pieces!["CASE WHEN (", *start, ") IS NOT NULL THEN substring(", *value, ", ", *start];
                if let [length] = rest {
                    text.push(Piece::from(", "));
                    text.extend(not_below_zero(*length));
                }
                text.push(Piece::from(") END"));
                text
            }
            ("if" | "iff", [condition, yes, no])
                if types[1] != types[2] && matches!(common(&types[1], &types[2]), DataType::Decimal(..)) =>
            {
                let result = common(&types[1], &types[2]);
                pieces![
                    "CASE WHEN ",
                    *condition,
                    " THEN CAST(",
                    *yes,
                    format!(" AS {result}) ELSE CAST("),
                    *no,
                    format!(" AS {result}) END")
                ]
            }
            ("try_divide", [_, right]) if !is_whole(types) => {
                let divisor = pieces!["CASE WHEN (", *right, ") = 0 THEN NULL ELSE ", *right, " END"];
                self.edits.replace(*right, divisor);
                plain_arithmetic(call, types, "/")
            }
            ("try_add" | "try_subtract" | "try_multiply", [_, _])
                if types.len() == 2 && types.iter().all(DataType::is_numeric) && !is_whole(types) =>
            {
                let operator = match name {
                    "try_add" => "+",
                    "try_subtract" => "-",
                    _ => "*",
                };
                plain_arithmetic(call, types, operator)
            }
            // What follows the digits is left out.
            ("conv", [value, from, _]) => {
                let digits = match from.of(self.sql).trim().parse::<u32>() {
                    Ok(base @ 2..=10) => format!("[0-{}]", base - 1),
                    Ok(base @ 11..=36) => {
                        let last = char::from_digit(base - 1, 36).unwrap_or('z');
                        format!("[0-9a-{last}A-{}]", last.to_ascii_uppercase())
                    }
                    _ => "[0-9a-zA-Z]".to_owned(),
                };
                self.edits.replace(
                    *value,
                    pieces![
                        "CASE WHEN trim(",
                        *value,
                        ") <> '' THEN concat(regexp_extract(trim(",
                        *value,
                        format!("), '^(-?{digits}+)', 1), CASE WHEN trim("),
                        *value,
                        format!(") RLIKE '^-?{digits}' THEN '' ELSE '0' END) END")
                    ],
                );
                let refusal = string_literal(
                    "[UNSUPPORTED_FEATURE] The local warehouse does not support conv of numbers below zero. SQLSTATE: 0A000",
                );
                // The engine counts in 64 bits with a sign, the platform without one.
                let wide = string_literal(
                    "[UNSUPPORTED_FEATURE] The local warehouse does not support conv of numbers of more than 63 bits. SQLSTATE: 0A000",
                );
                let rest = Span::new(value.end, expr.span.end);
                pieces![
                    "CASE WHEN startswith(ltrim(CAST(",
                    *value,
                    format!(" AS STRING)), '-') THEN raise_error({refusal}) WHEN length("),
                    *value,
                    ") > 12 AND conv(CAST(",
                    *value,
                    " AS STRING)",
                    rest,
                    format!(" IS NULL THEN raise_error({wide}) WHEN {NEVER} THEN NULL ELSE conv(CAST("),
                    *value,
                    " AS STRING)",
                    rest,
                    " END"
                ]
            }
            ("format_number", [value, places]) if matches!(first, DataType::Decimal(..)) && is_number(1) => {
                let Some((rounded, _)) = half_even(*value, &first, places.of(self.sql).trim()) else {
                    return Ok(false);
                };
                self.edits.replace(*value, rounded);
                return Ok(true);
            }
            // The engine hashes decimals otherwise; the platform those of up to 18 digits by their digits.
            ("hash", _) if types.iter().any(|data_type| matches!(data_type, DataType::Decimal(..))) => {
                for (span, data_type) in spans.iter().zip(types) {
                    match data_type {
                        DataType::Decimal(precision, _) if *precision > 18 => {
                            return Err(SqlError::unsupported(
                                "hash of a decimal of more than 18 digits",
                                "Use xxhash64, or hash its text",
                            )
                            .at(call.name.span));
                        }
                        DataType::Decimal(..) => self.edits.replace(
                            *span,
                            pieces!["CAST(replace(CAST(", *span, " AS STRING), '.', '') AS BIGINT)"],
                        ),
                        _ => {}
                    }
                }
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.edits.replace(expr.span, text);
        Ok(true)
    }
}

/// An operator over the two arguments of a call, with the platform's types.
fn plain_arithmetic(call: &Call, types: &[DataType], operator: &str) -> Vec<Piece> {
    let (left, right) = (&call.arguments[0].value, &call.arguments[1].value);
    let decimal = types.iter().any(|data_type| matches!(data_type, DataType::Decimal(..)))
        && !types.iter().any(|data_type| matches!(data_type, DataType::Double | DataType::Float));
    let text = if decimal { decimal_text((left, &types[0]), operator, (right, &types[1])) } else { None };
    match text {
        Some((Some(text), _)) => text,
        _ => pieces!["(", left.span, format!(") {operator} ("), right.span, ")"],
    }
}

/// Whether the engine's own `try_` functions take these types.
fn is_whole(types: &[DataType]) -> bool {
    types.iter().all(|data_type| {
        data_type.is_integer()
            || matches!(
                data_type,
                DataType::Void
                    | DataType::Date
                    | DataType::YearMonth(_)
                    | DataType::DayTime(_)
                    | DataType::Interval
            )
    })
}

fn not_below_zero(length: Span) -> Vec<Piece> {
    pieces!["CASE WHEN (", length, ") < 0 THEN 0 ELSE ", length, " END"]
}

/// A decimal rounded half to even at a number of places, and the type of that; nothing where no digit is dropped or the places are
/// no number.
pub(super) fn half_even(value: Span, data_type: &DataType, places: &str) -> Option<(Vec<Piece>, DataType)> {
    let (DataType::Decimal(precision, scale), Ok(places)) = (data_type, places.parse::<u8>()) else {
        return None;
    };
    if places >= *scale {
        return None;
    }
    let result = DataType::Decimal((precision - scale + places + 1).min(38), places);
    let digit = |digit: &str, at: u8| match at {
        0 => format!("{digit}BD"),
        at => format!("0.{}{digit}BD", "0".repeat(usize::from(at) - 1)),
    };
    let (unit, half) = (digit("1", places), digit("5", places + 1));
    let pair = if places == 0 { "2BD".to_owned() } else { digit("2", places) };
    let text = pieces![
        "get(transform(array(",
        value,
        format!(
            "), `__n` -> CAST(round(`__n`, {places}) - CASE WHEN abs(`__n` % {unit}) = {half} AND abs(round(`__n`, {places}) % {pair}) = {unit} \
             THEN CASE WHEN `__n` < 0 THEN -{unit} ELSE {unit} END ELSE 0BD END AS {result})), 0)"
        )
    ];
    Some((text, result))
}
