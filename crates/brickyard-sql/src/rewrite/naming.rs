//! Names that Spark gives to columns without an alias, so that a rewritten expression keeps the name of the original.

use crate::data_type::DataType;
use crate::query::{Expr, ExprKind, PathStep};
use crate::rewrite::naming_calls::call_name;
use crate::rewrite::naming_literals::{interval, typed};

/// The text of the statement, and the variables of the lambdas around.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub sql: &'a str,
    variables: &'a [String],
    /// The whole name of a function of the catalog.
    pub routine: &'a dyn Fn(&[String]) -> String,
}

/// The column name of an expression, as Spark prints it.
pub(crate) fn column_name(expr: &Expr, sql: &str) -> String {
    name_with(expr, sql, &|name| name.join(".").to_lowercase())
}

/// The same where functions of the catalog have whole names.
pub(super) fn name_with(expr: &Expr, sql: &str, routine: &dyn Fn(&[String]) -> String) -> String {
    match &expr.kind {
        // Spark leaves casts out of the name of a plain column.
        ExprKind::Cast { value, .. } if matches!(value.kind, ExprKind::Name(_)) => {
            name_with(value, sql, routine)
        }
        ExprKind::Tuple(items) if items.len() == 1 => name_with(&items[0], sql, routine),
        _ => shown(expr, Of { sql, variables: &[], routine }),
    }
}

/// An expression within a name.
pub(super) fn shown(expr: &Expr, of: Of<'_>) -> String {
    match &expr.kind {
        ExprKind::Number(text) => number(text),
        ExprKind::String(value) => value.clone(),
        ExprKind::Boolean(value) => value.to_string(),
        ExprKind::Null => "NULL".to_owned(),
        ExprKind::Typed(word, value) => typed(word, value),
        ExprKind::Interval(parts) => interval(parts).unwrap_or_else(|| expr.span.of(of.sql).to_owned()),
        ExprKind::Name(name)
            if name.parts.first().is_some_and(|part| of.variables.contains(&part.value.to_lowercase())) =>
        {
            let rest: Vec<String> = name.parts[1..].iter().map(|part| format!(".{}", part.value)).collect();
            format!("namedlambdavariable(){}", rest.concat())
        }
        ExprKind::Name(name) => match name.single().as_deref() {
            Some(
                word @ ("CURRENT_DATE" | "CURRENT_TIMESTAMP" | "CURRENT_TIME" | "CURRENT_USER"
                | "LOCALTIMESTAMP"),
            ) => {
                format!("{}()", word.to_lowercase())
            }
            _ => name.parts.last().map(|part| part.value.clone()).unwrap_or_default(),
        },
        ExprKind::Star { .. } | ExprKind::FieldStar(_) => "*".to_owned(),
        ExprKind::Call(call) => call_name(call, of),
        ExprKind::Unary(operator, operand) if operator == "NOT" || operator == "!" => {
            format!("(NOT {})", shown(operand, of))
        }
        ExprKind::Unary(operator, operand) => match (&operand.kind, operator.as_str()) {
            (ExprKind::Number(text), "-") => format!("-{}", number(text)),
            (_, "~") => format!("~{}", shown(operand, of)),
            _ => format!("({operator} {})", shown(operand, of)),
        },
        // An interval is multiplied by a number, whichever stands first.
        ExprKind::Binary(left, operator, right)
            if operator == "*"
                && matches!(right.kind, ExprKind::Interval(_))
                && !matches!(left.kind, ExprKind::Interval(_)) =>
        {
            format!("({} * {})", shown(right, of), shown(left, of))
        }
        ExprKind::Binary(left, operator, right) => {
            let (left, right) = (shown(left, of), shown(right, of));
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
            let names: Vec<String> = operands.iter().map(|operand| shown(operand, of)).collect();
            if operator == "||" {
                let first = names[0].clone();
                return names[1..].iter().fold(first, |left, right| format!("concat({left}, {right})"));
            }
            let first = names[0].clone();
            names[1..].iter().fold(first, |left, right| format!("({left} {operator} {right})"))
        }
        ExprKind::Between { not, value, low, high } => {
            let value = shown(value, of);
            let inner = format!("between({value}, {}, {})", shown(low, of), shown(high, of));
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::InList { not, value, list } => {
            let list: Vec<String> = list.iter().map(|item| shown(item, of)).collect();
            let inner = format!("({} IN ({}))", shown(value, of), list.join(", "));
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::Is { not, what, value } => {
            let value = shown(value, of);
            match what.as_str() {
                "NULL" => format!("({value} IS {}NULL)", if *not { "NOT " } else { "" }),
                "UNKNOWN" => format!("({value} IS {}NULL)", if *not { "NOT " } else { "" }),
                what => {
                    let inner = format!("({value} <=> {})", what.to_lowercase());
                    if *not { format!("(NOT {inner})") } else { inner }
                }
            }
        }
        ExprKind::InQuery { not, value, .. } => {
            let inner = format!("({} IN (listquery()))", shown(value, of));
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::Like { not, operator, quantifier, value, patterns, escape } => {
            let value = shown(value, of);
            let patterns: Vec<String> = patterns.iter().map(|pattern| shown(pattern, of)).collect();
            let inner = match (quantifier.as_deref(), operator.as_str()) {
                (Some("ALL"), _) => format!("likeall({value})"),
                (Some(_), _) => format!("likeany({value})"),
                (None, "LIKE") => match escape.as_deref().map(|escape| shown(escape, of)) {
                    Some(escape) if escape != "\\" => {
                        format!("{value} LIKE {} ESCAPE '{escape}'", patterns.join(", "))
                    }
                    _ => format!("{value} LIKE {}", patterns.join(", ")),
                },
                (None, "ILIKE") => format!("ilike({value}, {})", patterns.join(", ")),
                (None, _) => format!("RLIKE({value}, {})", patterns.join(", ")),
            };
            if *not { format!("(NOT {inner})") } else { inner }
        }
        ExprKind::Case { operand, whens, otherwise } => {
            let mut text = String::from("CASE");
            for when in whens {
                let condition = shown(&when.condition, of);
                let condition = match operand {
                    Some(operand) => format!("({} = {condition})", shown(operand, of)),
                    None => condition,
                };
                text.push_str(&format!(" WHEN {condition} THEN {}", shown(&when.result, of)));
            }
            if let Some(otherwise) = otherwise {
                text.push_str(&format!(" ELSE {}", shown(otherwise, of)));
            }
            text.push_str(" END");
            text
        }
        ExprKind::Cast { value, data_type, attempt, .. } => {
            let nested = matches!(data_type, DataType::Array(_) | DataType::Map(..) | DataType::Struct(_));
            if nested && matches!(value.kind, ExprKind::Null) {
                return "NULL".to_owned();
            }
            format!("{}({} AS {data_type})", if *attempt { "TRY_CAST" } else { "CAST" }, shown(value, of))
        }
        ExprKind::Subscript(base, index) => {
            format!("{}[{}]", shown(base, of), shown(index, of))
        }
        ExprKind::Field(base, field) => format!("{}.{}", shown(base, of), field.value),
        ExprKind::Path(_, steps) => match steps.iter().rev().find_map(|step| match step {
            PathStep::Key(key, _) => Some(key.clone()),
            _ => None,
        }) {
            Some(key) => key,
            None => expr.span.of(of.sql).to_owned(),
        },
        ExprKind::Tuple(items) if items.len() == 1 => shown(&items[0], of),
        ExprKind::Tuple(items) => {
            let all = items.iter().enumerate().map(|(at, item)| {
                let own = match &item.kind {
                    ExprKind::Name(name) => name.parts.last().map(|part| part.value.clone()),
                    _ => None,
                };
                let name = own.unwrap_or_else(|| format!("col{}", at + 1));
                format!("{name}, {}", shown(item, of))
            });
            format!("named_struct({})", all.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Lambda(parameters, body) => {
            let mut variables = of.variables.to_vec();
            variables.extend(parameters.iter().map(|name| name.value.to_lowercase()));
            let body = shown(body, Of { variables: &variables, ..of });
            format!("lambdafunction({body}{})", ", namedlambdavariable()".repeat(parameters.len()))
        }
        ExprKind::Subquery(_) => "scalarsubquery()".to_owned(),
        ExprKind::Exists(_) => "exists()".to_owned(),
        _ => expr.span.of(of.sql).to_owned(),
    }
}

fn number(text: &str) -> String {
    let upper = text.to_uppercase();
    let upper = if upper.starts_with('.') { format!("0{upper}") } else { upper };
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
