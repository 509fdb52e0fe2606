//! Lambdas beside tables: the engine moves conditions into the scan of a table, where it does not find the columns of a lambda.

use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Item, Node, Query, SetBody, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::guards::BARRIER;
use crate::rewrite::planner::Planner;
use crate::token::{Span, Token, tokenize};

/// Words of what joins or names columns by their places.
const PLACES: [&str; 9] =
    ["UNION", "INTERSECT", "EXCEPT", "MINUS", "NATURAL", "PIVOT", "UNPIVOT", "STRUCT", "RECURSIVE"];

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
                    made |= self.has_lambda(item.expr.span)? && self.may_be_asked(query, item)?;
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

    /// Whether the statement around a query may have a condition on this column of it: whether it says the column's name, or gives
    /// columns other names by their places.
    fn may_be_asked(&self, query: &Query, item: &Item) -> Result<bool, SqlError> {
        let Some(name) = item.alias.as_ref().map(|alias| &alias.value) else { return Ok(true) };
        // What stands around a view's or function's text is not seen here.
        if self.depth > 0 || !item.aliases.is_empty() {
            return Ok(true);
        }
        let outside = |token: &&Token| !query.span.contains(token.span);
        for token in tokenize(self.sql)?.iter().filter(outside) {
            let text = token.span.of(self.sql);
            let by_place = PLACES.iter().any(|word| text.eq_ignore_ascii_case(word));
            if by_place || text.trim_matches('`').replace("``", "`").eq_ignore_ascii_case(name) {
                return Ok(true);
            }
        }
        let statement = crate::statement::parse(self.sql)?;
        let Some(whole) = statement.query() else { return Ok(true) };
        let mut renamed = false;
        tree::walk(Node::Query(whole), &mut |node| match node {
            Node::Query(query) => {
                let ctes = query.with.iter().flat_map(|with| &with.ctes);
                renamed |= ctes.into_iter().any(|cte| !cte.columns.is_empty());
            }
            Node::Factor(factor) => {
                renamed |= [&factor.alias, &factor.inner_alias]
                    .into_iter()
                    .flatten()
                    .any(|alias| !alias.columns.is_empty());
            }
            Node::Expr(_) => {}
        });
        Ok(renamed)
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
