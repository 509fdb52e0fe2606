//! Where a recursion may stop early, because a `LIMIT` asks for so many of its rows, and where its step may not read it.

use crate::error::SqlError;
use crate::query::tree::{self, Node};
use crate::query::{Expr, ExprKind, Factor, FactorKind, From, Query, Select, SetBody};
use crate::rewrite::grouping::{has_aggregate, has_window};

/// Functions that make rows of a row.
const GENERATORS: [&str; 8] = [
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
    "inline",
    "inline_outer",
    "stack",
    "json_tuple",
];

/// How many rows of an expression are asked for where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uses {
    /// It is not used.
    None,
    /// As many at most.
    AtMost(u64),
    /// All of them.
    All,
}

impl Uses {
    /// The uses of the expression of that name in a query that has it in its `WITH`.
    pub(crate) fn of(name: &str, query: &Query) -> Self {
        let mut uses = Self::None;
        let mut after = false;
        for cte in query.with.iter().flat_map(|with| &with.ctes) {
            if after {
                uses = uses.and(of_query(name, &cte.query, None));
            }
            after |= cte.name.value.eq_ignore_ascii_case(name);
        }
        uses.and(of_body_and_order(name, query, None))
    }

    /// The most rows that are asked for; `None` for all.
    pub(crate) fn at_most(self) -> Option<u64> {
        match self {
            Self::AtMost(rows) => Some(rows),
            Self::None | Self::All => None,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, other) => other,
            (one, Self::None) => one,
            (Self::AtMost(one), Self::AtMost(other)) => Self::AtMost(one.max(other)),
            _ => Self::All,
        }
    }
}

fn of_query(name: &str, query: &Query, limit: Option<u64>) -> Uses {
    let mut uses = Uses::None;
    for cte in query.with.iter().flat_map(|with| &with.ctes) {
        uses = uses.and(of_query(name, &cte.query, None));
        if cte.name.value.eq_ignore_ascii_case(name) {
            return uses; // another expression of that name from here on
        }
    }
    uses.and(of_body_and_order(name, query, limit))
}

fn of_body_and_order(name: &str, query: &Query, limit: Option<u64>) -> Uses {
    let literal = |expr: &Option<Expr>| match expr.as_ref().map(|expr| &expr.kind) {
        None => Some(None),
        Some(ExprKind::Number(number)) => number.parse::<u64>().ok().map(Some),
        Some(_) => None,
    };
    let ordered = !query.order_by.is_empty()
        || !query.spread.is_empty()
        || !query.windows.is_empty()
        || !query.pipes.is_empty();
    let limit = match (literal(&query.limit), literal(&query.offset)) {
        _ if ordered => None,
        (Some(Some(own)), Some(offset)) => Some(own.saturating_add(offset.unwrap_or_default())),
        (Some(None), Some(None)) => limit,
        _ => None,
    };
    let mut uses = of_body(name, &query.body, limit);
    let mut rest = Vec::new();
    let bodies = {
        let mut count = 0;
        tree::body_children(&query.body, &mut |_| count += 1);
        count + query.with.as_ref().map_or(0, |with| with.ctes.len())
    };
    let mut index = 0;
    tree::query_children(query, &mut |node| {
        if index >= bodies {
            rest.push(node);
        }
        index += 1;
    });
    for node in rest {
        uses = uses.and(of_node(name, node));
    }
    uses
}

fn of_body(name: &str, body: &SetBody, limit: Option<u64>) -> Uses {
    match body {
        SetBody::Select(select) => of_select(name, body, select, limit),
        SetBody::Table(factor) => of_factor(name, factor, limit),
        SetBody::Query(_, query) => of_query(name, query, limit),
        SetBody::Set(first, rest) => {
            let limit = limit.filter(|_| rest.iter().all(|(operator, _)| operator == "UNION ALL"));
            rest.iter()
                .fold(of_body(name, first, limit), |uses, (_, body)| uses.and(of_body(name, body, limit)))
        }
        SetBody::Values(..) | SetBody::From(..) | SetBody::Command(_) => {
            let mut uses = Uses::None;
            tree::body_children(body, &mut |node| uses = uses.and(of_node(name, node)));
            uses
        }
    }
}

fn of_select(name: &str, body: &SetBody, select: &Select, limit: Option<u64>) -> Uses {
    let plain = !select.distinct
        && select.views.is_empty()
        && select.filter.is_none()
        && select.group_by.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.windows.is_empty()
        && select
            .items
            .iter()
            .all(|item| !has_aggregate(&item.expr) && !has_window(&item.expr) && !generates(&item.expr));
    let mut uses = Uses::None;
    let mut children = Vec::new();
    tree::body_children(body, &mut |node| {
        if let (true, [From { first, joins, .. }], Node::Factor(factor)) =
            (plain, select.from.as_slice(), node)
            && joins.is_empty()
            && factor.span == first.span
        {
            children.push(of_factor(name, factor, limit));
        } else {
            children.push(of_node(name, node));
        }
    });
    for child in children {
        uses = uses.and(child);
    }
    uses
}

fn of_factor(name: &str, factor: &Factor, limit: Option<u64>) -> Uses {
    let bare = factor.pivot.is_none() && factor.unpivot.is_none() && factor.sample.is_none();
    match &factor.kind {
        FactorKind::Table { name: table, .. }
            if table.single().is_some_and(|single| single.eq_ignore_ascii_case(name)) =>
        {
            limit.filter(|_| bare).map_or(Uses::All, Uses::AtMost)
        }
        FactorKind::Subquery(query) if bare => of_query(name, query, limit),
        _ => {
            let mut uses = Uses::None;
            tree::factor_children(factor, &mut |node| uses = uses.and(of_node(name, node)));
            uses
        }
    }
}

fn of_node(name: &str, node: Node<'_>) -> Uses {
    match node {
        Node::Query(query) => of_query(name, query, None),
        Node::Factor(factor) => of_factor(name, factor, None),
        Node::Expr(expr) => {
            let mut uses = Uses::None;
            tree::expr_children(expr, &mut |node| uses = uses.and(of_node(name, node)));
            uses
        }
    }
}

fn generates(expr: &Expr) -> bool {
    let ExprKind::Call(call) = &expr.kind else { return false };
    call.name.single().is_some_and(|name| GENERATORS.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// Refuses a step that reads the expression where only some of its rows would be seen: in an aggregate, a window, after
/// `DISTINCT` or `ORDER BY`, or on the side of an outer join that may be absent.
pub(crate) fn misplaced(name: &str, step: &SetBody) -> Result<(), SqlError> {
    match step {
        SetBody::Select(select) => in_select(name, select),
        SetBody::Query(_, query) => in_query(name, query),
        SetBody::Set(first, rest) => {
            misplaced(name, first)?;
            rest.iter().try_for_each(|(_, body)| misplaced(name, body))
        }
        SetBody::Values(..) | SetBody::Table(_) | SetBody::From(..) | SetBody::Command(_) => Ok(()),
    }
}

fn in_query(name: &str, query: &Query) -> Result<(), SqlError> {
    if !query.order_by.is_empty() && of_query(name, query, None) != Uses::None {
        return Err(place(query.span));
    }
    for cte in query.with.iter().flat_map(|with| &with.ctes) {
        in_query(name, &cte.query)?;
    }
    misplaced(name, &query.body)
}

fn in_select(name: &str, select: &Select) -> Result<(), SqlError> {
    let reads = |factor: &Factor| of_factor(name, factor, None) != Uses::None;
    let sources = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.first).chain(from.joins.iter().map(|join| &join.right)));
    let read = sources.clone().any(reads);
    let whole = select.distinct
        || select.group_by.is_some()
        || select.items.iter().any(|item| has_aggregate(&item.expr) || has_window(&item.expr));
    if read && whole {
        return Err(place(select.span));
    }
    for item in &select.items {
        if let ExprKind::Subquery(query) = &item.expr.kind {
            in_query(name, query)?;
        }
    }
    for from in &select.from {
        let mut left = reads(&from.first);
        for join in &from.joins {
            let right = reads(&join.right);
            let absent = match join.kind.split(' ').find(|word| !matches!(*word, "OUTER" | "NATURAL")) {
                Some("LEFT" | "SEMI" | "ANTI") => right,
                Some("RIGHT") => left,
                Some("FULL") => left || right,
                _ => false,
            };
            if absent {
                return Err(place(join.span));
            }
            left |= right;
        }
    }
    for factor in sources {
        if let FactorKind::Subquery(query) = &factor.kind {
            in_query(name, query)?;
        }
    }
    Ok(())
}

fn place(at: crate::token::Span) -> SqlError {
    let text = "Invalid recursive reference found inside WITH RECURSIVE clause. Recursive references cannot be used on the right side of left outer/semi/anti joins, on the left side of right outer joins, in full outer joins, in aggregates, and in subquery expressions.";
    SqlError::new("INVALID_RECURSIVE_REFERENCE.PLACE", "42836", text).at(at)
}
