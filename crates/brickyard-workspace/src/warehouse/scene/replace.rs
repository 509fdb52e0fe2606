//! `INSERT … REPLACE USING` and `REPLACE ON`: the new rows are kept in a table of their own; rows of the target that have
//! a key of theirs go, then they come. All of it in a branch, so that others see one change.

use brickyard_sql::query::{Expr, ExprKind};
use brickyard_sql::statement::{Dml, Insert, TargetName};
use brickyard_sql::{parse, quote_name};

use super::Scene;
use crate::catalog::{ChangedRows, Column, DataType, TableRecord};
use crate::warehouse::change::Changed;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::result::sql_type::SqlType;

/// A column of the table and the one of the new rows that it is compared with.
struct Key {
    column: String,
    rows: String,
    /// Whether NULL is the same as NULL: `<=>`.
    null_safe: bool,
}

impl Scene<'_> {
    /// Takes out the rows that have a key of the new ones, and inserts those.
    pub(super) async fn replace(&self, sql: &str, dml: &Dml, insert: &Insert) -> Result<Outcome, Fault> {
        let (keys, rows) = self.replaced_keys(sql, dml, insert)?;
        let transaction = self.transaction().ok_or_else(|| Fault::internal("The change has no branch"))?;
        let TargetName::Name(name) = &dml.target.name else { return Err(Fault::internal("No name")) };
        let target = self.table(&name.values())?;
        let schema = self.schema(&format!("SELECT * FROM {rows}")).await?;
        let own = self.catalog().columns(&target)?;
        let mut columns = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            // NULL without a type takes that of the column it goes to.
            let data_type = match SqlType::of(field).to_string().as_str() {
                "VOID" => own.get(at).map_or(DataType::parse("STRING"), |own| Ok(own.data_type.clone())),
                text => DataType::parse(text),
            };
            columns.push(Column::new(format!("c{at}"), data_type?));
        }
        let kept = transaction.private_table(&target, columns)?;
        let kept = full_name(&[&kept.table.catalog, &kept.table.schema, &kept.table.name]);
        self.step(&format!("INSERT INTO {kept} SELECT * FROM {rows}")).await?;
        let of = |key: &Key| -> Result<String, Fault> {
            let at = schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(&key.rows));
            let at = at.ok_or_else(|| {
                let text = format!("A column with name {} cannot be resolved.", quote_name(&key.rows));
                Fault::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text)
            })?;
            Ok(format!("c{at}"))
        };
        let (mut list, mut on) = (Vec::new(), Vec::new());
        for (number, key) in keys.iter().enumerate() {
            list.push(format!("{} AS k{number}", of(key)?));
            let operator = if key.null_safe { "<=>" } else { "=" };
            on.push(format!("`__t`.{} {operator} `__k`.k{number}", key.column));
        }
        let before = self.catalog().version(&target)?;
        let replaced = self.replace_rows(&kept, &target, (&list, &on), insert, &schema).await;
        match replaced {
            Ok(written) => {
                let inserted = self.catalog().changed_rows(&target, written)?.inserted;
                Changed::Inserted.outcome(Some(ChangedRows { inserted, ..ChangedRows::default() }))
            }
            Err(fault) => {
                if self.catalog().version(&target)? > before {
                    self.catalog().restore_branch(&self.identity, &target, before)?;
                }
                Err(fault)
            }
        }
    }

    /// The two steps on the target; gives the version between them.
    async fn replace_rows(
        &self,
        kept: &str,
        target: &TableRecord,
        (list, on): (&[String], &[String]),
        insert: &Insert,
        schema: &arrow_schema::Schema,
    ) -> Result<i64, Fault> {
        let full = full_name(&[&target.catalog, &target.schema, &target.name]);
        self.step(&format!(
            "MERGE INTO {full} AS `__t` USING (SELECT DISTINCT {} FROM {kept}) AS `__k` ON {} WHEN MATCHED THEN DELETE",
            list.join(", "),
            on.join(" AND ")
        ))
        .await?;
        let between = self.catalog().version(target)?;
        let names = schema.fields().iter().enumerate().map(|(at, field)| {
            let name = if insert.by_name { quote_name(field.name()) } else { format!("c{at}") };
            format!("c{at} AS {name}")
        });
        let columns: Vec<String> = insert.columns.iter().map(|column| quote_name(&column.value)).collect();
        let form = match (insert.by_name, columns.is_empty()) {
            (true, _) => " BY NAME".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!(" ({})", columns.join(", ")),
        };
        let evolution = if insert.schema_evolution { "WITH SCHEMA EVOLUTION " } else { "" };
        let names: Vec<String> = names.collect();
        self.step(&format!("INSERT {evolution}INTO {full}{form} SELECT {} FROM {kept}", names.join(", ")))
            .await?;
        Ok(between)
    }

    /// A change that is one of several, in the branch.
    async fn step(&self, sql: &str) -> Result<(), Fault> {
        let planned = self.plan(&parse(sql)?).await?;
        self.bring(&planned).await?;
        let written =
            planned.touched.iter().find(|touched| touched.kind == brickyard_sql::ReferenceKind::Write);
        if let Some(target) = written.and_then(|target| self.table(&target.parts).ok()) {
            self.add_columns(&target, &planned.statement.new_columns)?;
        }
        self.drain(&planned).await
    }

    /// The columns by which rows are replaced, and the new rows as a relation.
    fn replaced_keys(&self, sql: &str, dml: &Dml, insert: &Insert) -> Result<(Vec<Key>, String), Fault> {
        let TargetName::Name(target) = &dml.target.name else {
            return Err(Fault::unsupported("REPLACE USING or ON with IDENTIFIER", "Write the table's name"));
        };
        let source = insert.source.span.of(sql);
        let with = dml.with.as_ref().map_or(String::new(), |with| format!("{} ", with.span.of(sql)));
        let Some(condition) = &insert.replace_on else {
            let names =
                insert.replace_using.iter().map(|column| (quote_name(&column.value), column.value.clone()));
            let keys = names.map(|(column, rows)| Key { column, rows, null_safe: true }).collect();
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
            keys.push(Key { column: quote_name(own), rows: other.to_owned(), null_safe: operator == "<=>" });
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
