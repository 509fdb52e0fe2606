//! `INSERT … REPLACE USING` and `REPLACE ON`: the keys of the new rows become a condition, as `REPLACE WHERE` takes it.

use brickyard_sql::query::{Expr, ExprKind};
use brickyard_sql::statement::{Dml, DmlKind, Insert, TargetName};
use brickyard_sql::{Body, Statement, quote_name};

use super::Scene;
use crate::warehouse::fault::Fault;
use crate::warehouse::literal;
use crate::warehouse::name::full_name;

/// Keys that the new rows may have.
const MOST_KEYS: usize = 1000;

/// A column of the table and what its new rows have there.
struct Key {
    column: String,
    value: String,
    /// Whether NULL is the same as NULL: `<=>`.
    null_safe: bool,
}

impl Scene<'_> {
    /// The statement with `REPLACE WHERE` in place of `REPLACE USING` or `REPLACE ON`; none for others.
    pub(super) async fn without_replaced_keys(
        &self,
        sql: &str,
        statement: &Statement,
    ) -> Result<Option<String>, Fault> {
        let Body::Dml(dml) = &statement.body else { return Ok(None) };
        let DmlKind::Insert(insert @ Insert { replace_span: Some(span), .. }) = &dml.kind else {
            return Ok(None);
        };
        let (keys, rows) = self.replaced_keys(sql, dml, insert)?;
        let list: Vec<&str> = keys.iter().map(|key| key.value.as_str()).collect();
        let batches = self.collect(&format!("SELECT DISTINCT {} FROM {rows}", list.join(", "))).await?;
        let mut found: Vec<Vec<String>> = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let is_null = |at: usize| batch.column(at).is_null(row);
                if keys.iter().enumerate().any(|(at, key)| is_null(at) && !key.null_safe) {
                    continue; // NULL equals nothing
                }
                let text = |at: usize| {
                    if is_null(at) { Ok("NULL".to_owned()) } else { Ok(literal::of(batch, at, row, None)?.1) }
                };
                found.push((0..keys.len()).map(text).collect::<Result<_, Fault>>()?);
            }
        }
        let condition = condition(&keys, &found)?;
        let target = dml
            .target
            .alias
            .as_ref()
            .map_or(span.start..span.start, |alias| alias.span.start..alias.span.end);
        let (before, between) = (&sql[..target.start], &sql[target.end..span.start]);
        let source = insert.source.span;
        let rows = match &insert.source_alias {
            Some(alias) if !alias.columns.is_empty() => {
                format!(
                    "{}SELECT * FROM ({}) {}",
                    &sql[span.end..source.start],
                    source.of(sql),
                    alias.span.of(sql)
                )
            }
            _ => sql[span.end..source.end].to_owned(),
        };
        Ok(Some(format!("{before}{between}REPLACE WHERE ({condition}) {rows}")))
    }

    /// The columns by which rows are replaced, and the new rows as a relation.
    fn replaced_keys(&self, sql: &str, dml: &Dml, insert: &Insert) -> Result<(Vec<Key>, String), Fault> {
        let TargetName::Name(target) = &dml.target.name else {
            return Err(Fault::unsupported("REPLACE USING or ON with IDENTIFIER", "Write the table's name"));
        };
        let source = insert.source.span.of(sql);
        let with = dml.with.as_ref().map_or(String::new(), |with| format!("{} ", with.span.of(sql)));
        let Some(condition) = &insert.replace_on else {
            let names = insert.replace_using.iter().map(|column| quote_name(&column.value));
            let keys = names.map(|name| Key { column: name.clone(), value: name, null_safe: true }).collect();
            if insert.by_name {
                return Ok((keys, format!("({with}{source}) AS `__rows`")));
            }
            // The rows have the names of the table's columns, by their place.
            let columns = self.catalog().columns(&self.table(&target.values())?)?;
            let list: Vec<String> = columns.iter().map(|column| quote_name(&column.name)).collect();
            return Ok((keys, format!("({with}{source}) AS `__rows`({})", list.join(", "))));
        };
        let last = target.values().last().cloned().unwrap_or_default();
        let table = dml.target.alias.as_ref().and_then(|alias| alias.name.as_ref());
        let table = table.map_or(last, |name| name.value.clone());
        let rows = insert.source_alias.as_ref().and_then(|alias| alias.name.as_ref());
        let rows = rows.map_or("__rows", |name| name.value.as_str());
        let mut keys = Vec::new();
        if !equalities(condition, &table, rows, &mut keys) {
            return Err(Fault::unsupported(
                "REPLACE ON of anything but equalities of the table's columns and the rows' joined by AND",
                "Use MERGE INTO",
            ));
        }
        let alias = insert.source_alias.as_ref();
        let alias = alias.map_or_else(|| "`__rows`".to_owned(), |alias| alias.span.of(sql).to_owned());
        Ok((keys, format!("({with}{source}) {alias}")))
    }
}

/// The rows of the table that have one of these keys.
fn condition(keys: &[Key], found: &[Vec<String>]) -> Result<String, Fault> {
    if found.len() > MOST_KEYS {
        return Err(Fault::unsupported(
            format_args!("REPLACE USING and ON of more than {MOST_KEYS} keys"),
            "Use MERGE INTO",
        ));
    }
    let mut all = Vec::new();
    if let [key] = keys {
        let values: Vec<&str> =
            found.iter().map(|key| key[0].as_str()).filter(|value| *value != "NULL").collect();
        if values.len() < found.len() {
            all.push(format!("{} IS NULL", key.column));
        }
        if !values.is_empty() {
            all.push(format!("{} IN ({})", key.column, values.join(", ")));
        }
    } else {
        for found in found {
            let parts = keys.iter().zip(found).map(|(key, value)| format!("{} <=> {value}", key.column));
            all.push(format!("({})", parts.collect::<Vec<_>>().join(" AND ")));
        }
    }
    Ok(if all.is_empty() { "false".to_owned() } else { all.join(" OR ") })
}

/// Whether a condition is `table.a = rows.b AND …`; collects the sides.
fn equalities(condition: &Expr, table: &str, rows: &str, keys: &mut Vec<Key>) -> bool {
    match &condition.kind {
        ExprKind::Tuple(one) if one.len() == 1 => equalities(&one[0], table, rows, keys),
        ExprKind::Chain(operator, all) if operator == "AND" => {
            all.iter().all(|part| equalities(part, table, rows, keys))
        }
        ExprKind::Binary(left, operator, right) if matches!(operator.as_str(), "=" | "==" | "<=>") => {
            let either = |a, b| Some((column(a, table)?, column(b, rows)?));
            let Some((own, other)) = either(left, right).or_else(|| either(right, left)) else {
                return false;
            };
            keys.push(Key {
                column: quote_name(own),
                value: full_name(&[rows, other]),
                null_safe: operator == "<=>",
            });
            true
        }
        _ => false,
    }
}

/// The name of a column of the relation `of`.
fn column<'a>(expr: &'a Expr, of: &str) -> Option<&'a str> {
    let ExprKind::Name(name) = &expr.kind else { return None };
    match name.parts.as_slice() {
        [qualifier, column] if qualifier.value.eq_ignore_ascii_case(of) => Some(&column.value),
        _ => None,
    }
}
