//! Comparisons of rows such as `(a, b) IN ((1, 2), (3, 4))`.

use crate::query::{Expr, ExprKind};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;

impl Planner<'_> {
    /// Compares part by part, since the engine compares structs of equal field names only. Rows are never NULL: two parts that
    /// are NULL are equal, one is not.
    pub(super) fn rows_in(&mut self, expr: &Expr, not: bool, value: &Expr, list: &[Expr]) {
        let Some(parts) = parts(value) else { return };
        let rows: Option<Vec<&[Expr]>> =
            list.iter().map(|row| self::parts(row).filter(|row| row.len() == parts.len())).collect();
        let Some(rows) = rows else { return };
        let mut text = pieces![if not { "(NOT (" } else { "((" }];
        for (at, row) in rows.into_iter().enumerate() {
            text.push(Piece::from(if at == 0 { "(" } else { " OR (" }.to_owned()));
            for (at, (left, right)) in parts.iter().zip(row).enumerate() {
                if at > 0 {
                    text.push(Piece::from(" AND ".to_owned()));
                }
                text.extend(pieces!["((", left.span, ") <=> (", right.span, "))"]);
            }
            text.push(Piece::from(")".to_owned()));
        }
        text.push(Piece::from("))".to_owned()));
        self.edits.replace(expr.span, text);
    }
}

/// The parts of a row of two or more.
fn parts(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::Tuple(parts) if parts.len() > 1 => Some(parts),
        _ => None,
    }
}
