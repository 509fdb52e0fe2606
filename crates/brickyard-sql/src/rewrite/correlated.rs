//! Subqueries that look at the row around them otherwise than by equality, which the engine cannot run: they are computed once for
//! all values that are looked at, and found by them.

use crate::error::SqlError;
use crate::query::{Expr, ExprKind, JoinRule, Node, Query, Select, SetBody, tree};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::scope::{Found, Relation, Scope};
use crate::token::{Span, quote_name};

/// What a subquery looks at in the row around it.
pub(super) struct Keys {
    /// The columns, as the query around names them; each once.
    pub columns: Vec<String>,
    /// Names of the subquery that stand for them, with the place of the column.
    names: Vec<(Span, usize)>,
    /// Whether equality with columns of the subquery's own is all that is asked.
    plain: bool,
    /// The relations of the subquery.
    pub inner: Vec<Relation>,
    /// What makes the names of ours differ from those of other subqueries.
    pub mark: usize,
}

impl Keys {
    /// `SELECT DISTINCT columns FROM …` as a source of rows.
    pub(super) fn source(&self, around: Span) -> Vec<Piece> {
        let list: Vec<String> =
            self.columns.iter().enumerate().map(|(at, column)| format!("{column} AS `c{at}`")).collect();
        pieces![
            format!("(SELECT DISTINCT {} FROM ", list.join(", ")),
            around,
            format!(") AS `__k{}`", self.mark)
        ]
    }

    /// The columns within the subquery.
    pub(super) fn own(&self) -> Vec<String> {
        (0..self.columns.len()).map(|at| format!("`__k{}`.`c{at}`", self.mark)).collect()
    }

    /// The values by which a row of `relation` is found: NULL is found too.
    pub(super) fn found(&self, relation: &str) -> String {
        let all = self.columns.iter().enumerate();
        let all: Vec<String> =
            all.map(|(at, column)| format!("{relation}.`__j{at}` = array({column})")).collect();
        all.join(" AND ")
    }

    /// The columns that [`Keys::found`] compares.
    pub(super) fn shown(&self) -> String {
        let all = self.own().into_iter().enumerate();
        let all: Vec<String> = all.map(|(at, own)| format!("array({own}) AS `__j{at}`")).collect();
        all.join(", ")
    }
}

impl Planner<'_> {
    /// `(SELECT aggregate FROM i WHERE i.x < o.x)` as a value in a query whose `FROM` stands at `around`.
    pub(super) fn correlated(
        &mut self,
        query: &Query,
        scope: &Scope,
        around: Span,
    ) -> Result<Option<Vec<Piece>>, SqlError> {
        let Some(select) = simple(query) else { return Ok(None) };
        let [item] = select.items.as_slice() else { return Ok(None) };
        if !has_aggregate(&item.expr) || has_window(&item.expr) || select.group_by.is_some() {
            return Ok(None);
        }
        let Some(keys) = self.keys(select, scope, around)? else { return Ok(None) };
        if (keys.plain && !is_lost_of_nothing(&item.expr)) || keys.columns.is_empty() {
            return Ok(None);
        }
        let empty = is_null_of_nothing(&item.expr);
        let looks = keys.names.iter().any(|(name, _)| item.expr.span.contains(*name));
        if !empty && looks {
            return Ok(None);
        }
        self.rename(&keys);
        Ok(Some(self.value(select, &item.expr, &keys, around, empty)))
    }

    /// What a `LATERAL` subquery of aggregates looks at otherwise than by equality; its names are put in place.
    pub(super) fn looked_at(
        &mut self,
        select: &Select,
        scope: &Scope,
        around: Span,
    ) -> Result<Option<Keys>, SqlError> {
        if !is_simple(select) {
            return Ok(None);
        }
        let Some(keys) = self.keys(select, scope, around)? else { return Ok(None) };
        let mut items = select.items.iter().map(|item| item.expr.span);
        let looks = items.any(|item| keys.names.iter().any(|(name, _)| item.contains(*name)));
        if keys.plain || keys.columns.is_empty() || looks {
            return Ok(None);
        }
        self.rename(&keys);
        Ok(Some(keys))
    }

    /// The value of one aggregate of a subquery.
    pub(super) fn value(
        &self,
        select: &Select,
        item: &Expr,
        keys: &Keys,
        around: Span,
        empty: bool,
    ) -> Vec<Piece> {
        let from = sources_span(select);
        let mut rows = pieces![format!("(SELECT {}, ", keys.shown()), Piece::Bare(item.span), " FROM "];
        rows.extend(keys.source(around));
        rows.extend(pieces![", ", from]);
        if let Some(filter) = &select.filter {
            rows.extend(pieces![" WHERE ", filter.span]);
        }
        let places: Vec<String> = (0..keys.columns.len()).map(|at| format!("`__j{at}`, ")).collect();
        let places = places.concat();
        rows.push(Piece::from(format!(" GROUP BY {}) AS `__s`({places}`v`)", keys.own().join(", "))));
        let shown = if empty { "`__s`.`v`" } else { "array(`__s`.`v`)" };
        let mut text = pieces![format!("(SELECT any_value({shown}) FROM ")];
        text.extend(rows);
        text.push(Piece::from(format!(" WHERE {})", keys.found("`__s`"))));
        if empty {
            return text;
        }
        // Where nothing fits, the aggregate is that of no rows: `count(*)` is 0.
        let mut whole = pieces!["get(coalesce("];
        whole.extend(text);
        whole.extend(pieces![
            ", array((SELECT ",
            Piece::Bare(item.span),
            " FROM ",
            from,
            " WHERE false))), 0)"
        ]);
        whole
    }

    /// Puts the columns of ours in the place of those of the query around.
    pub(super) fn rename(&mut self, keys: &Keys) {
        for (name, at) in &keys.names {
            self.edits.replace(*name, pieces![format!("`__k{}`.`c{at}`", keys.mark)]);
        }
    }

    /// What a subquery looks at; nothing when it cannot be told.
    pub(super) fn keys(
        &mut self,
        select: &Select,
        scope: &Scope,
        around: Span,
    ) -> Result<Option<Keys>, SqlError> {
        let env = Env { outer: None, ctes: scope.ctes.clone(), parameters: scope.parameters.clone() };
        let mut probe = Planner::new(self.sql, self.context, self.schemas, self.depth + 1);
        let mut inner = probe.scope(&env);
        if around.contains(select.span) || probe.sources(&select.from, &mut inner, &env).is_err() {
            return Ok(None);
        }
        let relations = inner.relations;
        if relations.iter().any(|relation| relation.columns.open || !relation.meanings.is_empty()) {
            return Ok(None);
        }
        let own = Scope { relations: relations.clone(), ..Scope::default() };
        let outer = Scope { relations: scope.relations.clone(), ..Scope::default() };
        let mut keys = Keys {
            columns: Vec::new(),
            names: Vec::new(),
            plain: true,
            inner: relations,
            mark: select.span.start,
        };
        let mut exprs: Vec<&Expr> = select.items.iter().map(|item| &item.expr).collect();
        exprs.extend(select.group_by.iter().flat_map(|group| &group.items));
        exprs.extend(&select.having);
        for expr in exprs {
            let Some(names) = outside(expr, &own, &outer) else { return Ok(None) };
            keys.plain &= names.is_empty();
            keys.add(names);
        }
        for join in select.from.iter().flat_map(|from| &from.joins) {
            if let JoinRule::On(condition) = &join.rule
                && outside(condition, &own, &outer).is_none_or(|names| !names.is_empty())
            {
                return Ok(None);
            }
        }
        for condition in select.filter.iter().flat_map(conditions) {
            let Some(names) = outside(condition, &own, &outer) else { return Ok(None) };
            if !names.is_empty() {
                keys.plain &= equates(condition, &own, &outer);
            }
            keys.add(names);
        }
        Ok(Some(keys))
    }
}

impl Keys {
    fn add(&mut self, names: Vec<(Span, String)>) {
        for (span, column) in names {
            let at = self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
                self.columns.push(column);
                self.columns.len() - 1
            });
            self.names.push((span, at));
        }
    }
}

/// The `SELECT` of a query that is nothing else.
pub(super) fn simple(query: &Query) -> Option<&Select> {
    let select = match &query.body {
        SetBody::Select(select) => select,
        SetBody::Query(_, inner) => return simple(inner),
        _ => return None,
    };
    let alone = query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.pipes.is_empty();
    (alone && is_simple(select)).then_some(&**select)
}

/// Whether a `SELECT` has none of the clauses that are not put into another.
pub(super) fn is_simple(select: &Select) -> bool {
    !select.from.is_empty()
        && !select.from_first
        && !select.distinct
        && select.views.is_empty()
        && select.qualify.is_none()
        && select.windows.is_empty()
}

/// Where what stands after `FROM` stands.
pub(super) fn sources_span(select: &Select) -> Span {
    let last = select.from.last().map_or(select.span, |from| from.span);
    select.from[0].span.to(last)
}

/// The operands of `AND`.
fn conditions(filter: &Expr) -> Vec<&Expr> {
    match &filter.kind {
        ExprKind::Chain(operator, operands) if operator == "AND" => operands.iter().collect(),
        _ => vec![filter],
    }
}

/// The names of an expression that are columns of the query around, as it knows them; nothing when it cannot be told.
fn outside(expr: &Expr, own: &Scope, outer: &Scope) -> Option<Vec<(Span, String)>> {
    let mut found = Some(Vec::new());
    tree::walk(Node::Expr(expr), &mut |node| match node {
        Node::Query(_) | Node::Factor(_) => found = None,
        Node::Expr(Expr { kind: ExprKind::Name(name), .. }) => {
            let parts = name.values();
            if !matches!(own.find(&parts), Found::None) {
                return;
            }
            match outer.find(&parts) {
                Found::Column { parts: used, meaning: None, owner, .. } => {
                    let column = quote_name(&parts[used - 1]);
                    let column =
                        owner.map_or(column.clone(), |owner| format!("{}.{column}", quote_name(&owner)));
                    let head = name.parts[0].span.to(name.parts[used - 1].span);
                    if let Some(found) = &mut found {
                        found.push((head, column));
                    }
                }
                Found::None => {}
                _ => found = None,
            }
        }
        Node::Expr(_) => {}
    });
    found
}

/// Whether a condition is `own = outer`.
fn equates(condition: &Expr, own: &Scope, outer: &Scope) -> bool {
    let ExprKind::Binary(left, operator, right) = &condition.kind else { return false };
    let mut sides = [left, right].map(|side| {
        let names = outside(side, own, outer).map_or(0, |names| names.len());
        let mut all = 0;
        tree::walk(Node::Expr(side), &mut |node| {
            all += usize::from(matches!(node, Node::Expr(Expr { kind: ExprKind::Name(_), .. })));
        });
        (names, all)
    });
    sides.sort_unstable();
    matches!(operator.as_str(), "=" | "==") && sides[0].0 == 0 && sides[1].0 == sides[1].1
}

/// Whether the engine makes NULL of what is none of no rows: `count(*) IS NULL`, and sketches.
fn is_lost_of_nothing(expr: &Expr) -> bool {
    let mut found = false;
    tree::walk(Node::Expr(expr), &mut |node| {
        found |= match node {
            Node::Expr(Expr { kind: ExprKind::Is { .. }, .. }) => true,
            Node::Expr(Expr { kind: ExprKind::Call(call), .. }) => {
                let name = call.name.single().unwrap_or_default().to_lowercase();
                name.starts_with("bitmap_") || name.contains("_sketch_")
            }
            _ => false,
        };
    });
    found
}

/// Whether an aggregate of no rows is NULL.
fn is_null_of_nothing(expr: &Expr) -> bool {
    let ExprKind::Call(call) = &expr.kind else { return false };
    let name = call.name.single().unwrap_or_default();
    matches!(
        name.as_str(),
        "SUM" | "AVG" | "MIN" | "MAX" | "MEAN" | "MAX_BY" | "MIN_BY" | "ANY_VALUE" | "FIRST" | "LAST"
    )
}
