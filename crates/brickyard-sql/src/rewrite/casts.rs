//! Casts, texts of numbers, paths into JSON and variants, `LIKE ANY`.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, PathStep};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::expressions::no_part;
use crate::rewrite::json_calls::variant_text;
use crate::rewrite::moment_calls::{wall_clock, whole_units};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;
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
        if attempt && infix {
            self.edits.replace(expr.span, pieces!["TRY_CAST(", value.span, format!(" AS {data_type})")]);
        }
        let _ = type_span;
        if from == DataType::Variant && target == DataType::String {
            self.edits.replace(expr.span, variant_text(value.span, "$"));
        } else if from == DataType::Timestamp && target == DataType::TimestampNtz && self.context.local_time {
            self.edits.replace(expr.span, wall_clock(value.span));
        } else if from == DataType::Timestamp && data_type.is_integer() {
            let mut text = pieces![format!("{}(", if attempt { "TRY_CAST" } else { "CAST" })];
            text.extend(whole_units(value.span, 1_000_000));
            text.push(Piece::from(format!(" AS {data_type})")));
            self.edits.replace(expr.span, text);
        } else if matches!(from, DataType::Decimal(..)) && target == DataType::Boolean {
            self.edits.replace(expr.span, pieces!["((", value.span, ") <> 0)"]);
        } else if from == DataType::Variant && !matches!(target, DataType::Variant) {
            let function = if attempt { "try_variant_get" } else { "variant_get" };
            let name = string_literal(&data_type.to_string().to_lowercase());
            self.edits
                .replace(expr.span, pieces![format!("{function}("), value.span, format!(", '$', {name})")]);
        } else if target == DataType::String && matches!(from, DataType::Double | DataType::Float) {
            let text = self.double_text(value.span, &from);
            self.edits.replace(expr.span, text);
        } else if target == DataType::String
            && let Some(text) = Self::nested_text(value.span, &from)
        {
            self.edits.replace(expr.span, text);
        }
        Ok(target)
    }

    /// A double as Java prints it; the value is computed once.
    pub(super) fn double_text(&mut self, value: Span, from: &DataType) -> Vec<Piece> {
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
        pieces![
            format!("element_at(transform(array(CAST("),
            value,
            format!(
                " AS {from})), {name} -> CASE WHEN isnan({name}) THEN 'NaN' WHEN abs({name}) > {} THEN concat({sign}, 'Infinity') \
                 WHEN {name} = 0 OR (abs({name}) >= 0.001D AND abs({name}) < 10000000D) THEN CAST({name} AS STRING) \
                 WHEN contains({text}, 'e') THEN concat({sign}, {with_dot}, 'E', {exponent}) \
                 WHEN abs({name}) >= 1 THEN concat({sign}, {large}) ELSE concat({sign}, {small}) END), 1)",
                if *from == DataType::Float { "3.4028235e38D" } else { "1.7976931348623157e308D" }
            )
        ]
    }

    /// Operands of `||` and `concat` that are doubles are printed as the platform does.
    pub(super) fn concatenation(&mut self, operands: &[Expr], all: &[DataType]) -> DataType {
        for (operand, data_type) in operands.iter().zip(all) {
            if matches!(data_type, DataType::Double | DataType::Float) {
                let text = self.double_text(operand.span, data_type);
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
