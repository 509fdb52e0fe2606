//! Names of columns without an alias: those Apache Spark 4.1 gives.

use crate::battery::bench;

/// Expressions and the names of their columns.
const NAMES: &[(&str, &str)] = &[
    ("-2", "-2"),
    ("- id", "(- id)"),
    ("~5", "~5"),
    ("id << 2", "(id << 2)"),
    ("SUM(id)", "sum(id)"),
    ("count(*)", "count(1)"),
    ("count(DISTINCT id) FILTER (WHERE id > 1)", "count(DISTINCT id) FILTER (WHERE (id > 1))"),
    ("sort_array(array(2, 1))", "sort_array(array(2, 1), true)"),
    ("substring('abc', 2)", "substring(abc, 2, 2147483647)"),
    ("split('a b', ' ')", "split(a b,  , -1)"),
    ("position('b' IN 'abc')", "locate(b, abc, 1)"),
    ("rtrim('x', 'axx')", "TRIM(TRAILING x FROM axx)"),
    ("extract(year FROM date'2024-5-6')", "extract(year FROM DATE '2024-05-06')"),
    ("date('2024-05-06')", "2024-05-06"),
    ("CAST(id AS STRING)", "id"),
    ("CAST(id AS INT) + 1", "(CAST(id AS INT) + 1)"),
    (
        "dateadd(DAY, 1, timestamp'2024-05-06 1:2:3.400')",
        "timestampadd(DAY, 1, TIMESTAMP '2024-05-06 01:02:03.4')",
    ),
    ("datediff(hour, now(), now())", "timestampdiff(HOUR, now(), now())"),
    ("INTERVAL '10' DAY", "INTERVAL '10' DAY"),
    ("INTERVAL 3 SECONDS", "INTERVAL '03' SECOND"),
    ("INTERVAL 14 MONTHS", "INTERVAL '14' MONTH"),
    ("INTERVAL 1 DAY 2 HOURS", "INTERVAL '1 02' DAY TO HOUR"),
    ("INTERVAL -'1-2' YEAR TO MONTH", "INTERVAL '-1-2' YEAR TO MONTH"),
    ("2 * INTERVAL '1' HOUR", "(INTERVAL '01' HOUR * 2)"),
    ("(id > 1) IS TRUE", "((id > 1) <=> true)"),
    ("'a' LIKE 'b#%' ESCAPE '#'", "a LIKE b#% ESCAPE '#'"),
    ("if(true, 1, 2)", "(IF(true, 1, 2))"),
    ("ceil(1.5)", "CEIL(1.5)"),
    ("ceil(1.25, 1)", "ceil(1.25, 1)"),
    (
        "transform(array(1), x -> x + id)",
        "transform(array(1), lambdafunction((namedlambdavariable() + id), namedlambdavariable()))",
    ),
    (
        "sum(id) OVER (PARTITION BY id ORDER BY id DESC)",
        "sum(id) OVER (PARTITION BY id ORDER BY id DESC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    ),
    (
        "lag(id) OVER (ORDER BY id)",
        "lag(id, 1, NULL) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN -1 FOLLOWING AND -1 FOLLOWING)",
    ),
    (
        "rank() OVER (ORDER BY id)",
        "RANK() OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
    ),
    (
        "sum(id) OVER (ORDER BY id ROWS 2 PRECEDING)",
        "sum(id) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
    ),
    ("from_json('{}', 'a INT')", "from_json({})"),
    ("1e20", "1.0E20"),
    (".5", "0.5"),
    ("X'1f'", "X'1F'"),
    ("current_date", "current_date()"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_have_the_names_that_spark_gives_them() {
    let bench = bench().await;
    for (expression, name) in NAMES {
        let sql = format!("SELECT {expression} FROM lake.sales.orders");
        let planned = bench.planned(&sql).unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        let batches = bench.raw(&planned.sql).await.unwrap_or_else(|error| panic!("{expression}: {error:?}"));
        assert_eq!(batches[0].schema().field(0).name(), name, "{expression}");
    }
}
