//! `*` as an argument of a function: every column in its place.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Ident, Name};
use crate::query::{Expr, ExprKind, Node, SetBody, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::naming::name_with;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Found, Meaning, Relation, Scope, field};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// An expression with its stars written out, in place of it; gives its type. Nothing when none of its own operands is a star.
    ///
    /// Errors: a star over columns that are not known, `count(t.*)` (`UNSUPPORTED_FEATURE` 0A000).
    pub(super) fn starred(&mut self, expr: &Expr, scope: &Scope) -> Result<Option<DataType>, SqlError> {
        let Some(text) = self.written_out(expr, scope, false)? else { return Ok(None) };
        let mut inner_scope = scope.clone();
        for (name, source, data_type) in std::mem::take(&mut inner_scope.aliases) {
            if matches!(inner_scope.find(std::slice::from_ref(&name)), Found::None | Found::Perhaps) {
                let own = self.substitute.then(|| self.render(source)).transpose()?;
                inner_scope.lambda.insert(0, (name, data_type, own.map(|own| format!("({own})"))));
            }
        }
        let (rendered, data_type) =
            self.aside(&format!("SELECT {text}"), |inner, expr| inner.expr(expr, &inner_scope))?;
        self.edits.replace(expr.span, pieces![rendered]);
        Ok(Some(data_type))
    }

    /// The name that a column without an alias has.
    pub(super) fn own_name(&self, expr: &Expr, scope: &Scope) -> Result<String, SqlError> {
        let routine = |name: &[String]| match name {
            [only] if self.schemas.temporary_routine(only).is_some() => only.to_lowercase(),
            name => crate::plan::qualify(name, &self.context.catalog, &self.context.schema)
                .unwrap_or_else(|| name.to_vec())
                .join(".")
                .to_lowercase(),
        };
        let Some(text) = self.written_out(expr, scope, true)? else {
            return Ok(name_with(expr, self.sql, &routine));
        };
        let sql = format!("SELECT {text}");
        let statement = crate::statement::parse(&sql)?;
        Ok(match statement.query().map(|query| &query.body) {
            Some(SetBody::Select(select)) => name_with(&select.items[0].expr, &sql, &routine),
            _ => name_with(expr, self.sql, &routine),
        })
    }

    /// Plans the one expression of a `SELECT` that stands in a text of its own; gives its rewritten text.
    fn aside(
        &mut self,
        sql: &str,
        plan: impl FnOnce(&mut Planner<'_>, &Expr) -> Result<DataType, SqlError>,
    ) -> Result<(String, DataType), SqlError> {
        let statement = crate::statement::parse(sql)?;
        let Some(SetBody::Select(select)) = statement.query().map(|query| &query.body) else {
            return Err(SqlError::syntax(sql, Span::new(0, sql.len())));
        };
        let expr = &select.items[0].expr;
        let context = self.context;
        let mut inner = Planner::new(sql, context, self.schemas, self.depth + 1);
        (inner.substitute, inner.projecting) = (self.substitute, self.projecting);
        let data_type = plan(&mut inner, expr)?;
        let rendered = inner.render(expr.span)?;
        self.take_over(&mut inner);
        Ok((rendered, data_type))
    }

    /// The text of an expression with the stars written out that are its operands, or, if `deep`, those of its operands too.
    fn written_out(&self, expr: &Expr, scope: &Scope, deep: bool) -> Result<Option<String>, SqlError> {
        let mut stars: Vec<(&Expr, bool)> = Vec::new();
        operands(expr, deep, &mut stars)?;
        if stars.is_empty() {
            return Ok(None);
        }
        let mut text = String::new();
        let mut at = expr.span.start;
        for (star, named) in stars {
            let ExprKind::Star { qualifier, except, .. } = &star.kind else { continue };
            let list = columns(qualifier, except, scope)?;
            let list: Vec<String> = list
                .into_iter()
                .map(|(text, name)| match name {
                    Some(name) if named => format!("{text} AS {name}"),
                    _ => text,
                })
                .collect();
            text.push_str(Span::new(at, star.span.start).of(self.sql));
            text.push_str(&list.join(", "));
            at = star.span.end;
        }
        text.push_str(Span::new(at, expr.span.end).of(self.sql));
        Ok(Some(text))
    }
}

/// The stars among the operands of an expression, in the order of the text; whether each is one of `struct`.
fn operands<'a>(expr: &'a Expr, deep: bool, stars: &mut Vec<(&'a Expr, bool)>) -> Result<(), SqlError> {
    let mut children = Vec::new();
    let name = match &expr.kind {
        ExprKind::Call(call) => call.name.single().unwrap_or_default(),
        ExprKind::InList { .. } => "IN".to_owned(),
        _ => String::new(),
    };
    tree::expr_children(expr, &mut |node| {
        if let Node::Expr(child) = node {
            children.push(child);
        }
    });
    for child in children {
        match &child.kind {
            ExprKind::Star { qualifier, except, .. } if !name.is_empty() => {
                let counted = name == "COUNT" || name == "COUNT_IF";
                if counted && !(qualifier.is_empty() && except.is_empty()) {
                    return Err(SqlError::unsupported("count(t.*)", "Use count(*), or name the columns")
                        .at(child.span));
                }
                let distinct = matches!(&expr.kind, ExprKind::Call(call) if call.distinct);
                if !counted || distinct {
                    stars.push((child, name == "STRUCT"));
                }
            }
            _ if deep => operands(child, deep, stars)?,
            _ => {}
        }
    }
    Ok(())
}

/// The columns that a star stands for: their text, and their name where the text has none.
fn columns(
    qualifier: &[Ident],
    except: &[Name],
    scope: &Scope,
) -> Result<Vec<(String, Option<String>)>, SqlError> {
    let parts: Vec<String> = qualifier.iter().map(|part| part.value.clone()).collect();
    let unknown =
        || SqlError::unsupported("* of columns that are not known as an argument", "Name the columns");
    let excluded = |name: &str| {
        except.iter().any(|path| path.parts.last().is_some_and(|part| part.value.eq_ignore_ascii_case(name)))
    };
    let relations: Vec<&Relation> =
        scope.relations.iter().filter(|relation| parts.is_empty() || relation.is_named(&parts)).collect();
    let mut list = Vec::new();
    if relations.is_empty() {
        let Found::Column { data_type, parts: used, meaning: None, .. } = scope.find(&parts) else {
            return Err(unknown());
        };
        let inner = parts[used..].iter().fold(data_type, |inner, part| field(&inner, part));
        let DataType::Struct(fields) = inner else { return Err(unknown()) };
        let base = parts.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
        for field in fields.iter().filter(|field| !excluded(&field.name)) {
            let name = quote_name(&field.name);
            list.push((format!("{base}.{name}"), Some(name)));
        }
    }
    for relation in relations {
        if relation.columns.open {
            return Err(unknown());
        }
        for column in &relation.columns.list {
            let hidden = |relation: &Relation| {
                relation.hidden.iter().any(|name| name.eq_ignore_ascii_case(&column.name))
            };
            if excluded(&column.name) || (parts.is_empty() && hidden(relation)) {
                continue;
            }
            let name = quote_name(&column.name);
            let shared = scope.relations.iter().any(hidden) && parts.is_empty();
            list.push(match relation.meanings.get(&column.name.to_lowercase()) {
                Some(Meaning::Text(_) | Meaning::Merged(_)) => (name.clone(), Some(name)),
                None => match relation.qualifier.last() {
                    Some(alias) if !shared => (format!("{}.{name}", quote_name(alias)), None),
                    _ => (name, None),
                },
            });
        }
    }
    if list.is_empty() { Err(unknown()) } else { Ok(list) }
}
