//! What `UPDATE` and `MERGE` assign: columns that are there, values as their columns take them.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::plan;
use crate::query::{Expr, ExprKind};
use crate::rewrite::changes::{default_text, unresolved_column};
use crate::rewrite::edits::pieces;
use crate::rewrite::lengths::{has_length, held_once, without_length};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;

impl Planner<'_> {
    /// A column that is assigned must be there.
    pub(super) fn assigned(&mut self, column: &Name, relation: &plan::Relation) -> Result<(), SqlError> {
        let known = |name: &str| relation.columns.iter().any(|own| own.name.eq_ignore_ascii_case(name));
        if relation.columns.is_empty() || column.parts.iter().any(|part| known(&part.value)) {
            return Ok(());
        }
        Err(unresolved_column(&column.parts[column.parts.len() - 1].value, relation).at(column.span))
    }

    /// `DEFAULT` as a value: the column's default, else NULL.
    pub(super) fn default_value(&mut self, value: &Expr, column: &Name, relation: &plan::Relation) -> bool {
        if !matches!(value.kind, ExprKind::Default) {
            return false;
        }
        let name = column.parts.last().map(|part| part.value.as_str()).unwrap_or_default();
        let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(name));
        let text = match own {
            Some(own) if own.default.is_none() && own.data_type != DataType::Unknown => {
                format!("CAST(NULL AS {})", without_length(&own.data_type))
            }
            own => default_text(own),
        };
        self.edits.replace(value.span, pieces![text]);
        true
    }

    /// The value of an assignment. NULL gets the type of its column: the engine finds none for it that fits.
    pub(super) fn assigned_value(
        &mut self,
        value: &Expr,
        column: &Name,
        relation: &plan::Relation,
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let is_default = self.default_value(value, column, relation);
        let data_type = if is_default { DataType::Unknown } else { self.expr(value, scope)? };
        let [.., name] = column.parts.as_slice() else { return Ok(()) };
        let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(&name.value));
        let typed = |own: &&plan::Column| !matches!(own.data_type, DataType::Unknown | DataType::Void);
        // The platform's text of a number of floating point is another than the engine's.
        let floating = matches!(data_type, DataType::Double | DataType::Float);
        if floating && own.is_some_and(|own| own.data_type.is_string()) {
            let text = self.double_text(value.span, &data_type);
            self.edits.replace(value.span, text);
        }
        let whole = column.parts.len() == 1 || own_named(column, relation);
        if let Some(own) = own.filter(|own| whole && is_read(&data_type, own)) {
            let text = self.as_type(value.span, &data_type, &own.data_type);
            self.edits.replace(value.span, text);
        }
        let held = own.filter(|own| has_length(&own.data_type) && data_type != DataType::Void);
        if let Some(own) = held.filter(|_| whole) {
            let value_text = self.render(value.span)?;
            self.edits.replace(value.span, pieces![held_once(&value_text, own)]);
        } else if let Some(own) = own.filter(typed).filter(|_| data_type == DataType::Void) {
            self.edits.replace(
                value.span,
                pieces!["CAST(", value.span, format!(" AS {})", without_length(&own.data_type))],
            );
        }
        Ok(())
    }
}

/// Whether a string is read as a value of the column's type, which the platform's `CAST` does otherwise than the engine's writer.
pub(super) fn is_read(from: &DataType, own: &plan::Column) -> bool {
    let read = matches!(
        own.data_type,
        DataType::Date | DataType::Timestamp | DataType::TimestampNtz | DataType::Boolean
    ) || own.data_type.is_numeric();
    read && *from == DataType::String
}

/// Whether the last part of an assigned name is a column, rather than a field of one.
fn own_named(column: &Name, relation: &plan::Relation) -> bool {
    let before = &column.parts[..column.parts.len() - 1];
    !before.iter().any(|part| relation.columns.iter().any(|own| own.name.eq_ignore_ascii_case(&part.value)))
}
