//! The filter language of MLflow's searches: comparisons joined by `and`.

use std::cmp::Ordering;

use serde_json::Value;

use crate::error::ApiError;

/// Longest filter, in bytes.
const LONGEST: usize = 16 * 1024;

/// Comparisons that must all hold.
#[derive(Debug, PartialEq)]
pub(super) struct Filter {
    comparisons: Vec<Comparison>,
}

#[derive(Debug, PartialEq)]
struct Comparison {
    kind: String,
    key: String,
    operator: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Sign(String),
}

impl Filter {
    /// Reads `metrics.rmse < 1 and params.model = 'tree'`; an empty text accepts everything.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.len() > LONGEST {
            return Err(ApiError::invalid("The filter is too long"));
        }
        let bad = || ApiError::invalid(format!("Invalid filter string: {text}"));
        let words = words(text).ok_or_else(bad)?;
        let mut comparisons = Vec::new();
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let [Word::Name(name), more @ ..] = rest else { return Err(bad()) };
            let (kind, key) = field(name)?;
            let (operator, more) = match more {
                [Word::Sign(sign), more @ ..] if sign != "(" && sign != ")" && sign != "," => {
                    (sign.clone(), more)
                }
                [Word::Name(word), more @ ..] => (word.to_uppercase(), more),
                _ => return Err(bad()),
            };
            let (values, more) = if operator == "IN" {
                let close =
                    more.iter().position(|word| *word == Word::Sign(")".to_owned())).ok_or_else(bad)?;
                let inside = more[..close].iter().filter(|word| !matches!(word, Word::Sign(_)));
                (inside.map(literal).collect(), &more[close + 1..])
            } else if ["=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE"].contains(&operator.as_str()) {
                let [value @ (Word::Name(_) | Word::Text(_)), more @ ..] = more else { return Err(bad()) };
                (vec![literal(value)], more)
            } else {
                return Err(bad());
            };
            comparisons.push(Comparison { kind, key, operator, values });
            rest = match more {
                [] => more,
                [Word::Name(and), more @ ..] if and.eq_ignore_ascii_case("and") && !more.is_empty() => more,
                _ => return Err(bad()),
            };
        }
        Ok(Self { comparisons })
    }

    /// Whether a thing with these values fits; what it does not have fits nothing.
    pub(super) fn accepts(&self, value: impl Fn(&str, &str) -> Option<Value>) -> bool {
        self.comparisons.iter().all(|comparison| {
            value(&comparison.kind, &comparison.key).is_some_and(|found| comparison.holds(&found))
        })
    }
}

impl Comparison {
    fn holds(&self, found: &Value) -> bool {
        let first = self.values.first().unwrap_or(&Value::Null);
        let ordering = || compare(found, first);
        match self.operator.as_str() {
            "=" => ordering().is_eq(),
            "!=" => ordering().is_ne(),
            ">" => ordering().is_gt(),
            ">=" => ordering().is_ge(),
            "<" => ordering().is_lt(),
            "<=" => ordering().is_le(),
            "IN" => self.values.iter().any(|value| compare(found, value).is_eq()),
            "LIKE" => like(&text(found), &text(first)),
            _ => like(&text(found).to_lowercase(), &text(first).to_lowercase()),
        }
    }
}

/// Kind and name of a field such as ``metrics.`f 1` ``; a bare name is an attribute.
pub(super) fn field(name: &str) -> Result<(String, String), ApiError> {
    let (kind, key) = name.split_once('.').unwrap_or(("attributes", name));
    let kind = match kind.to_lowercase().as_str() {
        "metric" | "metrics" => "metrics",
        "param" | "params" | "parameter" | "parameters" => "params",
        "tag" | "tags" => "tags",
        "attribute" | "attributes" | "attr" | "run" | "trace" => "attributes",
        "metadata" | "request_metadata" => "metadata",
        _ => return Err(ApiError::invalid(format!("Invalid entity type '{kind}' in '{name}'"))),
    };
    Ok((kind.to_owned(), key.trim_matches(['`', '"']).to_owned()))
}

/// Orders numbers as numbers and texts as texts.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (number(left), number(right)) {
        (Some(left), Some(right)) if left.is_number() || right.is_number() => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        _ => text(left).cmp(&text(right)),
    }
}

/// The value as a number, texts being read where the other side is a number.
fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// SQL's `LIKE`: `%` for any text, `_` for one character.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut with, mut star) = (0, 0, None);
    while at < text.len() {
        if with < pattern.len() && pattern[with] == '%' {
            star = Some((with, at));
            with += 1;
        } else if with < pattern.len() && (pattern[with] == '_' || pattern[with] == text[at]) {
            (at, with) = (at + 1, with + 1);
        } else if let Some((position, from)) = star {
            star = Some((position, from + 1));
            (at, with) = (from + 1, position + 1);
        } else {
            return false;
        }
    }
    pattern[with..].iter().all(|&character| character == '%')
}

fn literal(word: &Word) -> Value {
    match word {
        Word::Text(text) => Value::String(text.clone()),
        Word::Name(name) | Word::Sign(name) => match name.parse::<f64>() {
            Ok(number) => serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number),
            Err(_) => Value::String(name.clone()),
        },
    }
}

fn words(text: &str) -> Option<Vec<Word>> {
    let characters: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        let character = characters[at];
        if character.is_whitespace() {
            at += 1;
        } else if matches!(character, '\'' | '"') {
            let length = characters[at + 1..].iter().position(|&other| other == character)?;
            words.push(Word::Text(characters[at + 1..at + 1 + length].iter().collect()));
            at += length + 2;
        } else if "=!<>(),".contains(character) {
            let two: String = characters[at..(at + 2).min(characters.len())].iter().collect();
            let sign = if ["!=", ">=", "<="].contains(&two.as_str()) { two } else { character.to_string() };
            at += sign.len();
            words.push(Word::Sign(sign));
        } else {
            let start = at;
            let mut quote = None;
            while at < characters.len() {
                let here = characters[at];
                match quote {
                    Some(open) if here == open => quote = None,
                    None if matches!(here, '`' | '"') => quote = Some(here),
                    None if here.is_whitespace() || "=!<>(),".contains(here) => break,
                    Some(_) | None => {}
                }
                at += 1;
            }
            if quote.is_some() {
                return None;
            }
            words.push(Word::Name(characters[start..at].iter().collect()));
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(filter: &str) -> bool {
        Filter::parse(filter).unwrap().accepts(|kind, key| match (kind, key) {
            ("metrics", "f 1") => Some(json!(0.5)),
            ("metrics", "n") => Some(json!(10)),
            ("params", "model") => Some(json!("Tree")),
            ("attributes", "status") => Some(json!("FINISHED")),
            _ => None,
        })
    }

    #[test]
    fn comparisons_hold() {
        for (filter, holds) in [
            ("", true),
            ("metrics.n > 9", true),
            ("metrics.n>=10 and metric.`f 1` < 0.6", true),
            ("metrics.n < 9", false),
            ("params.model = 'Tree'", true),
            ("params.model LIKE 'T%e'", true),
            ("params.model LIKE 't%'", false),
            ("params.model ILIKE 't_ee'", true),
            ("status = \"FINISHED\" AND attributes.status != 'FAILED'", true),
            ("attributes.status IN ('FAILED', 'FINISHED')", true),
            ("tags.absent = 'x'", false),
        ] {
            assert_eq!(accepts(filter), holds, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for filter in [
            "metrics.n",
            "metrics.n >",
            "x.y = 1",
            "metrics.n = 1 or metrics.n = 2",
            "a = 'x",
            "and",
            "a = 1 and",
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
