//! Function calls: their types, those the engine lacks or runs differently, and functions of the catalog.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr, ExprKind};
use crate::rewrite::arity::enough;
use crate::rewrite::casts::possible;
use crate::rewrite::coercions::{cast_function, collects};
use crate::rewrite::collations::{named, refused};
use crate::rewrite::edits::pieces;
use crate::rewrite::grouping::has_aggregate;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;
use crate::token::{Span, quote_name, string_literal};

/// Functions whose first argument is a unit of time and no column.
const UNIT_FIRST: [&str; 9] = [
    "dateadd",
    "datediff",
    "date_add",
    "date_diff",
    "timestampadd",
    "timestampdiff",
    "extract",
    "date_part",
    "timediff",
];

/// Functions that make moments of numbers.
const FROM_NUMBERS: [&str; 3] = ["timestamp_seconds", "timestamp_millis", "timestamp_micros"];

/// Functions that the engine does not have and that are not made here, with advice.
const ABSENT: [(&str, &str); 14] = [
    ("approx_top_k", "Use GROUP BY with ORDER BY count(*) DESC"),
    ("reflect", "Use SQL functions"),
    ("java_method", "Use SQL functions"),
    ("try_reflect", "Use SQL functions"),
    ("session_window", "Use window functions with lag()"),
    ("input_file_name", "Select the file's path as a column when writing"),
    ("input_file_block_start", "Leave it out"),
    ("input_file_block_length", "Leave it out"),
    ("ai_forecast", "Call a serving endpoint with ai_query"),
    ("vector_search", "Use the vector search API"),
    ("remote_query", "Connect to the database from the app"),
    ("cloud_files", "Use read_files"),
    ("event_log", "Leave it out"),
    ("schema_of_xml", "Give the schema as a literal"),
];

/// Functions that a serving endpoint answers.
pub(super) const MODEL_CALLS: [&str; 9] = [
    "ai_query",
    "ai_gen",
    "ai_classify",
    "ai_summarize",
    "ai_translate",
    "ai_fix_grammar",
    "ai_analyze_sentiment",
    "ai_mask",
    "ai_extract",
];

impl Planner<'_> {
    /// Resolves the arguments of a call; gives their types.
    pub(super) fn arguments(&mut self, call: &Call, scope: &Scope) -> Result<Vec<DataType>, SqlError> {
        let name = call.name.single().unwrap_or_default().to_lowercase();
        let mut types: Vec<DataType> = Vec::new();
        for (index, argument) in call.arguments.iter().enumerate() {
            let unit = index == 0
                && UNIT_FIRST.contains(&name.as_str())
                && matches!(&argument.value.kind, ExprKind::Name(name) if name.parts.len() == 1)
                && (call.arguments.len() > 2 || !call.marks.is_empty() || name == "extract");
            if unit {
                types.push(DataType::String);
                continue;
            }
            if let ExprKind::Lambda(parameters, body) = &argument.value.kind {
                let mut inner = self.lambda_scope(&name, parameters, &types, index, scope);
                if name == "map_zip_with" && parameters.len() == 3 && index == 2 {
                    // The values are looked up by the key that both maps' keys are walked by.
                    let key = format!("`__e{}`", scope.lambda.len());
                    let first = inner.lambda.len() - 3;
                    inner.lambda[first].2 = Some(key.clone());
                    for at in 0..2 {
                        let map = self.render(call.arguments[at].value.span)?;
                        inner.lambda[first + 1 + at].2 = Some(format!("try_element_at({map}, {key})"));
                    }
                }
                types.push(self.expr(body, &inner)?);
                continue;
            }
            types.push(self.expr(&argument.value, scope)?);
        }
        for item in call.order_by.iter().chain(&call.within_group) {
            self.expr(&item.expr, scope)?;
        }
        if let Some(filter) = &call.filter {
            self.expr(filter, scope)?;
        }
        if let Some(over) = &call.over {
            // Apache Spark has none either.
            if call.filter.is_some() {
                return Err(SqlError::unsupported(
                    "FILTER of a window function",
                    "Use CASE WHEN condition THEN value END as its argument",
                )
                .at(call.name.span));
            }
            self.over(over, scope)?;
        }
        Ok(types)
    }

    /// The scope within a lambda: what its parameters are depends on the function and the arguments before.
    pub(super) fn lambda_scope(
        &self,
        name: &str,
        parameters: &[crate::parser::Ident],
        before: &[DataType],
        index: usize,
        scope: &Scope,
    ) -> Scope {
        let element = |data_type: Option<&DataType>| match data_type {
            Some(DataType::Array(element)) => (**element).clone(),
            _ => DataType::Unknown,
        };
        let first = before.first();
        let types: Vec<DataType> = match (name, first) {
            ("zip_with", _) => vec![element(first), element(before.get(1))],
            ("map_zip_with", Some(DataType::Map(key, value))) => {
                let other = match before.get(1) {
                    Some(DataType::Map(_, other)) => (**other).clone(),
                    _ => DataType::Unknown,
                };
                vec![(**key).clone(), (**value).clone(), other]
            }
            ("aggregate" | "reduce", _) if index == 2 => {
                vec![before.get(1).cloned().unwrap_or_default(), element(first)]
            }
            ("aggregate" | "reduce", _) => vec![before.get(2).cloned().unwrap_or_default()],
            ("array_sort", _) => vec![element(first), element(first)],
            (_, Some(DataType::Map(key, value))) => vec![(**key).clone(), (**value).clone()],
            _ => vec![element(first), DataType::Int],
        };
        let mut inner = scope.clone();
        for (at, parameter) in parameters.iter().enumerate() {
            let text = match name {
                "zip_with" => Some(format!("`__e{}`.`{at}`", scope.lambda.len())),
                "transform_values" | "transform_keys" => {
                    Some(format!("`__e{}`.{}", scope.lambda.len(), if at == 0 { "key" } else { "value" }))
                }
                _ => None,
            };
            inner.lambda.push((parameter.value.clone(), types.get(at).cloned().unwrap_or_default(), text));
        }
        inner
    }

    /// A call; gives its type.
    pub(super) fn call(&mut self, expr: &Expr, call: &Call, scope: &Scope) -> Result<DataType, SqlError> {
        let name = match call.name.single() {
            Some(name) => name.to_lowercase(),
            None => return self.routine_call(expr, call, scope),
        };
        if name == "identifier" {
            return self.identifier_call(expr, call, scope);
        }
        if !crate::function::is_builtin(&name) {
            return self.routine_call(expr, call, scope);
        }
        enough(&name, call)?;
        if name == "http_request" {
            return self.http_request(expr, call, scope);
        }
        if let ("collation", [argument]) = (name.as_str(), call.arguments.as_slice()) {
            let (base, collation) =
                named(&argument.value).unwrap_or((&argument.value, "UTF8_BINARY".to_owned()));
            if !["UTF8_BINARY", "UTF8_LCASE"].contains(&collation.as_str()) {
                return Err(refused(&collation).at(call.name.span));
            }
            self.expr(base, scope)?;
            self.edits.replace(expr.span, pieces![string_literal(&format!("SYSTEM.BUILTIN.{collation}"))]);
            return Ok(DataType::String);
        }
        if let Some((_, hint)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
            return Err(SqlError::unsupported(format!("the function {name}"), *hint).at(call.name.span));
        }
        if ["h3_", "st_", "kll_", "theta_"].iter().any(|prefix| name.starts_with(prefix))
            || name.starts_with("approx_top_k")
        {
            return Err(SqlError::unsupported(format!("the function {name}"), "Compute it in the app")
                .at(call.name.span));
        }
        if let Some(data_type) = self.session_function(expr, &name, call)? {
            return Ok(data_type);
        }
        if crate::function::rule(&name) == Some("gen") {
            self.arguments(call, scope)?;
            self.explode_map(call, scope)?;
            return Ok(DataType::Unknown);
        }
        let types = self.arguments(call, scope)?;
        if name == "grouping_id" && call.arguments.is_empty() && !self.grouping_columns.is_empty() {
            self.whole_grouping_id(expr.span);
            return Ok(DataType::BigInt);
        }
        self.arguments_checked(&name, call, &types)?;
        if let (Some(target), [from]) = (cast_function(&name), types.as_slice()) {
            let value = call.arguments[0].value.span;
            if !(self.context.lenient && target == DataType::Binary) {
                possible(from, &target, value.of(self.sql))?;
            }
            let lenient = self.lenient(from, &target);
            let text = self.converted(value, from, &target, lenient);
            let function = if lenient { "TRY_CAST(" } else { "CAST(" };
            let plain = || pieces![function, value, format!(" AS {target})")];
            self.edits.replace(expr.span, text.unwrap_or_else(plain));
            return Ok(target);
        }
        let types = self.coerced(&name, call, &types)?;
        if self.without_rows(expr, &name, call, &types)? {
            return Ok(self.call_type(&name, call, &types));
        }
        self.renamed(expr, &name, call, &types, scope.lambda.len())?;
        if crate::function::is_aggregate(&name)
            && call.over.is_none()
            && call.arguments.iter().any(|argument| has_aggregate(&argument.value))
        {
            let text = "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the inner aggregate function in a sub-query.";
            return Err(SqlError::new("NESTED_AGGREGATE_FUNCTION", "42607", text).at(call.name.span));
        }
        if name == "typeof" && call.arguments.iter().any(|argument| has_aggregate(&argument.value)) {
            // The engine puts the type in the place of the aggregate, and then has a row for each.
            let kept = pieces!["coalesce(CASE WHEN count(*) < 0 THEN '' END, ", expr.span, ")"];
            self.edits.replace(expr.span, kept);
        }
        if let ("round" | "bround", Some(target)) = (name.as_str(), rounded(call, &types)) {
            self.edits.replace(expr.span, pieces!["CAST(", expr.span, format!(" AS {target})")]);
            return Ok(target);
        }
        if matches!((name.as_str(), types.len()), ("datediff" | "date_diff", 2) | ("regexp_count", _)) {
            // The engine's counts are of 64 bits.
            self.edits.replace(expr.span, pieces!["CAST(", expr.span, " AS INT)"]);
        }
        if collects(&name, call) {
            // The engine's windows keep what is NULL.
            self.edits.replace(expr.span, pieces!["filter(", expr.span, ", `__n` -> `__n` IS NOT NULL)"]);
        } else if self.context.local_time && FROM_NUMBERS.contains(&name.as_str()) {
            // The engine's moments of numbers are shown in UTC.
            self.edits.replace(expr.span, pieces!["CAST(", expr.span, " AS TIMESTAMP)"]);
        }
        Ok(self.call_type(&name, call, &types))
    }

    /// `current_user()` and other questions about the session, as literals.
    pub(super) fn session_function(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
    ) -> Result<Option<DataType>, SqlError> {
        let context = self.context;
        let text = match name {
            "current_user" | "user" | "session_user" => string_literal(&context.user),
            "current_catalog" => string_literal(&context.catalog),
            "current_schema" | "current_database" => string_literal(&context.schema),
            "current_timezone" => match &context.zone {
                Some(zone) => string_literal(zone),
                None => return Ok(None),
            },
            "is_account_group_member" | "is_member" => {
                let [argument] = call.arguments.as_slice() else { return Ok(None) };
                let Some(group) = constant_string(&argument.value) else {
                    return Err(SqlError::unsupported(
                        format!("{name} of anything but a literal"),
                        "Give the group as a string",
                    ));
                };
                let text = if self.schemas.is_member(&group) { "true" } else { "false" };
                self.edits.replace(expr.span, pieces![text]);
                return Ok(Some(DataType::Boolean));
            }
            "current_metastore" => string_literal("local:brickyard"),
            "version" => return Ok(None),
            _ => return Ok(None),
        };
        self.edits.replace(expr.span, pieces![text]);
        Ok(Some(DataType::String))
    }

    /// `current_date` and the like without parentheses.
    pub(super) fn without_parentheses(
        &mut self,
        name: &str,
        span: Span,
    ) -> Result<Option<DataType>, SqlError> {
        let lower = name.to_lowercase();
        let context = self.context;
        Ok(match lower.as_str() {
            "current_user" | "user" | "session_user" => {
                self.edits.replace(span, pieces![string_literal(&context.user)]);
                Some(DataType::String)
            }
            "current_catalog" => {
                self.edits.replace(span, pieces![string_literal(&context.catalog)]);
                Some(DataType::String)
            }
            "current_schema" | "current_database" => {
                self.edits.replace(span, pieces![string_literal(&context.schema)]);
                Some(DataType::String)
            }
            "current_date" => Some(DataType::Date),
            "current_timestamp" => Some(DataType::Timestamp),
            "current_time" => Some(DataType::Time(6)),
            "localtimestamp" => Some(DataType::TimestampNtz),
            _ => None,
        })
    }

    /// `IDENTIFIER('name')` as a column.
    pub(super) fn identifier_call(
        &mut self,
        expr: &Expr,
        call: &Call,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        let text = call.arguments.first().and_then(|argument| constant_string(&argument.value)).ok_or_else(
            || {
                SqlError::new(
                    "NOT_A_CONSTANT_STRING.NOT_CONSTANT",
                    "42601",
                    "IDENTIFIER needs a constant string.",
                )
            },
        )?;
        let name = crate::command::identifier_name(&text, expr.span)?;
        let shown = name.values().iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
        let inner = Expr { span: expr.span, kind: ExprKind::Name(name) };
        self.edits.replace(expr.span, pieces![shown]);
        self.type_only(&inner, scope)
    }
}

/// A literal as text: a string, a number, or an array of strings, one a line.
pub(super) fn literal_text(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Number(text) => Some(text.clone()),
        ExprKind::Call(call) if call.name.single().as_deref() == Some("ARRAY") => {
            let parts: Option<Vec<String>> =
                call.arguments.iter().map(|argument| constant_string(&argument.value)).collect();
            parts.map(|parts| parts.join("\n"))
        }
        _ => constant_string(expr),
    }
}

/// The type of a decimal rounded to a literal number of digits: one whole digit more, as `round(9.9)` is 10.
fn rounded(call: &Call, types: &[DataType]) -> Option<DataType> {
    let DataType::Decimal(precision, scale) = types.first()? else { return None };
    let digits = match call.arguments.get(1).map(|argument| &argument.value.kind) {
        None => 0,
        Some(ExprKind::Number(text)) => text.parse::<u8>().ok()?,
        Some(_) => return None,
    };
    let kept = digits.min(*scale);
    let precision =
        (u16::from(*precision) - u16::from(*scale).min(u16::from(*precision)) + 1 + u16::from(kept)).min(38);
    Some(DataType::Decimal(u8::try_from(precision).unwrap_or(38), kept))
}
