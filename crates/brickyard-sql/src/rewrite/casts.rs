//! Casts, texts of numbers, paths into JSON and variants, `LIKE ANY`.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, PathStep};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::expressions::no_part;
use crate::rewrite::intervals::{self, has_two_signs};
use crate::rewrite::json_calls::variant_text;
use crate::rewrite::moment_calls::{around, whole_units};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;
use crate::rewrite::zones::wall_clock;
use crate::token::{Span, string_literal};

impl Planner<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one node")]
    pub(super) fn cast(
        &mut self,
        expr: &Expr,
        value: &Expr,
        data_type: &DataType,
        type_span: Span,
        attempt: bool,
        infix: bool,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        let target = if data_type.is_string() { DataType::String } else { data_type.clone() };
        if let ExprKind::Path(base, steps) = &value.kind {
            let base_type = self.expr(base, scope)?;
            if base_type == DataType::Variant {
                let function = if attempt { "try_variant_get" } else { "variant_get" };
                let path = path_text(steps)?;
                if target == DataType::String {
                    self.edits.replace(expr.span, variant_text(base.span, &path));
                    return Ok(target);
                }
                self.edits.replace(
                    expr.span,
                    pieces![
                        format!("{function}("),
                        base.span,
                        format!(
                            ", {}, {})",
                            string_literal(&path),
                            string_literal(&data_type.to_string().to_lowercase())
                        ),
                    ],
                );
                return Ok(target);
            }
            self.string_path(value, base, steps)?;
            if attempt {
                self.edits.replace(expr.span, pieces!["TRY_CAST(", value.span, format!(" AS {data_type})")]);
            }
            return Ok(target);
        }
        let from = self.expr(value, scope)?;
        if matches!(data_type, DataType::Void | DataType::Other(_)) {
            return Err(SqlError::unsupported(format!("a cast to {data_type}"), "Use another type"));
        }
        if !(self.context.lenient && target == DataType::Binary) {
            possible(&from, &target, value.span.of(self.sql))?;
        }
        let lenient = !attempt && self.lenient(&from, &target);
        let attempt = attempt || lenient;
        if attempt && (infix || lenient) {
            self.edits.replace(expr.span, pieces!["TRY_CAST(", value.span, format!(" AS {data_type})")]);
        }
        let _ = type_span;
        let function = if attempt { "TRY_CAST" } else { "CAST" };
        let shown = value.span.of(self.sql);
        if let Some(text) = intervals::cast(value.span, &from, data_type, shown, function)? {
            self.edits.replace(expr.span, text);
            return Ok(target);
        }
        if from == DataType::String && target == DataType::Interval && has_two_signs(value) {
            self.edits.replace(expr.span, pieces!["CAST(NULL AS INTERVAL)"]);
            return Ok(target);
        }
        if let (ExprKind::String(text), DataType::DayTime(fields) | DataType::YearMonth(fields)) =
            (&value.kind, &target)
            && !text.to_uppercase().contains("INTERVAL")
        {
            self.edits.replace(expr.span, pieces![format!("INTERVAL {} {fields}", string_literal(text))]);
            return Ok(target);
        }
        if let Some(text) = self.converted(value.span, &from, data_type, attempt) {
            self.edits.replace(expr.span, text);
        }
        if from == DataType::String && !attempt {
            self.malformed(expr, value, &target);
        }
        Ok(target)
    }

    /// Whether a cast must be told to give NULL where it fails: `ansi_mode` is off. Of whole numbers the engine knows by itself, and
    /// that it takes `1.5` for 1 then.
    pub(super) fn lenient(&self, from: &DataType, target: &DataType) -> bool {
        use DataType::{Boolean, Date, Decimal, Double, Float, String, Timestamp, TimestampNtz};
        let whole =
            matches!(target, Date | Timestamp | TimestampNtz | Boolean | Double | Float | Decimal(..));
        self.context.lenient && *from == String && whole
    }

    /// A value of one type as another, as `CAST` makes it on the platform; nothing where the engine's own cast does the same.
    pub(super) fn converted(
        &self,
        value: Span,
        from: &DataType,
        data_type: &DataType,
        attempt: bool,
    ) -> Option<Vec<Piece>> {
        let target = if data_type.is_string() { &DataType::String } else { data_type };
        let function = if attempt { "TRY_CAST" } else { "CAST" };
        Some(match (from, target) {
            (DataType::Variant, DataType::String) => variant_text(value, "$"),
            // In a variant, texts are moments of the session's zone.
            (DataType::Variant, DataType::Timestamp) if self.context.local_time => {
                around(&format!("{function}("), variant_text(value, "$"), " AS TIMESTAMP)")
            }
            (DataType::Variant, DataType::Variant) => return None,
            (DataType::Variant, _) => {
                let function = if attempt { "try_variant_get" } else { "variant_get" };
                let name = string_literal(&data_type.to_string().to_lowercase());
                pieces![format!("{function}("), value, format!(", '$', {name})")]
            }
            (DataType::Timestamp, DataType::TimestampNtz) if self.context.local_time => wall_clock(value),
            (DataType::Timestamp, _) if data_type.is_integer() => {
                let close = format!(" AS {data_type})");
                around(&format!("{function}("), whole_units(value, 1_000_000), &close)
            }
            (DataType::Timestamp, DataType::Decimal(..)) => {
                let close = format!(") * 0.000001BD AS {data_type})");
                pieces![format!("{function}(unix_micros("), value, close]
            }
            // What follows the day is left out; the engine knows only a space before it.
            (DataType::String, DataType::Date) => pieces![
                format!("{function}(regexp_replace(regexp_replace(trim("),
                value,
                "), '^([+-]?[0-9]+-[0-9]+-[0-9]+)T.*$', '$1'), '^([+-]?[0-9]+(?:-[0-9]+)?)([ T].*)$', '$1?$2') AS DATE)"
            ],
            // The engine knows more words, and their beginnings.
            (DataType::String, DataType::Boolean) => pieces![
                format!("{function}(CASE WHEN lower(trim("),
                value,
                ")) IN ('on', 'off', 'of', 'tr', 'tru', 'ye', 'fa', 'fal', 'fals') THEN concat(",
                value,
                ", '?') ELSE ",
                value,
                " END AS BOOLEAN)"
            ],
            (DataType::Decimal(..), DataType::Boolean) => pieces!["((", value, ") <> 0)"],
            (DataType::Double | DataType::Float, DataType::String) => self.double_text(value, from),
            (DataType::Float, DataType::Timestamp) => {
                pieces![format!("{function}(CAST("), value, " AS DOUBLE) AS TIMESTAMP)"]
            }
            (DataType::Boolean, DataType::Decimal(..)) => {
                pieces!["CAST(CAST(", value, format!(" AS INT) AS {data_type})")]
            }
            (_, DataType::String) => return Self::nested_text(value, from),
            _ => return None,
        })
    }

    /// A double as Java prints it; the value is computed once.
    pub(super) fn double_text(&self, value: Span, from: &DataType) -> Vec<Piece> {
        let (open, close) = java_text(from);
        pieces![open, value, close]
    }

    /// Operands of `||` and `concat` that are no texts are printed as the platform prints them.
    pub(super) fn concatenation(&mut self, operands: &[Expr], all: &[DataType]) -> DataType {
        for (operand, data_type) in operands.iter().zip(all) {
            if let Some(text) = self.as_text(operand.span, data_type) {
                self.edits.replace(operand.span, text);
            }
        }
        match all.first() {
            Some(DataType::Array(element)) => DataType::Array(element.clone()),
            Some(DataType::Binary) if all.iter().all(|data_type| *data_type == DataType::Binary) => {
                DataType::Binary
            }
            _ => DataType::String,
        }
    }

    pub(super) fn quantified_like(
        &mut self,
        expr: &Expr,
        not: bool,
        operator: &str,
        quantifier: &str,
        value: &Expr,
        patterns: &[Expr],
    ) {
        // NOT LIKE ANY holds when some pattern does not match, NOT LIKE ALL when none does.
        let joiner = if quantifier == "ALL" { " AND " } else { " OR " };
        let mut text = vec![Piece::from("(")];
        for (index, pattern) in patterns.iter().enumerate() {
            if index > 0 {
                text.push(Piece::from(joiner));
            }
            text.extend(pieces![
                "(",
                value.span,
                ")",
                if not { " NOT " } else { " " },
                format!("{operator} ("),
                pattern.span,
                ")"
            ]);
        }
        text.push(Piece::from(")"));
        self.edits.replace(expr.span, text);
    }

    pub(super) fn path(
        &mut self,
        expr: &Expr,
        base: &Expr,
        steps: &[PathStep],
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        let data_type = self.expr(base, scope)?;
        no_part(&data_type)?;
        if data_type == DataType::Variant {
            let path = path_text(steps)?;
            self.edits.replace(
                expr.span,
                pieces!["variant_get(", base.span, format!(", {})", string_literal(&path))],
            );
            return Ok(DataType::Variant);
        }
        self.string_path(expr, base, steps)?;
        Ok(DataType::String)
    }

    pub(super) fn string_path(
        &mut self,
        expr: &Expr,
        base: &Expr,
        steps: &[PathStep],
    ) -> Result<(), SqlError> {
        let path = path_text(steps)?;
        self.edits.replace(
            expr.span,
            pieces!["get_json_object(", base.span, format!(", {})", string_literal(&path))],
        );
        Ok(())
    }
}

fn path_text(steps: &[PathStep]) -> Result<String, SqlError> {
    let mut path = String::from("$");
    for step in steps {
        match step {
            PathStep::Key(key, _) if key.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) => {
                path.push('.');
                path.push_str(key);
            }
            PathStep::Key(key, _) if !key.contains('\'') => path.push_str(&format!("['{key}']")),
            PathStep::Key(..) => {
                return Err(SqlError::unsupported("this key in a JSON path", "Use get_json_object"));
            }
            PathStep::Index(index) => path.push_str(&format!("[{index}]")),
            PathStep::Every => {
                return Err(SqlError::unsupported(
                    "[*] in a JSON path",
                    "Parse the text with from_json and use transform",
                ));
            }
        }
    }
    Ok(path)
}

/// What stands before and after a double, or a float, to print it as Java does.
pub(super) fn java_text(from: &DataType) -> (String, String) {
    let name = "`__d`";
    let text = format!("CAST(abs({name}) AS STRING)");
    let sign = format!("CASE WHEN {name} < 0 THEN '-' ELSE '' END");
    let mantissa = format!("split_part({text}, 'e', 1)");
    let with_dot =
        format!("CASE WHEN contains({mantissa}, '.') THEN {mantissa} ELSE concat({mantissa}, '.0') END");
    let exponent = format!("replace(split_part({text}, 'e', 2), '+', '')");
    let whole = format!("split_part({text}, '.', 1)");
    // Digits without the dot; of large numbers from the first one, of small ones from the first that is not zero.
    let digits = format!("rtrim('0', ltrim('0', replace({text}, '.', '')))");
    let large = format!(
        "concat(substring({digits}, 1, 1), '.', CASE WHEN length({digits}) > 1 THEN substring({digits}, 2) ELSE '0' END, 'E', CAST(length({whole}) - 1 AS STRING))"
    );
    let fraction = format!("split_part({text}, '.', 2)");
    let small = format!(
        "concat(substring({digits}, 1, 1), '.', CASE WHEN length({digits}) > 1 THEN substring({digits}, 2) ELSE '0' END, 'E-', CAST(length({fraction}) - length(ltrim('0', {fraction})) + 1 AS STRING))"
    );
    let close = format!(
        " AS {from})), {name} -> CASE WHEN isnan({name}) THEN 'NaN' WHEN abs({name}) > {} THEN concat({sign}, 'Infinity') \
         WHEN {name} = 0 OR (abs({name}) >= 0.001D AND abs({name}) < 10000000D) THEN CAST({name} AS STRING) \
         WHEN contains({text}, 'e') THEN concat({sign}, {with_dot}, 'E', {exponent}) \
         WHEN abs({name}) >= 1 THEN concat({sign}, {large}) ELSE concat({sign}, {small}) END), 0)",
        if *from == DataType::Float { "3.4028235e38D" } else { "1.7976931348623157e308D" }
    );
    ("get(transform(array(CAST(".to_owned(), close)
}

/// Refuses casts that the platform knows none of, and the engine makes something of.
///
/// Errors: `DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION` 42K09.
pub(super) fn possible(from: &DataType, to: &DataType, shown: &str) -> Result<(), SqlError> {
    use DataType::{Binary, Boolean, Date, Double, Float, TimestampNtz};
    let fraction = |data_type: &DataType| matches!(data_type, Double | Float | DataType::Decimal(..));
    let impossible = match (from, to) {
        (Date | TimestampNtz, _) => to.is_numeric() || matches!(to, Boolean | Binary),
        (_, Date) => from.is_numeric() || matches!(from, Boolean | Binary),
        (_, TimestampNtz) => from.is_numeric() || matches!(from, Boolean),
        (_, Binary) => fraction(from) || matches!(from, Boolean | DataType::Timestamp),
        (Binary, _) => to.is_numeric() || matches!(to, Boolean | DataType::Timestamp),
        _ => false,
    };
    if from.is_integer() && *to == Binary {
        let text = format!(
            "Cannot resolve \"CAST({shown} AS {to})\" due to data type mismatch: cannot cast \"{from}\" to \"{to}\" with ANSI mode on."
        );
        return Err(SqlError::new("DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION", "42K09", text)
            .hinted("Use unhex(hex(x)), or SET ANSI_MODE = false"));
    }
    if !impossible {
        return Ok(());
    }
    let text = format!(
        "Cannot resolve \"CAST({shown} AS {to})\" due to data type mismatch: cannot cast \"{from}\" to \"{to}\"."
    );
    Err(SqlError::new("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09", text))
}
