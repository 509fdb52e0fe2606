//! `JOIN … USING` and `NATURAL JOIN`: the engine forgets the columns of the two sides, of which only the joined one is left to it; so
//! they become conditions, and the joined columns are written out where they are named.

use std::collections::HashMap;

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::Join;
use crate::rewrite::alike::mismatch;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::numbers::{apart, common, settled};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Relation, Scope};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// Joins by the columns of these names; `false` when the sides are not known well enough, and the join stays as it is.
    pub(super) fn joined_by(
        &mut self,
        join: &Join,
        names: &[String],
        start: usize,
        scope: &mut Scope,
        right: &Relation,
    ) -> Result<bool, SqlError> {
        let Some(right_name) = right.qualifier.last().filter(|_| !right.columns.open && !scope.nested) else {
            return Ok(false);
        };
        let mut merged = HashMap::new();
        let mut condition = Vec::new();
        for name in names {
            let left = scope.relations[start..].iter().find(|left| left.columns.find(name).is_some());
            let (Some(left), Some(own)) = (left, right.columns.find(name)) else { return Ok(false) };
            let (Some(left_name), Some(other)) = (left.qualifier.last(), left.columns.find(name)) else {
                return Ok(false);
            };
            if !left.meanings.is_empty() || scope.relations.iter().any(|relation| relation.columns.open) {
                return Ok(false);
            }
            let column = quote_name(&own.name);
            let key = name.to_lowercase();
            let before = scope.merged.get(&key).cloned();
            let before = before.unwrap_or_else(|| format!("{}.{column}", quote_name(left_name)));
            let after = format!("{}.{column}", quote_name(right_name));
            if apart(&other.data_type, &own.data_type) {
                let types = [other.data_type.clone(), own.data_type.clone()];
                return Err(mismatch(&types, "BINARY_OP_DIFF_TYPES"));
            }
            let target = common(&other.data_type, &own.data_type);
            if !condition.is_empty() {
                condition.push(Piece::from(" AND "));
            }
            condition.extend(self.side_of_key(&before, &other.data_type, &target));
            condition.push(Piece::from(" = "));
            condition.extend(self.side_of_key(&after, &own.data_type, &target));
            let text = if join.kind.contains("FULL") {
                format!("coalesce({before}, {after})")
            } else if join.kind.contains("RIGHT") {
                after
            } else {
                before
            };
            merged.insert(key, (other.name.clone(), text));
        }
        if condition.is_empty() {
            return Ok(false);
        }
        // Around the right side: what only followed it would be lost with it where it is replaced.
        let kind = join.kind.strip_prefix("NATURAL").map(str::trim);
        let mut text = match kind {
            Some(kind) => pieces![format!("{kind} JOIN "), join.right.span, " ON "],
            None => pieces![Span::new(join.span.start, join.right.span.end), " ON "],
        };
        text.extend(condition);
        self.edits.replace(join.span, text);
        if !join.kind.contains("SEMI") && !join.kind.contains("ANTI") {
            for (key, (name, text)) in merged {
                scope.merged.insert(key, text);
                if !scope.merged_first.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                    scope.merged_first.push(name);
                }
            }
            scope.merged_first.sort_by_key(|name| {
                names.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(usize::MAX)
            });
        }
        Ok(true)
    }

    fn side_of_key(&self, name: &str, from: &DataType, to: &DataType) -> Vec<Piece> {
        if from == to || !settled(to) || (from.is_integer() && to.is_integer()) {
            return pieces![name];
        }
        self.converted_text(name, from, to)
    }
}
