//! `ROLLUP`, `CUBE` and `GROUPING SETS` as one list of sets, where the engine reads them otherwise: places, tuples, sets within
//! sets, several beside one another.

use std::collections::HashMap;

use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Group, Grouping, Node, Select, tree};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::has_aggregate;
use crate::rewrite::naming::column_name;
use crate::rewrite::planner::Planner;
use crate::token::Span;

/// More sets than these are left to the engine, or refused by it.
const MAXIMUM_SETS: usize = 4096;

impl Planner<'_> {
    /// Checks the places of a `GROUP BY`.
    ///
    /// Errors: places that there are none of, or that are aggregates (`GROUP_BY_POS_…`).
    pub(super) fn group_places(
        &self,
        select: &Select,
        widths: &[usize],
        group: &Group,
    ) -> Result<(), SqlError> {
        let total: usize = widths.iter().sum();
        for item in group.items.iter().flat_map(members) {
            let Some(place) = place(item) else { continue };
            if select.items.iter().any(|item| matches!(item.expr.kind, ExprKind::Star { .. })) {
                let text =
                    "Star (*) is not allowed in a select list when GROUP BY an ordinal position is used.";
                return Err(SqlError::new("STAR_GROUP_BY_POS", "0A000", text).at(item.span));
            }
            let chosen = usize::try_from(place).ok().filter(|place| (1..=total).contains(place));
            let Some(chosen) = chosen else {
                let text =
                    format!("GROUP BY position {place} is not in select list (valid range is [1, {total}]).");
                return Err(SqlError::new("GROUP_BY_POS_OUT_OF_RANGE", "42805", text).at(item.span));
            };
            if let Some(chosen) = select.items.get(chosen - 1).filter(|_| total == select.items.len())
                && has_aggregate(&chosen.expr)
            {
                let text = format!(
                    "GROUP BY {place} refers to an expression {} that contains an aggregate function. Aggregate functions are not allowed in GROUP BY.",
                    column_name(&chosen.expr, self.sql)
                );
                return Err(SqlError::new("GROUP_BY_POS_AGGREGATE", "42903", text).at(item.span));
            }
        }
        Ok(())
    }

    /// Writes the sets out, where the engine would read them otherwise.
    ///
    /// Errors: an empty set within `ROLLUP` or `CUBE`.
    pub(super) fn written_sets(&mut self, select: &Select, group: &Group) -> Result<(), SqlError> {
        if !group.sets || self.is_plain(group) {
            return Ok(());
        }
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for part in &group.parts {
            let own = expanded(part)?;
            if sets.len().saturating_mul(own.len()) > MAXIMUM_SETS {
                return Ok(());
            }
            sets = sets
                .iter()
                .flat_map(|before| own.iter().map(|after| [before.as_slice(), after.as_slice()].concat()))
                .collect();
        }
        let mut first: HashMap<String, &Expr> = HashMap::new();
        let mut text = pieces!["GROUP BY GROUPING SETS ("];
        let mut seen: Vec<Vec<String>> = Vec::new();
        let mut twice = false;
        for (at, set) in sets.iter().enumerate() {
            text.push(Piece::from(if at > 0 { ", (" } else { "(" }));
            let mut keys: Vec<String> = Vec::new();
            for item in set.iter().flat_map(|index| members(&group.items[*index])) {
                let item = place(item)
                    .and_then(|place| select.items.get(usize::try_from(place).ok()?.checked_sub(1)?))
                    .map_or(item, |chosen| &chosen.expr);
                let key = self.key(item);
                if keys.contains(&key) {
                    continue;
                }
                if !keys.is_empty() {
                    text.push(Piece::from(", "));
                }
                let item = first.entry(key.clone()).or_insert(item);
                text.push(Piece::Bare(item.span));
                keys.push(key);
            }
            text.push(Piece::from(")"));
            keys.sort();
            twice |= seen.contains(&keys);
            seen.push(keys);
        }
        text.push(Piece::from(")"));
        self.edits.replace(group.span, text);
        if twice {
            self.plain_ids(select, first.len());
        }
        Ok(())
    }

    /// The expressions that `grouping_id()` is about, in the order in which they are named.
    pub(super) fn grouping_columns(&self, select: &Select) -> Vec<Span> {
        let Some(group) = select.group_by.as_ref().filter(|group| group.sets) else { return Vec::new() };
        let mut keys = Vec::new();
        let mut spans = Vec::new();
        for item in group.items.iter().flat_map(members) {
            let key = self.key(item);
            if !keys.contains(&key) && place(item).is_none() {
                keys.push(key);
                spans.push(item.span);
            }
        }
        spans
    }

    /// `grouping_id(a, b)`, which the engine has only with its arguments.
    pub(super) fn whole_grouping_id(&mut self, span: Span) {
        let mut text = pieces!["grouping_id("];
        for (at, column) in self.grouping_columns.clone().into_iter().enumerate() {
            text.extend(pieces![if at > 0 { ", " } else { "" }, column]);
        }
        text.push(Piece::from(")"));
        self.edits.replace(span, text);
    }

    /// Of sets that are there twice the engine counts in `grouping_id` which one it is.
    fn plain_ids(&mut self, select: &Select, expressions: usize) {
        let exprs = select.items.iter().map(|item| &item.expr).chain(&select.having);
        let mut calls = Vec::new();
        for expr in exprs {
            tree::walk(Node::Expr(expr), &mut |node| {
                if let Node::Expr(Expr { span, kind: ExprKind::Name(name) }) = node
                    && name.single().as_deref() == Some("GROUPING__ID")
                {
                    calls.push((*span, expressions.min(62)));
                }
                let Node::Expr(Expr { span, kind: ExprKind::Call(call) }) = node else { return };
                if call.name.single().as_deref() == Some("GROUPING_ID") {
                    let bits = if call.arguments.is_empty() { expressions } else { call.arguments.len() };
                    calls.push((*span, bits.min(62)));
                }
            });
        }
        for (span, bits) in calls {
            self.edits
                .replace(span, pieces!["(", Piece::Bare(span), format!(" & {}L)", (1_u64 << bits) - 1)]);
        }
    }

    /// Whether the engine reads the clause as the platform does.
    fn is_plain(&self, group: &Group) -> bool {
        let [Grouping::Rollup(list) | Grouping::Cube(list)] = group.parts.as_slice() else { return false };
        let names = |part: &Grouping| match part {
            Grouping::One(index) => matches!(group.items[*index].kind, ExprKind::Name(_)),
            _ => false,
        };
        let mut keys: Vec<String> = group.items.iter().map(|item| self.key(item)).collect();
        keys.sort();
        keys.dedup();
        keys.len() == group.items.len() && list.iter().all(names)
    }

    /// What expressions of the same meaning have in common: sums and products are the same from either side.
    pub(super) fn key(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Binary(left, operator, right) if operator == "+" || operator == "*" => {
                let mut sides = [self.key(left), self.key(right)];
                sides.sort();
                format!("({} {operator} {})", sides[0], sides[1])
            }
            ExprKind::Tuple(items) if items.len() == 1 => self.key(&items[0]),
            ExprKind::Name(name) => {
                name.parts.last().map_or_else(String::new, |part| part.value.to_lowercase())
            }
            _ => column_name(expr, self.sql),
        }
    }
}

/// The expressions of an entry: those of a tuple, or itself.
fn members(item: &Expr) -> &[Expr] {
    match &item.kind {
        ExprKind::Tuple(items) => items,
        _ => std::slice::from_ref(item),
    }
}

/// The place that a number stands for.
fn place(item: &Expr) -> Option<i64> {
    match &item.kind {
        ExprKind::Number(place) => place.parse().ok(),
        ExprKind::Unary(operator, inner) if operator == "-" => place(inner).map(|place| -place),
        _ => None,
    }
}

/// The sets that an entry stands for.
fn expanded(part: &Grouping) -> Result<Vec<Vec<usize>>, SqlError> {
    let within = |list: &[Grouping], name: &str| -> Result<Vec<usize>, SqlError> {
        let mut all = Vec::new();
        for part in list {
            let Grouping::One(index) = part else {
                let text = format!("Empty set in {name} grouping sets is not supported.");
                return Err(SqlError::new("_LEGACY_ERROR_TEMP_0051", "0A000", text));
            };
            all.push(*index);
        }
        Ok(all)
    };
    Ok(match part {
        Grouping::Nothing => vec![Vec::new()],
        Grouping::One(index) => vec![vec![*index]],
        Grouping::Rollup(list) => {
            let all = within(list, "ROLLUP")?;
            (0..=all.len()).rev().map(|length| all[..length].to_vec()).collect()
        }
        Grouping::Cube(list) => {
            let all = within(list, "CUBE")?;
            if all.len() > 12 {
                return Err(SqlError::unsupported("CUBE of more than 12 expressions", "Name the sets"));
            }
            let chosen = |mask: usize| {
                all.iter().enumerate().filter(move |(at, _)| mask & (1 << at) == 0).map(|(_, index)| *index)
            };
            (0..1_usize << all.len()).map(|mask| chosen(mask).collect()).collect()
        }
        Grouping::Sets(list) => {
            let mut all = Vec::new();
            for part in list {
                all.extend(expanded(part)?);
            }
            all
        }
    })
}
