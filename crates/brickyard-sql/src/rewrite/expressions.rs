//! Types of expressions, and the edits that make them mean on the engine what they mean on the platform.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::query::{Expr, ExprKind, Over};
use crate::rewrite::arithmetic::{adjusted, clamp, wider};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Found, Meaning, Scope, field};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// Resolves an expression; gives its type.
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope) -> Result<DataType, SqlError> {
        Ok(match &expr.kind {
            ExprKind::Number(text) => number_type(text),
            ExprKind::String(_) => DataType::String,
            ExprKind::Boolean(_) => DataType::Boolean,
            ExprKind::Null => DataType::Void,
            ExprKind::Default => DataType::Unknown,
            ExprKind::Typed(word, _) => match word.as_str() {
                "DATE" => DataType::Date,
                "TIMESTAMP_NTZ" => DataType::TimestampNtz,
                "TIME" => DataType::Time(6),
                "X" => DataType::Binary,
                _ => DataType::Timestamp,
            },
            ExprKind::Interval(parts) => self.interval(parts, scope)?,
            ExprKind::Name(name) => self.name(name, expr.span, scope)?,
            ExprKind::Star { qualifier, except } => {
                if !except.is_empty() {
                    return Err(SqlError::unsupported("* EXCEPT as an argument", "Name the columns"));
                }
                let _ = qualifier;
                DataType::Unknown
            }
            ExprKind::FieldStar(base) => {
                self.expr(base, scope)?;
                DataType::Unknown
            }
            ExprKind::Call(call) => self.call(expr, call, scope)?,
            ExprKind::Unary(operator, operand) if operator == "-" && least(operand).is_some() => {
                // The least value of a type: its positive part alone would be of a wider one.
                let data_type = least(operand).unwrap_or_default();
                let digits = operand.span.of(self.sql).trim_end_matches(['L', 'l']);
                self.edits.replace(expr.span, pieces![format!("CAST('-{digits}' AS {data_type})")]);
                data_type
            }
            ExprKind::Unary(operator, operand) => {
                let data_type = self.expr(operand, scope)?;
                match operator.as_str() {
                    "NOT" => DataType::Boolean,
                    "!" => {
                        self.edits.replace(Span::new(expr.span.start, expr.span.start + 1), pieces!["NOT "]);
                        DataType::Boolean
                    }
                    "-" if data_type == DataType::String => DataType::Double,
                    _ => data_type,
                }
            }
            ExprKind::Binary(left, operator, right) => self.binary(expr, left, operator, right, scope)?,
            ExprKind::Chain(operator, operands) => {
                let mut all = Vec::new();
                for operand in operands {
                    all.push(self.expr(operand, scope)?);
                }
                if operator == "||" { self.concatenation(operands, &all) } else { DataType::Boolean }
            }
            ExprKind::Between { value, low, high, .. } => {
                for part in [value, low, high] {
                    self.expr(part, scope)?;
                }
                DataType::Boolean
            }
            ExprKind::InList { value, list, .. } => {
                self.expr(value, scope)?;
                for item in list {
                    self.expr(item, scope)?;
                }
                DataType::Boolean
            }
            ExprKind::InQuery { not, value, query } => {
                self.expr(value, scope)?;
                let env = self.inner_env(scope);
                self.query(query, &env)?;
                if self.projecting && !matches!(&value.kind, ExprKind::Tuple(items) if items.len() > 1) {
                    let (yes, no) = if *not { ("false", "true") } else { ("true", "false") };
                    let rows = || pieces!["EXISTS (SELECT 1 FROM (", query.span, ") AS `__in`(`__v`)"];
                    let mut text = pieces!["(CASE WHEN "];
                    text.extend(rows());
                    text.extend(pieces![
                        " WHERE `__in`.`__v` = (",
                        value.span,
                        format!(")) THEN {yes} WHEN ")
                    ]);
                    text.extend(rows());
                    text.extend(pieces![" WHERE `__in`.`__v` IS NULL) OR ((", value.span, ") IS NULL AND "]);
                    text.extend(rows());
                    text.push(Piece::from(format!(")) THEN NULL ELSE {no} END)")));
                    self.edits.replace(expr.span, text);
                }
                DataType::Boolean
            }
            ExprKind::Like { not, operator, quantifier, value, patterns, escape } => {
                self.expr(value, scope)?;
                for pattern in patterns {
                    self.expr(pattern, scope)?;
                }
                if let Some(quantifier) = quantifier {
                    self.quantified_like(expr, *not, operator, quantifier, value, patterns);
                }
                if let Some(escape) = escape {
                    self.expr(escape, scope)?;
                }
                DataType::Boolean
            }
            ExprKind::Is { value, .. } => {
                self.expr(value, scope)?;
                DataType::Boolean
            }
            ExprKind::Case { operand, whens, otherwise } => {
                if let Some(operand) = operand {
                    self.expr(operand, scope)?;
                }
                let mut data_type = DataType::Void;
                for when in whens {
                    self.expr(&when.condition, scope)?;
                    let result = self.expr(&when.result, scope)?;
                    data_type = common(&data_type, &result);
                }
                if let Some(otherwise) = otherwise {
                    let result = self.expr(otherwise, scope)?;
                    data_type = common(&data_type, &result);
                }
                data_type
            }
            ExprKind::Cast { value, data_type, type_span, attempt, infix } => {
                self.cast(expr, value, data_type, *type_span, *attempt, *infix, scope)?
            }
            ExprKind::Subscript(container, index) => {
                let base = self.expr(container, scope)?;
                self.expr(index, scope)?;
                match base {
                    DataType::Array(element) => {
                        self.computed_index(expr, container, index);
                        *element
                    }
                    DataType::Map(_, value) => {
                        if !matches!(index.kind, ExprKind::Number(_) | ExprKind::String(_)) {
                            self.edits.replace(
                                expr.span,
                                pieces!["try_element_at(", container.span, ", ", index.span, ")"],
                            );
                        }
                        *value
                    }
                    DataType::Variant => DataType::Variant,
                    _ => DataType::Unknown,
                }
            }
            ExprKind::Field(base, name) => {
                let base = self.expr(base, scope)?;
                field(&base, &name.value)
            }
            ExprKind::Path(base, steps) => self.path(expr, base, steps, scope)?,
            ExprKind::Lambda(_, body) => self.expr(body, scope)?,
            ExprKind::Subquery(query) => {
                let env = self.inner_env(scope);
                let columns = self.query(query, &env)?;
                columns.list.into_iter().next().map(|column| column.data_type).unwrap_or_default()
            }
            ExprKind::Exists(query) => {
                let env = self.inner_env(scope);
                self.query(query, &env)?;
                DataType::Boolean
            }
            ExprKind::Tuple(items) => {
                let mut data_type = DataType::Unknown;
                for item in items {
                    data_type = self.expr(item, scope)?;
                }
                if items.len() == 1 { data_type } else { DataType::Unknown }
            }
            ExprKind::Named(name) => return Err(unbound(name)),
            ExprKind::Positional => return Err(unbound("?")),
            ExprKind::Table(_) => {
                return Err(SqlError::unsupported(
                    "a table as an argument",
                    "Pass the rows with a join or a subquery",
                ));
            }
            ExprKind::Collate(..) => {
                return Err(SqlError::unsupported(
                    "COLLATE",
                    "Compare lower(a) with lower(b) for comparisons without case",
                ));
            }
        })
    }

    /// The engine takes only literals as the index of an array; outside of the array is an error as on the platform.
    fn computed_index(&mut self, expr: &Expr, array: &Expr, index: &Expr) {
        if matches!(index.kind, ExprKind::Number(_)) {
            return;
        }
        let text = "'[INVALID_ARRAY_INDEX] The index is out of bounds. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead. SQLSTATE: 22003'";
        self.edits.replace(
            expr.span,
            pieces![
                "CASE WHEN (",
                index.span,
                ") < 0 OR (",
                index.span,
                ") >= array_size(",
                array.span,
                format!(") THEN raise_error({text}) ELSE get("),
                array.span,
                ", CAST((",
                index.span,
                ") AS INT)) END"
            ],
        );
    }

    /// Windows: their keys are resolved.
    pub(super) fn over(&mut self, over: &Over, scope: &Scope) -> Result<(), SqlError> {
        let keys =
            over.partition_by.iter().chain(over.order_by.iter().map(|item| &item.expr)).chain(&over.bounds);
        for key in keys {
            self.expr(key, scope)?;
        }
        Ok(())
    }

    pub(super) fn interval(&mut self, parts: &[(Expr, String)], scope: &Scope) -> Result<DataType, SqlError> {
        for (value, _) in parts {
            self.expr(value, scope)?;
        }
        let unit = parts.first().map(|(_, unit)| unit.as_str()).unwrap_or_default();
        Ok(match unit.split(' ').next().unwrap_or_default().trim_end_matches('S') {
            "YEAR" | "MONTH" | "QUARTER" => DataType::YearMonth("YEAR TO MONTH".to_owned()),
            "" => DataType::Interval,
            _ => DataType::DayTime("DAY TO SECOND".to_owned()),
        })
    }

    pub(super) fn name(&mut self, name: &Name, span: Span, scope: &Scope) -> Result<DataType, SqlError> {
        let parts = name.values();
        let fields = |data_type: DataType, from: usize| {
            parts[from.min(parts.len())..].iter().fold(data_type, |inner, part| field(&inner, part))
        };
        match scope.find(&parts) {
            Found::Column { data_type, parts: used, meaning, relation, .. } => {
                let head = name.parts[0].span.to(name.parts[used - 1].span);
                match (meaning, relation) {
                    (Some(Meaning::Text(text)), _) => self.edits.replace(head, pieces![format!("({text})")]),
                    (None, Some(alias)) if used > 2 => {
                        self.edits.replace(
                            head,
                            pieces![format!("{}.{}", quote_name(&alias), quote_name(&parts[used - 1]))],
                        );
                    }
                    _ => {}
                }
                Ok(fields(data_type, used))
            }
            Found::Alias { span: source, data_type } => {
                if self.substitute {
                    self.edits.replace(name.parts[0].span, pieces!["(", source, ")"]);
                }
                Ok(fields(data_type, 1))
            }
            Found::Lambda { data_type, text } => {
                if let Some(text) = text {
                    self.edits.replace(name.parts[0].span, pieces![text]);
                }
                Ok(fields(data_type, 1))
            }
            Found::Parameter { text, data_type, parts: used } => {
                self.edits.replace(name.parts[0].span.to(name.parts[used - 1].span), pieces![text]);
                Ok(fields(data_type, used))
            }
            found => {
                if let Some(data_type) = self.variable(&parts, span)? {
                    return Ok(data_type);
                }
                if let [only] = parts.as_slice()
                    && let Some(data_type) = self.without_parentheses(only, span)?
                {
                    return Ok(data_type);
                }
                if parts.iter().any(|part| part.eq_ignore_ascii_case("_metadata")) {
                    return Err(SqlError::unsupported(
                        "the _metadata column of files",
                        "List the files and read them one by one",
                    )
                    .at(span));
                }
                if matches!(found, Found::Perhaps) {
                    return Ok(DataType::Unknown);
                }
                Err(unresolved(&parts, scope).at(span))
            }
        }
    }

    /// A variable of a script or the session as a literal; fields of a struct may follow.
    pub(super) fn variable(&mut self, parts: &[String], span: Span) -> Result<Option<DataType>, SqlError> {
        let context = self.context;
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let session = |name: &str| {
            context.variables.iter().find(|variable| variable.qualifier.is_none() && is(&variable.name, name))
        };
        let (variable, rest) = match parts {
            [system, word, name, rest @ ..] if is(system, "system") && is(word, "session") => {
                (session(name), rest)
            }
            [word, name, rest @ ..] if is(word, "session") => (session(name), rest),
            [first, rest @ ..] => {
                let qualified = rest.first().and_then(|name| {
                    let owned = |owner: &Option<String>| owner.as_ref().is_some_and(|owner| is(owner, first));
                    context
                        .variables
                        .iter()
                        .find(|variable| owned(&variable.qualifier) && is(&variable.name, name))
                });
                match qualified {
                    Some(variable) => (Some(variable), &rest[1..]),
                    None => (context.variables.iter().find(|variable| is(&variable.name, first)), rest),
                }
            }
            [] => (None, parts),
        };
        let Some(variable) = variable else { return Ok(None) };
        let mut text = format!("({})", variable.literal);
        for part in rest {
            text = format!("{text}.{}", quote_name(part));
        }
        self.edits.replace(span, pieces![text]);
        Ok(Some(rest.iter().fold(variable.data_type.clone(), |inner, part| field(&inner, part))))
    }
}

/// The type whose least value a number is the positive part of.
fn least(expr: &Expr) -> Option<DataType> {
    match &expr.kind {
        ExprKind::Number(text) if text == "2147483648" => Some(DataType::Int),
        ExprKind::Number(text) if text.trim_end_matches(['L', 'l']) == "9223372036854775808" => {
            Some(DataType::BigInt)
        }
        _ => None,
    }
}

/// The type of a number as typed.
fn number_type(text: &str) -> DataType {
    let upper = text.to_uppercase();
    if let Some(digits) = upper.strip_suffix("BD") {
        return decimal_of(digits);
    }
    match upper.chars().last() {
        Some('L') => return DataType::BigInt,
        Some('S') => return DataType::SmallInt,
        Some('Y') => return DataType::TinyInt,
        Some('D') => return DataType::Double,
        Some('F') => return DataType::Float,
        _ => {}
    }
    if upper.contains('E') {
        return DataType::Double;
    }
    if upper.contains('.') {
        return decimal_of(&upper);
    }
    match upper.parse::<i128>() {
        Ok(value) if value <= i128::from(i32::MAX) => DataType::Int,
        Ok(value) if value <= i128::from(i64::MAX) => DataType::BigInt,
        _ => decimal_of(&upper),
    }
}

fn decimal_of(digits: &str) -> DataType {
    let (mantissa, exponent) =
        digits.split_once('E').map_or((digits, 0), |(m, e)| (m, e.parse::<i32>().unwrap_or(0)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i32::try_from(fraction.len()).unwrap_or(38) - exponent;
    let significant = format!("{whole}{fraction}").trim_start_matches('0').len().max(1);
    let precision = i32::try_from(significant).unwrap_or(38);
    if scale < 0 {
        return DataType::Decimal(clamp(precision - scale), 0);
    }
    DataType::Decimal(clamp(precision.max(scale)), clamp(scale))
}

/// The type both fit into, as `CASE`, `coalesce` and `UNION` choose it.
pub(crate) fn common(a: &DataType, b: &DataType) -> DataType {
    use DataType::{Array, Date, Decimal, Double, Float, Map, String, Struct, Timestamp, Unknown, Void};
    if a == b {
        return a.clone();
    }
    match (a, b) {
        (Void, other) | (other, Void) => other.clone(),
        (Unknown, _) | (_, Unknown) => Unknown,
        (Decimal(..), other) | (other, Decimal(..)) if other.is_numeric() => {
            if matches!(other, Float | Double) {
                return Double;
            }
            let (Some((p1, s1)), Some((p2, s2))) = (a.as_decimal(), b.as_decimal()) else { return Unknown };
            let scale = s1.max(s2);
            let digits = (p1 - s1).max(p2 - s2);
            let (precision, scale) = adjusted(i32::from(digits) + i32::from(scale), i32::from(scale));
            Decimal(clamp(precision), clamp(scale))
        }
        (Double | Float, other) | (other, Double | Float) if other.is_numeric() => {
            if a == &Float && b == &Float { Float } else { Double }
        }
        _ if a.is_integer() && b.is_integer() => wider(a, b),
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        (Date, DataType::TimestampNtz) | (DataType::TimestampNtz, Date) => DataType::TimestampNtz,
        // In ANSI mode a string gives way: to BIGINT for whole numbers, DOUBLE for others, else the other type.
        (String, other) | (other, String) => match other {
            _ if other.is_integer() => DataType::BigInt,
            Decimal(..) | Float | Double => Double,
            Date | Timestamp | DataType::Boolean | DataType::Binary => other.clone(),
            _ => Unknown,
        },
        (Array(left), Array(right)) => Array(Box::new(common(left, right))),
        (Map(k1, v1), Map(k2, v2)) => Map(Box::new(common(k1, k2)), Box::new(common(v1, v2))),
        (Struct(left), Struct(right)) if left.len() == right.len() => {
            let fields = left.iter().zip(right).map(|(l, r)| crate::data_type::Field {
                name: l.name.clone(),
                data_type: common(&l.data_type, &r.data_type),
                not_null: false,
                comment: None,
            });
            Struct(fields.collect())
        }
        _ => Unknown,
    }
}

fn unbound(name: &str) -> SqlError {
    let text = format!(
        "Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`."
    );
    SqlError::new("UNBOUND_SQL_PARAMETER", "42P02", text)
}

fn unresolved(parts: &[String], scope: &Scope) -> SqlError {
    let name = parts.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
    let mut near: Vec<(usize, String)> = Vec::new();
    let wanted = parts.last().map(|part| part.to_lowercase()).unwrap_or_default();
    for relation in &scope.relations {
        for column in &relation.columns.list {
            near.push((distance(&wanted, &column.name.to_lowercase()), quote_name(&column.name)));
        }
    }
    near.sort();
    near.dedup();
    if near.is_empty() {
        let text = format!("A column, variable, or function parameter with name {name} cannot be resolved.");
        return SqlError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text);
    }
    let list: Vec<String> = near.into_iter().take(5).map(|(_, name)| name).collect();
    let text = format!(
        "A column, variable, or function parameter with name {name} cannot be resolved. Did you mean one of the following? [{}].",
        list.join(", ")
    );
    SqlError::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", text)
}

/// Edits between two words, for suggestions.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let cost = if left == *right { previous } else { previous + 1 };
            previous = row[j + 1];
            row[j + 1] = cost.min(previous + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
