//! Values of several types in the one that they have in common: results of `CASE`, sides of a comparison, elements of an array.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Call, Expr, ExprKind, Query};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::json_calls::has;
use crate::rewrite::numbers::{apart, common, holds_map, is_moment, settled};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Output, Scope};
use crate::token::Span;

impl Planner<'_> {
    /// Gives values of several types the one they have in common, where the engine would choose another one.
    ///
    /// Errors: types that have none in common (42K09), of the class `DATATYPE_MISMATCH` with `class` after it.
    pub(super) fn alike(
        &mut self,
        spans: &[Span],
        types: &mut [DataType],
        class: &str,
    ) -> Result<(), SqlError> {
        let mut target = DataType::Void;
        for data_type in types.iter() {
            if apart(&target, data_type) {
                return Err(mismatch(types, class));
            }
            target = common(&target, data_type);
        }
        if target == DataType::Void || !settled(&target) || !differs(types, &target) {
            return Ok(());
        }
        for (span, data_type) in spans.iter().zip(types) {
            if *data_type != target
                && (*data_type != DataType::Void || matches!(target, DataType::Binary | DataType::Map(..)))
            {
                let text = self.as_type(*span, data_type, &target);
                self.edits.replace(*span, text);
                *data_type = target.clone();
            }
        }
        Ok(())
    }

    /// A value of one type as another.
    pub(super) fn as_type(&self, value: Span, from: &DataType, to: &DataType) -> Vec<Piece> {
        if from == to {
            return pieces![value];
        }
        let text = self.converted(value, from, to, false);
        text.unwrap_or_else(|| pieces!["CAST(", value, format!(" AS {to})")])
    }

    /// Both sides of a comparison, or a value and those that it is compared with.
    ///
    /// Errors: sides that cannot be compared (`DATATYPE_MISMATCH` 42K09).
    pub(super) fn compared(&mut self, sides: &[(Span, DataType)], class: &str) -> Result<(), SqlError> {
        let (spans, mut types): (Vec<Span>, Vec<DataType>) = sides.iter().cloned().unzip();
        orderable(&types)?;
        self.alike(&spans, &mut types, class)
    }

    /// `value IN (query)` and `(a, b) IN (query)`: both sides in the type that they have in common.
    ///
    /// Errors: sides that cannot be compared (`DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH` 42K09).
    pub(super) fn compared_with_query(
        &mut self,
        value: &Expr,
        query: &Query,
        columns: &Columns,
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let values: &[Expr] = match &value.kind {
            ExprKind::Tuple(items) if items.len() > 1 => items,
            _ => std::slice::from_ref(value),
        };
        if columns.open || columns.list.len() != values.len() {
            return Ok(());
        }
        let mut together = Vec::new();
        for (value, column) in values.iter().zip(&columns.list) {
            let own = self.type_only(value, scope)?;
            let types = [own.clone(), column.data_type.clone()];
            orderable(&types)?;
            if apart(&own, &column.data_type) {
                return Err(mismatch(&types, "IN_SUBQUERY_DATA_TYPE_MISMATCH"));
            }
            let target = common(&own, &column.data_type);
            let target =
                if settled(&target) && differs(&types, &target) { target } else { DataType::Unknown };
            if target != DataType::Unknown && own != DataType::Void {
                let text = self.as_type(value.span, &own, &target);
                self.edits.replace(value.span, text);
            }
            together.push(Output::new(column.name.clone(), target));
        }
        self.side(query.span, columns, &Columns { list: together, open: false });
        Ok(())
    }

    /// Arrays that are joined or compared, and an array with a value among its elements, in one type of elements.
    ///
    /// Errors: types that have none in common (`DATATYPE_MISMATCH` 42K09).
    pub(super) fn arrays(&mut self, name: &str, call: &Call, types: &mut [DataType]) -> Result<(), SqlError> {
        let spans: Vec<Span> = call.arguments.iter().map(|argument| argument.value.span).collect();
        let several = match name {
            "array_union" | "array_intersect" | "array_except" | "arrays_overlap" => {
                "BINARY_ARRAY_DIFF_TYPES"
            }
            "concat" => "DATA_DIFF_TYPES",
            _ => "",
        };
        if !several.is_empty() && types.iter().all(|own| matches!(own, DataType::Array(_) | DataType::Void)) {
            return self.alike(&spans, types, several);
        }
        let place = match name {
            "array_contains" | "array_position" | "array_remove" | "array_append" | "array_prepend" => 1,
            "array_insert" => 2,
            _ => return Ok(()),
        };
        let (Some(DataType::Array(element)), Some(value)) =
            (types.first().cloned(), types.get(place).cloned())
        else {
            return Ok(());
        };
        if apart(&element, &value) {
            return Err(mismatch(types, "ARRAY_FUNCTION_DIFF_TYPES"));
        }
        let target = common(&element, &value);
        if value == DataType::Void || !settled(&target) {
            return Ok(());
        }
        let array = DataType::Array(Box::new(target.clone()));
        for (at, own, target) in [(0, types[0].clone(), array), (place, value, target)] {
            if own != target {
                let text = self.as_type(spans[at], &own, &target);
                self.edits.replace(spans[at], text);
                types[at] = target;
            }
        }
        Ok(())
    }

    /// The results of `CASE` in one type; gives it.
    pub(super) fn case_results(
        &mut self,
        results: &[&Expr],
        mut types: Vec<DataType>,
    ) -> Result<DataType, SqlError> {
        let spans: Vec<Span> = results.iter().map(|result| result.span).collect();
        self.alike(&spans, &mut types, "DATA_DIFF_TYPES")?;
        Ok(types.iter().fold(DataType::Void, |a, b| common(&a, b)))
    }

    /// `nullif(a, b)` has the type of `a`, whatever `b` is compared as.
    pub(super) fn null_if(
        &mut self,
        expr: &Expr,
        spans: &[Span],
        types: &[DataType],
    ) -> Result<(), SqlError> {
        let ([value, other], [own, second]) = (spans, types) else { return Ok(()) };
        orderable(types)?;
        if apart(own, second) {
            return Err(mismatch(types, "BINARY_OP_DIFF_TYPES"));
        }
        let target = common(own, second);
        if own == second || *own == DataType::Void || *second == DataType::Void || !settled(&target) {
            return Ok(());
        }
        let mut text = pieces!["CASE WHEN ("];
        text.extend(self.as_type(*value, own, &target));
        text.push(Piece::from(") = ("));
        text.extend(self.as_type(*other, second, &target));
        text.extend(pieces![") THEN NULL ELSE ", *value, " END"]);
        self.edits.replace(expr.span, text);
        Ok(())
    }
}

/// Whether the engine would give values of these types another one than `target`.
fn differs(types: &[DataType], target: &DataType) -> bool {
    let any = |is: &dyn Fn(&DataType) -> bool| types.iter().any(is);
    let exact = any(&|own| own.is_integer() || matches!(own, DataType::Decimal(..)));
    let doubled = *target == DataType::Double
        && (any(&|own| matches!(own, DataType::Decimal(..)))
            || (exact && any(&|own| *own == DataType::Float)));
    any(&|own| own != target)
        && (doubled
            || is_moment(target)
            || any(&is_moment)
            || any(&|own| *own == DataType::String)
            || (*target == DataType::Binary && any(&|own| *own == DataType::Void))
            || matches!(target, DataType::Array(_) | DataType::Map(..) | DataType::Struct(_)))
}

/// Refuses values that have no order.
///
/// Errors: maps, and what holds them (`DATATYPE_MISMATCH.INVALID_ORDERING_TYPE` 42K09).
pub(super) fn orderable(types: &[DataType]) -> Result<(), SqlError> {
    let Some(data_type) = types.iter().find(|data_type| holds_map(data_type) || holds_variant(data_type))
    else {
        return Ok(());
    };
    let text = format!(
        "Cannot resolve the expression due to data type mismatch: It does not support ordering on type \"{data_type}\"."
    );
    Err(SqlError::new("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09", text))
}

fn holds_variant(data_type: &DataType) -> bool {
    has(data_type, &|part| *part == DataType::Variant)
}

pub(super) fn mismatch(types: &[DataType], class: &str) -> SqlError {
    let shown = types.iter().map(|data_type| format!("\"{data_type}\"")).collect::<Vec<_>>().join(", ");
    if let Some(class) = class.strip_prefix("INVALID_INLINE_TABLE.") {
        let text = format!("Found incompatible types {shown} in a column of the inline table.");
        return SqlError::new(&format!("INVALID_INLINE_TABLE.{class}"), "42000", text);
    }
    let text = match class {
        "BINARY_OP_DIFF_TYPES" => format!(
            "Cannot resolve the comparison due to data type mismatch: the left and right operands of the binary operator have incompatible types ({}).",
            shown.replace(", ", " and ")
        ),
        "IN_SUBQUERY_DATA_TYPE_MISMATCH" => format!(
            "Cannot resolve the expression due to data type mismatch: The data type of one or more elements in the left hand side of an IN subquery is not compatible with the data type of the output of the subquery: [{shown}]."
        ),
        _ => format!(
            "Cannot resolve the expression due to data type mismatch: Input should all be the same type, but it's [{shown}]."
        ),
    };
    SqlError::new(&format!("DATATYPE_MISMATCH.{class}"), "42K09", text)
}
