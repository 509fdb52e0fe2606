//! `SELECT`: the select list, `GROUP BY`, `HAVING`, `QUALIFY`.

use std::rc::Rc;

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Ident, Name};
use crate::query::{Expr, ExprKind, Item, Select};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::laterals::own_text;
use crate::rewrite::naming::column_name;
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::scope::{Columns, Found, Meaning, Output, Relation, Scope, field};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    pub(super) fn select(&mut self, select: &Select, env: &Env) -> Result<(Columns, Scope), SqlError> {
        let bare = std::mem::take(&mut self.bare) && select.from.is_empty();
        let mut scope = self.scope(env);
        let deep = std::mem::replace(&mut self.deep, false);
        self.sources(&select.from, &mut scope, env)?;
        self.deep_sources(select)?;
        self.deep = deep;
        let end =
            select.views.last().map(|view| view.span).or_else(|| select.from.last().map(|from| from.span));
        scope.from = select.from.first().zip(end).map(|(first, end)| first.span.to(end));
        for view in &select.views {
            self.lateral_view(view, &mut scope)?;
        }
        let saved = std::mem::replace(&mut self.substitute, true);
        let projecting = std::mem::replace(&mut self.projecting, false);
        if let Some(filter) = &select.filter {
            if has_aggregate(filter) || has_window(filter) {
                let text = format!(
                    "The WHERE condition \"{}\" contains invalid expressions. Rewrite the query to avoid window functions, aggregate functions, and generator functions in the WHERE clause.",
                    column_name(filter, self.sql)
                );
                return Err(SqlError::new("INVALID_WHERE_CONDITION", "42903", text).at(filter.span));
            }
            self.condition(filter, &scope)?;
            self.keep_lambdas(filter)?;
        }
        self.projecting = true;
        self.grouped_window(select, &mut scope)?;
        let mut columns = Columns::default();
        // The engine knows no star among what is grouped.
        let grouped = std::mem::replace(&mut self.grouped, select.group_by.is_some());
        self.grouping_columns = self.grouping_columns(select);
        // Columns the select list gives for each entry, to count ordinals for GROUP BY ALL.
        let mut widths = Vec::new();
        for item in &select.items {
            let before = columns.list.len();
            self.item(item, bare, &mut scope, &mut columns)?;
            widths.push(columns.list.len() - before);
        }
        self.projecting = false;
        self.grouped = grouped;
        self.substitute = false;
        self.group_by(select, &widths, &columns, &scope)?;
        if let Some(having) = &select.having {
            self.keys_first(select, having, &scope);
            self.qualifies = select.group_by.as_ref().is_some_and(|group| group.sets);
            let data_type = self.condition(having, &scope)?;
            self.qualifies = false;
            if data_type.is_numeric() {
                self.edits.replace(having.span, pieces!["CAST(", having.span, " AS BOOLEAN)"]);
            }
            self.keep_lambdas(having)?;
        }
        // Of no rows there is no group, not even the one of all.
        if let Some(group) = select.group_by.as_ref().filter(|group| group.sets) {
            let some = "count(*) > 0";
            match &select.having {
                Some(having) => self.edits.replace(having.span, pieces!["(", having.span, ") AND ", some]),
                None => self.edits.replace(group.span, pieces![group.span, " HAVING ", some]),
            }
        }
        for (_, over) in &select.windows {
            self.over(over, &scope)?;
        }
        self.substitute = true;
        if let Some((span, condition)) = &select.qualify {
            self.expr(condition, &scope)?;
            self.qualify(select, *span, condition, &columns)?;
        }
        if let (true, Some(from)) = (select.from_first, select.from_span) {
            let rest = Span::new(select.items_span.end, select.span.end);
            let distinct = if select.distinct { "DISTINCT " } else { "" };
            let text = pieces!["SELECT ", distinct, select.items_span, " ", from, " ", rest];
            self.edits.replace(select.span, text);
        }
        self.substitute = saved;
        self.projecting = projecting;
        scope.aliases.clear();
        Ok((columns, scope))
    }

    fn item(
        &mut self,
        item: &Item,
        bare: bool,
        scope: &mut Scope,
        columns: &mut Columns,
    ) -> Result<(), SqlError> {
        if let ExprKind::Star { qualifier, except, set } = &item.expr.kind {
            return self.star(&item.expr, (qualifier, except, set.as_deref()), scope, columns);
        }
        if let ExprKind::FieldStar(base) = &item.expr.kind {
            match self.expr(base, scope)? {
                DataType::Struct(fields) => {
                    columns.list.extend(fields.into_iter().map(|f| Output::new(f.name, f.data_type)));
                }
                _ => columns.open = true,
            }
            return Ok(());
        }
        if let Some(outputs) = self.generator_item(item, scope)? {
            match outputs {
                Some(outputs) => columns.list.extend(outputs),
                None => columns.open = true,
            }
            return Ok(());
        }
        let since = self.edits.len();
        let data_type = self.expr(&item.expr, scope)?;
        let name = match &item.alias {
            Some(alias) => alias.value.clone(),
            None => self.own_name(&item.expr, scope)?,
        };
        let unnamed = !matches!(item.expr.kind, ExprKind::Name(_));
        if item.alias.is_none() && !bare && (unnamed || self.edits.touched(since, item.span)) {
            self.edits.name(item.span, &name);
        }
        if let Some(alias) = &item.alias {
            scope.aliases.push((alias.value.clone(), item.expr.span, data_type.clone()));
        }
        let length = self.declared(&item.expr, scope);
        columns.list.push(Output { name, data_type, length });
        Ok(())
    }

    /// `*`, `t.*`, `column.*`, with `EXCEPT`.
    fn star(
        &mut self,
        expr: &Expr,
        (qualifier, except, set): (&[Ident], &[Name], Option<&(Ident, Expr)>),
        scope: &Scope,
        columns: &mut Columns,
    ) -> Result<(), SqlError> {
        let parts: Vec<String> = qualifier.iter().map(|part| part.value.clone()).collect();
        let mut relations: Vec<&Relation> =
            scope.relations.iter().filter(|relation| parts.is_empty() || relation.is_named(&parts)).collect();
        let mut around = scope.outer.as_deref();
        while let (true, false, Some(outer)) = (relations.is_empty(), parts.is_empty(), around) {
            relations = outer.relations.iter().filter(|relation| relation.is_named(&parts)).collect();
            around = outer.outer.as_deref();
        }
        if relations.is_empty() {
            if parts.is_empty() {
                return Err(SqlError::new(
                    "INVALID_USAGE_OF_STAR_OR_REGEX",
                    "42000",
                    "Invalid usage of '*' without FROM.",
                ));
            }
            let named = |relation: &&Relation| relation.is_named(&parts) && !relation.columns.open;
            let around = scope.outer.as_ref().and_then(|outer| outer.relations.iter().find(named));
            if let (Some(around), true, Found::None) = (around, except.is_empty(), scope.find(&parts)) {
                self.reached = self.reached.min(scope.level().saturating_sub(1));
                let list: Vec<String> =
                    around.columns.list.iter().map(|column| own_text(around, &column.name)).collect();
                columns.list.extend(around.columns.list.iter().cloned());
                self.edits.replace(expr.span, pieces![list.join(", ")]);
                return Ok(());
            }
            return self.struct_star(expr, &parts, except, scope, columns);
        }
        let open = relations.iter().any(|relation| relation.columns.open);
        let inlined = relations.iter().any(|relation| relation.wider || !relation.meanings.is_empty());
        if open {
            if !except.is_empty() || set.is_some() {
                return Err(SqlError::unsupported(
                    "* EXCEPT over columns that are not known",
                    "Name the columns",
                ));
            }
            columns.open = true;
            if parts.len() > 1 {
                self.short_qualifier(expr, qualifier, relations[0]);
            }
            return Ok(());
        }
        let excluded = |name: &str| {
            except
                .iter()
                .any(|path| path.parts.last().is_some_and(|part| part.value.eq_ignore_ascii_case(name)))
        };
        for path in except {
            let before: Vec<String> = path.values()[..path.parts.len() - 1].to_vec();
            if !before.is_empty() && !relations.iter().any(|relation| relation.is_named(&before)) {
                return Err(nested_except(path));
            }
            let name = path.parts.last().map(|part| part.value.as_str()).unwrap_or_default();
            if !relations.iter().any(|relation| relation.columns.find(name).is_some()) {
                let text = format!("The EXCEPT column {} cannot be resolved.", path.quoted());
                return Err(
                    SqlError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text).at(path.span)
                );
            }
        }
        let is_set = |name: &str| set.is_some_and(|(column, _)| column.value.eq_ignore_ascii_case(name));
        if let Some((column, _)) = set
            && !relations.iter().any(|relation| relation.columns.find(&column.value).is_some())
        {
            let text = format!(
                "A column, variable, or function parameter with name {} cannot be resolved.",
                quote_name(&column.value)
            );
            return Err(SqlError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text).at(column.span));
        }
        let mut list = Vec::new();
        let first = if parts.is_empty() { scope.merged_first.as_slice() } else { &[] };
        let is_first = |name: &str| first.iter().any(|known| known.eq_ignore_ascii_case(name));
        for name in first.iter().filter(|name| !excluded(name)) {
            let known = relations.iter().find_map(|relation| relation.columns.find(name));
            if let (Some(known), Some(text)) = (known, scope.merged.get(&name.to_lowercase())) {
                columns.list.push(known.clone());
                list.push(pieces![format!("{text} AS {}", quote_name(&known.name))]);
            }
        }
        for (at, relation) in relations.iter().enumerate() {
            for column in &relation.columns.list {
                // A relation that is joined later keeps a column of that name to itself.
                let joined = relations[at + 1..]
                    .iter()
                    .any(|later| later.hidden.iter().any(|name| name.eq_ignore_ascii_case(&column.name)));
                let hidden = parts.is_empty()
                    && relation.hidden.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
                if hidden || excluded(&column.name) || (joined && is_first(&column.name)) {
                    continue;
                }
                if let Some((_, value)) = set.filter(|_| is_set(&column.name)) {
                    let data_type = self.expr(value, scope)?;
                    columns.list.push(Output::new(column.name.clone(), data_type));
                    list.push(pieces!["(", value.span, format!(") AS {}", quote_name(&column.name))]);
                    continue;
                }
                columns.list.push(column.clone());
                let key = column.name.to_lowercase();
                let shared = !scope.merged.contains_key(&key)
                    && scope
                        .relations
                        .iter()
                        .any(|other| other.hidden.iter().any(|name| name.eq_ignore_ascii_case(&column.name)));
                let name = quote_name(&column.name);
                list.push(match relation.meanings.get(&key) {
                    Some(Meaning::Text(text) | Meaning::Merged(text)) => {
                        vec![Piece::from(format!("({text}) AS {name}"))]
                    }
                    None => match relation.qualifier.last() {
                        Some(alias) if !shared => pieces![format!("{}.{name}", quote_name(alias))],
                        _ => pieces![name],
                    },
                });
            }
        }
        // Of a table that is named in full the engine gives no column for `t.*`.
        if !except.is_empty()
            || set.is_some()
            || inlined
            || self.grouped
            || (!parts.is_empty() && !list.is_empty())
        {
            if list.is_empty() {
                return Err(SqlError::new("EXCEPT_OVERLAPPING_COLUMNS", "42702", "EXCEPT leaves no column."));
            }
            let mut text = Vec::new();
            for (index, pieces) in list.into_iter().enumerate() {
                if index > 0 {
                    text.push(Piece::from(", "));
                }
                text.extend(pieces);
            }
            self.edits.replace(expr.span, text);
        }
        Ok(())
    }

    fn short_qualifier(&mut self, expr: &Expr, qualifier: &[Ident], relation: &Relation) {
        if let (Some(first), Some(last), Some(name)) =
            (qualifier.first(), qualifier.last(), relation.qualifier.last())
        {
            let _ = expr;
            self.edits.replace(first.span.to(last.span), pieces![quote_name(name)]);
        }
    }

    fn struct_star(
        &mut self,
        expr: &Expr,
        parts: &[String],
        except: &[Name],
        scope: &Scope,
        columns: &mut Columns,
    ) -> Result<(), SqlError> {
        let found = scope.find(parts);
        let data_type = match &found {
            Found::Column { data_type, parts: used, .. } => {
                parts[*used..].iter().fold(data_type.clone(), |inner, part| field(&inner, part))
            }
            _ => DataType::Unknown,
        };
        let DataType::Struct(fields) = data_type else {
            if !except.is_empty() {
                return Err(SqlError::unsupported(
                    "* EXCEPT over columns that are not known",
                    "Name the columns",
                ));
            }
            columns.open = true;
            return Ok(());
        };
        if let Some(path) = except.iter().find(|path| path.parts.len() > 1) {
            return Err(nested_except(path));
        }
        let base = parts.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
        let mut list = Vec::new();
        for struct_field in fields {
            let out = except.iter().any(|path| {
                path.parts.last().is_some_and(|p| p.value.eq_ignore_ascii_case(&struct_field.name))
            });
            if !out {
                let name = quote_name(&struct_field.name);
                list.push(format!("{base}.{name} AS {name}"));
                columns.list.push(Output::new(struct_field.name, struct_field.data_type));
            }
        }
        if !except.is_empty() {
            self.edits.replace(expr.span, pieces![list.join(", ")]);
        }
        Ok(())
    }

    /// The condition becomes a column of the select list and the filter of a query around it.
    fn qualify(
        &mut self,
        select: &Select,
        span: Span,
        condition: &Expr,
        columns: &Columns,
    ) -> Result<(), SqlError> {
        if columns.open {
            return Err(SqlError::unsupported(
                "QUALIFY over columns that are not known",
                "Use a subquery with the window function",
            ));
        }
        if select.from_first {
            return Err(SqlError::unsupported("QUALIFY after FROM … SELECT", "Put SELECT first"));
        }
        let list: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
        let distinct = if select.distinct { "DISTINCT " } else { "" };
        let after = Span::new(span.end, select.span.end);
        let before = Span::new(select.items_span.end, span.start);
        self.edits.replace(
            select.span,
            pieces![
                format!("SELECT {distinct}{} FROM (SELECT ", list.join(", ")),
                select.items_span,
                ", (",
                condition.span,
                ") AS `__qualify`",
                before,
                " ",
                after,
                ") WHERE `__qualify`",
            ],
        );
        Ok(())
    }

    /// A correlated query sees the names around it.
    pub(super) fn inner_env(&self, scope: &Scope) -> Env {
        Env {
            outer: Some(Rc::new(scope.clone())),
            ctes: scope.ctes.clone(),
            parameters: scope.parameters.clone(),
        }
    }
}

fn nested_except(path: &Name) -> SqlError {
    SqlError::unsupported("* EXCEPT of fields within a column", "Build the column anew with named_struct")
        .at(path.span)
}
