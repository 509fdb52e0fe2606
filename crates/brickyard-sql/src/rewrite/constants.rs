//! Constants that fail: the engine computes them before it knows whether they are wanted, and fails for `if(true, 1, 1 / 0)`.

use crate::data_type::DataType;
use crate::query::{Expr, ExprKind, Node, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::token::string_literal;

impl Planner<'_> {
    /// A constant divided by a literal zero fails where it is computed, and nowhere else.
    pub(super) fn division(
        &mut self,
        expr: &Expr,
        left: &Expr,
        operator: &str,
        right: &Expr,
        result: &DataType,
    ) {
        let zero = matches!(result, DataType::Unknown | DataType::Void);
        if self.context.lenient
            || !matches!(operator, "/" | "%" | "DIV")
            || zero
            || !is_zero(right)
            || !is_constant(left)
        {
            return;
        }
        let message = if operator == "%" {
            "[REMAINDER_BY_ZERO] Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead. SQLSTATE: 22012"
        } else {
            "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead. SQLSTATE: 22012"
        };
        let close = format!(") IS NOT NULL THEN raise_error({}) END AS {result})", string_literal(message));
        self.edits.replace(expr.span, pieces!["CAST(CASE WHEN (", left.span, close]);
    }

    /// A literal text that is no number fails where it is cast, and nowhere else.
    pub(super) fn malformed(&mut self, expr: &Expr, value: &Expr, target: &DataType) {
        if self.context.lenient {
            return;
        }
        let ExprKind::String(text) = &value.kind else { return };
        let number = text.trim().trim_end_matches(['d', 'D', 'f', 'F']).parse::<f64>();
        if !target.is_numeric() || number.is_ok() || text.trim().to_lowercase().contains("inf") {
            return;
        }
        let message = string_literal(&format!(
            "[CAST_INVALID_INPUT] The value '{text}' of the type \"STRING\" cannot be cast to \"{target}\" because it is malformed. Correct the value as per the syntax, or change its target type. Use `try_cast` to tolerate malformed input and return NULL instead. SQLSTATE: 22018"
        ));
        self.edits.replace(expr.span, pieces![format!("CAST(raise_error({message}) AS {target})")]);
    }
}

/// Whether an expression is a literal zero.
fn is_zero(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(text) => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            digits.parse::<f64>().is_ok_and(|value| value == 0.0)
        }
        ExprKind::Tuple(items) if items.len() == 1 => is_zero(&items[0]),
        ExprKind::Unary(operator, inner) if operator == "-" || operator == "+" => is_zero(inner),
        ExprKind::Cast { value, data_type, .. } => data_type.is_numeric() && is_zero(value),
        _ => false,
    }
}

/// Whether an expression reads no row.
fn is_constant(expr: &Expr) -> bool {
    let mut constant = true;
    tree::walk(Node::Expr(expr), &mut |node| match node {
        Node::Expr(Expr { kind: ExprKind::Call(call), .. }) => {
            let name = call.name.single().unwrap_or_default().to_lowercase();
            constant &= call.over.is_none() && !crate::function::is_aggregate(&name);
        }
        Node::Expr(Expr {
            kind: ExprKind::Name(_) | ExprKind::Star { .. } | ExprKind::Lambda(..), ..
        })
        | Node::Query(_)
        | Node::Factor(_) => constant = false,
        Node::Expr(_) => {}
    });
    constant
}
