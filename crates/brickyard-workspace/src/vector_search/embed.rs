use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Texts that a model is given at once.
const AT_ONCE: usize = 64;

/// The vectors a serving endpoint makes of texts, in their order; asked for as the owner of the index.
pub(super) async fn vectors(
    workspace: &Workspace,
    owner: &str,
    model: &str,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, ApiError> {
    let caller = Caller::acting(workspace, owner)?;
    let mut vectors = Vec::with_capacity(texts.len());
    for part in texts.chunks(AT_ONCE) {
        let answer = workspace.ask_model(&caller, model, json!({ "input": part })).await?;
        let malformed = || {
            ApiError::invalid(format!(
                "The endpoint '{model}' did not answer with an embedding for each text"
            ))
        };
        let data = answer["data"].as_array().filter(|data| data.len() == part.len());
        for item in data.ok_or_else(malformed)? {
            vectors.push(numbers(&item["embedding"]).ok_or_else(malformed)?);
        }
    }
    Ok(vectors)
}

/// A list of finite numbers.
pub(super) fn numbers(value: &Value) -> Option<Vec<f32>> {
    let number = |value: &Value| {
        #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in single precision")]
        let number = value.as_f64()? as f32;
        number.is_finite().then_some(number)
    };
    value.as_array()?.iter().map(number).collect()
}
