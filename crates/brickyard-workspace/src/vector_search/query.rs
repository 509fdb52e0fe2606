use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::facets::Facet;
use super::filter::Filter;
use super::record::IndexRecord;
use super::rows::Rows;
use super::words::fuse;
use super::write::{blocking, opened};
use super::{embed, endpoints, indexes, sync};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Rows of an answer at most, and of one in which words count.
const MOST: usize = 10_000;
const MOST_BY_WORDS: usize = 200;

/// Candidates that each side of a hybrid search brings at least.
const DEPTH: usize = 100;

/// What is searched for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    pub(crate) columns: Vec<String>,
    pub(crate) num_results: Option<usize>,
    pub(crate) query_text: Option<String>,
    pub(crate) query_vector: Option<Value>,
    pub(crate) query_type: Option<String>,
    /// An object as text.
    pub(crate) filters_json: Option<String>,
    pub(crate) filter_string: Option<String>,
    pub(crate) score_threshold: Option<f64>,
    pub(crate) query_columns: Option<Vec<String>>,
    pub(crate) sort_columns: Option<Vec<String>>,
    pub(crate) facets: Option<Vec<String>>,
    pub(crate) reranker: Option<Value>,
    pub(crate) columns_to_rerank: Option<Vec<String>>,
}

/// Searches an index as a caller who may read it: manifest and rows as the API gives them.
pub(crate) async fn search(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    ask: Ask,
) -> Result<Value, ApiError> {
    indexes::may_read(workspace, caller, name)?;
    let mut record = workspace.index_record(name)?;
    if endpoints::find(workspace, &record.endpoint)?.stopped {
        return Err(ApiError::invalid(format!(
            "The endpoint {} of index {name} is stopped",
            record.endpoint
        )));
    }
    check(&record, &ask)?;
    sync::catch_up(workspace, &record).await?;
    record = workspace.index_record(name)?;
    let kind = ask.query_type.as_deref().unwrap_or("ANN").to_ascii_uppercase();
    let by_words = kind != "ANN";
    let most = if by_words { MOST_BY_WORDS } else { MOST };
    let count = ask.num_results.unwrap_or(10);
    if !(1..=most).contains(&count) {
        return Err(ApiError::invalid(format!("num_results must lie between 1 and {most}")));
    }
    let filter = filter(&record, &ask)?;
    let facets = facets(&record, &ask)?;
    let vector = match kind.as_str() {
        "FULL_TEXT" => None,
        "ANN" | "HYBRID" => Some(vector(workspace, &record, &ask).await?),
        other => return Err(ApiError::invalid(format!("query_type {other} is not known"))),
    };
    let text = ask.query_text.clone().unwrap_or_default();
    if by_words && text.is_empty() {
        return Err(ApiError::invalid(format!("A {kind} search needs query_text")));
    }
    let index = opened(workspace, &record).await?;
    blocking(move || {
        let rows = index.read();
        let allowed: Option<Vec<bool>> =
            filter.map(|filter| (0..rows.len()).map(|at| filter.fits(rows.document(at))).collect());
        let allowed = allowed.as_deref();
        let found = rank(&record, &rows, &ask, vector.as_deref(), &text, allowed, count);
        let mut said = answer(&record, &rows, &ask, found);
        if !facets.is_empty() {
            let matched = matched(&record, &rows, &ask, &text, allowed);
            tell(&mut said, &facets, &rows, &matched);
        }
        Ok(said)
    })
    .await
}

/// Positions and scores, best first.
fn rank(
    record: &IndexRecord,
    rows: &Rows,
    ask: &Ask,
    vector: Option<&[f32]>,
    text: &str,
    allowed: Option<&[bool]>,
    count: usize,
) -> Vec<(usize, f64)> {
    let near = |count: usize| -> Vec<(usize, f64)> {
        let nearest = vector.map(|vector| rows.vectors().nearest(vector, count, allowed));
        let score = |distance: f32| 1.0 / (1.0 + f64::from(distance));
        nearest.into_iter().flatten().map(|near| (near.position, score(near.distance))).collect()
    };
    let worded = |count: usize| worded(record, rows, ask, text, allowed, count);
    let mut found = match (vector, text, ask.query_type.as_deref().unwrap_or("ANN")) {
        (None, ..) => worded(count),
        (Some(_), _, kind) if kind.eq_ignore_ascii_case("HYBRID") => {
            let depth = count.max(DEPTH);
            let positions = |found: Vec<(usize, f64)>| found.into_iter().map(|(position, _)| position);
            fuse([positions(near(depth)).collect(), positions(worded(depth)).collect()], count)
        }
        _ => near(count),
    };
    if let Some(least) = ask.score_threshold {
        found.retain(|(_, score)| *score >= least);
    }
    if let Some(clauses) = &ask.sort_columns {
        for clause in clauses.iter().rev() {
            let mut words = clause.split_whitespace();
            let column = words.next().unwrap_or_default();
            let down = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
            found.sort_by(|left, right| {
                let value = |position: usize| rows.document(position).get(column);
                let order = compare(value(left.0), value(right.0));
                if down { order.reverse() } else { order }
            });
        }
    }
    found
}

/// Positions and scores of rows that hold words of the text.
fn worded(
    record: &IndexRecord,
    rows: &Rows,
    ask: &Ask,
    text: &str,
    allowed: Option<&[bool]>,
    count: usize,
) -> Vec<(usize, f64)> {
    let chosen = ask.query_columns.clone().filter(|columns| !columns.is_empty());
    let all = chosen.is_none();
    let columns = chosen.unwrap_or_else(|| record.text_columns());
    rows.words(&columns, all).find(text, count, allowed)
}

/// Positions of all rows that match: by words alone those that hold one, else whatever the filter lets through.
fn matched(record: &IndexRecord, rows: &Rows, ask: &Ask, text: &str, allowed: Option<&[bool]>) -> Vec<usize> {
    if ask.query_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("FULL_TEXT")) {
        let found = worded(record, rows, ask, text, allowed, rows.len());
        return found.into_iter().map(|(position, _)| position).collect();
    }
    (0..rows.len()).filter(|&position| allowed.is_none_or(|allowed| allowed[position])).collect()
}

/// Adds to an answer what the facets count.
fn tell(answer: &mut Value, facets: &[Facet], rows: &Rows, matched: &[usize]) {
    let counted: Vec<Value> = facets
        .iter()
        .flat_map(|facet| facet.count(matched.iter().filter_map(|&at| rows.document(at).get(&facet.column))))
        .collect();
    let column = |name: &str, kind: &str| json!({ "name": name, "type_text": kind });
    let columns =
        [column("facet_column_name", "string"), column("value_or_range", "string"), column("count", "long")];
    answer["manifest"]["facet_column_count"] = json!(columns.len());
    answer["manifest"]["facet_columns"] = json!(columns);
    answer["facet_result"] = json!({ "facet_row_count": counted.len(), "facet_array": counted });
}

pub(super) fn compare(left: Option<&Value>, right: Option<&Value>) -> std::cmp::Ordering {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return left.total_cmp(&right);
    }
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    text(left).cmp(&text(right))
}

fn answer(record: &IndexRecord, rows: &Rows, ask: &Ask, found: Vec<(usize, f64)>) -> Value {
    let mut columns: Vec<Value> = ask
        .columns
        .iter()
        .map(|name| {
            let sql_type = record.columns.get(name).map_or("array<float>", String::as_str);
            json!({ "name": name, "type_text": sql_type })
        })
        .collect();
    columns.push(json!({ "name": "score", "type_text": "double" }));
    let data: Vec<Vec<Value>> = found
        .into_iter()
        .map(|(position, score)| {
            let cells = ask.columns.iter().map(|column| numbered(value(record, rows, position, column)));
            cells.chain([json!(score)]).collect()
        })
        .collect();
    json!({
        "manifest": { "column_count": columns.len(), "columns": columns },
        "result": { "row_count": data.len(), "data_array": data },
    })
}

/// Every number travels as a double, as on the platform.
pub(super) fn numbered(value: Value) -> Value {
    match &value {
        Value::Number(number) => number.as_f64().map_or(value, Value::from),
        _ => value,
    }
}

/// One column of a row; the vector's column gives the vector.
pub(super) fn value(record: &IndexRecord, rows: &Rows, position: usize, column: &str) -> Value {
    if record.vector.as_ref().is_some_and(|vector| vector.name == column && vector.dimension > 0) {
        return json!(rows.vectors().get(position));
    }
    rows.document(position).get(column).cloned().unwrap_or(Value::Null)
}

fn check(record: &IndexRecord, ask: &Ask) -> Result<(), ApiError> {
    if ask.reranker.is_some() || ask.columns_to_rerank.as_ref().is_some_and(|columns| !columns.is_empty()) {
        return Err(ApiError::not_implemented(
            "rerankers of vector search, for their model runs on the platform alone. hint: query without a reranker, or order the rows by a model of your own",
        ));
    }
    if ask.columns.is_empty() {
        return Err(ApiError::invalid("columns must name at least one column"));
    }
    let is_vector = |name: &str| record.vector.as_ref().is_some_and(|vector| vector.name == name);
    let known = |name: &str| record.columns.contains_key(name) || is_vector(name);
    let named = ask.columns.iter().chain(ask.query_columns.iter().flatten()).map(String::as_str);
    let sorted = ask.sort_columns.iter().flatten().filter_map(|clause| clause.split_whitespace().next());
    if let Some(unknown) = named.chain(sorted).find(|name| !known(name)) {
        return Err(no_column(record, unknown));
    }
    Ok(())
}

fn no_column(record: &IndexRecord, name: &str) -> ApiError {
    let columns: Vec<&str> = record.columns.keys().map(String::as_str).collect();
    ApiError::invalid(format!("Index {} has no column '{name}'; it has {}", record.name, columns.join(", ")))
}

fn facets(record: &IndexRecord, ask: &Ask) -> Result<Vec<Facet>, ApiError> {
    let facets: Vec<Facet> =
        ask.facets.iter().flatten().map(|text| Facet::read(text)).collect::<Result<_, _>>()?;
    for (at, facet) in facets.iter().enumerate() {
        if !record.columns.contains_key(&facet.column) {
            return Err(no_column(record, &facet.column));
        }
        if facets[..at].iter().any(|before| before.column == facet.column) {
            return Err(ApiError::invalid(format!("Column '{}' has more than one facet", facet.column)));
        }
    }
    Ok(facets)
}

fn filter(record: &IndexRecord, ask: &Ask) -> Result<Option<Filter>, ApiError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let filter = match (given(&ask.filters_json), given(&ask.filter_string)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("filters_json and filter_string cannot both be given"));
        }
        (Some(text), None) => {
            let object: Map<String, Value> = serde_json::from_str(&text)
                .map_err(|error| ApiError::invalid(format!("filters_json is not an object: {error}")))?;
            Filter::from_object(&object)?
        }
        (None, Some(text)) => Filter::from_sql(&text)?,
    };
    let mut columns = Vec::new();
    filter.columns(&mut columns);
    match columns.into_iter().find(|column| !record.columns.contains_key(*column)) {
        Some(unknown) => Err(no_column(record, unknown)),
        None => Ok(Some(filter)),
    }
}

/// The vector to look for: the client's, or what the model makes of its text.
async fn vector(workspace: &Workspace, record: &IndexRecord, ask: &Ask) -> Result<Vec<f32>, ApiError> {
    let dimension = record.vector.as_ref().map(|vector| vector.dimension);
    let dimension =
        dimension.ok_or_else(|| ApiError::invalid("The index has no vectors: search it with FULL_TEXT"))?;
    let vector = match (&ask.query_vector, &ask.query_text) {
        (Some(vector), _) if !vector.is_null() => embed::numbers(vector)
            .ok_or_else(|| ApiError::invalid("query_vector must be a list of finite numbers"))?,
        (_, Some(text)) => {
            let model = record.query_model().ok_or_else(|| {
                ApiError::invalid("The index has no embedding model: search it with query_vector")
            })?;
            let made = embed::vectors(workspace, &record.creator, model, std::slice::from_ref(text)).await?;
            made.into_iter().next().unwrap_or_default()
        }
        _ => return Err(ApiError::invalid("One of query_vector and query_text is needed")),
    };
    if dimension > 0 && vector.len() != dimension {
        return Err(ApiError::invalid(format!(
            "The query vector has {} numbers, the index has vectors of {dimension}",
            vector.len()
        )));
    }
    Ok(vector)
}
