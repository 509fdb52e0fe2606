//! `|>` becomes nested queries before anything else is looked at.

use crate::error::SqlError;
use crate::query::pipe::SET_WORD;
use crate::query::{ExprKind, Item, Node, Pipe, PipeKind, Query, SetBody, tree};
use crate::rewrite::edits::{Edits, Piece};
use crate::rewrite::grouping::has_aggregate;
use crate::statement::{Body, Statement, parse};
use crate::token::{Span, quote_name};

/// The statement without pipes; innermost queries first.
pub(crate) fn without_pipes(mut sql: String) -> Result<String, SqlError> {
    for _ in 0..40 {
        let statement = parse(&sql)?;
        let Some((span, pieces)) = innermost(&statement)? else { return Ok(sql) };
        let mut edits = Edits::default();
        edits.replace(span, pieces);
        sql = edits.render(&sql, Span::new(0, sql.len()))?;
    }
    Err(SqlError::unsupported("so many pipes", "Write parts of it as common table expressions"))
}

fn innermost(statement: &Statement) -> Result<Option<(Span, Vec<Piece>)>, SqlError> {
    let mut found: Option<&Query> = None;
    let mut queries: Vec<&Query> = Vec::new();
    let mut collect = |node| {
        if let Node::Query(query) = node {
            queries.push(query);
        }
    };
    match &statement.body {
        Body::Query(query) => tree::walk(Node::Query(query), &mut collect),
        Body::Dml(dml) => dml.children(&mut |node| tree::walk(node, &mut collect)),
        Body::Command(_) => return Ok(None),
    }
    for query in queries {
        if !query.pipes.is_empty() && found.is_none_or(|outer| outer.span.contains(query.span)) {
            found = Some(query);
        }
    }
    found.map(|query| nested(query).map(|pieces| (query.span, pieces))).transpose()
}

/// A query being built: what stands in `FROM`, and what is around it.
struct Chain {
    from: Vec<Piece>,
    /// `WHERE` conditions on `from`, whose names may be qualified still.
    filters: Vec<Span>,
    /// `ORDER BY`, which only `LIMIT` or the end may follow.
    tail: Vec<Piece>,
}

impl Chain {
    /// `SELECT head FROM … WHERE …`.
    fn select(&self, head: Vec<Piece>) -> Vec<Piece> {
        let mut pieces = vec![Piece::from("SELECT ")];
        pieces.extend(head);
        pieces.push(Piece::from(" FROM "));
        pieces.extend(self.from.iter().cloned());
        for (index, filter) in self.filters.iter().enumerate() {
            pieces.push(Piece::from(if index == 0 { " WHERE (" } else { " AND (" }));
            pieces.push(Piece::from(*filter));
            pieces.push(Piece::from(")"));
        }
        pieces
    }

    /// Starts anew from the rows of a query.
    fn wrap(query: Vec<Piece>, alias: Option<&str>) -> Self {
        let mut from = vec![Piece::from("(")];
        from.extend(query);
        from.push(Piece::from(match alias {
            Some(alias) => format!(") AS {}", quote_name(alias)),
            None => ")".to_owned(),
        }));
        Self { from, filters: Vec::new(), tail: Vec::new() }
    }

    fn all(&self) -> Vec<Piece> {
        let mut pieces = self.select(vec![Piece::from("*")]);
        pieces.extend(self.tail.iter().cloned());
        pieces
    }
}

fn spans(list: impl Iterator<Item = Span>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for span in list {
        if !pieces.is_empty() {
            pieces.push(Piece::from(", "));
        }
        pieces.push(Piece::from(span));
    }
    pieces
}

fn nested(query: &Query) -> Result<Vec<Piece>, SqlError> {
    let first = query.pipes.first().map_or(query.span.end, |pipe| pipe.span.start);
    let body_start = query.with.as_ref().map_or(query.span.start, |with| with.span.end);
    let mut chain = match &query.body {
        SetBody::From(_, list) if query.order_by.is_empty() && query.limit.is_none() => {
            Chain { from: spans(list.iter().map(|from| from.span)), filters: Vec::new(), tail: Vec::new() }
        }
        _ => Chain::wrap(vec![Piece::from(Span::new(body_start, first))], None),
    };
    for Pipe { kind, .. } in &query.pipes {
        chain = step(chain, kind)?;
    }
    let mut pieces = Vec::new();
    if let Some(with) = &query.with {
        pieces.push(Piece::from(with.span));
        pieces.push(Piece::from(" "));
    }
    pieces.extend(chain.all());
    Ok(pieces)
}

fn step(mut chain: Chain, kind: &PipeKind) -> Result<Chain, SqlError> {
    if !chain.tail.is_empty() && !matches!(kind, PipeKind::Limit(..)) {
        chain = Chain::wrap(chain.all(), None);
    }
    Ok(match kind {
        PipeKind::Where(condition) => {
            chain.filters.push(condition.span);
            chain
        }
        PipeKind::Join(join) if chain.filters.is_empty() => {
            chain.from.push(Piece::from(" "));
            chain.from.push(Piece::from(join.span));
            chain
        }
        PipeKind::Join(join) => {
            let mut next = Chain::wrap(chain.all(), None);
            next.from.push(Piece::from(" "));
            next.from.push(Piece::from(join.span));
            next
        }
        PipeKind::As(name) => Chain::wrap(chain.all(), Some(&name.value)),
        PipeKind::Select(distinct, items) => {
            plain(items, "SELECT")?;
            let mut head = vec![Piece::from(if *distinct { "DISTINCT " } else { "" })];
            head.extend(spans(items.iter().map(|item| item.span)));
            Chain::wrap(chain.select(head), None)
        }
        PipeKind::Extend(items) => {
            plain(items, "EXTEND")?;
            let mut head = vec![Piece::from("*, ")];
            head.extend(spans(items.iter().map(|item| item.span)));
            Chain::wrap(chain.select(head), None)
        }
        PipeKind::Drop(columns) => {
            let names: Vec<String> = columns.iter().map(|column| quote_name(&column.value)).collect();
            Chain::wrap(chain.select(vec![Piece::from(format!("* EXCEPT ({})", names.join(", ")))]), None)
        }
        PipeKind::Aggregate(items, groups) => {
            aggregated(items, groups)?;
            let head = spans(groups.iter().chain(items).map(|item| item.span));
            let mut pieces = chain.select(head);
            if !groups.is_empty() {
                pieces.push(Piece::from(" GROUP BY "));
                pieces.extend(spans(groups.iter().map(|item| item.expr.span)));
            }
            Chain::wrap(pieces, None)
        }
        PipeKind::Order(items) => {
            chain.tail.push(Piece::from(" ORDER BY "));
            chain.tail.extend(spans(items.iter().map(|item| item.span)));
            chain
        }
        PipeKind::Limit(limit, offset) => {
            let mut pieces = chain.all();
            for (word, value) in [(" LIMIT ", limit), (" OFFSET ", offset)] {
                if let Some(value) = value {
                    pieces.push(Piece::from(word));
                    pieces.push(Piece::from(value.span));
                }
            }
            Chain::wrap(pieces, None)
        }
        PipeKind::Set2(operator, body) => {
            let mut pieces = chain.all();
            let span = body_span(body).ok_or_else(|| {
                SqlError::unsupported("this set operation in a pipe", "Write it without pipes")
            })?;
            pieces.push(Piece::from(format!(" {operator} ")));
            pieces.push(Piece::from(span));
            Chain::wrap(pieces, None)
        }
        PipeKind::Pivot(pivot) => {
            let mut next = Chain::wrap(chain.all(), None);
            next.from.push(Piece::from(" "));
            next.from.push(Piece::from(pivot.span));
            next
        }
        PipeKind::Unpivot(unpivot) => {
            let mut next = Chain::wrap(chain.all(), None);
            next.from.push(Piece::from(" "));
            next.from.push(Piece::from(unpivot.span));
            next
        }
        PipeKind::View(view) => {
            let mut next = if chain.filters.is_empty() { chain } else { Chain::wrap(chain.all(), None) };
            next.from.push(Piece::from(" "));
            next.from.push(Piece::from(view.span));
            next
        }
        PipeKind::Set(assignments) => {
            // Each one sees what those before it have set.
            for (column, value) in assignments {
                let mut head = vec![Piece::from(format!("* {SET_WORD} ({} = ", quote_name(&column.value)))];
                head.extend([Piece::from(value.span), Piece::from(")")]);
                chain = Chain::wrap(chain.select(head), None);
            }
            chain
        }
        PipeKind::Sample(sample) => {
            let mut next = Chain::wrap(chain.all(), None);
            next.from.push(Piece::from(" "));
            next.from.push(Piece::from(*sample));
            Chain::wrap(next.all(), None)
        }
    })
}

/// Aggregates stand after `AGGREGATE` alone.
fn plain(items: &[Item], clause: &str) -> Result<(), SqlError> {
    match items.iter().find(|item| has_aggregate(&item.expr)) {
        Some(item) => {
            let text = format!(
                "Aggregate functions are not allowed in the pipe operator |> {clause} clause; please use the |> AGGREGATE clause instead."
            );
            let class = "PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION";
            Err(SqlError::new(class, "0A000", text).at(item.expr.span))
        }
        None => Ok(()),
    }
}

fn aggregated(items: &[Item], groups: &[Item]) -> Result<(), SqlError> {
    if let Some(item) = items.iter().find(|item| !has_aggregate(&item.expr)) {
        let text = "Non-grouping expression is provided as an argument to the |> AGGREGATE pipe operator but does not contain any aggregate function; please update it to include an aggregate function and then retry the query again.";
        let class = "PIPE_OPERATOR_AGGREGATE_EXPRESSION_CONTAINS_NO_AGGREGATE_FUNCTION";
        return Err(SqlError::new(class, "0A000", text).at(item.expr.span));
    }
    if let Some(place) = groups.iter().find(|group| matches!(group.expr.kind, ExprKind::Number(_))) {
        let what = "places of columns in |> AGGREGATE … GROUP BY";
        return Err(SqlError::unsupported(what, "Name the columns").at(place.expr.span));
    }
    Ok(())
}

fn body_span(body: &SetBody) -> Option<Span> {
    match body {
        SetBody::Select(select) => Some(select.span),
        SetBody::Values(span, _) | SetBody::From(span, _) | SetBody::Query(span, _) => Some(*span),
        SetBody::Table(factor) => Some(factor.span),
        _ => None,
    }
}
