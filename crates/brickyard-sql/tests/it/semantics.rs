//! What the engine would silently do otherwise, and the forms it lacks: each statement with the rows Apache Spark 4.1 gives.

use std::fmt::Write as _;

use brickyard_sql::{DataType, Parameters};
use serde_json::Value;

use crate::battery::{bench, in_order};
use crate::bench::Outcome;
use crate::cells::same;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_mean_what_they_mean_on_the_platform() {
    let mut bench = bench().await;
    bench.run("USE lake.sales", &Parameters::None).await;
    let cases: Vec<Value> = serde_json::from_str(include_str!("semantics.json")).unwrap();
    let mut report = String::new();
    for case in &cases {
        let sql = case["sql"].as_str().unwrap();
        let ordered = sql.to_uppercase().contains("ORDER BY");
        let planned =
            |bench: &crate::bench::Bench| bench.planned(sql).map(|planned| planned.sql).unwrap_or_default();
        match (bench.run(sql, &Parameters::None).await, &case["want"]) {
            (Outcome::Rows(rows), Value::Array(want)) => {
                let got = in_order(rows.into_iter().map(Value::Array).collect(), ordered);
                let want = in_order(want.clone(), ordered);
                if !same(&got, &want) {
                    writeln!(report, "{sql}\n   got  {got}\n   want {want}\n   planned {}", planned(&bench))
                        .unwrap();
                }
            }
            (Outcome::Error(class, _), Value::String(want)) if class.starts_with(&want[4..]) => {}
            (outcome, want) => writeln!(report, "{sql}\n   got {outcome:?}\n   want {want}").unwrap(),
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_and_masks_hold_wherever_the_table_is_read() {
    let mut bench = bench().await;
    bench.run("USE lake.sales", &Parameters::None).await;
    bench.run("CREATE FUNCTION lake.sales.seen(r STRING) RETURNS BOOLEAN RETURN is_account_group_member('admins') OR r = 'eu'", &Parameters::None).await;
    bench
        .run(
            "CREATE FUNCTION lake.sales.hide(c STRING) RETURNS STRING RETURN concat(left(c, 1), '**')",
            &Parameters::None,
        )
        .await;
    bench
        .run(
            "CREATE VIEW lake.sales.all_orders AS SELECT id, customer, region FROM orders",
            &Parameters::None,
        )
        .await;
    bench.change(&["lake", "sales", "orders"], |relation| {
        relation.row_filter = Some("`lake`.`sales`.`seen`(`region`)".to_owned());
        relation.columns[1].mask = Some("`lake`.`sales`.`hide`(`customer`)".to_owned());
        assert_eq!(relation.columns[1].data_type, DataType::String);
    });
    for sql in [
        "SELECT id, customer FROM orders ORDER BY id",
        "SELECT id, customer FROM all_orders ORDER BY id",
        "SELECT o.id, o.customer FROM lake.sales.orders AS o ORDER BY 1",
        "SELECT lake.sales.orders.id, orders.customer FROM lake.sales.orders ORDER BY 1",
        "WITH x AS (SELECT * FROM orders) SELECT id, customer FROM x ORDER BY id",
        "FROM orders |> SELECT id, customer |> ORDER BY id",
        "SELECT id, customer FROM IDENTIFIER('lake.sales.' || 'orders') ORDER BY id",
        "SELECT a.id, b.customer FROM orders a JOIN all_orders b ON a.id = b.id ORDER BY 1",
    ] {
        match bench.run(sql, &Parameters::None).await {
            Outcome::Rows(rows) => {
                assert_eq!(
                    serde_json::to_string(&rows).unwrap(),
                    r#"[[1,"a**"],[2,"a**"],[3,"b**"]]"#,
                    "{sql}"
                );
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
}
