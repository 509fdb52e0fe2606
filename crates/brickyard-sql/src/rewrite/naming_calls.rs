//! Names of columns that are calls, as Spark prints them: with the arguments that a call leaves out, and the window it is over.

use crate::command::{constant_string, identifier_name};
use crate::query::{Call, Expr, ExprKind, Over};
use crate::rewrite::coercions::cast_function;
use crate::rewrite::naming::{Of, shown};
use crate::token::Span;

/// What follows a call's arguments when there are so many.
const LEFT_OUT: [(&str, usize, &str); 38] = [
    ("regexp_instr", 2, "0"),
    ("hll_union", 2, "false"),
    ("split", 2, "-1"),
    ("substring", 2, "2147483647"),
    ("substr", 2, "2147483647"),
    ("sort_array", 1, "true"),
    ("rpad", 2, " "),
    ("lpad", 2, " "),
    ("locate", 2, "1"),
    ("charindex", 2, "1"),
    ("position", 2, "1"),
    ("overlay", 3, "-1"),
    ("sentences", 1, ", "),
    ("sentences", 2, ""),
    ("percentile_approx", 2, "10000"),
    ("approx_percentile", 2, "10000"),
    ("percentile", 2, "1"),
    ("hll_sketch_agg", 1, "12"),
    ("listagg", 1, "NULL"),
    ("string_agg", 1, "NULL"),
    ("make_interval", 1, "0, 0, 0, 0, 0, 0.000000"),
    ("make_interval", 2, "0, 0, 0, 0, 0.000000"),
    ("make_interval", 3, "0, 0, 0, 0.000000"),
    ("make_interval", 4, "0, 0, 0.000000"),
    ("make_interval", 5, "0, 0.000000"),
    ("make_interval", 6, "0.000000"),
    ("make_dt_interval", 1, "0, 0, 0.000000"),
    ("make_dt_interval", 2, "0, 0.000000"),
    ("make_dt_interval", 3, "0.000000"),
    ("make_ym_interval", 1, "0"),
    ("regexp_replace", 3, "1"),
    ("regexp_extract", 2, "1"),
    ("regexp_extract_all", 2, "1"),
    ("round", 1, "0"),
    ("bround", 1, "0"),
    ("months_between", 2, "true"),
    ("lag", 1, "1, NULL"),
    ("lead", 1, "1, NULL"),
];

/// `array_sort(x)` without a lambda of its own.
const COMPARES: &str = "lambdafunction((IF(((namedlambdavariable() IS NULL) AND (namedlambdavariable() IS NULL)), 0, (IF((namedlambdavariable() IS NULL), 1, (IF((namedlambdavariable() IS NULL), -1, (IF((namedlambdavariable() < namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, 0)))))))))), namedlambdavariable(), namedlambdavariable())";

/// The name of a call.
pub(super) fn call_name(call: &Call, of: Of<'_>) -> String {
    let name = match call.name.single().map(|name| name.to_lowercase()) {
        Some(name) if crate::function::is_builtin(&name) || name == "identifier" => name,
        _ => (of.routine)(&call.name.values()),
    };
    if name == "identifier"
        && let [argument] = call.arguments.as_slice()
        && let Some(named) = constant_string(&argument.value)
        && let Ok(named) = identifier_name(&named, argument.value.span)
    {
        return named.parts.last().map(|part| part.value.clone()).unwrap_or_default();
    }
    let mut arguments: Vec<String> = call
        .arguments
        .iter()
        .map(|argument| match &argument.value.kind {
            ExprKind::Star { qualifier, .. } if qualifier.is_empty() => "1".to_owned(),
            _ => shown(&argument.value, of),
        })
        .collect();
    if let (Some(_), [value]) = (cast_function(&name), arguments.as_slice()) {
        return value.clone();
    }
    let count = arguments.len();
    let name = match (name.as_str(), count) {
        ("ceiling", 2) => "ceil".to_owned(),
        ("ceil" | "floor" | "signum" | "sec" | "csc" | "cot", 1) => name.to_uppercase(),
        ("positive", 1) => return format!("(+ {})", arguments[0]),
        ("date_add" | "dateadd" | "timestampadd", 3) => {
            arguments[0] = arguments[0].to_uppercase();
            "timestampadd".to_owned()
        }
        ("datediff" | "date_diff" | "timestampdiff" | "timediff", 3) => {
            arguments[0] = arguments[0].to_uppercase();
            "timestampdiff".to_owned()
        }
        ("div", 2) => return format!("({} div {})", arguments[0], arguments[1]),
        ("isnull", 1) => return format!("({} IS NULL)", arguments[0]),
        ("isnotnull", 1) => return format!("({} IS NOT NULL)", arguments[0]),
        ("current_database", 0) => "current_schema".to_owned(),
        ("dateadd", _) => "date_add".to_owned(),
        ("position", _) if !call.marks.is_empty() => "locate".to_owned(),
        ("to_char" | "to_varchar", 2) => {
            if is_moment(&call.arguments[0].value) { "date_format" } else { "to_char" }.to_owned()
        }
        ("rank" | "dense_rank" | "percent_rank", _) => {
            arguments.clear();
            name.to_uppercase()
        }
        ("rlike" | "regexp" | "regexp_like", 2) => {
            return format!("{}({}, {})", name.to_uppercase(), arguments[0], arguments[1]);
        }
        ("like", 2) => return format!("{} LIKE {}", arguments[0], arguments[1]),
        ("if" | "iff", 3) => return format!("(IF({}))", arguments.join(", ")),
        ("extract" | "datepart", 2) => {
            return format!("{name}({} FROM {})", arguments[0], arguments[1]);
        }
        ("trim" | "ltrim" | "rtrim", 2) => {
            let side = match (name.as_str(), call.marks.first().map(String::as_str)) {
                ("ltrim", _) | (_, Some("LEADING")) => "LEADING",
                ("rtrim", _) | (_, Some("TRAILING")) => "TRAILING",
                _ => "BOTH",
            };
            return format!("TRIM({side} {} FROM {})", arguments[0], arguments[1]);
        }
        (
            "from_json" | "from_csv" | "from_xml" | "to_json" | "to_csv" | "to_xml" | "schema_of_csv"
            | "schema_of_json",
            1..,
        ) => {
            arguments.truncate(1);
            name
        }
        ("convert_timezone", 2) => {
            arguments.insert(0, "current_timezone()".to_owned());
            name
        }
        ("mask", 1..5) => {
            arguments.extend(["X", "x", "n", "NULL"][count - 1..].iter().map(|&default| default.to_owned()));
            name
        }
        ("array_sort", 1) => {
            arguments.push(COMPARES.to_owned());
            name
        }
        ("aggregate" | "reduce", 3) => {
            arguments.push("lambdafunction(namedlambdavariable(), namedlambdavariable())".to_owned());
            name
        }
        _ => name,
    };
    if let Some((.., rest)) = LEFT_OUT.iter().find(|(known, own, _)| *known == name && *own == count) {
        arguments.push((*rest).to_owned());
    }
    if let (2, "lag" | "lead") = (count, name.as_str()) {
        arguments.push("NULL".to_owned());
    }
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let mut text = format!("{name}({distinct}{})", arguments.join(", "));
    if !call.within_group.is_empty() {
        text.push_str(&format!(" WITHIN GROUP (ORDER BY {})", order(&call.within_group, of, &name)));
    }
    if let Some(filter) = &call.filter {
        text.push_str(&format!(" FILTER (WHERE {})", shown(filter, of)));
    }
    if let Some(nulls) = call.nulls.as_deref().filter(|nulls| *nulls == "IGNORE") {
        text.push_str(&format!(" {} nulls", nulls.to_lowercase()));
    }
    if let Some(over) = &call.over {
        text.push_str(&format!(" OVER {}", window(over, &name, call, of)));
    }
    text
}

/// Whether an expression is written as a day or a moment.
fn is_moment(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Typed(word, _) => word != "X",
        ExprKind::Call(call) => call.name.single().is_some_and(|name| {
            matches!(
                name.as_str(),
                "TO_DATE"
                    | "TO_TIMESTAMP"
                    | "CURRENT_DATE"
                    | "CURRENT_TIMESTAMP"
                    | "NOW"
                    | "DATE"
                    | "TIMESTAMP"
            )
        }),
        ExprKind::Cast { data_type, .. } => {
            use crate::data_type::DataType::{Date, Timestamp, TimestampNtz};
            matches!(data_type, Date | Timestamp | TimestampNtz)
        }
        _ => false,
    }
}

fn order(items: &[crate::query::OrderItem], of: Of<'_>, name: &str) -> String {
    let plain = matches!(name, "percentile_cont" | "percentile_disc" | "mode");
    let one = |item: &crate::query::OrderItem| {
        let text = shown(&item.expr, of);
        let nulls = match (item.nulls.as_deref(), item.descending) {
            (Some(nulls), _) => nulls.to_owned(),
            (None, true) => "LAST".to_owned(),
            (None, false) => "FIRST".to_owned(),
        };
        // The order of `mode` is that in which the first of several is taken.
        match (plain, item.descending != (name == "mode")) {
            (true, true) => format!("{text} DESC"),
            (true, false) => text,
            (false, descending) => {
                format!("{text} {} NULLS {nulls}", if descending { "DESC" } else { "ASC" })
            }
        }
    };
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A window with its frame.
fn window(over: &Over, name: &str, call: &Call, of: Of<'_>) -> String {
    if over.name.is_some() {
        return over.span.of(of.sql).to_owned();
    }
    let mut parts = Vec::new();
    if !over.partition_by.is_empty() {
        let keys: Vec<String> = over.partition_by.iter().map(|key| shown(key, of)).collect();
        parts.push(format!("PARTITION BY {}", keys.join(", ")));
    }
    if !over.order_by.is_empty() {
        parts.push(format!("ORDER BY {}", order(&over.order_by, of, "")));
    }
    parts.push(frame(over, name, call, of));
    format!("({})", parts.join(" "))
}

fn frame(over: &Over, name: &str, call: &Call, of: Of<'_>) -> String {
    match name {
        "lag" | "lead" => {
            let distance = call.arguments.get(1).map_or_else(|| "1".to_owned(), |own| shown(&own.value, of));
            let distance = if name == "lead" { distance } else { format!("-{distance}") };
            return format!("ROWS BETWEEN {distance} FOLLOWING AND {distance} FOLLOWING");
        }
        "row_number" | "RANK" | "DENSE_RANK" | "PERCENT_RANK" | "ntile" => {
            return "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned();
        }
        _ => {}
    }
    let written = over.span.of(of.sql);
    let end = over
        .order_by
        .last()
        .map(|item| item.span.end)
        .or_else(|| over.partition_by.last().map(|key| key.span.end));
    let start = end.unwrap_or(over.span.start + 1);
    let rest = Span::new(start, (over.span.start + written.len()).saturating_sub(1)).of(of.sql);
    let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    if rest.is_empty() && over.order_by.is_empty() {
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned();
    }
    if rest.is_empty() {
        return "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned();
    }
    match rest.split_once(' ') {
        Some((kind, bound)) if !bound.starts_with("BETWEEN") => {
            format!("{kind} BETWEEN {bound} AND CURRENT ROW")
        }
        _ => rest,
    }
}
