//! Calls that run outside the engine: their arguments are constant, and the answer is put in their place.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Parser;
use crate::plan::ModelCall;
use crate::query::{Call, Expr, ExprKind, Node, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Scope;

/// Stands for an answer that is not known yet; such a plan is never run.
const UNANSWERED: &str = "__unanswered";

/// Parameters of `http_request`, in the order in which they are handed on.
const HTTP_REQUEST: [&str; 6] = ["conn", "method", "path", "json", "headers", "params"];

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Argument {
    Constant,
    /// It holds a call whose answer is not known yet.
    Unanswered,
    /// It differs from row to row.
    Varies,
}

impl Planner<'_> {
    /// Puts the answer to a call in its place, or notes that it is wanted.
    pub(super) fn outside(
        &mut self,
        expr: &Expr,
        call: &Call,
        name: &str,
        arguments: Vec<String>,
        returns: &DataType,
    ) -> Result<(), SqlError> {
        let mut answered = true;
        for text in arguments.iter().skip(usize::from(name == crate::plan::OUTSIDE)) {
            match argument(text)? {
                Argument::Constant => {}
                Argument::Unanswered => answered = false,
                Argument::Varies => {
                    return Err(SqlError::unsupported(
                        format!("the function {} of anything but constants", call.name.quoted()),
                        "Call it with constants, as in SELECT f(1); for rows, write it in SQL or call it from the app",
                    )
                    .at(call.name.span));
                }
            }
        }
        if answered {
            if let Some(text) = self.schemas.constant_call(name, &arguments)? {
                self.edits.replace(expr.span, pieces![format!("({text})")]);
                return Ok(());
            }
            self.unknown_calls.push(ModelCall { name: name.to_owned(), arguments });
        }
        self.edits.replace(expr.span, pieces![format!("CAST({UNANSWERED}() AS {returns})")]);
        Ok(())
    }

    /// `http_request(conn => …, method => …, path => …)`.
    pub(super) fn http_request(
        &mut self,
        expr: &Expr,
        call: &Call,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        self.arguments(call, scope)?;
        let mut arguments = vec!["NULL".to_owned(); HTTP_REQUEST.len()];
        for argument in &call.arguments {
            let Some(name) = &argument.name else {
                let text = "The arguments of `http_request` are given by name, as in conn => 'api'.";
                return Err(SqlError::new("UNEXPECTED_POSITIONAL_ARGUMENT", "4274K", text).at(call.name.span));
            };
            let at = HTTP_REQUEST.iter().position(|known| name.value.eq_ignore_ascii_case(known));
            let Some(at) = at else {
                let text = format!(
                    "Cannot invoke `http_request` because it has no parameter named `{}`.",
                    name.value
                );
                return Err(SqlError::new("UNRECOGNIZED_PARAMETER_NAME", "4274K", text).at(name.span));
            };
            arguments[at] = self.render(argument.value.span)?;
        }
        if let Some(missing) = arguments.iter().take(3).position(|text| text == "NULL") {
            let text = format!(
                "Cannot invoke `http_request` because the parameter named `{}` is required.",
                HTTP_REQUEST[missing]
            );
            return Err(SqlError::new("REQUIRED_PARAMETER_NOT_FOUND", "4274K", text).at(call.name.span));
        }
        let returns = DataType::from("STRUCT<status_code: INT, text: STRING>");
        self.outside(expr, call, "http_request", arguments, &returns)?;
        Ok(returns)
    }
}

/// What the engine's text of an argument is.
fn argument(text: &str) -> Result<Argument, SqlError> {
    let expr = Parser::new(text)?.expr()?;
    let mut found = Argument::Constant;
    tree::walk(Node::Expr(&expr), &mut |node| match node {
        Node::Query(_) | Node::Factor(_) | Node::Expr(Expr { kind: ExprKind::Name(_), .. }) => {
            found = Argument::Varies;
        }
        Node::Expr(Expr { kind: ExprKind::Call(call), .. })
            if found == Argument::Constant
                && call.name.single().is_some_and(|name| name.eq_ignore_ascii_case(UNANSWERED)) =>
        {
            found = Argument::Unanswered;
        }
        Node::Expr(_) => {}
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_queries_are_no_constants() {
        for (text, expected) in [
            ("CAST(1 + 2 AS INT)", Argument::Constant),
            ("array(1, named_struct('a', 'x'))", Argument::Constant),
            ("CAST(id AS INT)", Argument::Varies),
            ("(SELECT 1)", Argument::Varies),
            ("EXISTS (SELECT 1)", Argument::Varies),
            ("CAST(CAST(__unanswered() AS INT) AS STRING)", Argument::Unanswered),
            ("concat(__unanswered(), name)", Argument::Varies),
        ] {
            assert_eq!(argument(text).unwrap(), expected, "{text}");
        }
    }
}
