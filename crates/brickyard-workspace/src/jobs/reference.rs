//! `{{references}}` in the settings of tasks.

use serde_json::{Map, Value};

use super::record::TaskRun;

/// Puts values in place of `{{references}}` in every text; an unknown one stays as it is.
pub(super) fn fill_in(value: &mut Value, find: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            let mut filled = String::new();
            let mut rest = text.as_str();
            while let Some((before, inside)) = rest.split_once("{{") {
                filled.push_str(before);
                if let Some((reference, after)) = inside.split_once("}}") {
                    match find(reference.trim()) {
                        Some(value) => filled.push_str(&value),
                        None => filled.push_str(&format!("{{{{{reference}}}}}")),
                    }
                    rest = after;
                } else {
                    filled.push_str("{{");
                    rest = inside;
                }
            }
            filled.push_str(rest);
            *text = filled;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, find)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_in(field, find)),
        _ => {}
    }
}

/// What a task sees of those before it: `tasks.KEY.values.NAME` and `tasks.KEY.result_state`.
pub(super) fn of_tasks(tasks: &[TaskRun], reference: &str) -> Option<String> {
    let (key, wanted) = reference.strip_prefix("tasks.")?.split_once('.')?;
    let task = tasks.iter().find(|task| task.task_key == key)?;
    match wanted.split_once('.') {
        None if wanted == "result_state" => task.phase.result().map(str::to_ascii_lowercase),
        Some(("values", name)) => task.values.get(name).map(text),
        _ => None,
    }
}

/// `input` and `input.FIELD` of one iteration.
pub(super) fn of_input(input: &Value, reference: &str) -> Option<String> {
    match reference.strip_prefix("input")? {
        "" => Some(text(input)),
        field => input.get(field.strip_prefix('.')?).map(text),
    }
}

/// Values that tasks have set, by task and name.
pub(super) fn values(tasks: &[TaskRun]) -> Map<String, Value> {
    tasks.iter().map(|task| (task.task_key.clone(), Value::Object(task.values.clone()))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_filled_in_and_unknown_ones_stay() {
        let mut value = json!({ "parameters": ["--day={{ job.parameters.day }}", "{{x}}", "{{", "a}}b"] });
        fill_in(&mut value, &|name| (name == "job.parameters.day").then(|| "monday".to_owned()));
        assert_eq!(value["parameters"], json!(["--day=monday", "{{x}}", "{{", "a}}b"]));
    }

    #[test]
    fn an_input_is_whole_or_a_field_of_it() {
        let input = json!({ "day": "monday", "n": 2 });
        assert_eq!(of_input(&input, "input.day").as_deref(), Some("monday"));
        assert_eq!(of_input(&input, "input.n").as_deref(), Some("2"));
        assert_eq!(of_input(&json!("x"), "input").as_deref(), Some("x"));
        assert_eq!(of_input(&input, "inputs"), None);
    }
}
