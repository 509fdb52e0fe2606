//! Collations that a comparison or an order names: `UTF8_BINARY`, which all texts have, and `UTF8_LCASE`.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;

/// The collation that an expression names, in upper case, and what it is of.
pub(super) fn named(expr: &Expr) -> Option<(&Expr, String)> {
    match &expr.kind {
        ExprKind::Collate(base, name) => {
            Some((base, name.parts.last().map(|part| part.value.to_uppercase()).unwrap_or_default()))
        }
        ExprKind::Call(call) if call.name.single().as_deref() == Some("COLLATE") => {
            match call.arguments.as_slice() {
                [base, name] => Some((&base.value, constant_string(&name.value)?.to_uppercase())),
                _ => None,
            }
        }
        ExprKind::Tuple(items) if items.len() == 1 => named(&items[0]),
        _ => None,
    }
}

/// Refuses a collation that is not served.
pub(super) fn refused(name: &str) -> SqlError {
    SqlError::unsupported(
        format!("COLLATE {name} here"),
        "Compare with COLLATE UTF8_LCASE or UTF8_BINARY, or lower(a) with lower(b)",
    )
}

impl Planner<'_> {
    /// Compares values by the collation that one of them names; `false` where none names one.
    ///
    /// Errors: two different ones (`COLLATION_MISMATCH.EXPLICIT` 42P21).
    pub(super) fn collated(&mut self, sides: &[&Expr], scope: &Scope) -> Result<bool, SqlError> {
        let mut names: Vec<String> = sides.iter().filter_map(|side| Some(named(side)?.1)).collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            [] => Ok(false),
            [name] if name == "UTF8_BINARY" => Ok(false),
            [name] if name == "UTF8_LCASE" => {
                for side in sides {
                    self.lower_case(side, scope)?;
                }
                Ok(true)
            }
            [name] => Err(refused(name)),
            names => {
                let list: Vec<String> =
                    names.iter().map(|name| format!("\"STRING COLLATE {name}\"")).collect();
                let text = format!(
                    "Could not determine which collation to use for string functions and operators. Error occurred due to the mismatch between explicit collations: [{}]. Decide on a single explicit collation and remove others.",
                    list.join(", ")
                );
                Err(SqlError::new("COLLATION_MISMATCH.EXPLICIT", "42P21", text))
            }
        }
    }

    /// A key of an order, by the collation that it names.
    pub(super) fn order_key(&mut self, key: &Expr, scope: &Scope) -> Result<DataType, SqlError> {
        match named(key) {
            Some((_, name)) if name == "UTF8_LCASE" => {
                self.lower_case(key, scope)?;
                Ok(DataType::String)
            }
            _ => self.expr(key, scope),
        }
    }

    /// A text as `UTF8_LCASE` compares it: in lower case, with one small sigma.
    fn lower_case(&mut self, side: &Expr, scope: &Scope) -> Result<(), SqlError> {
        let base = named(side).map_or(side, |(base, _)| base);
        if !matches!(self.expr(base, scope)?, DataType::String | DataType::Void) {
            return Err(refused("UTF8_LCASE of anything but texts"));
        }
        self.edits.replace(side.span, pieces!["replace(lower(", base.span, "), 'ς', 'σ')"]);
        Ok(())
    }
}
