//! Functions of the catalog, whose text is put in the place of a call.

use std::rc::Rc;

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Parser;
use crate::plan::Routine;
use crate::query::{Call, Expr, ExprKind, Node, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Found, Scope};
use crate::token::quote_name;

impl Planner<'_> {
    /// A function of the catalog: its text is put in its place.
    pub(super) fn routine_call(
        &mut self,
        expr: &Expr,
        call: &Call,
        scope: &Scope,
    ) -> Result<DataType, SqlError> {
        let routine = self.routine(&call.name)?;
        if call.over.is_some() || call.filter.is_some() || call.distinct {
            let text = format!("{} is no aggregate function.", call.name.quoted());
            return Err(SqlError::new("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "42000", text));
        }
        let Some(returns) = routine.returns.clone() else {
            let text = format!("{} gives a table and stands in FROM.", call.name.quoted());
            return Err(SqlError::new("NOT_A_SCALAR_FUNCTION", "42887", text));
        };
        let parameters = self.bound_parameters(call, &routine, scope)?;
        let Some(body) = &routine.body else {
            if let Some(outside) = &routine.outside {
                let mut arguments = vec![outside.clone()];
                arguments.extend(parameters.into_iter().map(|(_, text, _)| text));
                self.outside(expr, call, crate::plan::OUTSIDE, arguments, &returns)?;
                return Ok(returns);
            }
            let Some(engine) = &routine.engine_name else {
                return Err(SqlError::unsupported(
                    format!("the function {}, which is not written in SQL", call.name.quoted()),
                    "Write the function in SQL",
                ));
            };
            let list: Vec<String> = parameters.iter().map(|(_, text, _)| text.clone()).collect();
            self.edits.replace(expr.span, pieces![format!("{engine}({})", list.join(", "))]);
            return Ok(returns);
        };
        let (text, _) = self.nested(
            &scalar(body),
            (&routine.catalog, &routine.schema, &routine.owner),
            Rc::new(parameters),
        )?;
        let inner = match text.strip_prefix("SELECT ") {
            Some(rest) if !is_query(body) => format!("({})", without_alias(rest)),
            _ => format!("({text})"),
        };
        let data_type = match &returns {
            DataType::Unknown => inner,
            data_type => format!("CAST({inner} AS {data_type})"),
        };
        self.edits.replace(expr.span, pieces![data_type]);
        Ok(returns)
    }

    /// Columns among the arguments are qualified when the function's body has a query of its own, whose names would capture them.
    pub(super) fn uncaptured(
        &mut self,
        call: &Call,
        routine: &Routine,
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let Some(body) = &routine.body else { return Ok(()) };
        let text = scalar(body);
        let statement = crate::statement::parse(&text)?;
        let Some(query) = statement.query() else { return Ok(()) };
        let mut inner = Vec::new();
        tree::walk(Node::Query(query), &mut |node| {
            if let Node::Factor(factor) = node {
                inner.extend(factor.kind_name());
                inner.extend(factor.alias.iter().filter_map(|alias| alias.relation()).map(str::to_owned));
            }
        });
        let mut names = Vec::new();
        for argument in &call.arguments {
            tree::walk(Node::Expr(&argument.value), &mut |node| {
                if let Node::Expr(Expr { kind: ExprKind::Name(name), .. }) = node {
                    names.push(name);
                }
            });
        }
        if inner.is_empty() {
            return Ok(());
        }
        for name in names {
            let parts = name.values();
            match scope.find(&parts) {
                Found::Column { owner: Some(owner), meaning: None, parts: used, .. }
                    if !inner.iter().any(|own| own.eq_ignore_ascii_case(&owner)) =>
                {
                    if used == 1 {
                        let whole = format!("{}.{}", quote_name(&owner), quote_name(&parts[0]));
                        self.edits.replace(name.parts[0].span, pieces![whole]);
                    }
                }
                Found::Lambda { .. } | Found::Parameter { .. } | Found::None => {}
                _ => {
                    return Err(SqlError::unsupported(
                        format!(
                            "columns as arguments of {}, which has a query of its own",
                            call.name.quoted()
                        ),
                        "Give the table an alias that the function does not use, and qualify the columns with it",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The arguments of a call of a catalog function, as text of the parameters' types.
    pub(super) fn bound_parameters(
        &mut self,
        call: &Call,
        routine: &Routine,
        scope: &Scope,
    ) -> Result<Vec<(String, String, DataType)>, SqlError> {
        self.arguments(call, scope)?;
        self.uncaptured(call, routine, scope)?;
        let name = call.name.quoted();
        let count = |text: String| SqlError::new("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", text);
        if call.arguments.len() > routine.parameters.len() {
            return Err(count(format!(
                "The {name} requires {} parameters but the actual number is {}.",
                routine.parameters.len(),
                call.arguments.len()
            )));
        }
        let mut bound = Vec::new();
        for (index, parameter) in routine.parameters.iter().enumerate() {
            let by_name = call.arguments.iter().find(|argument| {
                argument.name.as_ref().is_some_and(|name| name.value.eq_ignore_ascii_case(&parameter.name))
            });
            let by_place = call.arguments.get(index).filter(|argument| argument.name.is_none());
            let text = match (by_name.or(by_place), &parameter.default) {
                (Some(argument), _) => self.render(argument.value.span)?,
                (None, Some(default)) if crate::command::is_closed(default) => default.clone(),
                (None, Some(_)) => {
                    let text = format!(
                        "The DEFAULT of the parameter {} contains subquery expressions or functions that are not built in.",
                        quote_name(&parameter.name)
                    );
                    return Err(SqlError::new("INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION", "42623", text));
                }
                (None, None) => {
                    let text = format!(
                        "Cannot invoke {name} because the parameter named {} is required.",
                        quote_name(&parameter.name)
                    );
                    return Err(SqlError::new("REQUIRED_PARAMETER_NOT_FOUND", "4274K", text));
                }
            };
            let text = match &parameter.data_type {
                DataType::Unknown => format!("({text})"),
                data_type => format!("CAST({text} AS {data_type})"),
            };
            bound.push((parameter.name.clone(), text, parameter.data_type.clone()));
        }
        for argument in &call.arguments {
            if let Some(named) = &argument.name
                && !routine
                    .parameters
                    .iter()
                    .any(|parameter| parameter.name.eq_ignore_ascii_case(&named.value))
            {
                let text = format!(
                    "Cannot invoke {name} because it has no parameter named {}.",
                    quote_name(&named.value)
                );
                return Err(SqlError::new("UNRECOGNIZED_PARAMETER_NAME", "4274K", text));
            }
        }
        Ok(bound)
    }
}

/// A function's body as a query.
pub(super) fn scalar(body: &str) -> String {
    if is_query(body) { body.to_owned() } else { format!("SELECT {body} AS `__value`") }
}

pub(super) fn is_query(body: &str) -> bool {
    Parser::new(body).is_ok_and(|parser| parser.is_query() && !parser.is_symbol("("))
}

pub(super) fn without_alias(text: &str) -> &str {
    text.trim_end().strip_suffix("AS `__value`").unwrap_or(text)
}
