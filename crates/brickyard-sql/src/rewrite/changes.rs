//! `INSERT`, `UPDATE`, `DELETE`, `MERGE`.

use crate::command::is_closed;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::plan::{self, qualify};
use crate::query::{Expr, ExprKind, Node, SetBody, tree};
use crate::references::is_path;
use crate::rewrite::edits::pieces;
use crate::rewrite::guards::reads_masked;
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::relations::{not_found, outputs};
use crate::rewrite::scope::{Columns, Relation, Scope};
use crate::statement::{Dml, DmlKind, Insert, Target, TargetName};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// A change of rows: collects its edits; gives the whole text when the statement becomes another one.
    pub(crate) fn change(&mut self, dml: &Dml, whole: Span) -> Result<Option<String>, SqlError> {
        let (name, relation, text) = self.target(&dml.target)?;
        let mut env = Env::default();
        if let Some(with) = &dml.with {
            env = self.with(with, &env, None)?;
        }
        let mut own =
            Relation { qualifier: name, columns: outputs(&relation.columns), ..Relation::default() };
        if let Some(alias) = dml.target.alias.as_ref().and_then(|alias| alias.relation()) {
            own.qualifier = vec![alias.to_owned()];
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
        self.edits.replace(span, pieces![text.clone()]);
        Ok((whole, relation, text))
    }

    /// A column that is assigned must be there.
    pub(super) fn assigned(&mut self, column: &Name, relation: &plan::Relation) -> Result<(), SqlError> {
        let known = |name: &str| relation.columns.iter().any(|own| own.name.eq_ignore_ascii_case(name));
        if relation.columns.is_empty() || column.parts.iter().any(|part| known(&part.value)) {
            return Ok(());
        }
        Err(unresolved_column(&column.parts[column.parts.len() - 1].value, relation).at(column.span))
    }

    /// `DEFAULT` as a value: the column's default, else NULL.
    pub(super) fn default_value(&mut self, value: &Expr, column: &Name, relation: &plan::Relation) -> bool {
        if !matches!(value.kind, ExprKind::Default) {
            return false;
        }
        let name = column.parts.last().map(|part| part.value.as_str()).unwrap_or_default();
        let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(name));
        let text = match own {
            Some(own) if own.default.is_none() && own.data_type != DataType::Unknown => {
                format!("CAST(NULL AS {})", own.data_type)
            }
            own => default_text(own),
        };
        self.edits.replace(value.span, pieces![text]);
        true
    }

    /// The value of an assignment. NULL gets the type of its column: the engine finds none for it that fits.
    pub(super) fn assigned_value(
        &mut self,
        value: &Expr,
        column: &Name,
        relation: &plan::Relation,
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let is_default = self.default_value(value, column, relation);
        let data_type = if is_default { DataType::Unknown } else { self.expr(value, scope)? };
        let [.., name] = column.parts.as_slice() else { return Ok(()) };
        let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(&name.value));
        let typed = |own: &&plan::Column| !matches!(own.data_type, DataType::Unknown | DataType::Void);
        if let Some(own) = own.filter(typed).filter(|_| data_type == DataType::Void) {
            self.edits.replace(value.span, pieces!["CAST(", value.span, format!(" AS {})", own.data_type)]);
        }
        Ok(())
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
                    fixed.push((own, format!("CAST({} AS {})", self.render(value.span)?, own.data_type)));
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
        if complete && values && !insert.overwrite && with.is_empty() && !insert.by_name {
            return Ok(Some(format!("{verb} {target}{clause} {source}")));
        }
        // What the engine computes is left to it.
        let is_given = |own: &plan::Column| given.iter().any(|given| given.eq_ignore_ascii_case(&own.name));
        let written: Vec<&plan::Column> =
            relation.columns.iter().filter(|own| !own.generated || is_given(own)).collect();
        let list: Vec<String> = written
            .iter()
            .map(|own| {
                let name = quote_name(&own.name);
                if is_given(own) {
                    name
                } else {
                    format!("CAST({} AS {}) AS {name}", default_text(Some(own)), own.data_type)
                }
            })
            .collect();
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
                fixed
                    .iter()
                    .find(|(column, _)| column.name == own.name)
                    .map_or(name.clone(), |(_, text)| format!("{text} AS {name}"))
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
                    let target = format!(" AS {})", column.data_type);
                    self.edits.replace(cell.span, pieces!["CAST(", cell.span, target]);
                }
            }
        }
    }
}

fn default_text(column: Option<&plan::Column>) -> String {
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

fn unresolved_column(name: &str, relation: &plan::Relation) -> SqlError {
    let list: Vec<String> = relation.columns.iter().take(5).map(|column| quote_name(&column.name)).collect();
    let (name, list) = (quote_name(name), list.join(", "));
    let text = format!(
        "A column, variable, or function parameter with name {name} cannot be resolved. Did you mean one of the following? [{list}]."
    );
    SqlError::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", text)
}
