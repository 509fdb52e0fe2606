//! Functions over values at the edges (Sundays, years 1 and 9999, empty and NULL, NaN, halves, below zero), each with what Apache
//! Spark 4.1.1 gives: what is planned for them gives the same, or is refused; what is known to differ says so in the file.

use std::fmt::Write as _;

use brickyard_sql::Parameters;
use serde_json::Value;

use crate::bench::{Bench, Outcome};
use crate::cells::same;

/// Calls that give what Spark gives, at least.
const IDENTICAL: usize = 1150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_give_what_spark_gives_at_the_edges() {
    let mut bench = Bench::start().await;
    let edges: Value = serde_json::from_str(include_str!("edges.json")).unwrap();
    let calls = edges["calls"].as_array().unwrap();
    let (mut identical, mut wrong, mut report) = (0, 0, String::new());
    let mut current = "UTC";
    for entry in calls {
        let (of, call) = (entry["of"].as_str().unwrap(), entry["call"].as_str().unwrap());
        let values = edges["values"][of].as_str().unwrap();
        let zone = entry["zone"].as_str().unwrap_or("UTC");
        if zone != current {
            bench.zone(zone).await;
            current = zone;
        }
        let sql = format!("SELECT x, {call} AS r FROM VALUES {values} AS t(x)");
        let rows = match bench.run(&sql, &Parameters::None).await {
            Outcome::Rows(rows) => rows,
            outcome => {
                let text: String = format!("{outcome:?}").chars().take(200).collect();
                writeln!(report, "refused {of}: {call}\n   {text}").unwrap();
                continue;
            }
        };
        let want = entry["want"].as_array().unwrap();
        let other = rows.iter().zip(want).find(|(row, want)| !same(&row[1], want));
        match (other, entry.get("known")) {
            (None, None) if rows.len() == want.len() => identical += 1,
            (Some(_), Some(_)) => {}
            (None, Some(_)) => writeln!(report, "NOW RIGHT {of}: {call}").unwrap(),
            (other, _) => {
                wrong += 1;
                writeln!(report, "DIFFERENT {of}: {call}\n   {other:?}").unwrap();
            }
        }
    }
    let total = calls.len();
    writeln!(report, "identical {identical} of {total}, different {wrong}").unwrap();
    assert!(identical >= IDENTICAL && wrong == 0 && !report.contains("NOW RIGHT"), "{report}");
}
