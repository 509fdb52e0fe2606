//! Values of two types at one place: in set operations, `CASE`, `coalesce`, comparisons, arrays and maps. Each pair with the type and
//! the rows, or the error class, that Apache Spark 4.1.1 gives.

use std::fmt::Write as _;

use arrow_schema::DataType;
use serde_json::{Value, json};

use crate::battery::in_order;
use crate::bench::Bench;
use crate::cells::{rows, same};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_two_types_meet_as_they_do_in_spark() {
    let bench = Bench::start().await;
    let pairs: Value = serde_json::from_str(include_str!("pairs.json")).unwrap();
    let value = |name: &str, other: &str| {
        let text = pairs["values"][name].as_str();
        // A text is one that its partner's type can read.
        text.or_else(|| pairs["texts"][other].as_str()).or_else(|| pairs["texts"]["other"].as_str()).unwrap()
    };
    let (mut tried, mut report) = (0, String::new());
    for (form, wants) in pairs["want"].as_object().unwrap() {
        for (pair, want) in wants.as_object().unwrap() {
            let (a, b) = pair.split_once('/').unwrap();
            let sql = pairs["forms"][form].as_str().unwrap();
            let sql = sql.replace("{a}", value(a, b)).replace("{b}", value(b, a));
            let got = given(&bench, &sql).await;
            let fits = match (want.as_str(), got.as_str()) {
                (Some(want), Some(got)) => want.split('.').next() == got.split('.').next(),
                (None, None) => {
                    let rows = in_order(want[1].as_array().unwrap().clone(), false);
                    got[0] == want[0] && same(&got[1], &rows)
                }
                _ => false,
            };
            tried += 1;
            if !fits {
                writeln!(report, "{form} {pair}: {sql}\n   got  {got}\n   want {want}").unwrap();
            }
        }
    }
    assert!(report.is_empty() && tried > 3000, "{tried} tried\n{report}");
}

/// The type of the columns and the rows, or the error class.
async fn given(bench: &Bench, sql: &str) -> Value {
    let planned = match bench.planned(sql) {
        Ok(planned) => planned.sql,
        Err(error) => return json!(error.class),
    };
    match bench.raw(&planned).await {
        Ok(batches) => {
            let rows = in_order(rows(&batches).into_iter().map(Value::Array).collect(), false);
            if rows.as_array().is_some_and(Vec::is_empty) {
                return json!([null, []]);
            }
            let schema = batches[0].schema();
            let types: Vec<String> = schema.fields().iter().map(|field| name(field.data_type())).collect();
            json!([types.join(", "), rows])
        }
        Err((class, _)) => json!(class),
    }
}

/// A type in Spark's words.
fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Null => "string".to_owned(),
        DataType::Timestamp(_, zone) => if zone.is_some() { "timestamp" } else { "timestamp_ntz" }.to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(element) => format!("array<{}>", name(element.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) => {
                format!("map<{},{}>", name(parts[0].data_type()), name(parts[1].data_type()))
            }
            other => other.to_string(),
        },
        DataType::Struct(fields) => {
            let list = fields.iter().map(|field| format!("{}:{}", field.name(), name(field.data_type())));
            format!("struct<{}>", list.collect::<Vec<_>>().join(","))
        }
        other => other.to_string().to_lowercase(),
    }
}
