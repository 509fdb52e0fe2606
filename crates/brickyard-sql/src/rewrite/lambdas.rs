//! Lambdas beside tables: the engine moves conditions into the scan of a table, where it does not find the columns of a lambda.

use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Node, Query, SetBody, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::guards::BARRIER;
use crate::rewrite::planner::Planner;
use crate::token::Span;

impl Planner<'_> {
    /// Keeps those parts of a condition out of the scan that have a lambda: what may differ from call to call is not moved. NULL and
    /// false mean the same there.
    pub(super) fn keep_lambdas(&mut self, condition: &Expr) -> Result<(), SqlError> {
        if let ExprKind::Chain(operator, operands) = &condition.kind
            && operator == "AND"
        {
            return operands.iter().try_for_each(|operand| self.keep_lambdas(operand));
        }
        if self.has_lambda(condition.span)? && !has_query(condition) {
            let kept = pieces!["coalesce(", condition.span, ", rand() < 0)"];
            self.edits.replace(condition.span, kept);
        }
        Ok(())
    }

    /// Keeps conditions of the query around out of a query whose columns are made with lambdas.
    pub(super) fn keep_columns(&mut self, query: &Query) -> Result<(), SqlError> {
        if query.limit.is_some() || query.offset.is_some() || !query.pipes.is_empty() {
            return Ok(());
        }
        let made = match &query.body {
            SetBody::Select(select) => {
                let mut made = false;
                for item in &select.items {
                    made |= self.has_lambda(item.expr.span)?;
                }
                made
            }
            SetBody::Set(..) => self.has_lambda(query.span)?,
            _ => false,
        };
        if made {
            self.edits.replace(query.span, pieces![query.span, BARRIER]);
        }
        Ok(())
    }

    pub(super) fn has_lambda(&self, span: Span) -> Result<bool, SqlError> {
        Ok(self.render(span)?.contains("->"))
    }
}

fn has_query(expr: &Expr) -> bool {
    let mut found = false;
    tree::walk(Node::Expr(expr), &mut |node| found |= matches!(node, Node::Query(_)));
    found
}
