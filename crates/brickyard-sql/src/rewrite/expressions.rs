//! Types of expressions, and the edits that make them mean on the engine what they mean on the platform.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Over, SetBody};
use crate::rewrite::collations::{named, refused};
use crate::rewrite::columns::unbound;
use crate::rewrite::edits::pieces;
use crate::rewrite::like_patterns::escapes;
use crate::rewrite::numbers::{least, number_type};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;
use crate::rewrite::zones::{reaches_a_day, with_whole_offset, worded};
use crate::token::Span;

impl Planner<'_> {
    /// Resolves an expression; gives its type.
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope) -> Result<DataType, SqlError> {
        if let ExprKind::Call(_) | ExprKind::InList { .. } = &expr.kind
            && let Some(data_type) = self.starred(expr, scope)?
        {
            return Ok(data_type);
        }
        Ok(match &expr.kind {
            ExprKind::Number(text) => number_type(text),
            ExprKind::String(_) => DataType::String,
            ExprKind::Boolean(_) => DataType::Boolean,
            ExprKind::Null => DataType::Void,
            ExprKind::Default => DataType::Unknown,
            ExprKind::Typed(word, value) => match word.as_str() {
                "TIMESTAMP" | "TIMESTAMP_LTZ" => {
                    if let Some(value) = with_whole_offset(value) {
                        let text = format!("{word} {}", crate::token::string_literal(&value));
                        self.edits.replace(expr.span, pieces![text]);
                    }
                    DataType::Timestamp
                }
                "DATE" if is_no_day(value) => {
                    let text = format!("The value of the typed literal \"DATE\" is invalid: '{value}'.");
                    return Err(SqlError::new("INVALID_TYPED_LITERAL", "42604", text).at(expr.span));
                }
                "DATE" => DataType::Date,
                "TIMESTAMP_NTZ" => DataType::TimestampNtz,
                "TIME" => DataType::Time(6),
                "X" => DataType::Binary,
                _ => DataType::Timestamp,
            },
            ExprKind::Interval(parts) => self.interval(parts, scope)?,
            ExprKind::Name(name) => self.name(name, expr.span, scope)?,
            ExprKind::Star { qualifier, except, .. } => {
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
                    "+" if data_type == DataType::String => {
                        self.edits.replace(expr.span, pieces!["CAST(", operand.span, " AS DOUBLE)"]);
                        DataType::Double
                    }
                    "+" if !numeric(&data_type) => {
                        let shown = crate::rewrite::naming::column_name(operand, self.sql);
                        let text = format!(
                            "Cannot resolve \"(+ {shown})\" due to data type mismatch: The first parameter requires the (\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\") type, however \"{shown}\" has the type \"{data_type}\"."
                        );
                        let class = "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE";
                        return Err(SqlError::new(class, "42K09", text).at(expr.span));
                    }
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
                let mut sides = Vec::new();
                for part in [value, low, high] {
                    sides.push((part.span, self.expr(part, scope)?));
                }
                self.fill_up(&[value, low, high], scope);
                self.compared(&sides, "BINARY_OP_DIFF_TYPES")?;
                DataType::Boolean
            }
            ExprKind::InList { value, list, .. }
                if self.collated(&std::iter::once(&**value).chain(list).collect::<Vec<_>>(), scope)? =>
            {
                DataType::Boolean
            }
            ExprKind::InList { not, value, list } => {
                let mut sides = vec![(value.span, self.expr(value, scope)?)];
                for item in list {
                    sides.push((item.span, self.expr(item, scope)?));
                }
                self.fill_up(&std::iter::once(&**value).chain(list).collect::<Vec<_>>(), scope);
                self.compared(&sides, "DATA_DIFF_TYPES")?;
                self.rows_in(expr, *not, value, list);
                DataType::Boolean
            }
            ExprKind::InQuery { not, value, query } => self.in_query(expr, *not, value, query, scope)?,
            ExprKind::Like { not, operator, quantifier, value, patterns, escape } => {
                let data_type = self.expr(value, scope)?;
                if let Some(text) = self.as_text(value.span, &data_type) {
                    self.edits.replace(value.span, text);
                }
                for pattern in patterns {
                    self.expr(pattern, scope)?;
                    if operator != "RLIKE" {
                        escapes(pattern, escape.as_deref())?;
                    }
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
                let mut sides = Vec::new();
                if let Some(operand) = operand {
                    sides.push((operand.span, self.expr(operand, scope)?));
                }
                let (mut results, mut types) = (Vec::new(), Vec::new());
                for when in whens {
                    sides.push((when.condition.span, self.expr(&when.condition, scope)?));
                    types.push(self.expr(&when.result, scope)?);
                    results.push(&when.result);
                }
                if let Some(otherwise) = otherwise {
                    types.push(self.expr(otherwise, scope)?);
                    results.push(otherwise);
                }
                if let Some(operand) = operand {
                    let conditions = whens.iter().map(|when| &when.condition);
                    self.fill_up(&std::iter::once(&**operand).chain(conditions).collect::<Vec<_>>(), scope);
                    self.compared(&sides, "BINARY_OP_DIFF_TYPES")?;
                }
                let data_type = self.case_results(&results, types)?;
                self.guard_case(operand.as_deref(), whens, otherwise.as_deref())?;
                data_type
            }
            ExprKind::Cast { value, data_type, type_span, attempt, infix } => {
                self.cast(expr, value, data_type, *type_span, *attempt, *infix, scope)?
            }
            ExprKind::Subscript(container, index) => {
                let base = self.expr(container, scope)?;
                no_part(&base)?;
                self.expr(index, scope)?;
                match base {
                    DataType::Array(element) => {
                        self.element(expr, container, index);
                        *element
                    }
                    DataType::Map(_, value) => {
                        self.edits.replace(
                            expr.span,
                            pieces!["try_element_at(", container.span, ", ", index.span, ")"],
                        );
                        *value
                    }
                    DataType::Variant => DataType::Variant,
                    _ => DataType::Unknown,
                }
            }
            ExprKind::Field(base, name) => {
                let data_type = self.expr(base, scope)?;
                no_part(&data_type)?;
                self.field_of(expr, base.span, &data_type, &name.value)
            }
            ExprKind::Path(base, steps) => self.path(expr, base, steps, scope)?,
            ExprKind::Lambda(_, body) => self.expr(body, scope)?,
            ExprKind::Subquery(query) => {
                // Where the subquery is put away, its only entry stands without a name.
                self.bare = query.with.is_none() && matches!(query.body, SetBody::Select(_));
                let (columns, looks) = self.within(query, scope)?;
                let put = looks && self.value_of_no_rows(expr, query);
                if !put
                    && let Some(around) = scope.from
                    && let Some(text) = self.correlated(query, scope, around)?
                {
                    self.edits.replace(expr.span, text);
                }
                columns.list.into_iter().next().map(|column| column.data_type).unwrap_or_default()
            }
            ExprKind::Exists(query) => self.exists(expr, query, scope)?,
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
            ExprKind::Collate(base, _) => match named(expr) {
                Some((_, name)) if name == "UTF8_BINARY" => {
                    let data_type = self.expr(base, scope)?;
                    self.edits.replace(expr.span, pieces!["(", base.span, ")"]);
                    data_type
                }
                named => return Err(refused(&named.map(|(_, name)| name).unwrap_or_default()).at(expr.span)),
            },
        })
    }

    /// An element by its place: outside of the array is an error, of no array (or at no place) there is none. The engine takes
    /// only literals as the place, and fails where there is no array.
    fn element(&mut self, expr: &Expr, array: &Expr, index: &Expr) {
        let text = "'[INVALID_ARRAY_INDEX] The index is out of bounds. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead. SQLSTATE: 22003'";
        self.edits.replace(
            expr.span,
            pieces![
                "CASE WHEN (",
                array.span,
                ") IS NULL OR (",
                index.span,
                ") IS NULL THEN NULL WHEN (",
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

    /// Windows: their keys are resolved. The engine takes no distance of dates: it counts from the first row, so dates become
    /// moments where the distance is an interval, numbers where it is one of days.
    pub(super) fn over(&mut self, over: &Over, scope: &Scope) -> Result<(), SqlError> {
        if let Some(name) = &over.name
            && over.span.of(self.sql).starts_with('(')
            && over.partition_by.is_empty()
            && over.order_by.is_empty()
            && over.bounds.is_empty()
            && !over.range
        {
            // `OVER (w)` is `OVER w`.
            self.edits.replace(over.span, pieces![crate::token::quote_name(&name.value)]);
        }
        for key in &over.partition_by {
            self.expr(key, scope)?;
        }
        let mut distances = Vec::new();
        for bound in &over.bounds {
            distances.push(self.expr(bound, scope)?);
        }
        for item in &over.order_by {
            let data_type = self.expr(&item.expr, scope)?;
            if !over.range || distances.is_empty() {
                continue;
            }
            let key = item.expr.span;
            if self.context.local_time
                && matches!(data_type, DataType::Timestamp | DataType::Unknown)
                && over.bounds.iter().zip(&distances).any(|(bound, distance)| reaches_a_day(bound, distance))
            {
                return Err(SqlError::unsupported(
                    "a window RANGE of a day or more over moments in a zone that is not UTC",
                    "Order by the moment AS TIMESTAMP_NTZ, or SET TIME ZONE 'UTC'",
                ));
            }
            let in_days = distances.iter().all(DataType::is_integer);
            let in_time = distances.iter().any(|distance| {
                matches!(distance, DataType::YearMonth(_) | DataType::DayTime(_) | DataType::Interval)
            });
            if in_days && data_type == DataType::Date {
                self.edits.replace(key, pieces!["unix_date(", key, ")"]);
            } else if in_time && matches!(data_type, DataType::Date | DataType::Unknown) {
                self.edits.replace(key, pieces!["CAST(", key, " AS TIMESTAMP_NTZ)"]);
            }
        }
        Ok(())
    }

    pub(super) fn interval(&mut self, parts: &[(Expr, String)], scope: &Scope) -> Result<DataType, SqlError> {
        for (value, _) in parts {
            self.expr(value, scope)?;
        }
        // `INTERVAL '1 day 2 hours'` is written in words.
        let words = match parts {
            [(Expr { kind: ExprKind::String(text), .. }, unit)] if unit.is_empty() => worded(text),
            _ => Vec::new(),
        };
        let units = if words.is_empty() {
            parts.iter().map(|(_, unit)| unit).collect()
        } else {
            words.iter().map(|(_, unit)| unit).collect::<Vec<_>>()
        };
        let mut fields: Vec<&str> = Vec::new();
        for unit in units.iter().flat_map(|unit| unit.split(" TO ")) {
            fields.push(match unit.trim_end_matches('S') {
                "YEAR" => "YEAR",
                "QUARTER" | "MONTH" => "MONTH",
                "DAY" | "WEEK" => "DAY",
                "HOUR" => "HOUR",
                "MINUTE" => "MINUTE",
                "SECOND" | "MILLISECOND" | "MICROSECOND" => "SECOND",
                _ => return Ok(DataType::Interval),
            });
        }
        let order = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
        let place = |field: &&str| order.iter().position(|known| known == field).unwrap_or_default();
        fields.sort_by_key(place);
        fields.dedup();
        let (Some(first), Some(last)) = (fields.first(), fields.last()) else {
            return Ok(DataType::Interval);
        };
        let text = if first == last { (*first).to_owned() } else { format!("{first} TO {last}") };
        match (place(first) < 2, place(last) < 2) {
            (true, true) => Ok(DataType::YearMonth(text)),
            (false, false) => Ok(DataType::DayTime(text)),
            _ => {
                let text = "Cannot mix year-month and day-time fields in an interval.";
                Err(SqlError::new("_LEGACY_ERROR_TEMP_0029", "42601", text)
                    .hinted("Use two intervals, or make_interval()"))
            }
        }
    }
}

/// A bare `NULL` has no parts.
pub(super) fn no_part(base: &DataType) -> Result<(), SqlError> {
    if *base != DataType::Void {
        return Ok(());
    }
    let text =
        "Can't extract a value from \"NULL\". Need a complex type [STRUCT, ARRAY, MAP] but got \"VOID\".";
    Err(SqlError::new("INVALID_EXTRACT_BASE_FIELD_TYPE", "42000", text))
}

/// Whether a type has a sign.
fn numeric(data_type: &DataType) -> bool {
    !matches!(
        data_type,
        DataType::Date
            | DataType::Timestamp
            | DataType::TimestampNtz
            | DataType::Binary
            | DataType::Boolean
            | DataType::Array(_)
            | DataType::Map(..)
            | DataType::Struct(_)
    )
}

/// Whether what follows a year or a month is no day: `1999 01 08`.
fn is_no_day(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    day.len() < text.len() && day.matches('-').count() < 2 && day.starts_with(|c: char| c.is_ascii_digit())
}
