//! Calls that the engine knows by another name or in another form.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr, ExprKind};
use crate::rewrite::calls::{MODEL_CALLS, literal_text};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::json_calls::has;
use crate::rewrite::planner::Planner;
use crate::token::Span;

impl Planner<'_> {
    /// Functions the engine lacks or runs differently.
    pub(super) fn renamed(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        types: &[DataType],
        depth: usize,
    ) -> Result<(), SqlError> {
        let spans: Vec<Span> = call.arguments.iter().map(|argument| argument.value.span).collect();
        let rename = |planner: &mut Self, to: &str| planner.edits.replace(call.name.span, pieces![to]);
        let lambda = |at: usize| match call.arguments.get(at).map(|argument| &argument.value.kind) {
            Some(ExprKind::Lambda(_, body)) => Some(body.span),
            _ => None,
        };
        if types.first() == Some(&DataType::Binary) && self.bytes(expr, name, &spans, types) {
            return Ok(());
        }
        if self.differs(name, call, types) {
            return Err(SqlError::unsupported(
                format!("{name} with these arguments"),
                "Compute it with other functions or in the app",
            )
            .at(call.name.span));
        }
        if self.interval_call(expr, name, call, &spans)
            || self.unusual_call(expr, name, call, &spans, types)?
            || self.moment_call(expr, name, call, &spans, types)
            || self.json_call(expr, name, call, &spans, types)
            || self.edge_call(expr, name, call, &spans, types)?
        {
            return Ok(());
        }
        match (name, spans.as_slice()) {
            ("iff", [_, _, _]) => rename(self, "if"),
            ("charindex", _) => rename(self, "locate"),
            ("nullif", _) => self.null_if(expr, &spans, types)?,
            // The engine gives the value that is asked about the type of the others.
            ("nvl2", [value, yes, no]) => self.edits.replace(
                expr.span,
                pieces!["CASE WHEN (", *value, ") IS NOT NULL THEN ", *yes, " ELSE ", *no, " END"],
            ),
            ("getdate", []) => rename(self, "current_timestamp"),
            ("len", [_]) => rename(self, "length"),
            ("try_to_date", [value]) => {
                self.edits.replace(expr.span, pieces!["TRY_CAST(", *value, " AS DATE)"]);
            }
            ("try_to_date", [value, format]) => {
                self.edits.replace(
                    expr.span,
                    pieces!["CAST(try_to_timestamp(", *value, ", ", *format, ") AS DATE)"],
                );
            }
            ("decode", [value, rest @ ..]) if rest.len() >= 2 => {
                let mut text = pieces!["CASE"];
                for pair in rest.chunks(2) {
                    match pair {
                        [key, result] => {
                            text.extend(pieces![" WHEN (", *value, ") <=> (", *key, ") THEN ", *result]);
                        }
                        [otherwise] => text.extend(pieces![" ELSE ", *otherwise]),
                        _ => {}
                    }
                }
                text.push(Piece::from(" END"));
                self.edits.replace(expr.span, text);
            }
            // A value in the place of a lambda is one for every element.
            ("transform", [_, value]) if lambda(1).is_none() => {
                self.edits.replace(*value, pieces!["`__u` -> ", *value]);
            }
            ("aggregate" | "reduce", [_, _, value]) if lambda(2).is_none() => {
                self.edits.replace(*value, pieces!["(`__u`, `__v`) -> ", *value]);
            }
            ("zip_with", [left, right, _]) => {
                let body = lambda(2)
                    .ok_or_else(|| SqlError::unsupported("zip_with without a lambda", "Give a lambda"))?;
                self.edits.replace(
                    expr.span,
                    pieces![
                        // Columns would name the fields.
                        "transform(arrays_zip(coalesce(",
                        *left,
                        "), coalesce(",
                        *right,
                        format!(")), `__e{depth}` -> "),
                        body,
                        ")"
                    ],
                );
            }
            ("transform_values" | "transform_keys", [map, _]) => {
                let body = lambda(1).ok_or_else(|| {
                    SqlError::unsupported(format!("{name} without a lambda"), "Give a lambda")
                })?;
                let (key, value) = if name == "transform_keys" {
                    (Piece::from(body), Piece::from(format!("`__e{depth}`.value")))
                } else {
                    (Piece::from(format!("`__e{depth}`.key")), Piece::from(body))
                };
                self.edits.replace(
                    expr.span,
                    pieces![
                        "map_from_entries(transform(map_entries(",
                        *map,
                        format!("), `__e{depth}` -> struct("),
                        key,
                        ", ",
                        value,
                        ")))"
                    ],
                );
            }
            ("sum", [value]) if types.first() == Some(&DataType::BigInt) => {
                self.checked = true;
                self.edits.replace(*value, pieces!["CAST(", *value, " AS DECIMAL(38,0))"]);
                self.edits.replace(expr.span, pieces!["CAST(", expr.span, " AS BIGINT)"]);
            }
            ("sum", [_]) if types.first() == Some(&DataType::Unknown) => self.unchecked += 1,
            ("sum", [value]) if types.first() == Some(&DataType::Void) => {
                self.edits.replace(*value, pieces!["CAST(", *value, " AS DOUBLE)"]);
            }
            ("listagg" | "string_agg", [value, ..]) if types.first() == Some(&DataType::Void) => {
                self.edits.replace(*value, pieces!["CAST(", *value, " AS STRING)"]);
            }
            ("map_zip_with", [left, right, _]) => {
                let body = lambda(2)
                    .ok_or_else(|| SqlError::unsupported("map_zip_with without a lambda", "Give a lambda"))?;
                self.edits.replace(
                    expr.span,
                    pieces![
                        "map_from_entries(transform(array_distinct(concat(map_keys(",
                        *left,
                        "), map_keys(",
                        *right,
                        format!("))), `__e{depth}` -> struct(`__e{depth}`, "),
                        body,
                        ")))"
                    ],
                );
            }
            ("typeof", [_]) => {
                if let Some(data_type) = types.first()
                    && *data_type == DataType::Variant
                {
                    self.edits.replace(expr.span, pieces!["'variant'"]);
                } else if let Some(DataType::DayTime(fields) | DataType::YearMonth(fields)) = types.first() {
                    let text = format!("'interval {}'", fields.to_lowercase());
                    self.edits.replace(expr.span, pieces![text]);
                }
            }
            ("window", _) => self.window(expr, call, types)?,
            ("extract" | "date_part" | "datepart", [unit, _])
                if matches!(types.get(1), Some(DataType::DayTime(_) | DataType::Interval)) =>
            {
                // The engine gives the whole interval in hours or minutes, the platform the field.
                let unit = unit.of(self.sql).trim_matches('\'').to_uppercase();
                let modulus = match unit.trim_end_matches('S') {
                    "MINUTE" | "MIN" | "M" => 60,
                    "HOUR" | "HR" | "H" => 24,
                    _ => return Ok(()),
                };
                self.edits.replace(expr.span, pieces!["(", expr.span, format!(" % {modulus})")]);
            }
            ("vector_cosine_similarity" | "vector_inner_product" | "vector_l2_distance", [left, right]) => {
                self.vectors(expr, name, *left, *right);
            }
            ("to_number" | "try_to_number", [_, _]) => {
                // The engine's decimal is wider than any of ours.
                if let Some(format) = constant_string(&call.arguments[1].value) {
                    let upper = format.to_uppercase();
                    let digits = |text: &str| text.chars().filter(|c| matches!(c, '0' | '9')).count();
                    let (whole, fraction) = upper.split_once(['.', 'D']).unwrap_or((&upper, ""));
                    let (whole, fraction) = (digits(whole), digits(fraction));
                    let precision = (whole + fraction).clamp(1, 38);
                    let text = format!(" AS DECIMAL({precision},{}))", fraction.min(38));
                    self.edits.replace(expr.span, pieces!["CAST(", expr.span, text]);
                }
            }
            ("nvl" | "ifnull", [_, _]) => rename(self, "coalesce"),
            ("regr_count", _) => self.edits.replace(expr.span, pieces!["CAST(", expr.span, " AS BIGINT)"]),
            ("timestamp_seconds", [value])
                if matches!(
                    types.first(),
                    Some(DataType::Decimal(..) | DataType::Double | DataType::Float)
                ) =>
            {
                self.edits.replace(
                    expr.span,
                    pieces!["timestamp_micros(CAST((", *value, ") * 1000000 AS BIGINT))"],
                );
            }
            ("rank" | "dense_rank" | "percent_rank", [first, .., last]) => {
                self.edits.replace(first.to(*last), pieces![""]);
            }
            ("rank" | "dense_rank" | "percent_rank", [only]) => self.edits.replace(*only, pieces![""]),
            ("avg" | "mean" | "try_avg", [_]) => self.average(expr, call, types),
            ("percentile_approx" | "approx_percentile", _) => self.percentile(expr, call, types)?,
            ("bround", _) => self.bround(expr, &spans, types)?,
            ("concat" | "concat_ws" | "format_string" | "to_json", _) if name == "concat" => {
                let operands: Vec<Expr> =
                    call.arguments.iter().map(|argument| argument.value.clone()).collect();
                self.concatenation(&operands, types);
            }
            ("current_version", []) => {
                self.edits.replace(expr.span, pieces![
                    "named_struct('dbr_version', CAST(NULL AS STRING), 'dbsql_version', 'local', 'u_build_hash', '', 'r_build_hash', '')"
                ]);
            }
            ("array_agg", [_]) if !call.order_by.is_empty() => {
                return Err(SqlError::syntax(self.sql, call.order_by[0].span));
            }
            (
                "secret"
                | "try_secret"
                | "ai_query"
                | "ai_classify"
                | "ai_gen"
                | "ai_extract"
                | "ai_fix_grammar"
                | "ai_mask"
                | "ai_similarity"
                | "ai_summarize"
                | "ai_translate"
                | "ai_analyze_sentiment"
                | "ai_parse_document"
                | "list_secrets"
                | "current_recipient",
                _,
            ) => {
                let literals: Option<Vec<String>> =
                    call.arguments.iter().map(|argument| literal_text(&argument.value)).collect();
                let Some(literals) = literals else {
                    return Err(SqlError::unsupported(
                        format!("the function {name} of anything but literals"),
                        "Give its arguments as literals, or call the API from the app",
                    )
                    .at(call.name.span));
                };
                if let Some(text) = self.schemas.constant_call(name, &literals)? {
                    self.edits.replace(expr.span, pieces![format!("({text})")]);
                    return Ok(());
                }
                if !MODEL_CALLS.contains(&name) {
                    let hint = "Call the API from the app";
                    return Err(
                        SqlError::unsupported(format!("the function {name}"), hint).at(call.name.span)
                    );
                }
                let wanted = crate::plan::ModelCall { name: name.to_owned(), arguments: literals };
                self.unknown_calls.push(wanted);
                self.edits.replace(expr.span, pieces!["CAST(NULL AS STRING)"]);
                return Ok(());
            }
            _ => {}
        }
        Ok(())
    }

    /// Calls that the engine answers otherwise than the platform does, found by running Spark's own examples on it.
    pub(super) fn differs(&self, name: &str, call: &Call, types: &[DataType]) -> bool {
        let literal =
            |at: usize| call.arguments.get(at).and_then(|argument| constant_string(&argument.value));
        let binary = types.first() == Some(&DataType::Binary);
        match name {
            // Negative bases mean signed numbers.
            "conv" => call
                .arguments
                .iter()
                .skip(1)
                .any(|argument| !matches!(argument.value.kind, ExprKind::Number(_))),

            // The engine writes the zone's whole name for its abbreviation.
            "date_format" => literal(1)
                .is_some_and(|format| format.split('\'').step_by(2).any(|pattern| pattern.contains('z'))),
            "get_json_object" => literal(1).is_none_or(|path| path.contains('*')),
            "left" | "right" | "substr" | "substring" | "overlay" | "lpad" | "rpad" | "btrim" | "trim" => {
                binary
            }
            "mode" => types.len() > 1,
            // The engine parts numbers at their points, and writes moments in variants in its own form.
            "sentences" => literal(0).is_none_or(|text| text.contains(|c: char| c.is_ascii_digit())),
            "to_variant_object" => types.iter().any(|data_type| {
                has(data_type, &|part| matches!(part, DataType::Timestamp | DataType::TimestampNtz))
            }),
            "try_parse_url" | "schema_of_variant_agg" => true,
            "aes_encrypt" | "aes_decrypt" | "try_aes_decrypt" => {
                types.len() > 2 && literal(2).is_none_or(|mode| mode.eq_ignore_ascii_case("ECB"))
            }
            _ => false,
        }
    }
}
