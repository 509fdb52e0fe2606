//! Values as JSON and as text, where the engine writes or reads them otherwise.

use std::fmt::Write as _;

use crate::command::constant_string;
use crate::data_type::{DataType, Field};
use crate::query::{Call, Expr};
use crate::rewrite::casts::java_text;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::moment_calls::around;
use crate::rewrite::planner::Planner;
use crate::token::{Span, string_literal};

/// How the platform writes moments in JSON: to the millisecond, with the zone.
const MOMENTS: &str = r#"map('timestampFormat', "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")"#;

impl Planner<'_> {
    /// Puts the platform's form in the place of a call that writes or reads JSON; `false` for calls that stay.
    pub(super) fn json_call(
        &mut self,
        expr: &Expr,
        name: &str,
        call: &Call,
        spans: &[Span],
        types: &[DataType],
    ) -> bool {
        let text = match (name, spans) {
            ("to_json", [value]) => match types.first() {
                Some(DataType::Variant) => return false,
                Some(data_type) if has(data_type, &is_written_here) => {
                    pieces![
                        "get(transform(array(",
                        *value,
                        format!("), `__j0` -> {}), 0)", json("`__j0`", data_type, 1))
                    ]
                }
                _ => pieces!["to_json(", *value, format!(", {MOMENTS})")],
            },
            // Of an empty text there is nothing to read, and an object is no array of anything but structs.
            ("from_json", [value, _, ..]) => {
                let schema = call.arguments.get(1).and_then(|argument| constant_string(&argument.value));
                let schema = schema.unwrap_or_default().to_lowercase();
                let text = if schema.starts_with("array<") && !schema.starts_with("array<struct") {
                    let object = string_literal(r"^\s*\{");
                    pieces![
                        "CASE WHEN regexp_like(",
                        *value,
                        format!(", {object}) THEN NULL ELSE "),
                        *value,
                        " END"
                    ]
                } else {
                    pieces!["CASE WHEN trim(", *value, ") = '' THEN NULL ELSE ", *value, " END"]
                };
                self.edits.replace(*value, text);
                // The engine reads moments in one form alone: they are read as texts, then cast.
                let read = self.read_as_text(call);
                let read = read
                    .map(|read| pieces!["TRY_CAST(from_json(", *value, read.0, format!(") AS {})", read.1)]);
                let parts =
                    schema.starts_with("array<") && !schema.starts_with("array<st") && spans.len() == 2;
                if !parts {
                    let Some(read) = read else { return true };
                    self.edits.replace(expr.span, read);
                    return true;
                }
                // An element that cannot be read takes the array with it.
                let read = read.unwrap_or_else(|| pieces![expr.span]);
                let mut text = pieces!["CASE WHEN size(filter(from_json(", *value];
                text.push(Piece::from(", 'array<string>'), `__n` -> `__n` IS NULL)) = size(filter("));
                text.extend(read.clone());
                text.push(Piece::from(", `__n` -> `__n` IS NULL)) THEN "));
                text.extend(read);
                text.push(Piece::from(" END"));
                text
            }
            ("json_array_length", [value]) => {
                let array = string_literal(r"^\s*\[");
                pieces![
                    "CASE WHEN regexp_like(",
                    *value,
                    format!(", {array}) THEN json_array_length("),
                    *value,
                    ") END"
                ]
            }
            ("variant_get" | "try_variant_get", [value, _, _]) => {
                let constant = |at: usize| constant_string(&call.arguments[at].value);
                match (constant(1), constant(2)) {
                    (Some(path), Some(wanted)) if wanted.eq_ignore_ascii_case("string") => {
                        variant_text(*value, &path)
                    }
                    // In a variant, texts are moments of the session's zone.
                    (Some(path), Some(wanted))
                        if wanted.eq_ignore_ascii_case("timestamp") && self.context.local_time =>
                    {
                        let cast = if name == "variant_get" { "CAST(" } else { "TRY_CAST(" };
                        around(cast, variant_text(*value, &path), " AS TIMESTAMP)")
                    }
                    _ => return false,
                }
            }
            _ => return false,
        };
        self.edits.replace(expr.span, text);
        true
    }

    /// The rest of a call of `from_json` that reads moments as texts, and the type those are cast to; nothing where there are none,
    /// or where a format for them is given.
    fn read_as_text(&self, call: &Call) -> Option<(String, DataType)> {
        let [_, _] = call.arguments.as_slice() else { return None };
        // Within arrays and structs, times that the clocks skip would be lost.
        if self.context.local_time {
            return None;
        }
        let data_type = self.schema_type(call);
        let moment = |part: &DataType| matches!(part, DataType::Timestamp | DataType::TimestampNtz);
        if has(&data_type, &|part| matches!(part, DataType::Unknown)) || !has(&data_type, &moment) {
            return None;
        }
        Some((format!(", {}", string_literal(&with_texts(&data_type).to_string())), data_type))
    }

    /// Arrays, maps and structs as text: the platform writes `null` for what is not known. Nothing where the engine's text is the
    /// same or the types are not known.
    pub(super) fn nested_text(value: Span, data_type: &DataType) -> Option<Vec<Piece>> {
        let nested = matches!(data_type, DataType::Array(_) | DataType::Map(..) | DataType::Struct(_));
        let unknown = has(data_type, &|part| matches!(part, DataType::Unknown | DataType::Variant));
        if !nested || unknown {
            return None;
        }
        Some(pieces![
            "get(transform(array(",
            value,
            format!("), `__t0` -> {}), 0)", plain("`__t0`", data_type, 1))
        ])
    }
}

/// A part of a variant as text: objects and arrays as JSON, which the engine leaves out.
pub(super) fn variant_text(base: Span, path: &str) -> Vec<Piece> {
    let path = string_literal(path);
    pieces![
        "coalesce(variant_get(",
        base,
        format!(", {path}, 'string'), nullif(to_json(variant_get("),
        base,
        format!(", {path})), 'null'))"),
    ]
}

/// Whether a type or one within it is such a one.
pub(super) fn has(data_type: &DataType, wanted: &dyn Fn(&DataType) -> bool) -> bool {
    wanted(data_type)
        || match data_type {
            DataType::Array(element) => has(element, wanted),
            DataType::Map(key, value) => has(key, wanted) || has(value, wanted),
            DataType::Struct(fields) => fields.iter().any(|field| has(&field.data_type, wanted)),
            _ => false,
        }
}

/// Decimals lose their sign and their zeros on the engine, doubles are written otherwise, moments without a zone are given one.
fn is_written_here(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal(..) | DataType::TimestampNtz | DataType::Double | DataType::Float)
}

/// The JSON of an expression of the engine; NULL for NULL.
fn json(value: &str, data_type: &DataType, depth: usize) -> String {
    let name = format!("`__j{depth}`");
    match data_type {
        _ if !has(data_type, &is_written_here) => {
            let object = format!("to_json(named_struct('v', {value}), {MOMENTS})");
            format!(
                "CASE WHEN {value} IS NULL THEN NULL ELSE substring({object}, 6, length({object}) - 6) END"
            )
        }
        DataType::Array(element) => format!(
            "concat('[', array_join(transform({value}, {name} -> coalesce({}, 'null')), ','), ']')",
            json(&name, element, depth + 1)
        ),
        DataType::Map(_, element) => {
            let (key, element) = (
                // Keys are written as texts.
                json(&format!("CAST({name}.key AS STRING)"), &DataType::String, depth + 1),
                json(&format!("{name}.value"), element, depth + 1),
            );
            format!(
                "concat('{{', array_join(transform(map_entries({value}), {name} -> concat({key}, ':', coalesce({element}, 'null'))), ','), '}}')"
            )
        }
        DataType::Struct(fields) => {
            let mut list = String::new();
            for (at, field) in fields.iter().enumerate() {
                let key = string_literal(&format!("{}:", serde_json::Value::from(field.name.clone())));
                let own = format!("{value}.{}", crate::token::quote_name(&field.name));
                let comma = if at > 0 { ", " } else { "" };
                write!(list, "{comma}concat({key}, {})", json(&own, &field.data_type, depth + 1))
                    .expect("text");
            }
            format!(
                "CASE WHEN {value} IS NULL THEN NULL ELSE concat('{{', array_join(array({list}), ','), '}}') END"
            )
        }
        DataType::TimestampNtz => {
            format!(r#"concat('"', date_format({value}, "yyyy-MM-dd'T'HH:mm:ss.SSS"), '"')"#)
        }
        DataType::Double | DataType::Float => {
            let (open, close) = java_text(data_type);
            let text = format!("{open}{value}{close}");
            // What is no number is written as a text.
            format!(
                "CASE WHEN isnan({value}) OR abs({value}) = CAST('Infinity' AS {data_type}) THEN concat('\"', {text}, '\"') ELSE {text} END"
            )
        }
        _ => format!("CAST({value} AS STRING)"),
    }
}

/// The text of an expression of the engine, as a cast gives it; NULL for NULL.
fn plain(value: &str, data_type: &DataType, depth: usize) -> String {
    let name = format!("`__t{depth}`");
    match data_type {
        DataType::Array(element) => format!(
            "concat('[', array_join(transform({value}, {name} -> coalesce({}, 'null')), ', '), ']')",
            plain(&name, element, depth + 1)
        ),
        DataType::Map(key, element) => format!(
            "concat('{{', array_join(transform(map_entries({value}), {name} -> concat({}, ' -> ', coalesce({}, 'null'))), ', '), '}}')",
            plain(&format!("{name}.key"), key, depth + 1),
            plain(&format!("{name}.value"), element, depth + 1)
        ),
        DataType::Struct(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|field| {
                    let own = format!("{value}.{}", crate::token::quote_name(&field.name));
                    format!("coalesce({}, 'null')", plain(&own, &field.data_type, depth + 1))
                })
                .collect();
            format!(
                "CASE WHEN {value} IS NULL THEN NULL ELSE concat('{{', array_join(array({}), ', '), '}}') END",
                parts.join(", ")
            )
        }
        DataType::Double | DataType::Float => {
            let (open, close) = java_text(data_type);
            format!("{open}{value}{close}")
        }
        _ => format!("CAST({value} AS STRING)"),
    }
}

/// A type with texts in the place of moments.
fn with_texts(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp | DataType::TimestampNtz => DataType::String,
        DataType::Array(element) => DataType::Array(Box::new(with_texts(element))),
        DataType::Map(key, value) => DataType::Map(Box::new(with_texts(key)), Box::new(with_texts(value))),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| Field { data_type: with_texts(&field.data_type), ..field.clone() })
                .collect(),
        ),
        other => other.clone(),
    }
}
