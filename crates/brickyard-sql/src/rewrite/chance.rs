//! Rows that are chance: what is read twice must be the same rows.

use crate::query::{Expr, ExprKind, Factor, FactorKind, Node, Query, tree};

/// Whether a query calls a function that gives something else each time.
pub(super) fn is_chance(query: &Query) -> bool {
    calls_chance(Node::Query(query))
}

/// Whether an expression does.
pub(super) fn is_chance_call(expr: &Expr) -> bool {
    calls_chance(Node::Expr(expr))
}

fn calls_chance(node: Node<'_>) -> bool {
    let mut found = false;
    tree::walk(node, &mut |node| {
        if let Node::Expr(Expr { kind: ExprKind::Call(call), .. }) = node {
            let name = call.name.single().unwrap_or_default();
            found |= matches!(
                name.as_str(),
                "RAND" | "RANDOM" | "RANDN" | "UUID" | "SHUFFLE" | "RANDSTR" | "UNIFORM"
            );
        }
    });
    found
}

/// How often a query reads an expression of that name.
pub(super) fn uses(query: &Query, name: &str) -> usize {
    let mut count = 0;
    tree::walk(Node::Query(query), &mut |node| {
        if let Node::Factor(Factor { kind: FactorKind::Table { name: table, .. }, .. }) = node
            && table.single().is_some_and(|table| table.eq_ignore_ascii_case(name))
        {
            count += 1;
        }
    });
    count
}
