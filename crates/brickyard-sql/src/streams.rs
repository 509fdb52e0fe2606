//! Sources that a query reads as streams, and whether their new rows alone make the new rows of its result.

use std::collections::HashSet;

use crate::command::{constant_string, identifier_name};
use crate::error::SqlError;
use crate::parser::Name;
use crate::query::tree;
use crate::query::{Factor, FactorKind, From, Join, Node, Pipe, PipeKind, Query, Select, SetBody};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::statement::{Body, Statement};
use crate::token::Span;

/// A source that is read as a stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Where it stands, from `STREAM` on, without an alias.
    pub span: Span,
    /// What is read.
    pub source: StreamSource,
    /// Whether an alias follows.
    pub aliased: bool,
    /// What `WITH (…)` after it says.
    pub options: Vec<(String, String)>,
}

/// What a stream is of.
#[derive(Debug, Clone)]
pub enum StreamSource {
    /// A table.
    Table(Name),
    /// `read_files(…)`.
    Files {
        /// The path, a constant.
        path: String,
        /// Where the path stands.
        path_span: Span,
        /// Where the call stands.
        call: Span,
    },
}

/// The streams of a query, from left to right; none of another statement.
///
/// Errors: what would need more than the new rows of a stream, such as an aggregate over it (`UNSUPPORTED_FEATURE`).
pub fn streams(statement: &Statement) -> Result<Vec<Stream>, SqlError> {
    let Body::Query(query) = &statement.body else { return Ok(Vec::new()) };
    crate::room::with_room(&statement.sql, || {
        let mut finder = Finder { found: Vec::new(), ctes: HashSet::new() };
        finder.query(query)?;
        let mut count = 0;
        tree::walk(Node::Query(query), &mut |node| {
            count += usize::from(matches!(node, Node::Factor(factor) if factor.stream.is_some()));
        });
        if count > finder.found.len() {
            return Err(refused("STREAM within an expression"));
        }
        finder.found.sort_by_key(|stream| stream.span.start);
        Ok(finder.found)
    })
}

/// Where `STREAM` and the options of streams stand in a query, from left to right: without them it reads the same as a whole.
pub fn stream_words(statement: &Statement) -> Vec<Span> {
    let Body::Query(query) = &statement.body else { return Vec::new() };
    let mut spans = Vec::new();
    tree::walk(Node::Query(query), &mut |node| {
        let Node::Factor(factor) = node else { return };
        if let Some(streamed) = &factor.stream {
            spans.push(Span::new(streamed.span.start, factor.source.start));
            spans.push(Span::new(factor.source.end, streamed.span.end));
        }
    });
    spans.retain(|span| span.start < span.end);
    spans.sort_by_key(|span| span.start);
    spans
}

struct Finder {
    found: Vec<Stream>,
    /// Common table expressions that read a stream, lower case.
    ctes: HashSet<String>,
}

fn refused(what: &str) -> SqlError {
    SqlError::unsupported(
        format!("{what} in a streaming table"),
        "Keep the rows as they come, and compute over them in a materialized view",
    )
}

/// Refuses `what` where it is there and reads a stream.
fn only_without(streams: bool, there: bool, what: &str) -> Result<(), SqlError> {
    if streams && there { Err(refused(what)) } else { Ok(()) }
}

impl Finder {
    /// Whether a query reads a stream.
    fn query(&mut self, query: &Query) -> Result<bool, SqlError> {
        let outer = self.ctes.clone();
        for cte in query.with.iter().flat_map(|with| &with.ctes) {
            let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
            let name = cte.name.value.to_lowercase();
            if self.query(&cte.query)? {
                only_without(true, recursive, "a recursive query over a stream")?;
                self.ctes.insert(name);
            } else {
                self.ctes.remove(&name);
            }
        }
        let streams = self.body(&query.body)?;
        only_without(
            streams,
            query.order_span.is_some() || !query.order_by.is_empty(),
            "ORDER BY of a stream",
        )?;
        only_without(streams, query.limit.is_some() || query.offset.is_some(), "LIMIT of a stream")?;
        for pipe in &query.pipes {
            only_without(streams, !is_by_row(pipe), "this pipe over a stream")?;
        }
        self.ctes = outer;
        Ok(streams)
    }

    fn body(&mut self, body: &SetBody) -> Result<bool, SqlError> {
        match body {
            SetBody::Select(select) => self.select(select),
            SetBody::Values(..) | SetBody::Command(_) => Ok(false),
            SetBody::Table(factor) => self.factor(factor),
            SetBody::From(_, from) => self.sources(from),
            SetBody::Query(_, query) => self.query(query),
            SetBody::Set(first, rest) => {
                let mut streams = vec![self.body(first)?];
                for (_, body) in rest {
                    streams.push(self.body(body)?);
                }
                let any = streams.contains(&true);
                let all = rest.iter().all(|(operator, _)| operator.starts_with("UNION ALL"));
                only_without(any, !all, "UNION, EXCEPT or INTERSECT of a stream")?;
                only_without(any, streams.contains(&false), "UNION ALL of a stream and what is none")?;
                Ok(any)
            }
        }
    }

    fn select(&mut self, select: &Select) -> Result<bool, SqlError> {
        let streams = self.sources(&select.from)?;
        let items = || select.items.iter().map(|item| &item.expr);
        only_without(streams, select.distinct, "SELECT DISTINCT of a stream")?;
        let grouped = select.group_by.is_some() || select.having.is_some() || items().any(has_aggregate);
        only_without(streams, grouped, "an aggregate over a stream")?;
        let windowed = select.qualify.is_some() || items().any(has_window);
        only_without(streams, windowed, "a window function over a stream")?;
        Ok(streams)
    }

    fn sources(&mut self, sources: &[From]) -> Result<bool, SqlError> {
        let mut streams = 0;
        for from in sources {
            streams += usize::from(self.from(from)?);
        }
        only_without(true, streams > 1, "a join of two streams")?;
        Ok(streams == 1)
    }

    fn from(&mut self, from: &From) -> Result<bool, SqlError> {
        let mut streams = self.factor(&from.first)?;
        for join in &from.joins {
            streams = self.join(streams, join)?;
        }
        Ok(streams)
    }

    fn join(&mut self, left: bool, join: &Join) -> Result<bool, SqlError> {
        let right = self.factor(&join.right)?;
        only_without(left, right, "a join of two streams")?;
        let has = |word: &str| join.kind.split(' ').any(|own| own == word);
        // Rows that have no partner yet may have one later.
        only_without(left, has("RIGHT") || has("FULL"), "an outer join that keeps what is no stream")?;
        let keeps_left = has("LEFT") || has("FULL") || has("SEMI") || has("ANTI");
        only_without(right, keeps_left, "an outer join that keeps what is no stream")?;
        Ok(left || right)
    }

    fn factor(&mut self, factor: &Factor) -> Result<bool, SqlError> {
        let streams = if let Some(streamed) = &factor.stream {
            let stream = Stream {
                span: streamed.span,
                source: source(&factor.kind, factor.source)?,
                aliased: factor.alias.is_some() || factor.inner_alias.is_some(),
                options: streamed.options.clone(),
            };
            self.found.push(stream);
            true
        } else {
            match &factor.kind {
                FactorKind::Table { name, .. } => {
                    name.single().is_some_and(|name| self.ctes.contains(&name.to_lowercase()))
                }
                FactorKind::Subquery(query) => self.query(query)?,
                FactorKind::Nested(from) => self.from(from)?,
                FactorKind::Identifier { .. } | FactorKind::Function(_) | FactorKind::Values(_) => false,
            }
        };
        only_without(streams, factor.pivot.is_some(), "PIVOT of a stream")?;
        only_without(streams, factor.sample.is_some(), "TABLESAMPLE of a stream")?;
        Ok(streams)
    }
}

/// Whether a pipe looks at one row at a time.
fn is_by_row(pipe: &Pipe) -> bool {
    match &pipe.kind {
        PipeKind::Select(false, items) | PipeKind::Extend(items) => {
            !items.iter().any(|item| has_aggregate(&item.expr) || has_window(&item.expr))
        }
        PipeKind::Set(_) | PipeKind::Drop(_) | PipeKind::As(_) | PipeKind::Where(_) => true,
        _ => false,
    }
}

/// What stands after `STREAM`, also in parentheses.
fn source(kind: &FactorKind, span: Span) -> Result<StreamSource, SqlError> {
    let named = |name: Name| {
        if crate::references::is_path(&name.values()) {
            return Err(refused("STREAM of a path"));
        }
        Ok(StreamSource::Table(name))
    };
    match kind {
        FactorKind::Table { name, travel: None } => named(name.clone()),
        FactorKind::Identifier { expr, travel: None } => match constant_string(expr) {
            Some(text) => named(identifier_name(&text, span)?),
            None => Err(refused("STREAM of IDENTIFIER with anything but a constant")),
        },
        FactorKind::Function(call) => {
            let name = call.name.single().unwrap_or_default().to_lowercase();
            if name != "read_files" && name != "cloud_files" {
                let text = format!("STREAM of {name}(…)");
                return Err(SqlError::unsupported(text, "Stream a Delta table, or files with read_files"));
            }
            let path = call.arguments.iter().find(|argument| argument.name.is_none());
            let constant = path.and_then(|path| constant_string(&path.value));
            match (path, constant) {
                (Some(argument), Some(path)) => {
                    Ok(StreamSource::Files { path, path_span: argument.value.span, call: span })
                }
                _ => Err(refused("read_files with anything but a constant path")),
            }
        }
        FactorKind::Nested(from) if from.joins.is_empty() && from.first.alias.is_none() => {
            source(&from.first.kind, from.first.source)
        }
        _ => Err(refused("STREAM of a query")),
    }
}
