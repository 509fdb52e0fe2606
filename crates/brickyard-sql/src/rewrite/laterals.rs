//! `LATERAL (SELECT …)`: the rows of a subquery for each row before, as a join with the rows for all values that are looked at.

use std::collections::HashMap;

use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Factor, FactorKind, Item, Query, Select, SetBody};
use crate::rewrite::correlated::{Keys, is_simple, sources_span};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Meaning, Output, Relation, Scope};
use crate::token::{Span, quote_name};

/// The rows of a `LATERAL` subquery.
pub(super) struct Rows {
    /// What is joined.
    pub source: Vec<Piece>,
    /// How it is joined.
    pub condition: String,
    /// Its columns; there are more that `*` must not show.
    pub relation: Relation,
}

impl Planner<'_> {
    /// `LATERAL (SELECT one aggregate …)` and `LATERAL (SELECT expressions)` become expressions where their columns are used.
    pub(super) fn inline_lateral(
        &mut self,
        factor: &Factor,
        scope: &mut Scope,
        around: Span,
    ) -> Result<bool, SqlError> {
        let FactorKind::Subquery(query) = &factor.kind else { return Ok(false) };
        if !factor.lateral {
            return Ok(false);
        }
        let inner = self.inner_env(scope);
        let SetBody::Select(select) = &query.body else { return Ok(false) };
        let plain = query.with.is_none()
            && query.limit.is_none()
            && query.order_by.is_empty()
            && query.pipes.is_empty();
        let scalar = select.from.is_empty() && select.filter.is_none() && !select.distinct;
        let aggregate = select.group_by.is_none()
            && select.having.is_none()
            && select.qualify.is_none()
            && !select.items.is_empty()
            && select.items.iter().all(|item| has_aggregate(&item.expr));
        if !plain || !(scalar || aggregate) {
            return Ok(false);
        }
        self.bare = scalar;
        let columns = self.query(query, &inner)?;
        let names: Vec<String> = match &factor.alias {
            Some(alias) if !alias.columns.is_empty() => {
                alias.columns.iter().map(|column| column.value.clone()).collect()
            }
            _ => columns.list.iter().map(|column| column.name.clone()).collect(),
        };
        let mut meanings = HashMap::new();
        if let Some(texts) = starred(select, columns.list.len()) {
            // `SELECT t.*` gives columns of a row before.
            for ((name, column), text) in names.iter().zip(&columns.list).zip(texts) {
                let text = match text {
                    Of::Star(qualifier) => {
                        let path = qualifier.iter().chain([&column.name]);
                        path.map(|part| quote_name(part)).collect::<Vec<_>>().join(".")
                    }
                    Of::Item(span) => self.edits.bare(self.sql, span)?,
                };
                meanings.insert(name.to_lowercase(), Meaning::Text(text));
            }
            scope.relations.push(inlined(factor, names, columns, meanings));
            return Ok(true);
        }
        let keys = if scalar { None } else { self.looked_at(select, scope, around)? };
        let mut texts = Vec::new();
        for item in &select.items {
            if let ExprKind::Star { qualifier, except, set: None } = &item.expr.kind {
                let parts: Vec<String> = qualifier.iter().map(|part| part.value.clone()).collect();
                let named = scope.relations.iter().find(|relation| relation.is_named(&parts));
                match named {
                    Some(named)
                        if scalar && except.is_empty() && !parts.is_empty() && !named.columns.open =>
                    {
                        texts.extend(named.columns.list.iter().map(|column| own_text(named, &column.name)));
                    }
                    _ => return Err(unsupported()),
                }
                continue;
            }
            texts.push(match &keys {
                Some(keys) => {
                    let value = self.value(select, &item.expr, keys, around, false);
                    self.edits.of(self.sql, &value)?
                }
                None if scalar => self.edits.bare(self.sql, item.expr.span)?,
                None => {
                    let rest = Span::new(select.items_span.end, select.span.end);
                    format!("SELECT {} {}", self.edits.bare(self.sql, item.expr.span)?, self.render(rest)?)
                }
            });
        }
        if texts.len() != names.len() || columns.open {
            return Err(unsupported());
        }
        for (name, text) in names.iter().zip(texts) {
            meanings.insert(name.to_lowercase(), Meaning::Text(text));
        }
        scope.relations.push(inlined(factor, names, columns, meanings));
        Ok(true)
    }

    /// The rows of a `LATERAL` subquery after sources that stand at `around`; nothing when it is no such subquery.
    ///
    /// Errors: a subquery that cannot be written as a join (`UNSUPPORTED_FEATURE` 0A000).
    pub(super) fn lateral_rows(
        &mut self,
        factor: &Factor,
        scope: &Scope,
        around: Span,
    ) -> Result<Option<Rows>, SqlError> {
        let FactorKind::Subquery(query) = &factor.kind else { return Ok(None) };
        if !factor.lateral {
            return Ok(None);
        }
        let SetBody::Select(select) = &query.body else { return Err(unsupported()) };
        let aggregates = select.items.iter().any(|item| has_aggregate(&item.expr));
        let windows = select.items.iter().any(|item| has_window(&item.expr));
        let groups = select.group_by.as_ref().is_some_and(|group| group.all || group.sets);
        let pages = query.offset.is_some() || !query.pipes.is_empty() || query.with.is_some();
        let whole = aggregates && select.group_by.is_none();
        if pages || windows || groups || whole || !is_simple(select) {
            return Err(unsupported());
        }
        let inner = self.inner_env(scope);
        let columns = self.query(query, &inner)?;
        let keys = self.keys(select, scope, around)?.ok_or_else(unsupported)?;
        let limit = match query.limit.as_ref().map(|limit| &limit.kind) {
            None => None,
            Some(ExprKind::Number(limit)) => Some(limit.clone()),
            Some(_) => return Err(unsupported()),
        };
        if columns.open || keys.columns.is_empty() {
            return Err(unsupported());
        }
        self.rename(&keys);
        self.plain_stars(&select.items, &keys);
        let own = keys.own().join(", ");
        let mut rows = pieces!["(SELECT ", select.items_span, format!(", {}", keys.shown())];
        if limit.is_some() {
            rows.push(Piece::from(format!(", row_number() OVER (PARTITION BY {own} ORDER BY ")));
            rows.extend(
                order(query, select).ok_or_else(unsupported)?.unwrap_or_else(|| pieces![own.clone()]),
            );
            rows.push(Piece::from(") AS `__n`"));
        }
        rows.push(Piece::from(" FROM "));
        rows.extend(keys.source(around));
        rows.extend(pieces![", ", sources_span(select)]);
        if let Some(filter) = &select.filter {
            rows.extend(pieces![" WHERE ", filter.span]);
        }
        if let Some(group) = &select.group_by {
            rows.push(Piece::from(format!(" GROUP BY {own}")));
            rows.extend(group.items.iter().flat_map(|item| pieces![", ", item.span]));
        }
        if let Some(having) = &select.having {
            rows.extend(pieces![" HAVING ", having.span]);
        }
        let alias = factor.alias.as_ref();
        let name = alias
            .and_then(|alias| alias.relation())
            .map_or_else(|| format!("__l{}", keys.mark), str::to_owned);
        let columns = alias.map_or(columns.clone(), |alias| columns.renamed(&alias.columns));
        let mut names: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
        names.extend((0..keys.columns.len()).map(|at| format!("`__j{at}`")));
        names.extend(limit.as_ref().map(|_| "`__n`".to_owned()));
        let shown = quote_name(&name);
        rows.push(Piece::from(format!(") AS {shown}({})", names.join(", "))));
        let limit = limit.map_or_else(String::new, |limit| format!(" AND {shown}.`__n` <= {limit}"));
        let condition = format!("{}{limit}", keys.found(&shown));
        let relation = Relation { qualifier: vec![name], columns, wider: true, ..Relation::default() };
        Ok(Some(Rows { source: rows, condition, relation }))
    }

    /// Writes a bare `*` out, so that it does not show the columns of ours.
    fn plain_stars(&mut self, items: &[Item], keys: &Keys) {
        for item in items {
            let ExprKind::Star { qualifier, except, .. } = &item.expr.kind else { continue };
            if !qualifier.is_empty() || !except.is_empty() {
                continue;
            }
            let shown = |relation: &Relation| {
                let prefix = relation.qualifier.last().map(|name| format!("{}.", quote_name(name)));
                let prefix = prefix.unwrap_or_default();
                let hidden =
                    |name: &str| relation.hidden.iter().any(|hidden| hidden.eq_ignore_ascii_case(name));
                let shown = relation.columns.list.iter().filter(|column| !hidden(&column.name));
                shown.map(|column| format!("{prefix}{}", quote_name(&column.name))).collect::<Vec<_>>()
            };
            let list: Vec<String> = keys.inner.iter().flat_map(shown).collect();
            self.edits.replace(item.expr.span, pieces![list.join(", ")]);
        }
    }
}

/// Where a column of a subquery comes from.
enum Of {
    /// `qualifier.*`.
    Star(Vec<String>),
    /// An expression.
    Item(Span),
}

/// Where each of so many columns comes from, when one entry without rows of its own is a star.
fn starred(select: &Select, columns: usize) -> Option<Vec<Of>> {
    let is_star = |item: &&Item| matches!(item.expr.kind, ExprKind::Star { .. });
    if !select.from.is_empty() || select.items.iter().filter(is_star).count() != 1 {
        return None;
    }
    let width = (columns + 1).checked_sub(select.items.len())?;
    let mut all = Vec::new();
    for item in &select.items {
        match &item.expr.kind {
            ExprKind::Star { qualifier, .. } => {
                let parts: Vec<String> = qualifier.iter().map(|part| part.value.clone()).collect();
                all.extend((0..width).map(|_| Of::Star(parts.clone())));
            }
            _ => all.push(Of::Item(item.expr.span)),
        }
    }
    Some(all)
}

/// The relation of a subquery whose columns are put where they are used.
fn inlined(
    factor: &Factor,
    names: Vec<String>,
    columns: Columns,
    meanings: HashMap<String, Meaning>,
) -> Relation {
    let list = names.into_iter().zip(columns.list);
    let list = list.map(|(name, column)| Output::new(name, column.data_type));
    let qualifier = factor.alias.iter().filter_map(|alias| alias.relation().map(str::to_owned)).collect();
    Relation {
        qualifier,
        columns: Columns { list: list.collect(), open: false },
        meanings,
        ..Relation::default()
    }
}

fn unsupported() -> SqlError {
    SqlError::unsupported(
        "this LATERAL subquery",
        "Use a join, or a LATERAL subquery of one SELECT with FROM, WHERE, GROUP BY, ORDER BY and LIMIT",
    )
}

/// A column of a relation as an expression.
pub(super) fn own_text(relation: &Relation, name: &str) -> String {
    match (relation.meanings.get(&name.to_lowercase()), relation.qualifier.last()) {
        (Some(Meaning::Text(text) | Meaning::Merged(text)), _) => format!("({text})"),
        (None, Some(qualifier)) => format!("{}.{}", quote_name(qualifier), quote_name(name)),
        (None, None) => quote_name(name),
    }
}

/// `ORDER BY` as the order of a window, where places and aliases are expressions; nothing when there is none.
#[expect(clippy::option_option, reason = "an order that cannot be told, none, one")]
fn order(query: &Query, select: &Select) -> Option<Option<Vec<Piece>>> {
    let mut text: Vec<Piece> = Vec::new();
    for (at, item) in query.order_by.iter().enumerate() {
        if at > 0 {
            text.push(Piece::from(", "));
        }
        match meant(&item.expr, select)? {
            Some(expr) => {
                text.extend(pieces!["(", expr.span, ")", Span::new(item.expr.span.end, item.span.end)]);
            }
            None => text.extend(pieces![item.span]),
        }
    }
    Some(if query.order_by.is_empty() { None } else { Some(text) })
}

/// The expression that a place or an alias stands for; nothing when it stands for itself.
#[expect(clippy::option_option, reason = "no such place, no place, one")]
fn meant<'a>(expr: &Expr, select: &'a Select) -> Option<Option<&'a Expr>> {
    match &expr.kind {
        ExprKind::Number(place) => {
            let at = place.parse::<usize>().ok()?.checked_sub(1)?;
            let item = select.items.get(at)?;
            let stars =
                select.items[..=at].iter().any(|item| matches!(item.expr.kind, ExprKind::Star { .. }));
            // Without an alias it may be given one, which is none of an order.
            let plain = item.alias.is_some() || matches!(item.expr.kind, ExprKind::Name(_));
            if stars || !plain { None } else { Some(Some(&item.expr)) }
        }
        ExprKind::Name(name) if name.parts.len() == 1 => {
            let named = |item: &&Item| {
                item.alias
                    .as_ref()
                    .is_some_and(|alias| alias.value.eq_ignore_ascii_case(&name.parts[0].value))
            };
            Some(select.items.iter().find(named).map(|item| &item.expr))
        }
        _ => Some(None),
    }
}
