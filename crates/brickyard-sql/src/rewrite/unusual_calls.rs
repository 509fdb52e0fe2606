//! Calls whose arguments the engine takes otherwise than the platform does: named ones, units as strings, patterns that match
//! nothing, windows without an order.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr, ExprKind};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::naming::column_name;
use crate::rewrite::planner::Planner;
use crate::token::{Span, string_literal};

/// Functions whose arguments may be named, with what stands for those that are not given.
const NAMED: [(&str, &[(&str, Option<&str>)]); 4] = [
    (
        "mask",
        &[
            ("str", None),
            ("upperChar", Some("'X'")),
            ("lowerChar", Some("'x'")),
            ("digitChar", Some("'n'")),
            ("otherChar", Some("NULL")),
        ],
    ),
    ("count_min_sketch", &[("column", None), ("epsilon", None), ("confidence", None), ("seed", None)]),
    ("uniform", &[("min", None), ("max", None), ("seed", Some(""))]),
    ("randstr", &[("length", None), ("seed", Some(""))]),
];

/// Window functions that need an order.
const ORDERED: [&str; 9] =
    ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value"];

impl Planner<'_> {
    /// Puts the platform's meaning in the place of such a call; `false` for calls that stay.
    ///
    /// Errors: what the platform refuses.
    pub(super) fn unusual_call(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        spans: &[Span],
        types: &[DataType],
    ) -> Result<bool, SqlError> {
        refused(name, call, types)?;
        if self.named_arguments(expr, name, call)? {
            return Ok(true);
        }
        let literal = |at: usize| constant_string(&call.arguments[at].value);
        let first = types.first().cloned().unwrap_or_default();
        let text = match (name, spans) {
            ("split", [value, _, limit]) if literal(1).is_some_and(|pattern| pattern.is_empty()) => {
                let count = match &call.arguments[2].value.kind {
                    ExprKind::Number(count) => count.parse::<u64>().unwrap_or_default(),
                    ExprKind::Unary(operator, _) if operator == "-" => 0,
                    _ => return Ok(false),
                };
                let letters = pieces!["filter(split(", *value, ", ''), `__s` -> `__s` <> '')"];
                let mut text = pieces!["CASE WHEN (", *value, ") = '' THEN array('') "];
                if count > 0 {
                    text.extend(pieces!["WHEN length(", *value, ") > ", *limit, " THEN concat(slice("]);
                    text.extend(letters.iter().cloned());
                    text.extend(pieces![
                        ", 1, ",
                        *limit,
                        " - 1), array(substring(",
                        *value,
                        ", ",
                        *limit,
                        "))) "
                    ]);
                }
                text.push(Piece::from("ELSE "));
                text.extend(letters);
                text.push(Piece::from(" END"));
                text
            }
            ("width_bucket", [_, _, _, count])
                if count.of(self.sql).trim_end_matches(['L', 'l']) == i64::MAX.to_string() =>
            {
                pieces!["CAST(NULL AS BIGINT)"]
            }
            ("width_bucket", [value, low, high, count]) if first == DataType::Double => pieces![
                "CASE WHEN abs(",
                *value,
                ") = CAST('Infinity' AS DOUBLE) AND (",
                *low,
                ") <> (",
                *high,
                ") AND (",
                *count,
                ") > 0 THEN CASE WHEN ((",
                *value,
                ") > 0) = ((",
                *low,
                ") < (",
                *high,
                ")) THEN CAST((",
                *count,
                ") AS BIGINT) + 1 ELSE 0 END ELSE ",
                expr.span,
                " END"
            ],
            ("regexp_substr", [_, _]) => pieces!["nullif(", expr.span, ", '')"],
            // After a match the engine finds no other one of nothing, which the platform does.
            ("regexp_extract_all" | "regexp_replace" | "regexp_count", [_, pattern, ..])
                if literal(1).is_some_and(|pattern| pattern.contains(['*', '?', '|', '{'])) =>
            {
                let text = format!(
                    "[UNSUPPORTED_FEATURE] The local warehouse does not support {name} with a pattern that matches nothing. SQLSTATE: 0A000"
                );
                pieces![
                    "CASE WHEN '' RLIKE concat('^(?:', ",
                    *pattern,
                    format!(", ')$') THEN raise_error({}) ELSE ", string_literal(&text)),
                    expr.span,
                    " END"
                ]
            }
            ("to_timestamp" | "try_to_timestamp", [value]) if first.is_integer() => {
                self.as_type(*value, &first, &DataType::Timestamp)
            }
            ("rand" | "random" | "randn", [seed]) if is_null(&call.arguments[0].value) => {
                self.edits.replace(*seed, pieces!["0"]);
                return Ok(false);
            }
            ("listagg" | "string_agg", [_, between]) if is_null(&call.arguments[1].value) => {
                self.edits.replace(*between, pieces!["''"]);
                return Ok(false);
            }
            ("median" | "percentile", [value, ..]) if first == DataType::Float => {
                self.edits.replace(*value, pieces!["CAST(", *value, " AS DOUBLE)"]);
                return Ok(false);
            }
            ("positive", [value]) if first == DataType::String => pieces!["CAST(", *value, " AS DOUBLE)"],
            ("assert_true", [value]) => {
                let shown = column_name(&call.arguments[0].value, self.sql);
                let text = string_literal(&format!(
                    "[USER_RAISED_EXCEPTION] '{shown}' is not true! SQLSTATE: P0001"
                ));
                pieces!["CASE WHEN (", *value, format!(") THEN NULL ELSE raise_error({text}) END")]
            }
            ("assert_true", [value, text]) => {
                pieces![
                    "CASE WHEN (",
                    *value,
                    ") THEN NULL ELSE raise_error(concat('[USER_RAISED_EXCEPTION] ', ",
                    *text,
                    ", ' SQLSTATE: P0001')) END"
                ]
            }
            ("timestamp_millis", [value]) => pieces![
                "CASE WHEN abs(CAST((",
                *value,
                ") AS DECIMAL(20,0))) > 9223372036854775 THEN raise_error('[ARITHMETIC_OVERFLOW] long overflow. SQLSTATE: 22003') ELSE ",
                expr.span,
                " END"
            ],
            _ => return Ok(false),
        };
        self.edits.replace(expr.span, text);
        Ok(true)
    }

    /// `f(b => 2, a => 1)` with its arguments where they belong.
    fn named_arguments(&mut self, expr: &Expr, name: &str, call: &Call) -> Result<bool, SqlError> {
        if call.arguments.iter().all(|argument| argument.name.is_none()) || name.starts_with("ai_") {
            return Ok(false);
        }
        let Some((_, parameters)) = NAMED.iter().find(|(named, _)| *named == name) else {
            let text = format!(
                "Named parameters are not supported for function `{name}`; please retry the query with positional arguments to the function call instead."
            );
            return Err(SqlError::new("NAMED_PARAMETERS_NOT_SUPPORTED", "4274K", text).at(call.name.span));
        };
        let mut given: Vec<Option<Span>> = vec![None; parameters.len()];
        for (at, argument) in call.arguments.iter().enumerate() {
            let place = match &argument.name {
                None => Some(at),
                Some(name) => parameters.iter().position(|(known, _)| name.value.eq_ignore_ascii_case(known)),
            };
            let Some(slot) = place.and_then(|place| given.get_mut(place)) else {
                let unknown = argument.name.as_ref().map(|name| name.value.as_str()).unwrap_or_default();
                let text = format!(
                    "Cannot invoke routine `{name}` because the routine call included a named argument reference for the argument named `{unknown}`, but this routine does not include any signature containing an argument with this name."
                );
                return Err(SqlError::new("UNRECOGNIZED_PARAMETER_NAME", "4274K", text).at(call.name.span));
            };
            if slot.replace(argument.value.span).is_some() {
                let class = "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE";
                let text = format!(
                    "Call to routine `{name}` is invalid because it includes multiple argument assignments to the same parameter name."
                );
                return Err(SqlError::new(class, "4274K", text).at(call.name.span));
            }
        }
        let mut text = pieces![name, "("];
        for (at, (slot, (parameter, default))) in given.iter().zip(*parameters).enumerate() {
            let piece = match (slot, default) {
                (Some(span), _) => Piece::from(*span),
                (None, Some("")) => continue,
                (None, Some(default)) => Piece::from(*default),
                (None, None) => {
                    let text = format!(
                        "Cannot invoke routine `{name}` because the parameter named `{parameter}` is required, but the routine call did not supply a value."
                    );
                    return Err(
                        SqlError::new("REQUIRED_PARAMETER_NOT_FOUND", "4274K", text).at(call.name.span)
                    );
                }
            };
            if at > 0 {
                text.push(Piece::from(", "));
            }
            text.push(piece);
        }
        text.push(Piece::from(")"));
        self.edits.replace(expr.span, text);
        Ok(true)
    }
}

/// Calls that the platform refuses and the engine answers.
fn refused(name: &str, call: &Call, types: &[DataType]) -> Result<(), SqlError> {
    let error =
        |class: &str, state: &str, text: String| Err(SqlError::new(class, state, text).at(call.name.span));
    let moment = |at: usize| matches!(types.get(at), Some(DataType::Timestamp | DataType::TimestampNtz));
    match name {
        "timestampadd" | "timestampdiff" | "timediff" | "dateadd" | "datediff" | "date_add" | "date_diff"
            if call.arguments.len() == 3 && constant_string(&call.arguments[0].value).is_some() =>
        {
            let unit = constant_string(&call.arguments[0].value).unwrap_or_default();
            error(
                "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
                "22023",
                format!("The value of parameter(s) `unit` in `{name}` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string literal '{unit}'."),
            )
        }
        "make_timestamp" | "try_make_timestamp" | "make_timestamp_ltz" | "try_make_timestamp_ltz"
        | "make_timestamp_ntz" | "try_make_timestamp_ntz"
            if call.arguments.len() < 4 && (moment(0) || moment(1)) =>
        {
            error(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "42K09",
                format!("Cannot resolve \"{name}\" due to data type mismatch: it requires a DATE and a TIME."),
            )
        }
        "mode" | "percentile_cont" | "percentile_disc" if call.distinct => error(
            "INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED",
            "42K0K",
            format!("Invalid function `{name}` with WITHIN GROUP. It doesn't support DISTINCT."),
        ),
        "median" | "percentile_cont" | "percentile_disc"
            if call.over.as_ref().is_some_and(|over| {
                over.name.is_none() && (!over.order_by.is_empty() || !over.bounds.is_empty() || over.range)
            }) =>
        {
            error(
                "INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC",
                "42601",
                format!("Cannot specify ORDER BY or a window frame for \"{name}\"."),
            )
        }
        _ if ORDERED.contains(&name)
            && call.over.as_ref().is_some_and(|over| over.name.is_none() && over.order_by.is_empty()) =>
        {
            error(
                "_LEGACY_ERROR_TEMP_1037",
                "42601",
                format!("Window function {name}() requires window to be ordered, please add ORDER BY clause. For example SELECT {name}()(value_expr) OVER (PARTITION BY window_partition ORDER BY window_ordering) from table."),
            )
        }
        "regexp_replace"
            if call.arguments.get(3).is_some_and(|place| match &place.value.kind {
                ExprKind::Number(place) => place == "0",
                ExprKind::Unary(operator, _) => operator == "-",
                _ => false,
            }) =>
        {
            error(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                "42K09",
                "Cannot resolve \"regexp_replace\" due to data type mismatch: The `position` must be between (0, 2147483647].".to_owned(),
            )
        }
        _ => Ok(()),
    }
}

/// Whether an expression is `NULL`, also of a type.
pub(super) fn is_null(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null => true,
        ExprKind::Cast { value, .. } => is_null(value),
        _ => false,
    }
}
