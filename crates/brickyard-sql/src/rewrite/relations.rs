//! `FROM`: names made whole, views and functions put in their place, filters and masks, pivots.

use crate::command::{constant_string, identifier_name};
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::plan::{self, qualify};
use crate::query::{ExprKind, Factor, FactorKind, From, Join, JoinRule, SetBody};
use crate::references::is_path;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::lengths::{has_length, without_length};
use crate::rewrite::memberships::whole;
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::scope::{Columns, Output, Relation, Scope};
use crate::rewrite::zones::in_session_zone;
use crate::token::{Span, quote_name, string_literal};

impl Planner<'_> {
    pub(super) fn sources(&mut self, list: &[From], scope: &mut Scope, env: &Env) -> Result<(), SqlError> {
        let generates = list.iter().skip(1).any(|from| is_lateral_function(&from.first));
        for (index, from) in list.iter().enumerate() {
            let before = list[0].span.to(list[index.saturating_sub(1)].span);
            let inlined =
                index > 0 && from.joins.is_empty() && self.inline_lateral(&from.first, scope, before)?;
            if inlined {
                // The subquery's columns are put where they are used; the comma before it goes too.
                let start = list[index - 1].span.end;
                self.edits.replace(Span::new(start, from.span.end), pieces![""]);
                continue;
            }
            if index == 1
                && from.joins.is_empty()
                && let Some(rows) = self.lateral_rows(&from.first, scope, before)?
            {
                let mut text = pieces![" JOIN "];
                text.extend(rows.source);
                text.push(Piece::from(format!(" ON {}", rows.condition)));
                self.edits.replace(Span::new(list[0].span.end, from.span.end), text);
                scope.relations.push(rows.relation);
                continue;
            }
            if generates && index > 0 {
                // After a comma the engine keeps rows for which there is nothing, after JOIN it does not.
                let joiner = if is_lateral_function(&from.first) { " JOIN " } else { " CROSS JOIN " };
                let comma = Span::new(list[index - 1].span.end, from.span.start);
                self.edits.replace(comma, pieces![joiner]);
            }
            self.from(from, scope, env)?;
        }
        Ok(())
    }

    pub(super) fn from(&mut self, from: &From, scope: &mut Scope, env: &Env) -> Result<(), SqlError> {
        let first = self.factor(&from.first, scope, env)?;
        let start = scope.relations.len();
        scope.relations.push(first);
        for join in &from.joins {
            self.join(join, (from.span.start, start), scope, env)?;
        }
        Ok(())
    }

    pub(super) fn join(
        &mut self,
        join: &Join,
        (first, start): (usize, usize),
        scope: &mut Scope,
        env: &Env,
    ) -> Result<(), SqlError> {
        let before = Span::new(first, join.span.start);
        let always = match &join.rule {
            JoinRule::None => true,
            JoinRule::On(condition) => matches!(condition.kind, ExprKind::Boolean(true)),
            JoinRule::Using(_) => false,
        };
        // Of one row for each row before, an outer join is a plain one.
        let pairs = matches!(join.kind.as_str(), "CROSS" | "" | "INNER" | "LEFT" | "LEFT OUTER");
        if always && pairs && self.inline_lateral(&join.right, scope, before)? {
            self.edits.replace(join.span, pieces![""]);
            return Ok(());
        }
        let inner = matches!(join.kind.as_str(), "CROSS" | "" | "INNER");
        if (inner || matches!(join.kind.as_str(), "LEFT" | "LEFT OUTER"))
            && start == 0
            && let Some(rows) = self.lateral_rows(&join.right, scope, before)?
        {
            let mut text = pieces![if inner { " JOIN " } else { " LEFT JOIN " }];
            text.extend(rows.source);
            text.push(Piece::from(format!(" ON {}", rows.condition)));
            scope.relations.push(rows.relation);
            if let JoinRule::On(condition) = &join.rule {
                self.expr(condition, scope)?;
                text.extend(pieces![" AND (", condition.span, ")"]);
            }
            self.edits.replace(join.span, text);
            return Ok(());
        }
        let mut right = self.factor(&join.right, scope, env)?;
        if is_lateral_function(&join.right) {
            if join.kind == "CROSS" {
                self.edits.replace(Span::new(join.span.start, join.right.span.start), pieces![" JOIN "]);
            }
            if let JoinRule::On(condition) = &join.rule
                && matches!(condition.kind, ExprKind::Boolean(true))
            {
                self.edits.replace(Span::new(join.right.span.end, join.span.end), pieces![""]);
            }
        }
        match &join.rule {
            JoinRule::None if join.kind.starts_with("NATURAL") => {
                let shared = right.columns.list.iter().filter(|column| {
                    scope.relations[start..].iter().any(|left| left.columns.find(&column.name).is_some())
                });
                right.hidden = shared.map(|column| column.name.clone()).collect();
                let names = right.hidden.clone();
                right.wider = self.joined_by(join, &names, start, scope, &right)?;
                scope.relations.push(right);
            }
            JoinRule::None => scope.relations.push(right),
            JoinRule::On(condition) => {
                if join.kind == "CROSS" {
                    self.edits.replace(Span::new(join.span.start, join.right.span.start), pieces![" JOIN "]);
                }
                scope.relations.push(right);
                self.condition(condition, scope)?;
                self.keep_lambdas(condition)?;
            }
            JoinRule::Using(columns) => {
                right.hidden = columns.iter().map(|column| column.value.clone()).collect();
                let names = right.hidden.clone();
                right.wider = self.joined_by(join, &names, start, scope, &right)?;
                scope.relations.push(right);
            }
        }
        if join.kind.contains("SEMI") || join.kind.contains("ANTI") {
            scope.relations.pop();
        }
        Ok(())
    }

    /// A source of rows; edits its text.
    pub(super) fn factor(&mut self, factor: &Factor, scope: &Scope, env: &Env) -> Result<Relation, SqlError> {
        if factor.stream.is_some() {
            return Err(SqlError::unsupported(
                "STREAM outside of CREATE STREAMING TABLE",
                "Read the table without STREAM",
            ));
        }
        let mut relation = match &factor.kind {
            FactorKind::Table { name, travel } => self.table(factor, name, travel.as_ref(), scope)?,
            FactorKind::Identifier { expr, travel } => {
                let text = constant_string(expr).ok_or_else(|| {
                    SqlError::new(
                        "NOT_A_CONSTANT_STRING.NOT_CONSTANT",
                        "42601",
                        "IDENTIFIER needs a constant string.",
                    )
                })?;
                let name = identifier_name(&text, factor.source)?;
                self.table(factor, &name, travel.as_ref(), scope)?
            }
            FactorKind::Function(call) => self.table_function(factor, call, scope, env)?,
            FactorKind::Subquery(query) => {
                let inner = if factor.lateral { self.inner_env(scope) } else { env.clone() };
                if factor.lateral {
                    return Err(SqlError::unsupported("this LATERAL subquery", "Use a join"));
                }
                let columns = if let SetBody::Command(span) = &query.body {
                    self.command_rows(*span, factor)?
                } else {
                    let before = std::mem::replace(&mut self.reached, usize::MAX);
                    let columns = self.query(query, &inner)?;
                    self.deep |= self.reached < scope.level() && whole(query).is_some();
                    self.reached = self.reached.min(before);
                    self.keep_columns(query)?;
                    columns
                };
                Relation { columns, ..Relation::default() }
            }
            FactorKind::Values(rows) => Relation { columns: self.values(rows, env)?, ..Relation::default() },
            FactorKind::Nested(from) => {
                let mut inner = self.scope(env);
                inner.nested = true;
                self.from(from, &mut inner, env)?;
                if factor.alias.is_none() && factor.pivot.is_none() && factor.unpivot.is_none() {
                    // Names within stay in sight under their own qualifiers; they are merged into one relation for `*`.
                    let mut merged = Relation::default();
                    for part in inner.relations {
                        merged.columns.open |= part.columns.open;
                        merged.columns.list.extend(part.columns.list);
                    }
                    merged.columns.open = true;
                    return Ok(merged);
                }
                let mut columns = Columns::default();
                for part in inner.relations {
                    columns.open |= part.columns.open;
                    columns.list.extend(part.columns.list);
                }
                Relation { columns, ..Relation::default() }
            }
        };
        if let Some(sample) = factor.sample {
            self.sampled(factor, sample)?;
        }
        let inner_alias = factor.inner_alias.as_ref();
        if let Some(alias) = inner_alias {
            relation.columns = relation.columns.renamed(&alias.columns);
        }
        if let Some(pivot) = &factor.pivot {
            relation =
                Relation { columns: self.pivot(factor, pivot, &relation, scope)?, ..Relation::default() };
        }
        if let Some(unpivot) = &factor.unpivot {
            relation = Relation { columns: self.unpivot(factor, unpivot, &relation)?, ..Relation::default() };
        }
        if let Some(alias) = &factor.alias {
            if let Some(name) = alias.relation() {
                relation.qualifier = vec![name.to_owned()];
            }
            relation.columns = relation.columns.renamed(&alias.columns);
        }
        Ok(relation)
    }

    /// `(DESCRIBE HISTORY t)` as rows: the catalog gives them under a name of its own.
    pub(super) fn command_rows(&mut self, span: Span, factor: &Factor) -> Result<Columns, SqlError> {
        match self.schemas.command_rows(span.of(self.sql))? {
            Some(relation) => {
                let name = relation.engine_name.clone().unwrap_or_default();
                self.edits.replace(factor.source, pieces![name]);
                Ok(outputs(&relation.columns))
            }
            None => Err(SqlError::unsupported("a command as rows of a query", "Run the command by itself")),
        }
    }

    pub(super) fn table(
        &mut self,
        factor: &Factor,
        name: &Name,
        travel: Option<&crate::query::relation::Travel>,
        scope: &Scope,
    ) -> Result<Relation, SqlError> {
        let parts = name.values();
        let travel_text = match travel {
            Some(travel) => {
                let empty = Scope { parameters: scope.parameters.clone(), ..Scope::default() };
                if !travel.at {
                    self.expr(&travel.value, &empty)?;
                }
                match &travel.value.kind {
                    ExprKind::Number(version) if travel.at => format!(" VERSION AS OF {version}"),
                    ExprKind::String(moment) if travel.at => {
                        format!(" TIMESTAMP AS OF {}", string_literal(&at_moment(moment)?))
                    }
                    _ => format!(" {} AS OF {}", travel.what, self.render(travel.value.span)?),
                }
            }
            None => String::new(),
        };
        if let [only] = parts.as_slice() {
            if let Some(columns) = scope.ctes.get(&only.to_lowercase()) {
                if travel.is_some() {
                    return Err(SqlError::unsupported(
                        "time travel of a common table expression",
                        "Put it on the table",
                    ));
                }
                // The engine takes the name as it was spelled.
                let spelled = self.known.iter().rev().find(|known| known.name.eq_ignore_ascii_case(only));
                if let Some(spelled) = spelled.map(|known| known.name.clone()).filter(|name| name != only) {
                    let named = factor.alias.as_ref().is_some_and(|alias| alias.relation().is_some());
                    let alias = if named { String::new() } else { format!(" AS {}", quote_name(only)) };
                    self.edits.replace(factor.source, pieces![format!("{}{alias}", quote_name(&spelled))]);
                }
                return Ok(Relation { qualifier: parts, columns: columns.clone(), ..Relation::default() });
            }
            if let Some(relation) = self.schemas.temporary(only) {
                return self.resolved(factor, &parts, &relation, &travel_text);
            }
        }
        if is_path(&parts) {
            let path = self.schemas.path(&parts[1])?;
            let text = format!("{}.{}{travel_text}", parts[0], quote_name(&path));
            self.edits.replace(factor.source, pieces![text.clone()]);
            let columns = if parts[0].eq_ignore_ascii_case("text") {
                Columns { list: vec![Output::new("value".to_owned(), DataType::String)], open: false }
            } else {
                let source = format!("{}.{}", parts[0], quote_name(&path));
                self.file_columns(plan::Files { source, setup: None })
            };
            if self.context.local_time
                && let Some(zoned) = in_session_zone(&columns, &text)
            {
                self.edits.replace(factor.source, pieces![zoned]);
            }
            return Ok(Relation { columns, ..Relation::default() });
        }
        let whole =
            qualify(&parts, &self.context.catalog, &self.context.schema).ok_or_else(|| not_found(&parts))?;
        let relation = self.schemas.relation(&whole)?.ok_or_else(|| not_found(&parts).at(name.span))?;
        self.resolved(factor, &whole, &relation, &travel_text)
    }
}

/// The columns of a relation of the catalog.
pub(super) fn outputs(columns: &[plan::Column]) -> Columns {
    let list = columns.iter().map(|column| Output {
        name: column.name.clone(),
        data_type: without_length(&column.data_type),
        length: has_length(&column.data_type).then(|| column.data_type.clone()),
    });
    Columns { open: columns.is_empty(), list: list.collect() }
}

/// `TABLE_OR_VIEW_NOT_FOUND` in the platform's words.
pub(crate) fn not_found(parts: &[String]) -> SqlError {
    let name = parts.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
    let text = format!(
        "The table or view {name} cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS."
    );
    SqlError::new("TABLE_OR_VIEW_NOT_FOUND", "42P01", text)
}

/// `@20240131093000000` as a timestamp.
fn at_moment(digits: &str) -> Result<String, SqlError> {
    if digits.len() != 17 {
        return Err(SqlError::new(
            "DELTA_TIME_TRAVEL_INVALID_BEGIN_VALUE",
            "42604",
            "A time after @ has the form yyyyMMddHHmmssSSS.",
        ));
    }
    let part = |from: usize, to: usize| &digits[from..to];
    Ok(format!(
        "{}-{}-{} {}:{}:{}.{}",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14),
        part(14, 17)
    ))
}

impl Factor {
    /// The last part of a table's name.
    pub(crate) fn kind_name(&self) -> Option<String> {
        match &self.kind {
            FactorKind::Table { name, .. } => name.parts.last().map(|part| part.value.clone()),
            _ => None,
        }
    }
}

/// `LATERAL explode(…)` and other functions that give rows for each row before.
fn is_lateral_function(factor: &Factor) -> bool {
    factor.lateral && matches!(factor.kind, FactorKind::Function(_))
}
