//! Functions that give rows: `explode`, `inline`, `stack` and the like, in `SELECT`, `FROM` and `LATERAL VIEW`.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::select::LateralView;
use crate::query::{Call, ExprKind, Item};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Output, Relation, Scope};

impl Planner<'_> {
    /// The columns of a select list entry that is a generator: `Some(None)` when they are unknown, `None` when it is none.
    #[expect(clippy::option_option, reason = "no generator, an unknown one, a known one")]
    pub(super) fn generator_item(
        &mut self,
        item: &Item,
        scope: &Scope,
    ) -> Result<Option<Option<Vec<Output>>>, SqlError> {
        let ExprKind::Call(call) = &item.expr.kind else { return Ok(None) };
        let name = call.name.single().unwrap_or_default().to_lowercase();
        if crate::function::rule(&name) != Some("gen") {
            return Ok(None);
        }
        let mut outputs = self.generator_outputs(&name, call, scope)?;
        self.explode_map(call, scope)?;
        if let Some(outputs) = &mut outputs {
            let names: Vec<&str> = match &item.alias {
                Some(alias) => vec![alias.value.as_str()],
                None => item.aliases.iter().map(|alias| alias.value.as_str()).collect(),
            };
            if !names.is_empty() && names.len() != outputs.len() {
                let text = format!(
                    "The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected {} aliases, but got {}.",
                    outputs.len(),
                    names.join(",")
                );
                return Err(SqlError::new("UDTF_ALIAS_NUMBER_MISMATCH", "42802", text).at(item.span));
            }
            if !names.is_empty() {
                for (output, name) in outputs.iter_mut().zip(names) {
                    name.clone_into(&mut output.name);
                }
            }
        }
        Ok(Some(outputs))
    }

    /// `explode(map)` crashes the engine: `inline(map_entries(map))` gives the same two columns.
    pub(super) fn explode_map(&mut self, call: &Call, scope: &Scope) -> Result<(), SqlError> {
        let name = call.name.single().unwrap_or_default().to_lowercase();
        let Some(argument) = call.arguments.first() else { return Ok(()) };
        let data_type = self.type_only(&argument.value, scope)?;
        if !matches!(data_type, DataType::Map(..)) {
            return Ok(());
        }
        let span = argument.value.span;
        let inner = if name.ends_with("_outer") { "inline_outer" } else { "inline" };
        match name.as_str() {
            "explode" | "explode_outer" => {
                self.edits.replace(call.name.span, pieces![inner]);
                self.edits.replace(span, pieces!["map_entries(", span, ")"]);
                Ok(())
            }
            _ => Err(SqlError::unsupported(format!("{name} of a map"), "Use posexplode(map_entries(m))")),
        }
    }

    /// The type of an expression whose edits are already made.
    pub(super) fn type_only(
        &mut self,
        expr: &crate::query::Expr,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        let context = self.context;
        let mut probe = Planner::new(self.sql, context, self.schemas, self.depth + 1);
        probe.expr(expr, scope)
    }

    /// The columns of a generator; resolves its arguments.
    pub(super) fn generator_outputs(
        &mut self,
        name: &str,
        call: &Call,
        scope: &Scope,
    ) -> Result<Option<Vec<Output>>, SqlError> {
        let nested = |argument: &crate::query::Argument| {
            matches!(&argument.value.kind, ExprKind::Call(inner)
                if crate::function::rule(&inner.name.single().unwrap_or_default().to_lowercase()) == Some("gen"))
        };
        if call.arguments.iter().any(nested) {
            let text =
                format!("The generator is not supported: nested in expressions \"{}\".", call.name.quoted());
            let class = "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS";
            return Err(SqlError::new(class, "42K0E", text).at(call.name.span));
        }
        let types = self.arguments(call, scope)?;
        if let (true, Some(own)) = (name.contains("explode") && !name.starts_with("variant"), types.first())
            && !matches!(own, DataType::Unknown | DataType::Array(_) | DataType::Map(..))
        {
            let shown = call.arguments[0].value.span.of(self.sql);
            let text = format!(
                "Cannot resolve \"{name}({shown})\" due to data type mismatch: The first parameter requires the (\"ARRAY\" or \"MAP\") type, however \"{shown}\" has the type \"{own}\"."
            );
            return Err(SqlError::new("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09", text));
        }
        let output = |name: &str, data_type: &DataType| Output::new(name.to_owned(), data_type.clone());
        let position = name.starts_with("pos").then(|| output("pos", &DataType::Int));
        Ok(match (name, types.first()) {
            (
                "explode" | "explode_outer" | "posexplode" | "posexplode_outer",
                Some(DataType::Array(element)),
            ) => Some(position.into_iter().chain([output("col", element)]).collect()),
            (
                "explode" | "explode_outer" | "posexplode" | "posexplode_outer",
                Some(DataType::Map(key, value)),
            ) => Some(position.into_iter().chain([output("key", key), output("value", value)]).collect()),
            ("inline" | "inline_outer", Some(DataType::Array(element))) => match &**element {
                DataType::Struct(fields) => {
                    Some(fields.iter().map(|field| output(&field.name, &field.data_type)).collect())
                }
                _ => None,
            },
            ("stack", Some(_)) => {
                let rows = match &call.arguments[0].value.kind {
                    ExprKind::Number(text) => text.parse::<usize>().ok().filter(|rows| *rows > 0),
                    _ => None,
                };
                rows.map(|rows| {
                    let width = (types.len() - 1).div_ceil(rows);
                    (0..width)
                        .map(|column| {
                            let cells = types[1..].iter().skip(column).step_by(width.max(1));
                            let data_type =
                                cells.fold(DataType::Void, |a, b| crate::rewrite::numbers::common(&a, b));
                            Output::new(format!("col{column}"), data_type)
                        })
                        .collect()
                })
            }
            ("json_tuple", Some(_)) => Some(
                (0..types.len() - 1).map(|column| output(&format!("c{column}"), &DataType::String)).collect(),
            ),
            ("variant_explode" | "variant_explode_outer", Some(_)) => Some(vec![
                output("pos", &DataType::Int),
                output("key", &DataType::String),
                output("value", &DataType::Variant),
            ]),
            _ => None,
        })
    }

    pub(super) fn lateral_view(&mut self, view: &LateralView, scope: &mut Scope) -> Result<(), SqlError> {
        let ExprKind::Call(call) = &view.call.kind else { return Ok(()) };
        let name = call.name.single().unwrap_or_default().to_lowercase();
        if crate::function::rule(&name) != Some("gen") {
            return Err(SqlError::unsupported(
                format!("LATERAL VIEW of {}", call.name.quoted()),
                "Use explode, inline or stack",
            ));
        }
        let outputs = self.generator_outputs(&name, call, scope)?;
        if name.contains("explode") {
            self.explode_map(call, scope)?;
        }
        let columns = match outputs {
            Some(list) => Columns { list, open: false }.renamed(&view.columns),
            None if view.columns.is_empty() => Columns { list: Vec::new(), open: true },
            None => Columns { list: Vec::new(), open: true }.renamed(&view.columns),
        };
        let qualifier = view.table.iter().map(|table| table.value.clone()).collect();
        scope.relations.push(Relation { qualifier, columns, ..Relation::default() });
        Ok(())
    }
}
