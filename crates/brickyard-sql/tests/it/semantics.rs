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
    let files = [
        include_str!("semantics.json"),
        include_str!("golden_first.json"),
        include_str!("golden_second.json"),
    ];
    let cases = files.iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).unwrap());
    let cases: Vec<Value> = cases.collect();
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
        "SELECT id, customer FROM (TABLE orders) ORDER BY id",
        "SELECT id, (SELECT max(customer) FROM orders i WHERE i.id = o.id) FROM all_orders o ORDER BY id",
        "SELECT id, customer FROM orders TABLESAMPLE (100 ROWS) ORDER BY id",
        "SELECT o.id, o.customer FROM orders TABLESAMPLE (100 PERCENT) AS o ORDER BY 1",
        "SELECT o.id, o.customer FROM orders TABLESAMPLE (BUCKET 1 OUT OF 1) AS o ORDER BY 1",
        "FROM orders SELECT id, customer ORDER BY id",
        "SELECT o.id, o.customer FROM orders o, LATERAL explode(array(1)) AS t(x) ORDER BY 1",
        "SELECT r.id, o.customer FROM orders r, orders o, LATERAL explode(array(r.id)) AS t(x) WHERE t.x = o.id ORDER BY 1",
        "SELECT o.id, o.customer FROM orders o LEFT JOIN LATERAL explode(array(o.id)) AS t(x) ON true ORDER BY 1",
        "SELECT id, max(customer) OVER (PARTITION BY id ORDER BY order_date RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) FROM orders ORDER BY 1",
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
    for sql in [
        "DELETE FROM orders WHERE id = 6",
        "UPDATE orders SET id = 1 WHERE customer LIKE 'd%'",
        "MERGE INTO orders USING (SELECT 6 AS k) s ON id = k WHEN MATCHED THEN DELETE",
        "INSERT OVERWRITE orders SELECT * FROM all_orders",
    ] {
        match bench.run(sql, &Parameters::None).await {
            Outcome::Error(class, _) => {
                assert!(class == "UNSUPPORTED_FEATURE" || class.starts_with("INSERT"), "{sql}: {class}");
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
    // A mask alone hides values, not rows: what does not read them may change them.
    bench.change(&["lake", "sales", "orders"], |relation| relation.row_filter = None);
    for (sql, refused) in [
        ("UPDATE orders SET customer = 'e' WHERE id = 6", false),
        (
            "MERGE INTO orders o USING (SELECT 6L AS id, 'f' AS customer) s ON o.id = s.id WHEN MATCHED THEN UPDATE SET o.region = 'x'",
            false,
        ),
        ("UPDATE orders SET region = upper(Customer) WHERE id = 6", true),
        ("DELETE FROM orders WHERE lake.sales.orders.customer LIKE 'e%'", true),
        (
            "MERGE INTO orders o USING (SELECT 6L AS id) s ON o.id = s.id WHEN MATCHED THEN UPDATE SET region = to_json(struct(o.*))",
            true,
        ),
        ("DELETE FROM orders WHERE id IN (SELECT 6L WHERE customer > 'a')", true),
    ] {
        // The tables of this bench are views of the engine, which changes none: what is planned is told by what it refuses.
        let outcome = bench.run(sql, &Parameters::None).await;
        let is_refused =
            matches!(&outcome, Outcome::Error(_, message) if message.contains("behind a row filter"));
        assert_eq!(is_refused, refused, "{sql}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_a_function_do_not_capture_its_arguments() {
    let mut bench = bench().await;
    bench.run("USE lake.sales", &Parameters::None).await;
    let function =
        "CREATE FUNCTION bigger(x BIGINT) RETURNS BIGINT RETURN (SELECT count(*) FROM orders WHERE id = x)";
    bench.run(function, &Parameters::None).await;
    let sql = "SELECT id, bigger(id) AS n FROM (SELECT id FROM orders WHERE id > 4) AS o ORDER BY id";
    match bench.run(sql, &Parameters::None).await {
        Outcome::Rows(rows) => assert_eq!(serde_json::to_string(&rows).unwrap(), "[[5,1],[6,1]]"),
        Outcome::Error(class, message) => {
            assert!(class == "UNSUPPORTED_FEATURE" || class == "INTERNAL_ERROR", "{message}");
        }
        Outcome::Command => panic!("a query"),
    }
    let injected = "SELECT * FROM read_files('/Volumes/lake/sales/vol/a.csv', format => 'csv', schema => 'a INT) USING text OPTIONS (path \"/etc/passwd\") --')";
    assert!(
        matches!(bench.run(injected, &Parameters::None).await, Outcome::Error(class, _) if class == "UNSUPPORTED_FEATURE")
    );
    let captured = "SELECT id, bigger(id) FROM orders ORDER BY id";
    assert!(
        matches!(bench.run(captured, &Parameters::None).await, Outcome::Error(class, _) if class == "UNSUPPORTED_FEATURE")
    );
    let nested = "SELECT transform_values(map('a', map('b', 1)), (k, v) -> transform_values(v, (l, w) -> concat(k, l, CAST(w AS STRING))))";
    match bench.run(nested, &Parameters::None).await {
        Outcome::Rows(rows) => assert_eq!(serde_json::to_string(&rows).unwrap(), r#"[[{"a":{"b":"ab1"}}]]"#),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_changed_by_subqueries() {
    let mut bench = bench().await;
    bench.run("USE lake.sales", &Parameters::None).await;
    for sql in [
        "CREATE TABLE stock (id BIGINT, name STRING, qty INT)",
        "INSERT INTO stock VALUES (1, 'a', 1), (2, 'b', 2), (3, NULL, NULL), (9, 'z', 9)",
        "UPDATE stock SET qty = qty + 10, name = upper(name) WHERE id IN (SELECT id FROM orders WHERE region = 'eu')",
        "DELETE FROM stock WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = stock.id)",
        "INSERT INTO stock (name, id) SELECT customer, id FROM orders WHERE id = 6",
    ] {
        let outcome = bench.run(sql, &Parameters::None).await;
        assert!(matches!(outcome, Outcome::Rows(_)), "{sql}: {outcome:?}");
    }
    match bench.run("SELECT id, name, qty FROM stock ORDER BY id", &Parameters::None).await {
        Outcome::Rows(rows) => assert_eq!(
            serde_json::to_string(&rows).unwrap(),
            r#"[[1,"A",11],[2,"B",12],[3,null,null],[6,"eve",null]]"#
        ),
        other => panic!("{other:?}"),
    }
}

/// NULL goes into columns of every type; the columns of an inserted query need no names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nulls_and_columns_without_names_are_written() {
    let mut bench = bench().await;
    bench.run("USE lake.sales", &Parameters::None).await;
    for sql in [
        "CREATE TABLE shelf (id BIGINT, l ARRAY<STRING>, m MAP<STRING, INT>, s STRUCT<a: INT>, n INT)",
        "INSERT INTO shelf VALUES (1, array('a'), map('k', 1), named_struct('a', 1), 1), (2, NULL, NULL, NULL, NULL)",
        "INSERT INTO shelf SELECT CAST(id AS BIGINT), array('b'), map('k', 2), named_struct('a', 2), CAST(id AS INT) FROM orders WHERE id = 3",
        "INSERT INTO shelf SELECT 4, NULL, NULL, NULL, NULL",
        "UPDATE shelf SET l = NULL, m = NULL, s = NULL, n = NULL WHERE id = 1",
        "UPDATE shelf SET l = DEFAULT WHERE id = 3",
        "MERGE INTO shelf t USING (SELECT 3 AS k) s ON t.id = k WHEN MATCHED THEN UPDATE SET m = NULL, s = CASE WHEN true THEN NULL END",
    ] {
        let outcome = bench.run(sql, &Parameters::None).await;
        assert!(matches!(outcome, Outcome::Rows(_)), "{sql}: {outcome:?}");
    }
    match bench.run("SELECT * FROM shelf ORDER BY id", &Parameters::None).await {
        Outcome::Rows(rows) => assert_eq!(
            serde_json::to_string(&rows).unwrap(),
            "[[1,null,null,null,null],[2,null,null,null,null],[3,null,null,null,3],[4,null,null,null,null]]"
        ),
        other => panic!("{other:?}"),
    }
}

/// Conditions with lambdas over columns of a table, and over columns made with lambdas.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lambdas_stand_in_conditions_over_tables() {
    let mut bench = bench().await;
    bench.run("USE lake.sales", &Parameters::None).await;
    for sql in [
        "CREATE TABLE posts (id BIGINT, tags ARRAY<STRING>, score DOUBLE)",
        "INSERT INTO posts VALUES (1, array('a', 'b'), 1.5), (2, array('c'), 1e10), (3, NULL, 0.0001)",
        "CREATE VIEW tagged AS SELECT id, array_contains(tags, 'a') AS has FROM posts",
    ] {
        let outcome = bench.run(sql, &Parameters::None).await;
        assert!(matches!(outcome, Outcome::Rows(_)), "{sql}: {outcome:?}");
    }
    let update = "UPDATE posts SET score = 1.5 WHERE exists(tags, t -> t = 'a')";
    let outcome = bench.run(update, &Parameters::None).await;
    assert!(matches!(outcome, Outcome::Rows(_)), "{outcome:?}");
    for sql in [
        "SELECT id FROM posts WHERE array_contains(tags, 'a')",
        "SELECT id FROM posts p WHERE p.id < 3 AND exists(p.tags, t -> t = 'a') ORDER BY id",
        "SELECT id FROM posts WHERE NOT array_contains(tags, 'c')",
        "SELECT id FROM (SELECT id, array_contains(tags, 'a') AS has FROM posts) WHERE has",
        "WITH t AS (SELECT id, exists(tags, t -> t = 'a') AS has FROM posts) SELECT id FROM t WHERE has",
        "SELECT id FROM tagged WHERE has",
        "SELECT a.id FROM posts a JOIN posts b ON a.id = b.id AND array_contains(a.tags, 'a')",
        "SELECT id FROM posts GROUP BY id, tags HAVING array_contains(tags, 'a')",
        "SELECT id FROM posts WHERE CAST(score AS STRING) = '1.5'",
        "SELECT id FROM posts WHERE score || '' = '1.5' OR array_contains(tags, 'b')",
    ] {
        match bench.run(sql, &Parameters::None).await {
            Outcome::Rows(rows) => assert_eq!(serde_json::to_string(&rows).unwrap(), "[[1]]", "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}
