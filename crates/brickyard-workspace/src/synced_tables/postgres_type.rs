use crate::catalog::DataType;

/// The type in Postgres of a column (Databricks docs, "Synced tables", data type mapping); `None` where it has none.
pub(super) fn postgres_type(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Decimal(precision, scale) => format!("numeric({precision},{scale})"),
        DataType::Char(_) | DataType::Varchar(_) => "text".to_owned(),
        DataType::Interval(_) => "interval".to_owned(),
        DataType::Array(..) | DataType::Map(..) | DataType::Struct(_) => "jsonb".to_owned(),
        DataType::Plain(name) => match *name {
            "boolean" => "boolean",
            "tinyint" | "smallint" => "smallint",
            "int" => "integer",
            "bigint" => "bigint",
            "float" => "real",
            "double" => "double precision",
            "string" => "text",
            "binary" => "bytea",
            "date" => "date",
            "timestamp" => "timestamp with time zone",
            "timestamp_ntz" => "timestamp without time zone",
            "variant" => "jsonb",
            _ => return None,
        }
        .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_the_documented_ones() {
        for (sql, expected) in [
            ("tinyint", Some("smallint")),
            ("decimal(10,2)", Some("numeric(10,2)")),
            ("array<int>", Some("jsonb")),
            ("struct<a:int>", Some("jsonb")),
            ("timestamp", Some("timestamp with time zone")),
            ("varchar(10)", Some("text")),
            ("void", None),
        ] {
            assert_eq!(postgres_type(&DataType::parse(sql).unwrap()).as_deref(), expected, "{sql}");
        }
    }
}
