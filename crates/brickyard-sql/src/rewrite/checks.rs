//! Arguments that the platform refuses, and the engine makes something of.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, ExprKind};
use crate::rewrite::chance::is_chance_call;
use crate::rewrite::edits::pieces;
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::patterns;
use crate::rewrite::planner::Planner;

impl Planner<'_> {
    /// Refuses the arguments of a call that are none of its function.
    ///
    /// Errors: those of the platform: `DATATYPE_MISMATCH`, `INVALID_PARAMETER_VALUE`, `INVALID_OPTIONS` and others.
    pub(super) fn arguments_checked(
        &mut self,
        name: &str,
        call: &Call,
        types: &[DataType],
    ) -> Result<(), SqlError> {
        let shown =
            |at: usize| call.arguments.get(at).map_or("", |argument| argument.value.span.of(self.sql));
        let literal =
            |at: usize| call.arguments.get(at).and_then(|argument| constant_string(&argument.value));
        let unexpected = |at: usize, wanted: &str| {
            let place = ["first", "second", "third"].get(at).copied().unwrap_or("last");
            let own = types.get(at).cloned().unwrap_or_default();
            let text = format!(
                "Cannot resolve \"{name}(…)\" due to data type mismatch: The {place} parameter requires the \"{wanted}\" type, however \"{}\" has the type \"{own}\".",
                shown(at)
            );
            SqlError::new("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09", text).at(call.name.span)
        };
        let is = |at: usize, wanted: &dyn Fn(&DataType) -> bool| types.get(at).is_some_and(wanted);
        let known = |data_type: &DataType| *data_type != DataType::Unknown;
        match (name, types.len()) {
            ("get", 2) if is(0, &|own| known(own) && !matches!(own, DataType::Array(_))) => {
                return Err(unexpected(0, "ARRAY"));
            }
            ("array_insert", 3) => {
                if let (Some(DataType::Array(element)), Some(value)) = (types.first(), types.get(2))
                    && (**element == DataType::String && value.is_numeric()
                        || *value == DataType::String && element.is_numeric())
                {
                    let text = format!(
                        "Cannot resolve \"array_insert({}, {}, {})\" due to data type mismatch: Input to `array_insert` should have been \"ARRAY\" followed by a value with same element type, but it's [\"{}\", \"{value}\"].",
                        shown(0),
                        shown(1),
                        shown(2),
                        types[0]
                    );
                    let class = "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES";
                    return Err(SqlError::new(class, "42K09", text).at(call.name.span));
                }
            }
            ("sort_array", 2)
                if is(1, &|own| known(own) && !matches!(own, DataType::Boolean | DataType::Void)) =>
            {
                return Err(unexpected(1, "BOOLEAN"));
            }
            ("date_add" | "date_sub" | "dateadd", 2) => {
                let fraction =
                    |own: &DataType| own.is_numeric() && !own.is_integer() || *own == DataType::BigInt;
                if is(1, &fraction) {
                    return Err(unexpected(1, "INT\" or \"SMALLINT\" or \"TINYINT"));
                }
                if let (Some(DataType::String), Some(days)) = (types.get(1), call.arguments.get(1)) {
                    let days = days.value.span;
                    self.edits.replace(days, pieces!["CAST(", days, " AS INT)"]);
                }
            }
            ("date_add" | "dateadd" | "timestampadd" | "datediff" | "date_diff" | "timestampdiff", 3)
                if matches!(call.arguments[0].value.kind, ExprKind::String(_)) =>
            {
                let text = format!(
                    "The value of parameter(s) `unit` in `{name}` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string literal {}.",
                    shown(0)
                );
                let class = "INVALID_PARAMETER_VALUE.DATETIME_UNIT";
                return Err(SqlError::new(class, "22023", text).at(call.name.span));
            }
            ("from_json" | "from_csv" | "from_xml", 3) => options(types.get(2))?,
            ("to_json" | "to_csv" | "to_xml" | "schema_of_json" | "schema_of_csv", 2) => {
                options(types.get(1))?;
            }
            ("schema_of_csv" | "schema_of_json", 1) => match types.first() {
                Some(DataType::Void) => {
                    let text = format!(
                        "Cannot resolve \"{name}(NULL)\" due to data type mismatch: The input must not be null."
                    );
                    return Err(SqlError::new("DATATYPE_MISMATCH.UNEXPECTED_NULL", "42K09", text));
                }
                Some(own) if known(own) && *own != DataType::String => return Err(unexpected(0, "STRING")),
                _ if matches!(call.arguments[0].value.kind, ExprKind::Name(_)) => {
                    let text = format!(
                        "Cannot resolve \"{name}({0})\" due to data type mismatch: the input should be a foldable \"STRING\" expression; however, got \"{0}\".",
                        shown(0)
                    );
                    return Err(SqlError::new("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", "42K09", text));
                }
                _ => {}
            },
            ("hll_sketch_agg", 2) if is(1, &|own| *own == DataType::String) => {
                return Err(unexpected(1, "INT"));
            }
            ("date_format", 2) => {
                if let Some(pattern) = literal(1) {
                    patterns::check(&pattern)?;
                }
            }
            ("extract" | "date_part" | "datepart", 2) => {
                if let (ExprKind::Name(field), [_, moment]) = (&call.arguments[0].value.kind, types)
                    && name != "extract"
                    && known(moment)
                {
                    let text = format!(
                        "The function `{name}` requires the parameter `field` to be a foldable expression of the type \"STRING\", but the actual argument is a non-foldable: {}.",
                        field.quoted()
                    );
                    return Err(SqlError::new("NON_FOLDABLE_ARGUMENT", "42K08", text).at(call.name.span));
                }
                let unit = shown(0).trim_matches(['\'', '"']).to_uppercase();
                let of_days = [
                    "DAY", "D", "DAYS", "HOUR", "H", "HOURS", "HR", "HRS", "MINUTE", "M", "MIN", "MINS",
                    "MINUTES", "SECOND", "S", "SEC", "SECONDS", "SECS",
                ];
                let of_years = ["YEAR", "Y", "YEARS", "YR", "YRS", "MONTH", "MON", "MONS", "MONTHS"];
                let wrong = match types.get(1) {
                    Some(DataType::YearMonth(_)) => !of_years.contains(&unit.as_str()),
                    Some(DataType::DayTime(_)) => !of_days.contains(&unit.as_str()),
                    _ => false,
                };
                if wrong && unit != "NULL" {
                    let text = format!("Cannot extract `{unit}` from {}.", shown(1));
                    return Err(SqlError::new("INVALID_EXTRACT_FIELD", "42601", text).at(call.name.span));
                }
            }
            _ => {}
        }
        self.filter_checked(call)
    }

    /// Refuses conditions of `FILTER` that look at more than a row.
    fn filter_checked(&self, call: &Call) -> Result<(), SqlError> {
        let Some(filter) = &call.filter else { return Ok(()) };
        let (class, text) = if has_window(filter) {
            ("CONTAINS_WINDOW_FUNCTION", "Expected a FILTER expression without a window function.")
        } else if has_aggregate(filter) {
            ("CONTAINS_AGGREGATE", "Expected a FILTER expression without an aggregation.")
        } else if is_chance_call(filter) {
            ("NON_DETERMINISTIC", "Expected a deterministic FILTER expression.")
        } else {
            return Ok(());
        };
        let text = format!(
            "The FILTER expression \"{}\" in an aggregate function is invalid. {text}",
            filter.span.of(self.sql)
        );
        Err(SqlError::new(&format!("INVALID_AGGREGATE_FILTER.{class}"), "42903", text).at(filter.span))
    }
}

/// Options of a format are a map of strings.
fn options(data_type: Option<&DataType>) -> Result<(), SqlError> {
    match data_type {
        Some(DataType::Map(key, value)) => {
            let text = |own: &DataType| matches!(own, DataType::String | DataType::Unknown | DataType::Void);
            if text(key) && text(value) {
                return Ok(());
            }
            let text = format!(
                "Invalid options: A type of keys and values in `map()` must be string, but got \"MAP<{key}, {value}>\"."
            );
            Err(SqlError::new("INVALID_OPTIONS.NON_STRING_TYPE", "42K06", text))
        }
        Some(DataType::Unknown) | None => Ok(()),
        Some(_) => {
            let text = "Invalid options: Must use the `map()` function for options.";
            Err(SqlError::new("INVALID_OPTIONS.NON_MAP_FUNCTION", "42K06", text))
        }
    }
}
