use crate::support::{Sail, failure, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_the_platforms_classes() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    for (sql, class, state) in [
        ("SELECT 1/0", "DIVIDE_BY_ZERO", "22012"),
        ("SELECT CAST('abc' AS INT)", "CAST_INVALID_INPUT", "22018"),
        ("SELECT CAST('abc' AS DATE)", "CAST_INVALID_INPUT", "22018"),
        ("SELECT CAST(300 AS TINYINT)", "CAST_OVERFLOW", "22003"),
        ("SELECT CAST('99999' AS DECIMAL(3,1))", "NUMERIC_VALUE_OUT_OF_RANGE", "22003"),
        ("SELECT nocol FROM range(3)", "UNRESOLVED_COLUMN", "42703"),
        ("SELEC 1", "PARSE_SYNTAX_ERROR", "42601"),
        ("SELECT nofunc(1)", "UNRESOLVED_ROUTINE", "42883"),
        ("SELECT * FROM nowhere.nothing", "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
        ("SHOW TABLES IN nowhere", "SCHEMA_NOT_FOUND", "42704"),
        ("SELECT array(1, 2)[5]", "INVALID_ARRAY_INDEX", "22003"),
        ("SELECT a FROM (SELECT 1 a, 2 a)", "AMBIGUOUS_REFERENCE", "42704"),
        ("SELECT id, count(*) FROM range(10)", "MISSING_AGGREGATION", "42803"),
        ("SELECT 1 UNION SELECT 1, 2", "NUM_COLUMNS_MISMATCH", "42826"),
    ] {
        let error = failure(&session, sql).await;
        assert_eq!((error.class.as_str(), error.sql_state.as_str()), (class, state), "{sql}: {error}");
        assert!(error.message.starts_with(&format!("[{class}")), "{sql}: {error}");
        assert!(!error.retryable, "{sql}");
    }
    assert_eq!(text(&session, "SELECT 1", &brickyard_engine::Parameters::None).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_the_engine_fails_the_statement_alone() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let error = failure(&session, "SELECT explode(map(1, 2))").await;
    assert_eq!(error.class, "INTERNAL_ERROR");
    assert_eq!(text(&session, "SELECT 2", &brickyard_engine::Parameters::None).await, "2");
}
