//! Facets of a query: how often the values of a column occur among the rows that match.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::query::{compare, numbered};
use crate::error::ApiError;

/// Values that are told where no `TOP` says how many.
const TOP: usize = 10;

/// What is counted of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facet {
    pub(super) column: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// The values that occur most.
    Top(usize),
    /// Ranges of numbers, both ends within.
    Buckets(Vec<(Value, Value)>),
}

impl Facet {
    /// Reads `column`, `column TOP n` and `column BUCKETS [[from, to], …]`, as the API documents them.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        let wrong = || {
            ApiError::invalid(format!(
                "Facet '{text}' is none of '<column>', '<column> TOP <n>', '<column> BUCKETS [[from,to],...]'"
            ))
        };
        let (column, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let (word, argument) = rest.trim().split_once([' ', '[']).unwrap_or((rest.trim(), ""));
        let kind = match word.to_ascii_uppercase().as_str() {
            "" => Kind::Top(TOP),
            "TOP" => Kind::Top(argument.trim().parse().ok().filter(|&count| count > 0).ok_or_else(wrong)?),
            "BUCKETS" => {
                let list = rest.trim().get(word.len()..).unwrap_or_default();
                let ranges: Vec<(Value, Value)> = serde_json::from_str(list).map_err(|_| wrong())?;
                let are_ranges = ranges.iter().all(|(from, to)| from.is_number() && to.is_number());
                Kind::Buckets(Some(ranges).filter(|list| are_ranges && !list.is_empty()).ok_or_else(wrong)?)
            }
            _ => return Err(wrong()),
        };
        let column = Some(column).filter(|column| !column.is_empty()).ok_or_else(wrong)?;
        Ok(Self { column: column.to_owned(), kind })
    }

    /// Rows of the answer: the column, a value or range, and in how many of the rows it occurs.
    pub(super) fn count<'a>(&self, values: impl Iterator<Item = &'a Value>) -> Vec<Value> {
        // A list holds every one of its elements.
        let held = values.flat_map(|value| match value {
            Value::Array(list) => list.iter().collect(),
            value => vec![value],
        });
        let told = |value: Value, count: usize| json!([self.column, value, count]);
        match &self.kind {
            Kind::Top(most) => {
                let mut counts: HashMap<String, (&Value, usize)> = HashMap::new();
                for value in held.filter(|value| !value.is_null()) {
                    counts.entry(value.to_string()).or_insert((value, 0)).1 += 1;
                }
                let mut counts: Vec<(&Value, usize)> = counts.into_values().collect();
                counts.sort_by(|left, right| {
                    right.1.cmp(&left.1).then_with(|| compare(Some(left.0), Some(right.0)))
                });
                counts
                    .into_iter()
                    .take(*most)
                    .map(|(value, count)| told(numbered(value.clone()), count))
                    .collect()
            }
            Kind::Buckets(ranges) => {
                let numbers: Vec<f64> = held.filter_map(Value::as_f64).collect();
                let within = |from: &Value, to: &Value| {
                    let range = from.as_f64().unwrap_or(f64::NAN)..=to.as_f64().unwrap_or(f64::NAN);
                    numbers.iter().filter(|number| range.contains(number)).count()
                };
                ranges
                    .iter()
                    .map(|(from, to)| told(Value::from(format!("[{from},{to}]")), within(from, to)))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_and_others_refused() {
        let values = [json!("a"), json!("b"), json!("b"), Value::Null, json!(["a", "b"])];
        let counted = |facet: &str| Facet::read(facet).unwrap().count(values.iter());
        assert_eq!(counted("c"), [json!(["c", "b", 3]), json!(["c", "a", 2])]);
        assert_eq!(counted(" c  top 1 "), [json!(["c", "b", 3])]);
        let numbers = [json!(1), json!(2.5), json!(9)];
        let buckets = Facet::read("n buckets [[0,1],[1, 2.5],[10,20]]").unwrap().count(numbers.iter());
        assert_eq!(
            buckets,
            [json!(["n", "[0,1]", 1]), json!(["n", "[1,2.5]", 2]), json!(["n", "[10,20]", 0])]
        );
        for wrong in
            ["", "c TOP", "c TOP 0", "c TOP -1", "c BUCKETS", "c BUCKETS []", "c BUCKETS [[1]]", "c FIRST 3"]
        {
            assert!(Facet::read(wrong).is_err(), "{wrong}");
        }
    }
}
