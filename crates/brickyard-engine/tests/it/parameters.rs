use std::collections::BTreeMap;

use brickyard_engine::{Parameter, Parameters};

use crate::support::{Sail, rows, text};

fn parameter(sql_type: &str, value: Option<&str>) -> Parameter {
    Parameter { sql_type: sql_type.to_owned(), value: value.map(str::to_owned) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_bound_with_their_type() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let values = [
        ("INT", Some("-7"), "-7"),
        ("BIGINT", Some("9007199254740993"), "9007199254740993"),
        ("TINYINT", Some("3"), "3"),
        ("DOUBLE", Some("0.1"), "0.1"),
        ("DECIMAL(20,4)", Some("1234567890123.4567"), "1234567890123.4567"),
        ("BOOLEAN", Some("true"), "true"),
        ("DATE", Some("2026-02-28"), "2026-02-28"),
        ("TIMESTAMP", Some("2026-02-28 10:00:00"), "2026-02-28 10:00:00"),
        ("STRING", Some("it's \\n \u{6570}"), "it's \\n \u{6570}"),
        ("STRING", None, "NULL"),
        ("VOID", None, "NULL"),
    ];
    let list = values.iter().map(|(sql_type, value, _)| parameter(sql_type, *value)).collect::<Vec<_>>();
    let marks = vec!["CAST(? AS STRING)"; values.len()].join(", ");
    let expected = values.iter().map(|(_, _, expected)| *expected).collect::<Vec<_>>().join(" ");
    let bound = Parameters::Positional(list.clone());
    assert_eq!(text(&session, &format!("SELECT {marks}"), &bound).await, expected);

    let inlined = list
        .iter()
        .map(|value| format!("CAST({} AS STRING)", value.inline().unwrap()))
        .collect::<Vec<_>>()
        .join(", ");
    assert_eq!(text(&session, &format!("SELECT {inlined}"), &Parameters::None).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_markers_stand_anywhere() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let named = Parameters::Named(BTreeMap::from([
        ("least".to_owned(), parameter("BIGINT", Some("3"))),
        ("n".to_owned(), parameter("INT", Some("2"))),
    ]));
    let sql = "SELECT id FROM range(10) WHERE id >= :least ORDER BY id LIMIT :n";
    assert_eq!(text(&session, sql, &named).await, "3\n4");
    let error = rows(&session, "SELECT :absent", &Parameters::None).await.unwrap_err();
    assert_eq!((error.class.as_str(), error.sql_state.as_str()), ("UNBOUND_SQL_PARAMETER", "42P02"));
}
