//! Apache Spark's own examples of its functions, each with the rows that Spark 4.1.1 gives: what is planned for them gives the
//! same on the engine, or is refused; nothing is silently otherwise. Those that give a VARIANT are left out: the engine sends its
//! bytes, which the warehouse reads.

use std::fmt::Write as _;

use brickyard_sql::Parameters;
use serde_json::Value;

use crate::battery::in_order;
use crate::bench::{Bench, Outcome};
use crate::cells::same;

/// Functions whose value is another one each time, or of the machine.
const UNSTEADY: [&str; 30] = [
    "current_catalog",
    "current_database",
    "current_date",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_timezone",
    "current_user",
    "curdate",
    "localtimestamp",
    "now",
    "rand",
    "randn",
    "random",
    "randstr",
    "session_user",
    "shuffle",
    "uniform",
    "unix_timestamp",
    "user",
    "uuid",
    "version",
    "input_file_name",
    "input_file_block_start",
    "input_file_block_length",
    "monotonically_increasing_id",
    "spark_partition_id",
    "aes_encrypt",
    "to_unix_timestamp",
    "sketch",
];

/// Examples that give what Spark gives, at least.
const IDENTICAL: usize = 934;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_of_functions_give_what_spark_gives() {
    let mut bench = Bench::start().await;
    let examples: Vec<Value> = serde_json::from_str(include_str!("examples.json")).unwrap();
    let (mut identical, mut total, mut report) = (0, 0, String::new());
    let mut different = Vec::new();
    for example in &examples {
        let (function, sql) = (example["function"].as_str().unwrap(), example["sql"].as_str().unwrap());
        if UNSTEADY.contains(&function) {
            continue;
        }
        total += 1;
        // Rows without an order and the elements of a set may come in any.
        let ordered = sql.to_uppercase().contains("ORDER BY");
        let plain = |rows: Vec<Value>| {
            let mut rows = in_order(rows, ordered);
            if function == "collect_set" {
                rows[0][0].as_array_mut().into_iter().for_each(|set| set.sort_by_key(Value::to_string));
            }
            rows
        };
        match (bench.run(sql, &Parameters::None).await, &example["want"]) {
            (Outcome::Rows(rows), Value::Array(want)) => {
                let got: Vec<Value> = rows.into_iter().map(Value::Array).collect();
                if same(&plain(got.clone()), &plain(want.clone())) {
                    identical += 1;
                } else {
                    different.push(format!(
                        "{sql}\n   got  {}\n   want {}",
                        Value::Array(got),
                        example["want"]
                    ));
                }
            }
            (Outcome::Error(class, _), Value::String(want)) if class.starts_with(&want[4..]) => {
                identical += 1;
            }
            (Outcome::Error(class, message), _) => {
                let message: String = message.chars().take(160).collect();
                writeln!(report, "{function}: {sql}\n   {class}: {message}").unwrap();
            }
            (outcome, want) => different.push(format!("{sql}\n   got {outcome:?}\n   want {want}")),
        }
    }
    let different_count = different.len();
    for entry in different {
        writeln!(report, "DIFFERENT {entry}").unwrap();
    }
    writeln!(report, "identical {identical} of {total}, different {different_count}").unwrap();
    assert!(identical >= IDENTICAL && different_count == 0, "{report}");
}
