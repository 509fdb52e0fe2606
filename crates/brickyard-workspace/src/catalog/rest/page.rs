use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::error::ApiError;

/// Most things in one answer when the caller names a number.
const LARGEST: usize = 1000;

/// Which part of a list is asked for. Without `max_results` the answer is the whole list; 0 lets the server choose.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Paging {
    max_results: Option<String>,
    page_token: Option<String>,
}

impl Paging {
    /// Cuts the page out of a list sorted by name: the answer `{KEY: […], "next_page_token"?}`.
    pub(super) fn cut(
        &self,
        key: &str,
        items: Vec<(String, impl FnOnce() -> Result<Value, ApiError>)>,
    ) -> Result<Value, ApiError> {
        let size = match self.max_results.as_deref().filter(|text| !text.is_empty()) {
            None => usize::MAX,
            Some(text) => match text.parse::<i64>() {
                Ok(0) => LARGEST,
                Ok(number) if number > 0 => usize::try_from(number).unwrap_or(LARGEST).min(LARGEST),
                _ => return Err(ApiError::invalid(format!("max_results must not be negative: {text}"))),
            },
        };
        let after = match self.page_token.as_deref().filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => {
                let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|name| String::from_utf8(name).ok());
                Some(name.ok_or_else(|| ApiError::invalid("page_token is not one of this list"))?)
            }
        };
        let mut rest = items
            .into_iter()
            .skip_while(|(name, _)| after.as_ref().is_some_and(|after| name <= after))
            .peekable();
        let mut page = Vec::new();
        let mut last = String::new();
        while page.len() < size {
            let Some((name, item)) = rest.next() else { break };
            page.push(item()?);
            last = name;
        }
        let mut answer = serde_json::Map::new();
        answer.insert(key.to_owned(), Value::from(page));
        if rest.peek().is_some() {
            answer.insert("next_page_token".to_owned(), URL_SAFE_NO_PAD.encode(last).into());
        }
        Ok(answer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(max_results: Option<&str>, page_token: Option<&str>) -> Value {
        let paging =
            Paging { max_results: max_results.map(str::to_owned), page_token: page_token.map(str::to_owned) };
        let items = ["a", "b", "c"].map(|name| (name.to_owned(), move || Ok(Value::from(name))));
        paging.cut("names", items.into()).unwrap_or_else(|error| error.code.into())
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let first = cut(Some("2"), None);
        assert_eq!(first["names"], serde_json::json!(["a", "b"]));
        let second = cut(Some("2"), first["next_page_token"].as_str());
        assert_eq!(second, serde_json::json!({ "names": ["c"] }));
        assert_eq!(cut(None, None)["names"].as_array().unwrap().len(), 3);
        assert_eq!(cut(Some("0"), Some(""))["names"].as_array().unwrap().len(), 3);
        assert_eq!(cut(Some("-1"), None), "INVALID_PARAMETER_VALUE");
        assert_eq!(cut(None, Some("%")), "INVALID_PARAMETER_VALUE");
    }
}
