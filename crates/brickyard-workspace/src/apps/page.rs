use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Entries of a page where nobody says how many, and at most.
const USUAL: usize = 100;

/// Which part of a list is asked for.
#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    page_size: Option<usize>,
    #[serde(default)]
    page_token: Option<String>,
}

/// A page of a list in the order of its keys; the token is the key that comes next.
pub(super) fn page<T: Serialize>(field: &str, all: Vec<(String, T)>, asked: &Page) -> Value {
    let start = match &asked.page_token {
        Some(token) => all.partition_point(|(key, _)| key.as_str() < token.as_str()),
        None => 0,
    };
    let size = asked.page_size.filter(|size| *size > 0).unwrap_or(USUAL).min(USUAL);
    let end = all.len().min(start + size);
    let next = all.get(end).map(|(key, _)| key.clone());
    let entries: Vec<T> = all.into_iter().skip(start).take(end - start).map(|(_, entry)| entry).collect();
    let mut answer = json!({ field: entries });
    if let Some(next) = next {
        answer["next_page_token"] = json!(next);
    }
    answer
}
