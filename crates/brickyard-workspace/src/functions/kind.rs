//! Types of SQL as the program of a function knows them, and what it gave back as SQL.

use brickyard_sql::{DataType, string_literal};
use serde_json::{Value, json};

use crate::error::ApiError;

/// How the program reads and writes values of a type.
pub(super) fn of(data_type: &DataType) -> Result<Value, ApiError> {
    Ok(match data_type {
        DataType::Boolean => json!("boolean"),
        DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::BigInt => json!("integer"),
        DataType::Float | DataType::Double => json!("float"),
        DataType::Decimal(..) => json!("decimal"),
        DataType::String | DataType::Varchar(_) | DataType::Char(_) => json!("string"),
        DataType::Binary => json!("binary"),
        DataType::Date => json!("date"),
        DataType::Timestamp | DataType::TimestampNtz => json!("timestamp"),
        DataType::Array(element) => json!(["array", of(element)?]),
        DataType::Map(key, value) => json!(["map", of(key)?, of(value)?]),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| Ok(json!([field.name, of(&field.data_type)?])));
            json!(["struct", fields.collect::<Result<Vec<Value>, ApiError>>()?])
        }
        other => {
            return Err(ApiError::not_implemented(format_args!(
                "values of type {other} of functions in Python"
            )));
        }
    })
}

/// What the program gave, as SQL of the declared type.
pub(super) fn literal(value: &Value, data_type: &DataType) -> Result<String, ApiError> {
    let wrong = || ApiError::invalid(format!("The function did not return a value of the type {data_type}"));
    let items = || value.as_array().ok_or_else(wrong);
    Ok(match (data_type, value) {
        (_, Value::Null) => format!("CAST(NULL AS {data_type})"),
        (DataType::Boolean, Value::Bool(value)) => value.to_string(),
        (DataType::Binary, Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("X'{text}'")
        }
        (DataType::String | DataType::Varchar(_) | DataType::Char(_), Value::String(text)) => {
            string_literal(text)
        }
        (DataType::Array(element), _) => {
            let items = items()?.iter().map(|item| literal(item, element));
            format!("CAST(array({}) AS {data_type})", list(items)?)
        }
        (DataType::Map(key, value), _) => {
            let pairs = items()?.iter().map(|pair| match pair.as_array().map(Vec::as_slice) {
                Some([left, right]) => Ok(format!("{}, {}", literal(left, key)?, literal(right, value)?)),
                _ => Err(wrong()),
            });
            format!("CAST(map({}) AS {data_type})", list(pairs)?)
        }
        (DataType::Struct(fields), _) => {
            let values = fields.iter().zip(items()?);
            let values = values.map(|(field, item)| {
                Ok(format!("{}, {}", string_literal(&field.name), literal(item, &field.data_type)?))
            });
            format!("named_struct({})", list(values)?)
        }
        (DataType::Binary, _) => return Err(wrong()),
        (_, Value::String(text)) => format!("CAST({} AS {data_type})", string_literal(text)),
        _ => return Err(wrong()),
    })
}

fn list(items: impl Iterator<Item = Result<String, ApiError>>) -> Result<String, ApiError> {
    Ok(items.collect::<Result<Vec<String>, ApiError>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_text_of_their_type() {
        let data_type = |text: &str| DataType::from(text);
        for (value, kind, expected) in [
            (json!(null), "INT", "CAST(NULL AS INT)"),
            (json!("7"), "INT", "CAST('7' AS INT)"),
            (json!("it's"), "STRING", "'it\\'s'"),
            (json!(true), "BOOLEAN", "true"),
            (json!("00ff"), "BINARY", "X'00ff'"),
            (
                json!(["1", null]),
                "ARRAY<INT>",
                "CAST(array(CAST('1' AS INT), CAST(NULL AS INT)) AS ARRAY<INT>)",
            ),
            (json!([["k", "1"]]), "MAP<STRING, INT>", "CAST(map('k', CAST('1' AS INT)) AS MAP<STRING, INT>)"),
        ] {
            assert_eq!(literal(&value, &data_type(kind)).unwrap(), expected);
        }
        assert!(literal(&json!("x'); DROP"), &data_type("BINARY")).is_err());
        assert!(literal(&json!(1), &data_type("ARRAY<INT>")).is_err());
        assert!(of(&data_type("VARIANT")).is_err());
    }
}
