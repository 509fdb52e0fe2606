//! `INSERT`, `UPDATE`, `DELETE`, `MERGE`.

use crate::command::is_closed;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::plan::{self, qualify};
use crate::query::{Expr, ExprKind, Node, SetBody, tree};
use crate::references::is_path;
use crate::rewrite::assigned::is_read;
use crate::rewrite::casts::java_text;
use crate::rewrite::edits::pieces;
use crate::rewrite::guards::reads_masked;
use crate::rewrite::lengths::{has_length, held, held_once, holds_lengths, without_length};
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::relations::{not_found, outputs};
use crate::rewrite::scope::{Columns, Relation, Scope};
use crate::rewrite::zones::moments_in_session_zone;
use crate::statement::{Dml, DmlKind, Insert, Target, TargetName};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// A change of rows: collects its edits; gives the whole text when the statement becomes another one.
    pub(crate) fn change(&mut self, dml: &Dml, whole: Span) -> Result<Option<String>, SqlError> {
        let (name, relation, text) = self.target(&dml.target, !matches!(dml.kind, DmlKind::Insert(_)))?;
        let mut env = Env::default();
        if let Some(with) = &dml.with {
            env = self.with(with, &env, None)?;
        }
        let mut own =
            Relation { qualifier: name, columns: outputs(&relation.columns), ..Relation::default() };
        if let Some(alias) = dml.target.alias.as_ref().and_then(|alias| alias.relation()) {
            own.qualifier = vec![alias.to_owned()];
        }
        if self.context.local_time {
            let merges = matches!(dml.kind, DmlKind::Merge(_));
            let qualifier = own.qualifier.last().filter(|_| merges).map(String::as_str);
            own.meanings = moments_in_session_zone(&relation.columns, qualifier);
        }
        let guarded = relation.row_filter.is_some() || reads_masked(dml, &relation);
        let adds = matches!(&dml.kind, DmlKind::Insert(insert)
            if !insert.overwrite && insert.replace_where.is_none() && insert.replace_span.is_none());
        // The rows it would change or compare with are not all to be seen.
        if guarded && !adds {
            return Err(SqlError::unsupported(
                "changes of rows behind a row filter or column mask",
                "Ask an owner of the table, whom the filter lets see every row",
            ));
        }
        let scope = Scope { relations: vec![own.clone()], ctes: env.ctes.clone(), ..Scope::default() };
        match &dml.kind {
            DmlKind::Insert(insert) => self.insert(dml, insert, &relation, &text, &env, &scope),
            DmlKind::Update { assignments, filter } => {
                for (column, value) in assignments {
                    self.assigned(column, &relation)?;
                    self.assigned_value(value, column, &relation, &scope)?;
                }
                if let Some(filter) = filter {
                    self.condition(filter, &scope)?;
                }
                match filter {
                    Some(filter) if has_query(filter) || self.has_lambda(filter.span)? => {
                        self.keep_lambdas(filter)?;
                        self.update_by_merge(assignments, filter, &own, &relation, &text).map(Some)
                    }
                    _ => Ok(None),
                }
            }
            DmlKind::Delete { filter: None } => Ok(None),
            DmlKind::Delete { filter: Some(filter) } => {
                self.condition(filter, &scope)?;
                if !has_query(filter) {
                    return Ok(None);
                }
                self.delete_by_merge(filter, &own, &relation, &text)
            }
            DmlKind::Merge(merge) => self.merge(merge, &relation, scope, &env, whole),
        }
    }

    /// The changed table: its whole name, what it is, and the text for the engine, which is put in its place.
    pub(super) fn target(
        &mut self,
        target: &Target,
        aliased: bool,
    ) -> Result<(Vec<String>, plan::Relation, String), SqlError> {
        let (name, span) = match &target.name {
            TargetName::Name(name) => (name.clone(), name.span),
            TargetName::Identifier(expr, span) => {
                let text = crate::command::constant_string(expr).ok_or_else(|| {
                    SqlError::new(
                        "NOT_A_CONSTANT_STRING.NOT_CONSTANT",
                        "42601",
                        "IDENTIFIER needs a constant string.",
                    )
                })?;
                (crate::command::identifier_name(&text, *span)?, *span)
            }
        };
        let parts = name.values();
        if is_path(&parts) {
            return Err(SqlError::unsupported(
                "changes of a table named by its path",
                "Create a table at that location and change the table",
            ));
        }
        let whole =
            qualify(&parts, &self.context.catalog, &self.context.schema).ok_or_else(|| not_found(&parts))?;
        let relation = self.schemas.relation(&whole)?.ok_or_else(|| not_found(&parts).at(span))?;
        if relation.view.is_some() {
            let text = format!("Cannot change rows of the view {}.", name.quoted());
            return Err(SqlError::new("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "42809", text).at(span));
        }
        let own = whole.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
        let text = relation.engine_name.clone().unwrap_or(own);
        let mut placed = text.clone();
        if aliased && relation.engine_name.is_some() && target.alias.is_none() {
            // Columns may stand with the table's name before them.
            placed.push_str(" AS ");
            placed.push_str(&quote_name(&whole[whole.len() - 1]));
        }
        self.edits.replace(span, pieces![placed]);
        Ok((whole, relation, text))
    }

    fn insert(
        &mut self,
        dml: &Dml,
        insert: &Insert,
        relation: &plan::Relation,
        target: &str,
        env: &Env,
        scope: &Scope,
    ) -> Result<Option<String>, SqlError> {
        let listed: Vec<&plan::Column> = if insert.columns.is_empty() {
            relation.columns.iter().collect()
        } else {
            let mut listed: Vec<&plan::Column> = Vec::new();
            for column in &insert.columns {
                let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(&column.value));
                let own = own.ok_or_else(|| unresolved_column(&column.value, relation).at(column.span))?;
                if listed.iter().any(|known| known.name == own.name) {
                    let text = format!(
                        "The column {} already exists. Choose another name or rename the existing column.",
                        quote_name(&own.name)
                    );
                    return Err(SqlError::new("COLUMN_ALREADY_EXISTS", "42711", text).at(column.span));
                }
                listed.push(own);
            }
            listed
        };
        self.defaults(&insert.source.body, &listed);
        let columns = self.query(&insert.source, env)?;
        let evolved = self.evolved(insert, relation, &columns)?;
        let relation = evolved.as_ref().unwrap_or(relation);
        let listed = if insert.columns.is_empty() { relation.columns.iter().collect() } else { listed };
        if let Some((_, partition)) = &insert.partition {
            let mut fixed = Vec::new();
            for (column, value) in partition {
                let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(&column.value));
                let own = own.ok_or_else(|| unresolved_column(&column.value, relation).at(column.span))?;
                if let Some(value) = value {
                    let target = without_length(&own.data_type);
                    fixed.push((own, format!("CAST({} AS {target})", self.render(value.span)?)));
                }
            }
            // Columns without a value are among the rows' own; overwriting then replaces the whole table.
            if !fixed.is_empty() {
                return self.insert_partition(insert, &fixed, relation, target, &columns);
            }
        }
        if !columns.open
            && !relation.columns.is_empty()
            && !insert.by_name
            && columns.list.len() != listed.len()
        {
            let few = columns.list.len() < listed.len();
            let class = if few {
                "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
            } else {
                "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS"
            };
            let names =
                |list: Vec<&str>| list.iter().map(|name| quote_name(name)).collect::<Vec<_>>().join(", ");
            let text = format!(
                "Cannot write to {target}, the reason is {}:\nTable columns: {}.\nData columns: {}.",
                if few { "not enough data columns" } else { "too many data columns" },
                names(listed.iter().map(|column| column.name.as_str()).collect()),
                names(columns.list.iter().map(|column| column.name.as_str()).collect()),
            );
            return Err(SqlError::new(class, "21S01", text));
        }
        let source = self.render(insert.source.span)?;
        let with = match &dml.with {
            Some(with) => format!("{} ", self.render(with.span)?),
            None => String::new(),
        };
        if let Some(filter) = &insert.replace_where {
            self.expr(filter, scope)?;
        }
        let verb = if insert.overwrite { "INSERT OVERWRITE" } else { "INSERT INTO" };
        let clause = match &insert.replace_where {
            Some(filter) => format!(" REPLACE WHERE {}", self.render(filter.span)?),
            None => String::new(),
        };
        if insert.replace_span.is_some() {
            return Err(SqlError::unsupported(
                "INSERT … REPLACE USING or ON here",
                "Use MERGE INTO, or DELETE and INSERT in turn",
            ));
        }
        if relation.columns.is_empty() {
            if insert.columns.is_empty() && !insert.by_name {
                return Ok(Some(format!("{verb} {target}{clause} {with}{source}")));
            }
            return Err(SqlError::unsupported(
                "INSERT with a column list into a table whose columns are not known",
                "Leave the list out",
            ));
        }
        if insert.by_name && columns.open && !insert.schema_evolution {
            return Ok(Some(format!("{verb} {target} BY NAME {with}{source}")));
        }
        // One form for all: the rows under the table's own names, what is not given filled in.
        let given: Vec<String> = if insert.by_name {
            for column in &columns.list {
                if !relation.columns.iter().any(|own| own.name.eq_ignore_ascii_case(&column.name)) {
                    return Err(unresolved_column(&column.name, relation));
                }
            }
            columns.list.iter().map(|column| column.name.clone()).collect()
        } else {
            listed.iter().map(|column| column.name.clone()).collect()
        };
        let complete = given.len() == relation.columns.len()
            && given.iter().zip(&relation.columns).all(|(name, own)| name.eq_ignore_ascii_case(&own.name));
        // Values stand as they are; of a query the engine takes columns for what their names say.
        let values = matches!(insert.source.body, SetBody::Values(..));
        if complete
            && values
            && !insert.overwrite
            && with.is_empty()
            && !insert.by_name
            && !holds_lengths(relation)
            && !columns.list.iter().zip(&listed).any(|(from, own)| is_read(&from.data_type, own))
        {
            return Ok(Some(format!("{verb} {target}{clause} {source}")));
        }
        // What the engine computes is left to it.
        let is_given = |own: &plan::Column| given.iter().any(|given| given.eq_ignore_ascii_case(&own.name));
        let written: Vec<&plan::Column> =
            relation.columns.iter().filter(|own| !own.generated || is_given(own)).collect();
        // The platform's text of a number of floating point is another than the engine's.
        let source_of = |own: &plan::Column| {
            let at = given.iter().position(|given| given.eq_ignore_ascii_case(&own.name))?;
            columns.list.get(at).filter(|_| !columns.open)
        };
        let floating = |own: &plan::Column| {
            let from = source_of(own).filter(|_| own.data_type.is_string())?;
            matches!(from.data_type, DataType::Double | DataType::Float).then(|| java_text(&from.data_type))
        };
        let list: Vec<String> = written
            .iter()
            .map(|own| {
                let name = quote_name(&own.name);
                Ok(if let Some((open, close)) = floating(own) {
                    let text = format!("{open}{name}{close}");
                    let held = if has_length(&own.data_type) { held_once(&text, own) } else { text };
                    format!("{held} AS {name}")
                } else if let Some(from) = source_of(own).filter(|from| is_read(&from.data_type, own)) {
                    let text = self.converted_text(&name, &from.data_type, &own.data_type);
                    format!("{} AS {name}", self.edits.of(self.sql, &text)?)
                } else if is_given(own) && has_length(&own.data_type) {
                    format!("{} AS {name}", held(&name, own))
                } else if is_given(own) {
                    name
                } else {
                    let text =
                        format!("CAST({} AS {})", default_text(Some(own)), without_length(&own.data_type));
                    format!("{} AS {name}", held(&text, own))
                })
            })
            .collect::<Result<_, SqlError>>()?;
        let into = if written.len() == relation.columns.len() {
            String::new()
        } else {
            let names: Vec<String> = written.iter().map(|own| quote_name(&own.name)).collect();
            format!(" ({})", names.join(", "))
        };
        let names: Vec<String> = given.iter().map(|name| quote_name(name)).collect();
        let rows =
            format!("SELECT {} FROM ({with}{source}) AS `__rows`({})", list.join(", "), names.join(", "));
        Ok(Some(format!("{verb} {target}{into}{clause} {rows}")))
    }

    /// `PARTITION (a = 1, b)`: fixed values become columns; overwriting what they name becomes REPLACE WHERE.
    fn insert_partition(
        &mut self,
        insert: &Insert,
        fixed: &[(&plan::Column, String)],
        relation: &plan::Relation,
        target: &str,
        columns: &Columns,
    ) -> Result<Option<String>, SqlError> {
        let rest: Vec<&plan::Column> = relation
            .columns
            .iter()
            .filter(|own| !fixed.iter().any(|(column, _)| column.name == own.name))
            .collect();
        if columns.open || columns.list.len() != rest.len() || !insert.columns.is_empty() {
            let hint = "Insert all columns without PARTITION, or use REPLACE WHERE";
            return Err(SqlError::unsupported("this INSERT with PARTITION", hint));
        }
        if insert.by_name {
            let known = |name: &str| rest.iter().any(|own| own.name.eq_ignore_ascii_case(name));
            if let Some(other) = columns.list.iter().find(|column| !known(&column.name)) {
                return Err(unresolved_column(&other.name, relation));
            }
        }
        let list: Vec<String> = relation
            .columns
            .iter()
            .map(|own| {
                let name = quote_name(&own.name);
                let fixed = fixed.iter().find(|(column, _)| column.name == own.name);
                let text = fixed.map_or(&name, |(_, text)| text);
                let text = held(text, own);
                if text == name { name } else { format!("{text} AS {name}") }
            })
            .collect();
        let names: Vec<String> = if insert.by_name {
            columns.list.iter().map(|column| quote_name(&column.name)).collect()
        } else {
            rest.iter().map(|own| quote_name(&own.name)).collect()
        };
        let source = self.render(insert.source.span)?;
        let clause = if insert.overwrite {
            let conditions = fixed.iter().map(|(own, text)| format!("{} <=> {text}", quote_name(&own.name)));
            format!(" REPLACE WHERE {}", conditions.collect::<Vec<_>>().join(" AND "))
        } else {
            String::new()
        };
        let rows = format!("SELECT {} FROM ({source}) AS `__rows`({})", list.join(", "), names.join(", "));
        Ok(Some(format!("INSERT INTO {target}{clause} {rows}")))
    }

    /// `DEFAULT` in `VALUES`: the default of the column at that place. Casts within an array, map or struct are folded to values
    /// that are never NULL, whose type the engine then finds to be another than the column's: it is given the column's.
    fn defaults(&mut self, body: &SetBody, listed: &[&plan::Column]) {
        let SetBody::Values(_, rows) = body else { return };
        for row in rows {
            let ExprKind::Tuple(cells) = &row.kind else { continue };
            for (cell, column) in cells.iter().zip(listed) {
                if matches!(cell.kind, ExprKind::Default) {
                    self.edits.replace(cell.span, pieces![default_text(Some(column))]);
                }
                let nested =
                    matches!(column.data_type, DataType::Array(_) | DataType::Map(..) | DataType::Struct(_));
                if nested && matches!(cell.kind, ExprKind::Call(_)) && has_cast(cell) {
                    let target = format!(" AS {})", without_length(&column.data_type));
                    self.edits.replace(cell.span, pieces!["CAST(", cell.span, target]);
                }
            }
        }
    }
}

pub(super) fn default_text(column: Option<&plan::Column>) -> String {
    match column.and_then(|column| column.default.as_deref()) {
        None => "NULL".to_owned(),
        Some(text) if is_closed(text) => text.to_owned(),
        // It would be read with the rights of whoever writes.
        Some(_) => "raise_error('[INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION] The DEFAULT of a column contains subquery expressions or functions that are not built in. SQLSTATE: 42623')".to_owned(),
    }
}

fn has_cast(expr: &Expr) -> bool {
    let mut found = false;
    tree::walk(Node::Expr(expr), &mut |node| {
        found |= matches!(node, Node::Expr(Expr { kind: ExprKind::Cast { .. }, .. }));
    });
    found
}

fn has_query(expr: &Expr) -> bool {
    let mut found = false;
    tree::walk(Node::Expr(expr), &mut |node| found |= matches!(node, Node::Query(_)));
    found
}

pub(super) fn unresolved_column(name: &str, relation: &plan::Relation) -> SqlError {
    let list: Vec<String> = relation.columns.iter().take(5).map(|column| quote_name(&column.name)).collect();
    let (name, list) = (quote_name(name), list.join(", "));
    let text = format!(
        "A column, variable, or function parameter with name {name} cannot be resolved. Did you mean one of the following? [{list}]."
    );
    SqlError::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", text)
}
