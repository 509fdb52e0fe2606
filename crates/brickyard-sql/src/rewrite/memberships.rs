//! `IN (query)` and `EXISTS (query)` where the engine's joins would take what is unknown for false, or lose the row that an
//! aggregate gives of no rows.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Item, Node, Query, Select, SetBody, tree};
use crate::rewrite::correlated::{is_simple, sources_span};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::scope::{Columns, Found, Scope};
use crate::token::quote_name;

/// Where in a condition a subquery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is one of the conditions that all must hold.
    Must,
    /// `AND` and `OR` alone are around it: unknown is as good as false.
    Either,
    /// Anywhere else.
    Elsewhere,
}

impl Planner<'_> {
    /// A condition on rows: those for which it is unknown are left out.
    pub(super) fn condition(&mut self, condition: &Expr, scope: &Scope) -> Result<DataType, SqlError> {
        self.note_place(condition, Place::Must);
        self.expr(condition, scope)
    }

    fn note_place(&mut self, condition: &Expr, place: Place) {
        match &condition.kind {
            ExprKind::InQuery { .. } => self.places.push((condition.span, place)),
            ExprKind::Tuple(items) if items.len() == 1 => self.note_place(&items[0], place),
            ExprKind::Chain(operator, operands) if operator == "AND" => {
                operands.iter().for_each(|operand| self.note_place(operand, place));
            }
            ExprKind::Chain(operator, operands) if operator == "OR" => {
                operands.iter().for_each(|operand| self.note_place(operand, Place::Either));
            }
            _ => {}
        }
    }

    /// The engine loses the row that an aggregate gives of nothing where something else is done to it.
    pub(super) fn deep_sources(&self, select: &Select) -> Result<(), SqlError> {
        let plain = select.from.len() == 1
            && select.from[0].joins.is_empty()
            && select.filter.is_none()
            && select.group_by.is_none()
            && !select.items.iter().any(|item| has_aggregate(&item.expr));
        if !self.deep || plain {
            return Ok(());
        }
        Err(SqlError::unsupported(
            "an aggregate in FROM of a subquery that looks at the row around it",
            "Write the aggregate in the subquery's own select list, or use a join with GROUP BY",
        )
        .at(select.span))
    }

    /// A subquery of an expression: its columns, and whether it looks at the row around it.
    pub(super) fn within(&mut self, query: &Query, scope: &Scope) -> Result<(Columns, bool), SqlError> {
        let env = self.inner_env(scope);
        let before = std::mem::replace(&mut self.reached, usize::MAX);
        let columns = self.query(query, &env)?;
        let looks = self.reached <= scope.level();
        self.reached = self.reached.min(before);
        Ok((columns, looks))
    }

    /// `EXISTS (query)`.
    ///
    /// Errors: a subquery that skips rows of those that fit the row around it (`UNSUPPORTED_FEATURE` 0A000).
    pub(super) fn exists(&mut self, expr: &Expr, query: &Query, scope: &Scope) -> Result<DataType, SqlError> {
        let (_, looks) = self.within(query, scope)?;
        let alone = query.limit.is_none() && query.offset.is_none();
        match (whole(query), &query.offset) {
            (Some(select), _) if alone => match &select.having {
                None => self.edits.replace(expr.span, pieces!["true"]),
                Some(having) if looks => {
                    let mut text = pieces!["coalesce((SELECT (", having.span, ")"];
                    text.extend(rest(select));
                    text.push(Piece::from("), false)"));
                    self.edits.replace(expr.span, text);
                }
                Some(_) => {}
            },
            (_, Some(offset)) if looks => {
                let select = match &query.body {
                    SetBody::Select(select) if query.with.is_none() && is_simple(select) => select,
                    _ => return Err(paged()),
                };
                let grouped =
                    select.group_by.is_some() || select.items.iter().any(|item| has_aggregate(&item.expr));
                if grouped || query.limit.is_some() {
                    return Err(paged());
                }
                let mut text = pieces!["((SELECT count(*)"];
                text.extend(rest(select));
                text.extend(pieces![") > (", offset.span, "))"]);
                self.edits.replace(expr.span, text);
            }
            _ if looks => self.exists_of(expr, query),
            _ => {}
        }
        Ok(DataType::Boolean)
    }

    /// The engine finds no order, limit or union below a look at the row around: none matters to whether there is a row.
    fn exists_of(&mut self, expr: &Expr, query: &Query) {
        if query.with.is_some() || !query.pipes.is_empty() {
            return;
        }
        let some = match query.limit.as_ref().map(|limit| &limit.kind) {
            None => true,
            Some(ExprKind::Number(limit)) => limit.parse::<u64>().is_ok_and(|limit| limit > 0),
            Some(_) => false,
        };
        let ordered = !query.order_by.is_empty() || query.limit.is_some();
        match &query.body {
            SetBody::Select(select) if some && ordered => {
                self.edits.replace(query.span, pieces![select.span]);
            }
            SetBody::Set(first, rest)
                if some && rest.iter().all(|(operator, _)| operator.starts_with("UNION")) =>
            {
                let sides = std::iter::once(&**first).chain(rest.iter().map(|(_, side)| side));
                let mut text = Vec::new();
                for span in sides.filter_map(SetBody::span) {
                    text.extend(pieces![
                        if text.is_empty() { "(EXISTS (" } else { " OR EXISTS (" },
                        span,
                        ")"
                    ]);
                }
                text.push(Piece::from(")"));
                self.edits.replace(expr.span, text);
            }
            _ => {}
        }
    }

    /// `(SELECT value WHERE condition)`, which reads no rows, is the value itself.
    pub(super) fn value_of_no_rows(&mut self, expr: &Expr, query: &Query) -> bool {
        let SetBody::Select(select) = &query.body else { return false };
        let [item] = select.items.as_slice() else { return false };
        let plain = query.with.is_none()
            && query.limit.is_none()
            && query.offset.is_none()
            && query.pipes.is_empty()
            && select.from.is_empty()
            && select.views.is_empty()
            && select.group_by.is_none()
            && select.having.is_none()
            && select.qualify.is_none()
            && !has_aggregate(&item.expr)
            && !has_window(&item.expr)
            && !is_star(item);
        if plain {
            let value = item.expr.span;
            let text = match &select.filter {
                Some(filter) => pieces!["(CASE WHEN ", filter.span, " THEN ", value, " END)"],
                None => pieces!["(", value, ")"],
            };
            self.edits.replace(expr.span, text);
        }
        plain
    }

    /// `value IN (query)`: true where a row is equal, unknown where one may be, false otherwise.
    ///
    /// Errors: sides that cannot be compared (`DATATYPE_MISMATCH` 42K09); a subquery that shows only some of the rows that fit the
    /// row around it (`UNSUPPORTED_FEATURE` 0A000).
    pub(super) fn in_query(
        &mut self,
        expr: &Expr,
        not: bool,
        value: &Expr,
        query: &Query,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        self.expr(value, scope)?;
        let (columns, looks) = self.within(query, scope)?;
        let since = self.edits.len();
        self.compared_with_query(value, query, &columns, scope)?;
        let plain = self.edits.len() == since;
        let values: &[Expr] = match &value.kind {
            ExprKind::Tuple(items) if items.len() > 1 => items,
            _ => std::slice::from_ref(value),
        };
        if looks && (query.limit.is_some() || query.offset.is_some()) {
            return Err(paged());
        }
        if looks && let (Some(select), [only]) = (whole(query), values) {
            if select.having.is_some() {
                return Err(SqlError::unsupported(
                    "IN with a subquery that has HAVING without GROUP BY and looks at the row around it",
                    "Compare with the aggregate, as in x = (SELECT max(y) FROM …), and put the condition beside it",
                )
                .at(expr.span));
            }
            let rows = match scope.from {
                Some(around) => self.correlated(query, scope, around)?,
                None => None,
            };
            let mut text = pieces![if not { "(NOT ((" } else { "(((" }, only.span, ") = "];
            text.extend(rows.unwrap_or_else(|| pieces!["(", query.span, ")"]));
            text.push(Piece::from("))"));
            self.edits.replace(expr.span, text);
            return Ok(DataType::Boolean);
        }
        let place = self.places.iter().rev().find(|(span, _)| *span == expr.span);
        let place = place.map_or(Place::Elsewhere, |(_, place)| *place);
        let joined = match place {
            Place::Must => !not || (values.len() == 1 && !looks),
            Place::Either => !not,
            Place::Elsewhere => false,
        };
        if joined {
            return Ok(DataType::Boolean);
        }
        let Some(mut rows) = self.rows(values, query, &columns, (looks && plain).then_some(scope)) else {
            return Err(SqlError::unsupported(
                "this subquery after IN at this place",
                "Use EXISTS, or put IN beside the other conditions with AND",
            )
            .at(expr.span));
        };
        let mut text = Vec::new();
        if place == Place::Elsewhere {
            let (yes, no) = if not { ("false", "true") } else { ("true", "false") };
            text.push(Piece::from("(CASE WHEN "));
            text.extend(rows.iter().cloned());
            text.push(Piece::from(format!(") THEN {yes} WHEN ")));
            text.append(&mut rows);
            text.push(Piece::from(format!(" IS NOT FALSE) THEN NULL ELSE {no} END)")));
        } else {
            text.push(Piece::from("(NOT "));
            text.append(&mut rows);
            text.push(Piece::from(" IS NOT FALSE))"));
        }
        self.edits.replace(expr.span, text);
        Ok(DataType::Boolean)
    }

    /// `EXISTS (SELECT 1 FROM … WHERE (value = column)`, to which is put what the comparison must be. With `looks`, the query looks
    /// at the row around, which the engine finds only where the comparison stands among the query's own conditions.
    fn rows(
        &mut self,
        values: &[Expr],
        query: &Query,
        columns: &Columns,
        looks: Option<&Scope>,
    ) -> Option<Vec<Piece>> {
        let width = if columns.open { 1 } else { columns.list.len() };
        if width != values.len() {
            return None;
        }
        if let Some(scope) = looks
            && !self.projecting
        {
            let SetBody::Select(select) = &query.body else { return None };
            let simple = query.with.is_none()
                && query.pipes.is_empty()
                && is_simple(select)
                && select.group_by.is_none()
                && select.having.is_none()
                && select.items.len() == values.len()
                && !select.items.iter().any(|item| has_aggregate(&item.expr) || is_star(item));
            if !simple || !self.apart_from(values, select, scope) {
                return None;
            }
            let mut text = pieces!["EXISTS (SELECT 1 FROM ", sources_span(select), " WHERE "];
            if let Some(filter) = &select.filter {
                text.extend(pieces!["(", filter.span, ") AND "]);
            }
            for (at, (value, item)) in values.iter().zip(&select.items).enumerate() {
                text.extend(pieces![
                    if at == 0 { "((" } else { " AND (" },
                    value.span,
                    ") = (",
                    item.expr.span,
                    ")"
                ]);
            }
            text.push(Piece::from(")"));
            return Some(text);
        }
        let names: Vec<String> = (0..width).map(|at| format!("`__v{at}`")).collect();
        let mut text = pieces![
            "EXISTS (SELECT 1 FROM (",
            query.span,
            format!(") AS `__in`({}) WHERE ", names.join(", "))
        ];
        for (at, (value, name)) in values.iter().zip(&names).enumerate() {
            text.extend(pieces![
                format!("{}`__in`.{name} = (", if at == 0 { "(" } else { " AND " }),
                value.span,
                ")"
            ]);
        }
        text.push(Piece::from(")"));
        Some(text)
    }

    /// Names the columns of `values` so that they mean the same within `select`; whether that can be told.
    fn apart_from(&mut self, values: &[Expr], select: &Select, scope: &Scope) -> bool {
        let env = Env { outer: None, ctes: scope.ctes.clone(), parameters: scope.parameters.clone() };
        let mut probe = Planner::new(self.sql, self.context, self.schemas, self.depth + 1);
        let mut inner = probe.scope(&env);
        if probe.sources(&select.from, &mut inner, &env).is_err() {
            return false;
        }
        let own = Scope { relations: inner.relations, ..Scope::default() };
        let mut edits = Vec::new();
        let mut told = true;
        for value in values {
            tree::walk(Node::Expr(value), &mut |node| match node {
                Node::Query(_) | Node::Factor(_) => told = false,
                Node::Expr(Expr { kind: ExprKind::Name(name), .. }) => {
                    let parts = name.values();
                    if matches!(own.find(&parts), Found::None) {
                        return;
                    }
                    match scope.find(&parts) {
                        Found::Column { parts: 1, meaning: None, owner: Some(owner), .. } => {
                            let whole = [owner.clone(), parts[0].clone()];
                            told &= matches!(own.find(&whole), Found::None);
                            let text = format!("{}.{}", quote_name(&owner), quote_name(&parts[0]));
                            edits.push((name.parts[0].span, text));
                        }
                        _ => told = false,
                    }
                }
                Node::Expr(_) => {}
            });
        }
        if told {
            edits.into_iter().for_each(|(span, text)| self.edits.replace(span, pieces![text]));
        }
        told
    }
}

fn is_star(item: &Item) -> bool {
    matches!(item.expr.kind, ExprKind::Star { .. } | ExprKind::FieldStar(_))
}

/// ` FROM … WHERE …` of a simple `SELECT`.
fn rest(select: &Select) -> Vec<Piece> {
    let mut text = pieces![" FROM ", sources_span(select)];
    if let Some(filter) = &select.filter {
        text.extend(pieces![" WHERE ", filter.span]);
    }
    text
}

/// The `SELECT` of a query that gives one row whatever it reads.
pub(super) fn whole(query: &Query) -> Option<&Select> {
    let select = match &query.body {
        SetBody::Select(select) => select,
        SetBody::Query(_, inner) => return whole(inner),
        _ => return None,
    };
    let alone =
        query.with.is_none() && query.pipes.is_empty() && is_simple(select) && select.group_by.is_none();
    let aggregates = select.items.iter().any(|item| has_aggregate(&item.expr))
        || select.having.as_ref().is_some_and(has_aggregate);
    (alone && aggregates).then_some(&**select)
}

fn paged() -> SqlError {
    SqlError::unsupported(
        "LIMIT or OFFSET in a subquery that looks at the row around it",
        "Number the rows with row_number() in the subquery and compare the number",
    )
}
