use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use brickyard_engine::Parameters;
use uuid::Uuid;

use crate::support::{Sail, rows, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_come_with_their_types() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let sql = "SELECT 1 i, 'x' s, true b, CAST(1.5 AS DECIMAL(10,2)) d, DATE'2026-01-02' day, CAST(NULL AS INT) n, \
               array(1, 2) a";
    assert_eq!(text(&session, sql, &Parameters::None).await, "1 x true 1.50 2026-01-02 NULL [1, 2]");
    let sql = format!("{sql}, TIMESTAMP'2026-01-02 03:04:05' t");
    let sql = sql.as_str();
    let analyzed = session.schema(sql, &Parameters::None).await.unwrap();
    let running = session.execute(Uuid::new_v4(), sql, &Parameters::None).await.unwrap();
    let types = |schema: &arrow_schema::Schema| -> Vec<(String, DataType)> {
        // Names of one zone differ: the engine analyzes `UTC` where it answers `Etc/UTC`.
        let bare = |data_type: &DataType| match data_type {
            DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
            other => other.clone(),
        };
        schema.fields().iter().map(|field| (field.name().clone(), bare(field.data_type()))).collect()
    };
    assert_eq!(types(&analyzed), types(&running.head.schema));
    assert_eq!(text(&session, "SELECT current_user()", &Parameters::None).await, "ada@example.com");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_and_empty_results_have_columns() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    rows(&session, "CREATE TABLE t (a INT, b STRING)", &Parameters::None).await.unwrap();
    rows(&session, "INSERT INTO t VALUES (1, 'x'), (2, 'y')", &Parameters::None).await.unwrap();
    assert_eq!(text(&session, "SELECT * FROM t ORDER BY a", &Parameters::None).await, "1 x\n2 y");
    let mut empty =
        session.execute(Uuid::new_v4(), "SELECT * FROM t WHERE a > 5", &Parameters::None).await.unwrap();
    assert_eq!(empty.head.schema.fields().len(), 2);
    assert!(empty.next().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_rows_stream() {
    let sail = Sail::start().await;
    let session = sail.session().await;
    let mut stream = session
        .execute(Uuid::new_v4(), "SELECT id, repeat('x', 100) FROM range(1000000)", &Parameters::None)
        .await
        .unwrap();
    let (mut pieces, mut sum) = (0, 0);
    while let Some(batch) = stream.next().await.unwrap() {
        assert_eq!(batch.decode().unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), batch.rows);
        pieces += 1;
        sum += batch.rows;
    }
    assert_eq!(sum, 1_000_000);
    assert!(pieces > 10, "{pieces} pieces");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_ours_become_a_view_of_the_session() {
    let sail = Sail::start().await;
    let (session, other) = (sail.session().await, sail.session().await);
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int32Array::from(vec![1, 2])) as _),
        ("name", Arc::new(StringArray::from(vec![Some("it's"), None])) as _),
    ])
    .unwrap();
    session.put_view("people", vec![batch.slice(0, 1), batch.slice(1, 1)]).await.unwrap();
    assert_eq!(text(&session, "SELECT * FROM people ORDER BY id", &Parameters::None).await, "1 it's\n2 NULL");
    session.put_view("people", vec![batch.slice(0, 0)]).await.unwrap();
    assert_eq!(text(&session, "SELECT count(*) FROM people", &Parameters::None).await, "0");
    let error = rows(&other, "SELECT * FROM people", &Parameters::None).await.unwrap_err();
    assert_eq!(error.class, "TABLE_OR_VIEW_NOT_FOUND");
}
