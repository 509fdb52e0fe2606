//! Shapes of questions and answers: `OpenAI`'s doors, and what a Python function may return.

use serde_json::{Value, json};

/// One of `OpenAI`'s API paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Chat,
    Text,
    Embeddings,
    Responses,
}

impl Door {
    /// The door a body of `/invocations` fits, by its fields and the endpoint's task.
    pub(super) fn of(body: &Value, task: &str) -> Option<Self> {
        let has = |field: &str| body.get(field).is_some();
        if has("messages") {
            Some(Self::Chat)
        } else if has("prompt") {
            Some(Self::Text)
        } else if has("input") {
            Some(if task.contains("responses") { Self::Responses } else { Self::Embeddings })
        } else {
            None
        }
    }

    /// Path below the base URL of a compatible service.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Text => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
        }
    }
}

/// The answer to a question out of what a Python function returned: an object is sent as it is, a text becomes the
/// message the door stands for, anything else `{"predictions": …}`.
pub(super) fn answer(returned: Value, door: Option<Door>, endpoint: &str, id: &str, now: i64) -> Value {
    match (returned, door) {
        (Value::Object(object), _) => Value::Object(object),
        (Value::String(text), Some(Door::Chat)) => json!({
            "id": id, "object": "chat.completion", "created": now, "model": endpoint,
            "choices": [{
                "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text },
            }],
        }),
        (Value::String(text), Some(Door::Text)) => json!({
            "id": id, "object": "text_completion", "created": now, "model": endpoint,
            "choices": [{ "index": 0, "finish_reason": "stop", "text": text }],
        }),
        (Value::String(text), Some(Door::Responses)) => json!({
            "id": id, "object": "response", "created_at": now, "model": endpoint, "status": "completed",
            "output": [{
                "type": "message", "id": format!("msg_{id}"), "role": "assistant", "status": "completed",
                "content": [{ "type": "output_text", "text": text, "annotations": [] }],
            }],
        }),
        (Value::Array(vectors), Some(Door::Embeddings)) => {
            let data = vectors
                .into_iter()
                .enumerate()
                .map(|(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector }));
            json!({ "object": "list", "model": endpoint, "data": data.collect::<Vec<_>>() })
        }
        (other, _) => json!({ "predictions": other }),
    }
}

/// One piece of a streamed answer out of what a Python generator gave.
pub(super) fn piece(given: Value, door: Option<Door>, endpoint: &str, id: &str, now: i64) -> Value {
    match (given, door) {
        (Value::String(text), Some(Door::Chat)) => json!({
            "id": id, "object": "chat.completion.chunk", "created": now, "model": endpoint,
            "choices": [{
                "index": 0, "delta": { "role": "assistant", "content": text }, "finish_reason": null,
            }],
        }),
        (Value::String(text), Some(Door::Text)) => json!({
            "id": id, "object": "text_completion", "created": now, "model": endpoint,
            "choices": [{ "index": 0, "text": text, "finish_reason": null }],
        }),
        (Value::String(text), Some(Door::Responses)) => json!({
            "type": "response.output_text.delta", "item_id": format!("msg_{id}"), "output_index": 0,
            "content_index": 0, "delta": text,
        }),
        (other, _) => other,
    }
}

/// What a streamed answer begins with: a response says that it was made.
pub(super) fn first_piece(door: Option<Door>, endpoint: &str, id: &str, now: i64) -> Option<Value> {
    (door == Some(Door::Responses)).then(|| {
        let response = json!({
            "id": id, "object": "response", "created_at": now, "model": endpoint, "status": "in_progress",
            "output": [],
        });
        json!({ "type": "response.created", "response": response })
    })
}

/// What a streamed answer ends with: a chat says why it ended, a response gives the `whole` text once more.
pub(super) fn last_pieces(door: Option<Door>, whole: &str, endpoint: &str, id: &str, now: i64) -> Vec<Value> {
    match door {
        Some(Door::Chat) => vec![json!({
            "id": id, "object": "chat.completion.chunk", "created": now, "model": endpoint,
            "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }],
        })],
        Some(Door::Responses) => {
            let response = answer(Value::String(whole.to_owned()), door, endpoint, id, now);
            let item = response["output"][0].clone();
            vec![
                json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
                json!({ "type": "response.completed", "response": response }),
            ]
        }
        _ => Vec::new(),
    }
}

/// A server-sent event.
pub(super) fn event(piece: &Value) -> String {
    format!("data: {piece}\n\n")
}

/// The end of a stream of events.
pub(super) const DONE: &str = "data: [DONE]\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_finds_its_door() {
        for (body, task, door) in [
            (json!({ "messages": [] }), "", Some(Door::Chat)),
            (json!({ "prompt": "x" }), "", Some(Door::Text)),
            (json!({ "input": "x" }), "llm/v1/embeddings", Some(Door::Embeddings)),
            (json!({ "input": [] }), "agent/v1/responses", Some(Door::Responses)),
            (json!({ "dataframe_records": [] }), "", None),
        ] {
            assert_eq!(Door::of(&body, task), door, "{body}");
        }
    }

    #[test]
    fn returned_values_take_the_shape_of_their_door() {
        let text = answer(json!("hi"), Some(Door::Chat), "e", "1", 0);
        assert_eq!(text["choices"][0]["message"]["content"], "hi");
        assert_eq!(answer(json!([1, 2]), None, "e", "1", 0), json!({ "predictions": [1, 2] }));
        assert_eq!(answer(json!({ "a": 1 }), Some(Door::Chat), "e", "1", 0), json!({ "a": 1 }));
        let vectors = answer(json!([[1.0], [2.0]]), Some(Door::Embeddings), "e", "1", 0);
        assert_eq!(vectors["data"][1]["embedding"], json!([2.0]));
    }
}
