//! The battery on a real Sail: what is planned for each statement gives the expected rows or error class.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use brickyard_sql::Parameters;
use serde_json::Value;

use crate::bench::{Bench, Outcome, argument};
use crate::cells::same;
use crate::corpus::battery;

/// The table most statements read: ten columns, six rows.
const ORDERS: &str = "SELECT CAST(id AS BIGINT) AS id, customer, region, CAST(amount AS DECIMAL(10,2)) AS amount, \
CAST(order_date AS DATE) AS order_date, CAST(ts AS TIMESTAMP) AS ts, tags, attrs, addr, payload FROM VALUES \
(1,'ann','eu','10.50','2024-01-05','2024-01-05 10:00:00',array('a','b'),map('k','v'),named_struct('city','rome','zip','00100'),'{\"a\":1,\"b\":{\"c\":[\"x\"]}}'), \
(2,'ann','eu','50.00','2024-01-15','2024-01-15 10:00:00',CAST(NULL AS ARRAY<STRING>),map('k','w'),named_struct('city','oslo','zip','0150'),'{\"a\":2}'), \
(3,'bob','eu','120.00','2024-01-25','2024-01-25 10:00:00',array('c'),map('k','x'),named_struct('city','bonn','zip','53111'),'{}'), \
(4,'cat','us','75.25','2024-02-05','2024-02-05 10:00:00',array('d'),map('k','y'),named_struct('city','reno','zip','89501'),'{}'), \
(5,'dan','us','200.00','2024-02-15','2024-02-15 10:00:00',array('e'),map('k','z'),named_struct('city','waco','zip','76701'),'{}'), \
(6,'eve','us','51.00','2024-02-25','2024-02-25 10:00:00',array('f'),map('k','q'),named_struct('city','mesa','zip','85201'),'{}') \
AS t(id,customer,region,amount,order_date,ts,tags,attrs,addr,payload)";

const ORDERS_COLUMNS: &str = "id BIGINT, customer STRING, region STRING, amount DECIMAL(10,2), order_date DATE, ts TIMESTAMP, \
tags ARRAY<STRING>, attrs MAP<STRING, STRING>, addr STRUCT<city: STRING, zip: STRING>, payload STRING";

/// Statements that need what only the workspace has: tables by `LOCATION`, from a CSV file or with evolved columns, models, its
/// own catalog and schema.
const OF_THE_WORKSPACE: [i64; 7] = [58, 211, 212, 218, 280, 281, 282];

/// Statements that are refused, each with an `UNSUPPORTED_FEATURE` that names what.
const REFUSED: [i64; 13] = [63, 209, 211, 212, 214, 215, 216, 217, 219, 220, 224, 263, 283];

/// Categories whose statements are queries, changes or session state, and so are judged here.
const JUDGED: [&str; 10] =
    ["query", "json", "complex", "datetime", "scalar", "agg", "dml", "session", "udf", "files"];

pub(crate) async fn bench() -> Bench {
    let mut bench = Bench::start().await;
    bench.table(&["lake", "sales", "orders"], ORDERS_COLUMNS, ORDERS).await;
    bench
}

fn parameters(args: &Value) -> Parameters {
    match args {
        Value::Array(values) => Parameters::Positional(values.iter().map(argument).collect()),
        Value::Object(values) => Parameters::Named(
            values.iter().map(|(name, value)| (name.clone(), argument(value))).collect::<BTreeMap<_, _>>(),
        ),
        _ => Parameters::None,
    }
}

/// Rows of a query without order are compared as a bag.
pub(crate) fn in_order(mut rows: Vec<Value>, ordered: bool) -> Value {
    if !ordered {
        rows.sort_by_key(Value::to_string);
    }
    Value::Array(rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_battery_gives_what_it_should() {
    let mut bench = bench().await;
    let root = bench.directory.path().to_string_lossy().into_owned();
    std::fs::write(bench.directory.path().join("a.csv"), "id,name\n1,x\n2,y\n3,z\n").unwrap();
    std::fs::write(bench.directory.path().join("a.json"), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n").unwrap();
    bench.raw(&format!("CREATE TABLE dl (id INT) USING delta LOCATION '{root}/dl'")).await.unwrap();
    bench.raw("INSERT INTO dl VALUES (1),(2),(3)").await.unwrap();
    bench
        .raw(&format!("INSERT OVERWRITE DIRECTORY '{root}/a.parquet' USING parquet SELECT id FROM range(3)"))
        .await
        .unwrap();
    let (mut passed, mut commands, mut refused) = (0, 0, Vec::new());
    let (mut wrong, mut failed) = (Vec::new(), Vec::new());
    for entry in battery() {
        let id = entry["id"].as_i64().unwrap();
        if !JUDGED.contains(&entry["cat"].as_str().unwrap())
            || OF_THE_WORKSPACE.contains(&id)
            || entry["of"] == "workspace"
        {
            continue;
        }
        let sql = entry["sql"].as_str().unwrap().replace("{DATA}", &root);
        let want = &entry["want"];
        let head = format!("{} {sql}", entry["id"]);
        match (bench.run(&sql, &parameters(&entry["args"])).await, want) {
            (Outcome::Command, _) => commands += 1,
            (Outcome::Rows(rows), Value::Array(_)) => {
                let ordered = sql.to_uppercase().contains("ORDER BY");
                let got = in_order(rows.into_iter().map(Value::Array).collect(), ordered);
                let want = &in_order(want.as_array().unwrap().clone(), ordered);
                if same(&got, want) {
                    passed += 1;
                } else {
                    wrong.push(format!("{head}\n   got  {got}\n   want {want}"));
                }
            }
            (Outcome::Rows(rows), Value::String(class)) => {
                wrong.push(format!("{head}\n   got {rows:?}, want {class}"));
            }
            (Outcome::Rows(_), _) => passed += 1,
            (Outcome::Error(class, _), Value::String(want))
                if want.strip_prefix("ERR:").is_some_and(|w| class.starts_with(w)) =>
            {
                passed += 1;
            }
            (Outcome::Error(class, message), _)
                if class == "UNSUPPORTED_FEATURE"
                    && (REFUSED.contains(&id) || entry["refused"] == "UNSUPPORTED_FEATURE") =>
            {
                let names = entry["names"].as_str().unwrap_or_default();
                if message.contains(names) {
                    refused.push(format!("{head}\n   {message}"));
                } else {
                    failed.push(format!("{head}\n   does not name {names}: {message}"));
                }
            }
            (Outcome::Error(_, message), _) => failed.push(format!("{head}\n   {message}")),
        }
    }
    let mut report = format!(
        "passed {passed}, commands {commands}, refused {}, wrong {}, failed {}\n",
        refused.len(),
        wrong.len(),
        failed.len()
    );
    for (title, list) in [("WRONG", &wrong), ("FAILED", &failed), ("REFUSED", &refused)] {
        for entry in list {
            writeln!(report, "{title} {entry}").unwrap();
        }
    }
    assert!(wrong.is_empty() && failed.is_empty(), "{report}");
}
