//! Filters of a query, in the two dialects clients send: an object of `column operator` keys, and SQL's conditions.

mod reader;

use brickyard_sql::{TokenKind, tokenize};
use serde_json::{Map, Value};

use reader::Reader;

use crate::catalog::like;
use crate::error::ApiError;

/// Deepest nesting of conditions.
const DEEPEST: usize = 64;

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare(String, Comparison, Value),
    In(String, Vec<Value>),
    /// SQL's `LIKE`.
    Like(String, String),
    /// One of the words of the text.
    Word(String, String),
    Null(String),
}

/// How a column stands to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Reads an object such as `{"price <": 10, "color NOT": "red", "a OR b": [1, 2], "title LIKE": "word"}`.
    pub(super) fn from_object(object: &Map<String, Value>) -> Result<Self, ApiError> {
        let mut all = Vec::new();
        for (key, value) in object {
            let words: Vec<&str> = key.split_whitespace().collect();
            let sides: Vec<&[&str]> = words.split(|word| word.eq_ignore_ascii_case("or")).collect();
            if let [side] = sides.as_slice() {
                all.push(condition(side, value)?);
                continue;
            }
            let values = value.as_array().filter(|values| values.len() == sides.len());
            let values = values.ok_or_else(|| {
                ApiError::invalid(format!("Filter `{key}` needs a list with a value for each of its columns"))
            })?;
            let any = sides.iter().zip(values).map(|(side, value)| condition(side, value));
            all.push(Self::Any(any.collect::<Result<_, _>>()?));
        }
        Ok(Self::All(all))
    }

    /// Reads a condition as SQL's `WHERE` has it.
    pub(super) fn from_sql(text: &str) -> Result<Self, ApiError> {
        let tokens = tokenize(text).map_err(|error| ApiError::invalid(error.message))?;
        let tokens: Vec<(TokenKind, &str)> = tokens
            .into_iter()
            .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
            .map(|token| (token.kind, token.span.of(text)))
            .collect();
        let mut reader = Reader { tokens, at: 0 };
        let filter = reader.any(0)?;
        if reader.at < reader.tokens.len() {
            return Err(reader.unexpected());
        }
        Ok(filter)
    }

    /// Names of the columns it looks at.
    pub(super) fn columns<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.columns(found)),
            Self::Not(inner) => inner.columns(found),
            Self::Compare(column, ..)
            | Self::In(column, _)
            | Self::Like(column, _)
            | Self::Word(column, _)
            | Self::Null(column) => found.push(column),
        }
    }

    /// Whether a row is wanted; a comparison with a null is not true, as in SQL.
    pub(super) fn fits(&self, row: &Map<String, Value>) -> bool {
        self.decide(row) == Some(true)
    }

    fn decide(&self, row: &Map<String, Value>) -> Option<bool> {
        let value = |column: &str| row.get(column).filter(|value| !value.is_null());
        match self {
            Self::All(parts) => {
                let mut answer = Some(true);
                for part in parts {
                    match part.decide(row) {
                        Some(false) => return Some(false),
                        None => answer = None,
                        Some(true) => {}
                    }
                }
                answer
            }
            Self::Any(parts) => {
                let mut answer = Some(false);
                for part in parts {
                    match part.decide(row) {
                        Some(true) => return Some(true),
                        None => answer = None,
                        Some(false) => {}
                    }
                }
                answer
            }
            Self::Not(inner) => inner.decide(row).map(|answer| !answer),
            Self::Compare(column, comparison, wanted) => {
                let order = order(value(column)?, wanted)?;
                Some(match comparison {
                    Comparison::Equal => order.is_eq(),
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                })
            }
            Self::In(column, wanted) => {
                let held = value(column)?;
                Some(wanted.iter().any(|wanted| order(held, wanted).is_some_and(std::cmp::Ordering::is_eq)))
            }
            Self::Like(column, pattern) => {
                let text = value(column)?.as_str()?;
                // `like` knows no case; SQL's does.
                Some(like(pattern, text) && cased(pattern, text))
            }
            Self::Word(column, word) => {
                let text = value(column)?.as_str()?;
                let mut wanted = word.split_whitespace();
                Some(wanted.all(|word| text.split_whitespace().any(|held| held == word)))
            }
            Self::Null(column) => Some(value(column).is_none()),
        }
    }
}

/// Whether the letters of a pattern stand in the text as they are written, in their order.
fn cased(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    pattern.split(['%', '_', '\\']).filter(|piece| !piece.is_empty()).all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

/// How two values stand to each other: numbers by size, texts by their letters, a list by its first equal element.
fn order(held: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering;
    match (held, wanted) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Array(parts), _) => {
            let equal = parts.iter().any(|part| order(part, wanted) == Some(Ordering::Equal));
            equal.then_some(Ordering::Equal)
        }
        _ => None,
    }
}

/// `column`, `column NOT`, `column <`, `column LIKE`, `column NOT LIKE` and the value beside it.
fn condition(words: &[&str], value: &Value) -> Result<Filter, ApiError> {
    let unknown = || ApiError::invalid(format!("Filter `{}` is not understood", words.join(" ")));
    let [column, operators @ ..] = words else { return Err(unknown()) };
    let operators: Vec<String> = operators.iter().map(|word| word.to_ascii_uppercase()).collect();
    let operators: Vec<&str> = operators.iter().map(String::as_str).collect();
    let column = (*column).to_owned();
    let equal = |value: &Value| match value {
        Value::Array(values) => Filter::In(column.clone(), values.clone()),
        Value::Null => Filter::Null(column.clone()),
        value => Filter::Compare(column.clone(), Comparison::Equal, value.clone()),
    };
    let word = || {
        let text = value.as_str().map(str::to_owned).ok_or_else(unknown)?;
        Ok::<_, ApiError>(Filter::Word(column.clone(), text))
    };
    let compare = |comparison| Filter::Compare(column.clone(), comparison, value.clone());
    Ok(match operators.as_slice() {
        [] | ["="] => equal(value),
        ["NOT" | "!="] => Filter::Not(Box::new(equal(value))),
        ["<"] => compare(Comparison::Less),
        ["<="] => compare(Comparison::LessOrEqual),
        [">"] => compare(Comparison::Greater),
        [">="] => compare(Comparison::GreaterOrEqual),
        ["LIKE"] => word()?,
        ["NOT", "LIKE"] => Filter::Not(Box::new(word()?)),
        _ => return Err(unknown()),
    })
}

fn negated(filter: Filter, not: bool) -> Filter {
    if not { Filter::Not(Box::new(filter)) } else { filter }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Map<String, Value> {
        let row =
            json!({ "id": 7, "color": "red", "title": "apple pear", "price": 2.5, "none": null, "ok": true });
        row.as_object().unwrap().clone()
    }

    #[test]
    fn objects_are_read_as_the_platform_documents_them() {
        for (filter, fits) in [
            (json!({ "id": 7 }), true),
            (json!({ "id": [1, 7] }), true),
            (json!({ "id NOT": 7 }), false),
            (json!({ "id NOT": [1, 2] }), true),
            (json!({ "price <": 3, "price >=": 2.5 }), true),
            (json!({ "price >": 2.5 }), false),
            (json!({ "color OR title": ["blue", "apple pear"] }), true),
            (json!({ "title LIKE": "apple" }), true),
            (json!({ "title LIKE": "app" }), false),
            (json!({ "title NOT LIKE": "plum" }), true),
            (json!({ "none": 1 }), false),
            (json!({ "none NOT": 1 }), false),
        ] {
            let read = Filter::from_object(filter.as_object().unwrap()).unwrap();
            assert_eq!(read.fits(&row()), fits, "{filter}");
        }
        for wrong in [json!({ "id ~": 7 }), json!({ "": 1 }), json!({ "a OR b": [1] })] {
            assert!(Filter::from_object(wrong.as_object().unwrap()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn conditions_are_read_as_sql_has_them() {
        for (filter, fits) in [
            ("id = 7 AND color = 'red'", true),
            ("id = 8 OR (color IN ('red', 'blue') AND NOT price > 3)", true),
            ("`title` LIKE 'apple%'", true),
            ("title LIKE 'APPLE%'", false),
            ("title NOT LIKE '%plum%'", true),
            ("price BETWEEN 2 AND 2.5", true),
            ("none IS NULL AND id IS NOT NULL", true),
            ("none = 1 OR id <> 7", false),
            ("id > -1 AND ok = TRUE", true),
        ] {
            assert_eq!(Filter::from_sql(filter).unwrap().fits(&row()), fits, "{filter}");
        }
        for wrong in ["", "id", "id =", "id = 7 id", "(id = 7", "id NOT 7", "id = (SELECT 1)", "1 = 1"] {
            assert!(Filter::from_sql(wrong).is_err(), "{wrong}");
        }
        assert!(Filter::from_sql(&"(".repeat(10_000)).is_err());
        assert!(Filter::from_sql(&"NOT ".repeat(10_000)).is_err());
    }
}
