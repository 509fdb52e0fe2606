//! Columns of Postgres as the catalog has them, and how their values are read.

use brickyard_postgres::{identifier, literal};

use super::{Compute, LakebaseError};
use crate::catalog::{Column, DataType, ForeignTable};

/// A table of a database with its columns.
pub(super) struct Described {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) columns: Vec<Column>,
}

/// Schemas of a database that are not PostgreSQL's own, and the tables and views in them; of one table alone where named.
pub(super) async fn describe(
    compute: &Compute,
    database: &str,
    only: Option<(&str, &str)>,
) -> Result<(Vec<String>, Vec<Described>), LakebaseError> {
    let mut client = compute.client(database).await?;
    let own = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', '__db_system')";
    let rows = client.query(&format!("SELECT n.nspname FROM pg_namespace n WHERE {own} ORDER BY 1")).await?;
    let schemas = rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let filter = only.map_or_else(String::new, |(schema, table)| {
        format!(" AND n.nspname = {} AND c.relname = {}", literal(schema), literal(table))
    });
    // An enumeration's and a domain's values are read as text, like everything that has no type of its own here.
    let rows = client
        .query(&format!(
            "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {own}{filter} ORDER BY 1, 2, a.attnum"
        ))
        .await?;
    let mut tables: Vec<Described> = Vec::new();
    for row in rows {
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || row.next().unwrap_or_default();
        let (schema, table, name, type_text, not_null) = (next(), next(), next(), next(), next());
        let mut column = Column::new(name, data_type(&type_text));
        column.nullable = not_null != "t";
        match tables.last_mut() {
            Some(last) if last.schema == schema && last.table == table => last.columns.push(column),
            _ => tables.push(Described { schema, table, columns: vec![column] }),
        }
    }
    Ok((schemas, tables))
}

/// The type the catalog shows for a type of Postgres; what it has no type for is text.
fn data_type(postgres: &str) -> DataType {
    let (base, arguments) = match postgres.split_once('(') {
        Some((base, rest)) => (base, rest.split(')').next().unwrap_or_default()),
        None => (postgres, ""),
    };
    DataType::Plain(match base {
        "boolean" => "boolean",
        "smallint" => "smallint",
        "integer" => "int",
        "bigint" => "bigint",
        "real" => "float",
        "double precision" => "double",
        "bytea" => "binary",
        "date" => "date",
        "numeric" => {
            let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u8>());
            return match (numbers.next(), numbers.next()) {
                (Some(Ok(precision @ 1..=38)), Some(Ok(scale))) if scale <= precision => {
                    DataType::Decimal(precision, scale)
                }
                (Some(Ok(precision @ 1..=38)), None) => DataType::Decimal(precision, 0),
                _ => DataType::Decimal(38, 18),
            };
        }
        _ if postgres.starts_with("timestamp") && postgres.ends_with("with time zone") => "timestamp",
        _ if postgres.starts_with("timestamp") => "timestamp_ntz",
        _ => "string",
    })
}

/// The query that gives a table's rows as texts which [`super::rows`] reads: times as microseconds and days since 1970,
/// so that no setting of the server changes them; infinite ones and `NaN` of a decimal are NULL.
pub(super) fn select(place: &ForeignTable, columns: &[Column]) -> String {
    let values: Vec<String> = columns
        .iter()
        .map(|column| {
            let name = identifier(&column.name);
            match &column.data_type {
                DataType::Decimal(_, scale) => {
                    format!("CASE WHEN {name}::text !~ '[NI]' THEN round({name}, {scale}) END")
                }
                DataType::Plain("boolean") => format!("{name}::int"),
                DataType::Plain("binary") => format!("encode({name}, 'hex')"),
                DataType::Plain("date") => {
                    format!("CASE WHEN isfinite({name}) THEN {name} - date '1970-01-01' END")
                }
                DataType::Plain("timestamp" | "timestamp_ntz") => {
                    format!(
                        "CASE WHEN isfinite({name}) THEN (extract(epoch FROM {name}) * 1000000)::bigint END"
                    )
                }
                _ => format!("{name}::text"),
            }
        })
        .collect();
    let values = if values.is_empty() { "NULL".to_owned() } else { values.join(", ") };
    format!("SELECT {values} FROM {}.{}", identifier(&place.schema), identifier(&place.table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_the_catalog() {
        for (postgres, expected) in [
            ("integer", "int"),
            ("numeric(10,2)", "decimal(10,2)"),
            ("numeric(5)", "decimal(5,0)"),
            ("numeric", "decimal(38,18)"),
            ("numeric(100,2)", "decimal(38,18)"),
            ("timestamp(3) with time zone", "timestamp"),
            ("timestamp without time zone", "timestamp_ntz"),
            ("time without time zone", "string"),
            ("character varying(20)", "string"),
            ("integer[]", "string"),
            ("jsonb", "string"),
        ] {
            assert_eq!(data_type(postgres).text(), expected, "{postgres}");
        }
    }
}
