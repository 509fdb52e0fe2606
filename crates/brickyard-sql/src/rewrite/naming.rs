//! Names that Spark gives to columns without an alias, so that a rewritten expression keeps the name of the original.

use crate::command::{constant_string, identifier_name};
use crate::query::{Call, Expr, ExprKind, PathStep};

/// The column name of an expression, as Spark prints it.
pub(crate) fn column_name(expr: &Expr, sql: &str) -> String {
    match &expr.kind {
        ExprKind::Number(text) => number(text),
        ExprKind::String(value) => value.clone(),
        ExprKind::Boolean(value) => value.to_string(),
        ExprKind::Null => "NULL".to_owned(),
        ExprKind::Typed(word, value) if word == "X" => format!("X'{value}'"),
        ExprKind::Typed(word, value) => format!("{word} '{value}'"),
        ExprKind::Interval(_) => expr.span.of(sql).to_owned(),
        ExprKind::Name(name) => name.parts.last().map(|part| part.value.clone()).unwrap_or_default(),
        ExprKind::Star { .. } | ExprKind::FieldStar(_) => "*".to_owned(),
        ExprKind::Call(call) => self::call(call, sql),
        ExprKind::Unary(operator, operand) if operator == "NOT" || operator == "!" => {
            format!("(NOT {})", column_name(operand, sql))
        }
        ExprKind::Unary(operator, operand) => match (&operand.kind, operator.as_str()) {
            (ExprKind::Number(text), "-") => format!("-{}", number(text)),
            _ => format!("({operator} {})", column_name(operand, sql)),
        },
        ExprKind::Binary(left, operator, right) => {
            let (left, right) = (column_name(left, sql), column_name(right, sql));
            match operator.as_str() {
                "DIV" => format!("({left} div {right})"),
                "==" => format!("({left} = {right})"),
                "<>" | "!=" => format!("(NOT ({left} = {right}))"),
                "IS NOT DISTINCT FROM" => format!("({left} <=> {right})"),
                "IS DISTINCT FROM" => format!("(NOT ({left} <=> {right}))"),
                _ => format!("({left} {operator} {right})"),
            }
        }
        ExprKind::Chain(operator, operands) => {
            let names: Vec<String> = operands.iter().map(|operand| column_name(operand, sql)).collect();
            if operator == "||" {
                let first = names[0].clone();
                return names[1..].iter().fold(first, |left, right| format!("concat({left}, {right})"));
            }
            let first = names[0].clone();
            names[1..].iter().fold(first, |left, right| format!("({left} {operator} {right})"))
        }
        ExprKind::Between { not, value, low, high } => {
            let value = column_name(value, sql);
            let inner = format!("between({value}, {}, {})", column_name(low, sql), column_name(high, sql));
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::InList { not, value, list } => {
            let list: Vec<String> = list.iter().map(|item| column_name(item, sql)).collect();
            let inner = format!("({} IN ({}))", column_name(value, sql), list.join(", "));
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::Is { not, what, value } => {
            format!("({} IS {}{what})", column_name(value, sql), if *not { "NOT " } else { "" })
        }
        ExprKind::Like { not, operator, quantifier, value, patterns, .. } => {
            let value = column_name(value, sql);
            let patterns: Vec<String> = patterns.iter().map(|pattern| column_name(pattern, sql)).collect();
            let inner = match (quantifier.as_deref(), operator.as_str()) {
                (Some("ALL"), _) => format!("likeall({value})"),
                (Some(_), _) => format!("likeany({value})"),
                (None, "LIKE") => format!("{value} LIKE {}", patterns.join(", ")),
                (None, "ILIKE") => format!("ilike({value}, {})", patterns.join(", ")),
                (None, _) => format!("RLIKE({value}, {})", patterns.join(", ")),
            };
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::Case { operand, whens, otherwise } => {
            let mut text = String::from("CASE");
            for when in whens {
                let condition = column_name(&when.condition, sql);
                let condition = match operand {
                    Some(operand) => format!("({} = {condition})", column_name(operand, sql)),
                    None => condition,
                };
                text.push_str(&format!(" WHEN {condition} THEN {}", column_name(&when.result, sql)));
            }
            if let Some(otherwise) = otherwise {
                text.push_str(&format!(" ELSE {}", column_name(otherwise, sql)));
            }
            text.push_str(" END");
            text
        }
        ExprKind::Cast { value, data_type, attempt, .. } => {
            // Spark leaves casts out of the name of a plain column.
            if matches!(value.kind, ExprKind::Name(_)) {
                return column_name(value, sql);
            }
            format!(
                "{}({} AS {data_type})",
                if *attempt { "TRY_CAST" } else { "CAST" },
                column_name(value, sql)
            )
        }
        ExprKind::Subscript(base, index) => {
            format!("{}[{}]", column_name(base, sql), column_name(index, sql))
        }
        ExprKind::Field(base, field) => format!("{}.{}", column_name(base, sql), field.value),
        ExprKind::Path(_, steps) => match steps.iter().rev().find_map(|step| match step {
            PathStep::Key(key, _) => Some(key.clone()),
            _ => None,
        }) {
            Some(key) => key,
            None => expr.span.of(sql).to_owned(),
        },
        ExprKind::Tuple(items) if items.len() == 1 => column_name(&items[0], sql),
        ExprKind::Subquery(_) => "scalarsubquery()".to_owned(),
        ExprKind::Exists(_) => "exists()".to_owned(),
        _ => expr.span.of(sql).to_owned(),
    }
}

fn number(text: &str) -> String {
    let upper = text.to_uppercase();
    let plain = upper.trim_end_matches("BD").trim_end_matches(['L', 'S', 'Y']).to_owned();
    if upper.ends_with(['D', 'F']) && !upper.ends_with("BD") || plain.contains('E') && !upper.ends_with("BD")
    {
        let digits = upper.trim_end_matches(['D', 'F']);
        return digits.parse::<f64>().map_or(plain.clone(), java_double);
    }
    plain
}

/// A double as Java prints it: `1.0E20`, `0.001`, `1.0E-4`.
pub(crate) fn java_double(value: f64) -> String {
    if value == 0.0 || !value.is_finite() || (value.abs() >= 1e-3 && value.abs() < 1e7) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let dot = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{dot}E{exponent}")
}

fn call(call: &Call, sql: &str) -> String {
    let name = call.name.values().join(".").to_lowercase();
    if name == "identifier"
        && let [argument] = call.arguments.as_slice()
        && let Some(named) = constant_string(&argument.value)
        && let Ok(named) = identifier_name(&named, argument.value.span)
    {
        return named.parts.last().map(|part| part.value.clone()).unwrap_or_default();
    }
    let arguments: Vec<String> = call
        .arguments
        .iter()
        .map(|argument| match &argument.value.kind {
            ExprKind::Star { qualifier, .. } if qualifier.is_empty() => "1".to_owned(),
            ExprKind::Lambda(..) => argument.value.span.of(sql).to_owned(),
            _ => column_name(&argument.value, sql),
        })
        .collect();
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let shown = match name.as_str() {
        "ceil" | "floor" | "coalesce" if name != "coalesce" => name.to_uppercase(),
        "dateadd" => "date_add".to_owned(),
        "if" | "iff" => {
            if let [condition, yes, no] = arguments.as_slice() {
                return format!("(IF({condition}, {yes}, {no}))");
            }
            name
        }
        _ => name,
    };
    let mut text = format!("{shown}({distinct}{})", arguments.join(", "));
    if let Some(filter) = &call.filter {
        text.push_str(&format!(" FILTER (WHERE {})", column_name(filter, sql)));
    }
    if let Some(over) = &call.over {
        text.push_str(&format!(" OVER {}", over.span.of(sql)));
    }
    text
}
