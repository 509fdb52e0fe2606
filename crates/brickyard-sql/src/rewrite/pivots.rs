//! `PIVOT` and `UNPIVOT`.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{ExprKind, Factor, Pivot, Unpivot};
use crate::rewrite::edits::Piece;
use crate::rewrite::naming::column_name;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Output, Relation, Scope};
use crate::token::{Span, quote_name, string_literal};

impl Planner<'_> {
    /// `PIVOT` becomes a grouped query with one filtered aggregate for each value.
    pub(super) fn pivot(
        &mut self,
        factor: &Factor,
        pivot: &Pivot,
        relation: &Relation,
        outer: &Scope,
    ) -> Result<Columns, SqlError> {
        if relation.columns.open {
            return Err(SqlError::unsupported(
                "PIVOT over columns that are not known",
                "Put a subquery with named columns before it",
            ));
        }
        let scope = Scope {
            relations: vec![relation.clone()],
            ctes: outer.ctes.clone(),
            parameters: outer.parameters.clone(),
            ..Scope::default()
        };
        let mut used: Vec<String> = pivot.columns.iter().map(|column| column.value.to_lowercase()).collect();
        let mut aggregates = Vec::new();
        for (aggregate, alias) in &pivot.aggregates {
            let data_type = self.expr(aggregate, &scope)?;
            crate::query::tree::walk(crate::query::Node::Expr(aggregate), &mut |node| {
                if let crate::query::Node::Expr(expr) = node
                    && let ExprKind::Name(name) = &expr.kind
                {
                    used.extend(name.parts.last().map(|part| part.value.to_lowercase()));
                }
            });
            let text = self.render(aggregate.span)?;
            let ExprKind::Call(call) = &aggregate.kind else {
                return Err(SqlError::unsupported(
                    "PIVOT of an expression around an aggregate",
                    "Compute it in the query around",
                ));
            };
            let function = call.name.single().unwrap_or_default();
            aggregates.push((
                text,
                alias.as_ref().map_or_else(|| column_name(aggregate, self.sql), |a| a.value.clone()),
                data_type,
                function,
            ));
        }
        let groups: Vec<&Output> = relation
            .columns
            .list
            .iter()
            .filter(|column| !used.contains(&column.name.to_lowercase()))
            .collect();
        let mut columns: Vec<Output> = groups.iter().map(|column| (*column).clone()).collect();
        let names: Vec<String> = groups.iter().map(|column| quote_name(&column.name)).collect();
        let mut list = names.clone();
        for (value, alias) in &pivot.values {
            self.expr(value, &scope)?;
            let parts: Vec<&crate::query::Expr> = match &value.kind {
                ExprKind::Tuple(parts) if pivot.columns.len() > 1 => parts.iter().collect(),
                _ => vec![value],
            };
            if parts.len() != pivot.columns.len() {
                return Err(SqlError::unsupported(
                    "PIVOT values of another number than its columns",
                    "Give one value for each column",
                ));
            }
            let mut condition = Vec::new();
            for (column, part) in pivot.columns.iter().zip(&parts) {
                condition.push(format!("{} <=> ({})", quote_name(&column.value), self.render(part.span)?));
            }
            let condition = condition.join(" AND ");
            let shown = parts.iter().map(|part| column_name(part, self.sql)).collect::<Vec<_>>().join("_");
            let label = alias.as_ref().map_or(shown, |alias| alias.value.clone());
            for (text, name, data_type, function) in &aggregates {
                let name = if aggregates.len() == 1 { label.clone() } else { format!("{label}_{name}") };
                let filtered = format!("{text} FILTER (WHERE {condition})");
                let safe = ["SUM", "AVG", "MIN", "MAX", "FIRST", "ANY_VALUE", "MEAN", "STDDEV"]
                    .contains(&function.as_str());
                let checked = text.starts_with("CAST(");
                let filtered = match (safe, checked) {
                    (true, false) => filtered,
                    (true, true) => {
                        // A checked SUM has its CAST around it: the filter belongs to the aggregate within.
                        let inner = text.rfind(" AS ").map_or(text.as_str(), |at| &text[..at]);
                        format!("{} FILTER (WHERE {condition}){}", inner, &text[inner.len()..])
                    }
                    // A value without rows gives NULL, even for a count.
                    (false, _) => {
                        format!("CASE WHEN count(CASE WHEN {condition} THEN 1 END) > 0 THEN {filtered} END")
                    }
                };
                list.push(format!("{filtered} AS {}", quote_name(&name)));
                columns.push(Output::new(name, data_type.clone()));
            }
        }
        let group = if names.is_empty() { String::new() } else { format!(" GROUP BY {}", names.join(", ")) };
        let alias = factor.inner_alias.as_ref().map(|alias| alias.span);
        let mut text =
            vec![Piece::from(format!("(SELECT {} FROM ", list.join(", "))), Piece::from(factor.source)];
        if let Some(alias) = alias {
            text.push(Piece::from(" "));
            text.push(Piece::from(alias));
        }
        text.push(Piece::from(format!("{group})")));
        self.edits.replace(Span::new(factor.source.start, pivot.span.end), text);
        Ok(Columns { list: columns, open: false })
    }

    /// `UNPIVOT` becomes `stack` with its empty rows left out.
    pub(super) fn unpivot(
        &mut self,
        factor: &Factor,
        unpivot: &Unpivot,
        relation: &Relation,
    ) -> Result<Columns, SqlError> {
        if relation.columns.open {
            return Err(SqlError::unsupported(
                "UNPIVOT over columns that are not known",
                "Put a subquery with named columns before it",
            ));
        }
        let mut used = Vec::new();
        let mut rows = Vec::new();
        let mut value_types = vec![DataType::Void; unpivot.values.len()];
        for (group, alias) in &unpivot.columns {
            if group.len() != unpivot.values.len() {
                return Err(SqlError::unsupported(
                    "UNPIVOT groups of another size than its values",
                    "Give one column for each value",
                ));
            }
            let names: Vec<String> =
                group.iter().filter_map(|name| name.parts.last()).map(|part| part.value.clone()).collect();
            let label = alias.clone().unwrap_or_else(|| names.join("_"));
            for (name, data_type) in names.iter().zip(value_types.iter_mut()) {
                let Some(column) = relation.columns.find(name) else {
                    let text = format!("A column with name {} cannot be resolved.", quote_name(name));
                    return Err(SqlError::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text));
                };
                *data_type = crate::rewrite::numbers::common(data_type, &column.data_type);
            }
            used.extend(names.iter().map(|name| name.to_lowercase()));
            rows.push((label, names));
        }
        let cells: Vec<String> = rows
            .iter()
            .map(|(label, names)| {
                let values: Vec<String> = names
                    .iter()
                    .zip(&value_types)
                    .map(|(name, data_type)| match data_type {
                        DataType::Unknown | DataType::Void => quote_name(name),
                        data_type => format!("CAST({} AS {data_type})", quote_name(name)),
                    })
                    .collect();
                format!("{}, {}", string_literal(label), values.join(", "))
            })
            .collect();
        let kept: Vec<&Output> = relation
            .columns
            .list
            .iter()
            .filter(|column| !used.contains(&column.name.to_lowercase()))
            .collect();
        let mut columns: Vec<Output> = kept.iter().map(|column| (*column).clone()).collect();
        columns.push(Output::new(unpivot.name.value.clone(), DataType::String));
        for (value, data_type) in unpivot.values.iter().zip(value_types) {
            columns.push(Output::new(value.value.clone(), data_type));
        }
        let mut list: Vec<String> = kept.iter().map(|column| quote_name(&column.name)).collect();
        let made: Vec<String> = columns[kept.len()..].iter().map(|column| quote_name(&column.name)).collect();
        list.push(format!("stack({}, {}) AS ({})", rows.len(), cells.join(", "), made.join(", ")));
        let filter = if unpivot.include_nulls {
            String::new()
        } else {
            let some: Vec<String> = made[1..].iter().map(|name| format!("{name} IS NOT NULL")).collect();
            format!(" WHERE {}", some.join(" OR "))
        };
        let mut text = vec![
            Piece::from(format!("(SELECT * FROM (SELECT {} FROM ", list.join(", "))),
            Piece::from(factor.source),
        ];
        if let Some(alias) = &factor.inner_alias {
            text.push(Piece::from(" "));
            text.push(Piece::from(alias.span));
        }
        text.push(Piece::from(format!("){filter})")));
        self.edits.replace(Span::new(factor.source.start, unpivot.span.end), text);
        Ok(Columns { list: columns, open: false })
    }
}
