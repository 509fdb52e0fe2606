use std::collections::BTreeMap;

use crate::error::EngineError;
use crate::wire::{Cast, DataType, Expression, Literal, Plain, Sql, data_type, expression, literal};

/// A value bound to a parameter marker.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// SQL type, such as `DECIMAL(10,2)`; `VOID` for NULL.
    pub sql_type: String,
    /// The value as text; `None` is NULL.
    pub value: Option<String>,
}

/// Values for the markers of a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Parameters {
    /// No markers.
    #[default]
    None,
    /// `?` in order.
    Positional(Vec<Parameter>),
    /// `:name`.
    Named(BTreeMap<String, Parameter>),
}

/// Longest name of a type that is looked at, in bytes.
const LONGEST_TYPE: usize = 4096;

impl Parameter {
    /// The value as a SQL expression, for statements in which the engine takes no parameters (all but queries).
    ///
    /// Numbers, booleans and strings become plain literals, everything else `CAST('…' AS type)`. A type that is not
    /// written as a type is refused with `INVALID_PARAMETER_TYPE`, since it comes from a client.
    pub fn inline(&self) -> Result<String, EngineError> {
        self.check_type()?;
        let Some(value) = &self.value else {
            return Ok(if self.is_void() {
                "NULL".to_owned()
            } else {
                format!("CAST(NULL AS {})", self.sql_type)
            });
        };
        Ok(match self.literal(value) {
            Some(literal::Value::Boolean(value)) => value.to_string().to_uppercase(),
            Some(literal::Value::Integer(value)) if value >= 0 => value.to_string(),
            Some(literal::Value::Long(value)) if value >= 0 => format!("{value}L"),
            Some(literal::Value::String(value)) => quote(&value),
            _ => format!("CAST({} AS {})", quote(value), self.sql_type),
        })
    }

    fn expression(&self) -> Result<Expression, EngineError> {
        self.check_type()?;
        let of = |value| Expression { kind: Some(expression::Kind::Literal(Literal { value: Some(value) })) };
        let cast = |expression| Expression {
            kind: Some(expression::Kind::Cast(Box::new(Cast {
                expression: Some(Box::new(expression)),
                sql_type: self.sql_type.clone(),
            }))),
        };
        let Some(value) = &self.value else {
            let null = of(literal::Value::Null(DataType { kind: Some(data_type::Kind::Null(Plain {})) }));
            return Ok(if self.is_void() { null } else { cast(null) });
        };
        Ok(self.literal(value).map_or_else(|| cast(of(literal::Value::String(value.clone()))), of))
    }

    /// The value as a literal of the protocol, where the text is one without doubt.
    fn literal(&self, value: &str) -> Option<literal::Value> {
        match self.sql_type.trim().to_ascii_uppercase().as_str() {
            "STRING" => Some(literal::Value::String(value.to_owned())),
            "INT" | "INTEGER" => value.trim().parse().ok().map(literal::Value::Integer),
            "BIGINT" | "LONG" => value.trim().parse().ok().map(literal::Value::Long),
            "DOUBLE" => value.trim().parse().ok().map(literal::Value::Double),
            "BOOLEAN" if value.eq_ignore_ascii_case("true") => Some(literal::Value::Boolean(true)),
            "BOOLEAN" if value.eq_ignore_ascii_case("false") => Some(literal::Value::Boolean(false)),
            _ => None,
        }
    }

    fn is_void(&self) -> bool {
        self.sql_type.trim().eq_ignore_ascii_case("VOID")
    }

    fn check_type(&self) -> Result<(), EngineError> {
        let plain = |character: char| character.is_ascii_alphanumeric() || " _(),<>:".contains(character);
        let first = self.sql_type.trim_start().chars().next();
        if self.sql_type.len() <= LONGEST_TYPE
            && first.is_some_and(|character| character.is_ascii_alphabetic())
            && self.sql_type.chars().all(plain)
            && balanced(&self.sql_type)
            && !(self.is_void() && self.value.is_some())
        {
            return Ok(());
        }
        Err(EngineError::of_us(
            "INVALID_PARAMETER_TYPE",
            "22023",
            &format!(
                "`{}` is not a type a parameter can have",
                self.sql_type.chars().take(80).collect::<String>()
            ),
        ))
    }
}

impl Parameters {
    pub(crate) fn bind(&self, query: &str) -> Result<Sql, EngineError> {
        let mut sql = Sql { query: query.to_owned(), ..Sql::default() };
        match self {
            Self::None => {}
            Self::Positional(values) => {
                sql.positional_arguments =
                    values.iter().map(Parameter::expression).collect::<Result<_, _>>()?;
            }
            Self::Named(values) => {
                for (name, value) in values {
                    sql.named_arguments.insert(name.clone(), value.expression()?);
                }
            }
        }
        Ok(sql)
    }
}

/// Whether no parenthesis closes what the text did not open: then it cannot end the `CAST(` it is put into.
fn balanced(text: &str) -> bool {
    let mut depth = 0_u32;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// A string literal that the engine reads back as exactly this text.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        if matches!(character, '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(sql_type: &str, value: Option<&str>) -> String {
        let parameter = Parameter { sql_type: sql_type.to_owned(), value: value.map(str::to_owned) };
        parameter.inline().unwrap_or_else(|error| error.class)
    }

    #[test]
    fn values_become_literals_of_their_type() {
        assert_eq!(inline("INT", Some("5")), "5");
        assert_eq!(inline("INT", Some("-5")), "CAST('-5' AS INT)");
        assert_eq!(inline("INT", Some("5 OR 1=1")), "CAST('5 OR 1=1' AS INT)");
        assert_eq!(inline("bigint", Some("5")), "5L");
        assert_eq!(inline("STRING", Some("it's \\ 'x'")), r"'it\'s \\ \'x\''");
        assert_eq!(inline("BOOLEAN", Some("True")), "TRUE");
        assert_eq!(inline("DECIMAL(10,2)", Some("1.50")), "CAST('1.50' AS DECIMAL(10,2))");
        assert_eq!(inline("VOID", None), "NULL");
        assert_eq!(inline("DATE", None), "CAST(NULL AS DATE)");
    }

    #[test]
    fn a_type_cannot_carry_sql() {
        for sql_type in ["INT) OR (1", "INT); DROP TABLE t --", "'x'", "", "INT`", "a\nb", "VOID"] {
            assert_eq!(inline(sql_type, Some("1")), "INVALID_PARAMETER_TYPE", "{sql_type}");
        }
    }
}
