use serde_json::Value;

/// A SCIM filter (RFC 7644 §3.4.2.2) of comparisons joined by `and` and `or`, as clients send them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// One of these must hold, each of whose comparisons must hold.
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Comparison {
    attribute: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Present,
}

/// Longest filter that is read, in bytes.
const LONGEST: usize = 4096;

impl Filter {
    /// Reads `userName eq "ada@example.com" and active eq true`; the error is a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("The filter is longer than {LONGEST} bytes"));
        }
        let mut words = words(text)?.into_iter().peekable();
        let mut alternatives = vec![Vec::new()];
        loop {
            let attribute = words.next().ok_or("The filter ends where an attribute is expected")?;
            let operator = words.next().ok_or_else(|| format!("`{attribute}` is compared with nothing"))?;
            let operator = match operator.to_ascii_lowercase().as_str() {
                "eq" => Operator::Equal,
                "ne" => Operator::NotEqual,
                "co" => Operator::Contains,
                "sw" => Operator::StartsWith,
                "ew" => Operator::EndsWith,
                "pr" => Operator::Present,
                other => return Err(format!("The operator `{other}` is not supported")),
            };
            let value = if operator == Operator::Present {
                String::new()
            } else {
                words.next().ok_or_else(|| format!("`{attribute}` is compared with nothing"))?
            };
            if let Some(last) = alternatives.last_mut() {
                last.push(Comparison { attribute, operator, value });
            }
            match words.next().map(|word| word.to_ascii_lowercase()).as_deref() {
                None => return Ok(Self { alternatives }),
                Some("and") => {}
                Some("or") => alternatives.push(Vec::new()),
                Some(other) => return Err(format!("`{other}` stands where `and` or `or` is expected")),
            }
        }
    }

    /// Whether a resource fits.
    pub(super) fn accepts(&self, resource: &Value) -> bool {
        self.alternatives.iter().any(|all| all.iter().all(|comparison| comparison.holds(resource)))
    }
}

impl Comparison {
    fn holds(&self, resource: &Value) -> bool {
        let found = attribute(resource, &self.attribute).map(|found| found.to_lowercase());
        let value = self.value.to_lowercase();
        match (self.operator, found) {
            (Operator::Present, found) => found.is_some(),
            (Operator::NotEqual, found) => found.as_ref() != Some(&value),
            (_, None) => false,
            (Operator::Equal, Some(found)) => found == value,
            (Operator::Contains, Some(found)) => found.contains(&value),
            (Operator::StartsWith, Some(found)) => found.starts_with(&value),
            (Operator::EndsWith, Some(found)) => found.ends_with(&value),
        }
    }
}

/// The text of an attribute, addressed in any case; `emails.value` looks into the first element.
pub(super) fn attribute(resource: &Value, path: &str) -> Option<String> {
    let mut value = resource;
    for name in path.split('.') {
        let object = match value {
            Value::Array(elements) => elements.first()?,
            other => other,
        };
        value = object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1;
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (word, after) = if let Some(quote) = quote {
            let mut word = String::new();
            let mut characters = rest[1..].char_indices();
            let end = loop {
                match characters.next() {
                    None => return Err("A quoted value has no end".to_owned()),
                    Some((_, '\\')) => word.extend(characters.next().map(|(_, escaped)| escaped)),
                    Some((index, character)) if character == quote => break index + 2,
                    Some((_, character)) => word.push(character),
                }
            };
            (word, &rest[end..])
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn comparisons_hold_in_any_case() {
        let ada = json!({ "userName": "Ada@example.com", "active": true, "emails": [{ "value": "a@b" }] });
        for (filter, holds) in [
            (r#"userName eq "ada@example.com""#, true),
            (r#"username EQ "ADA@example.com""#, true),
            ("userName eq 'eve@example.com'", false),
            (r#"userName sw "ada" and active eq true"#, true),
            (r#"userName eq "eve" or userName co "example""#, true),
            (r#"emails.value eq "a@b""#, true),
            ("externalId pr", false),
            (r#"userName ne "eve""#, true),
            (r#"userName eq "a\"b""#, false),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().accepts(&ada), holds, "{filter}");
        }
    }

    #[test]
    fn a_bad_filter_is_a_sentence() {
        for filter in
            ["", "userName", "userName eq", r#"userName eq "x"#, "a gt 1", "a eq 1 xor b eq 2", "a eq 1 and"]
        {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
