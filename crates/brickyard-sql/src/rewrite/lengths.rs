//! `CHAR(n)` and `VARCHAR(n)`: what is written is held to its length, what is compared is filled up to it.

use crate::data_type::{DataType, Field};
use crate::plan;
use crate::query::{Expr, ExprKind};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Found, Scope};
use crate::token::{quote_name, string_literal};

/// Whether a type or a part of it has a length.
pub(super) fn has_length(data_type: &DataType) -> bool {
    match data_type {
        DataType::Varchar(_) | DataType::Char(_) => true,
        DataType::Array(element) => has_length(element),
        DataType::Map(key, value) => has_length(key) || has_length(value),
        DataType::Struct(fields) => fields.iter().any(|field| has_length(&field.data_type)),
        _ => false,
    }
}

/// Whether a table has columns with a length.
pub(super) fn holds_lengths(relation: &plan::Relation) -> bool {
    relation.columns.iter().any(|column| has_length(&column.data_type))
}

/// The type in expressions: without lengths.
pub(super) fn without_length(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Varchar(_) | DataType::Char(_) => DataType::String,
        DataType::Array(element) => DataType::Array(Box::new(without_length(element))),
        DataType::Map(key, value) => {
            DataType::Map(Box::new(without_length(key)), Box::new(without_length(value)))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| Field { data_type: without_length(&field.data_type), ..field.clone() })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// A value as this column takes it: spaces at its end give way to the length, `CHAR` is filled up with spaces, and what is longer is
/// an error. `value` is repeated, so it must not differ from time to time.
pub(super) fn held(value: &str, column: &plan::Column) -> String {
    match &column.data_type {
        data_type if !has_length(data_type) => value.to_owned(),
        data_type @ (DataType::Varchar(_) | DataType::Char(_)) => held_part(value, data_type, column, 0),
        data_type => {
            let typed = format!("CAST({value} AS {})", without_length(data_type));
            held_part(&typed, data_type, column, 0)
        }
    }
}

/// A value or a part of one. The column's name is in the message for the reader, and for the engine: it computes what is written twice
/// once, and then for rows that no condition lets in.
fn held_part(value: &str, data_type: &DataType, column: &plan::Column, depth: usize) -> String {
    if !has_length(data_type) {
        return value.to_owned();
    }
    match data_type {
        DataType::Varchar(length) | DataType::Char(length) => {
            let is_char = matches!(data_type, DataType::Char(_));
            let kept = if is_char {
                format!("rpad(CAST({value} AS STRING), {length}, ' ')")
            } else {
                format!("substring(CAST({value} AS STRING), 1, {length})")
            };
            let (open, close) = (
                string_literal("[DELTA_EXCEED_CHAR_VARCHAR_LIMIT] Value \""),
                string_literal(&format!(
                    "\" exceeds char/varchar type length limitation. Failed check: (length({}) <= {length}). SQLSTATE: 22001",
                    column.name
                )),
            );
            format!(
                "CASE WHEN length(rtrim(CAST({value} AS STRING))) > {length} THEN raise_error(concat({open}, CAST({value} AS STRING), {close})) WHEN length(CAST({value} AS STRING)) < 0 THEN '' ELSE {kept} END"
            )
        }
        DataType::Array(element) => {
            let name = format!("`__l{depth}`");
            format!("transform({value}, {name} -> {})", held_part(&name, element, column, depth + 1))
        }
        DataType::Map(key, item) => {
            let part = |function: &str, data_type: &DataType| {
                let list = DataType::Array(Box::new(data_type.clone()));
                held_part(&format!("{function}({value})"), &list, column, depth)
            };
            format!(
                "CASE WHEN {value} IS NOT NULL THEN map_from_arrays({}, {}) END",
                part("map_keys", key),
                part("map_values", item)
            )
        }
        DataType::Struct(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|field| {
                    let part = format!("{value}.{}", quote_name(&field.name));
                    format!(
                        "{}, {}",
                        string_literal(&field.name),
                        held_part(&part, &field.data_type, column, depth)
                    )
                })
                .collect();
            format!("CASE WHEN {value} IS NOT NULL THEN named_struct({}) END", parts.join(", "))
        }
        _ => value.to_owned(),
    }
}

/// A value that is computed once, as this column takes it.
pub(super) fn held_once(value: &str, column: &plan::Column) -> String {
    let given = match &column.data_type {
        DataType::Varchar(_) | DataType::Char(_) => format!("CAST({value} AS STRING)"),
        data_type => format!("CAST({value} AS {})", without_length(data_type)),
    };
    let held = held_part("`__v`", &column.data_type, column, 0);
    format!("get(transform(array({given}), `__v` -> {held}), 0)")
}

impl Planner<'_> {
    /// The declared type of a plain column, when it has a length.
    pub(super) fn declared(&self, expr: &Expr, scope: &Scope) -> Option<DataType> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        let parts = name.values();
        match scope.find(&parts) {
            Found::Column { length, parts: used, meaning: None, .. } if used == parts.len() => length,
            _ => None,
        }
    }

    /// Of values that are compared, columns of `CHAR(n)` and literals are filled up to the longest of them.
    pub(super) fn fill_up(&mut self, sides: &[&Expr], scope: &Scope) {
        let columns: Vec<Option<u32>> = sides
            .iter()
            .map(|side| match self.declared(side, scope) {
                Some(DataType::Char(length)) => Some(length),
                _ => None,
            })
            .collect();
        if columns.iter().all(Option::is_none) {
            return;
        }
        let length_of = |side: &Expr, column: &Option<u32>| match &side.kind {
            _ if column.is_some() => *column,
            ExprKind::String(text) => u32::try_from(text.chars().count()).ok(),
            _ => None,
        };
        let lengths: Option<Vec<u32>> =
            sides.iter().zip(&columns).map(|(side, column)| length_of(side, column)).collect();
        // Beside anything else the values stand as they are.
        let Some(lengths) = lengths else { return };
        let longest = lengths.iter().copied().max().unwrap_or(0);
        for (side, length) in sides.iter().zip(lengths) {
            match &side.kind {
                _ if length == longest => {}
                ExprKind::String(text) => {
                    let filled = format!("{text}{}", " ".repeat((longest - length) as usize));
                    self.edits.replace(side.span, pieces![string_literal(&filled)]);
                }
                _ => self.edits.replace(side.span, pieces!["rpad(", side.span, format!(", {longest}, ' ')")]),
            }
        }
    }
}
