use serde_json::{Map, Value};

use super::tool;
use crate::failure::Failure;
use crate::ops::deploy::Tell;

/// The arguments of a call.
pub(super) struct Call {
    arguments: Map<String, Value>,
    /// Where the work tells of itself.
    pub(super) tell: Tell,
}

impl Call {
    /// Takes the arguments of a tool: those it knows, each as the kind of value it is.
    ///
    /// Agents write numbers and answers as text, and `null` for what they leave out. A name that is not known is refused:
    /// passed over, it would let the default happen that the agent did not want.
    pub(super) fn of(tool: &str, arguments: Map<String, Value>, tell: Tell) -> Result<Self, Failure> {
        let tool = tool::ALL
            .iter()
            .find(|known| known.name == tool)
            .ok_or_else(|| Failure::user(format!("There is no tool `{tool}`")))?;
        let none = Map::new();
        let known = tool.input_schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let mut taken = Map::new();
        for (name, value) in arguments.into_iter().filter(|(_, value)| !value.is_null()) {
            let schema = known.get(&name).ok_or_else(|| {
                let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
                let names = if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") };
                Failure::user(format!("`{}` has no argument `{name}`", tool.name))
                    .hint(format!("it takes {names}"))
            })?;
            let value = converted(schema, value).map_err(|wanted| {
                Failure::user(format!("The argument `{name}` of `{}` is not {wanted}", tool.name))
            })?;
            taken.insert(name, value);
        }
        Ok(Self { arguments: taken, tell })
    }

    /// A text argument, if it is given and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text argument the tool cannot do without.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| Failure::user(format!("The argument `{name}` is missing")))
    }

    /// One of a few words, each standing for a value.
    pub(super) fn choice<T>(
        &self,
        name: &str,
        from: impl Fn(&str) -> Option<T>,
        default: T,
    ) -> Result<T, Failure> {
        let Some(word) = self.text(name) else { return Ok(default) };
        from(word).ok_or_else(|| Failure::user(format!("`{word}` is no `{name}`")))
    }

    /// Several texts.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        self.arguments
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// A number of things.
    pub(super) fn number(&self, name: &str, default: u64) -> u64 {
        self.arguments.get(name).and_then(Value::as_u64).unwrap_or(default)
    }

    /// A yes or no.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.arguments.get(name).and_then(Value::as_bool).unwrap_or(default)
    }
}

/// The value as its schema wants it, or in words what it should have been.
fn converted(schema: &Value, value: Value) -> Result<Value, &'static str> {
    match schema["type"].as_str().unwrap_or_default() {
        "boolean" => match &value {
            Value::Bool(_) => Ok(value),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            _ => Err("true or false"),
        },
        "integer" => {
            let whole = match &value {
                Value::String(text) => text.trim().parse().ok(),
                // Some clients know numbers with a fraction alone: 10.0.
                _ => value.as_u64().or_else(|| value.to_string().strip_suffix(".0")?.parse().ok()),
            };
            let least = schema["minimum"].as_u64().unwrap_or_default();
            whole.filter(|number| *number >= least).map(Value::from).ok_or("a whole number of at least 1")
        }
        "array" => match value {
            Value::Array(ref entries) if entries.iter().all(Value::is_string) => Ok(value),
            Value::String(text) => match serde_json::from_str::<Vec<String>>(&text) {
                Ok(entries) => Ok(entries.into()),
                Err(_) => Ok(vec![text].into()),
            },
            _ => Err("a list of texts"),
        },
        _ if value.is_string() => Ok(value),
        _ => Err("a text"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn taken(tool: &str, arguments: Value) -> Result<Value, String> {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        Call::of(tool, arguments, Arc::new(|_| {}))
            .map(|call| Value::Object(call.arguments))
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_agents_write_is_taken_as_what_it_means() {
        let log =
            taken("read_app_log", json!({ "name": "a", "lines": "5", "search": null, "sources": "APP" }));
        assert_eq!(log, Ok(json!({ "name": "a", "lines": 5, "sources": ["APP"] })));
        let log = taken("read_app_log", json!({ "lines": 5.0, "sources": "[\"APP\", \"BUILD\"]" }));
        assert_eq!(log, Ok(json!({ "lines": 5, "sources": ["APP", "BUILD"] })));
        let plan = taken("deploy_app", json!({ "path": ".", "dry_run": "True" }));
        assert_eq!(plan, Ok(json!({ "path": ".", "dry_run": true })));
        for (tool, wrong) in [
            ("deploy_app", json!({ "path": ".", "dryrun": true })),
            ("deploy_app", json!({ "path": ["."] })),
            ("deploy_app", json!({ "path": ".", "dry_run": "yes please" })),
            ("read_app_log", json!({ "lines": 0 })),
            ("read_app_log", json!({ "lines": 1.5 })),
            ("read_app_log", json!({ "sources": [1] })),
            ("list_resources", json!({ "all": true })),
        ] {
            assert!(taken(tool, wrong.clone()).is_err(), "{tool} {wrong}");
        }
    }
}
