use std::collections::BTreeMap;

use super::{Column, DEVELOPER, DataType, NewTable, Place, run};
use crate::catalog::TableChange;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_counted_from_the_log() {
    let place = Place::new().await;
    place.make_table("orders");
    let (session, _lease) = place.session(DEVELOPER).await;
    let catalog = place.catalog();
    let table = catalog.table_record("main.sales.orders").unwrap();
    for (sql, rows) in [
        ("INSERT INTO main.sales.orders VALUES (1, 'a'), (2, 'b'), (3, 'c')", 3),
        ("UPDATE main.sales.orders SET name = 'z' WHERE id = 2", 1),
        ("DELETE FROM main.sales.orders WHERE id = 3", 1),
        (
            "MERGE INTO main.sales.orders t USING (SELECT 1L id, 'm' name UNION ALL SELECT 9, 'n') s ON t.id = s.id
             WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
            2,
        ),
        ("DELETE FROM main.sales.orders WHERE id = 77", 0),
    ] {
        let before = catalog.version(&table).unwrap();
        run(&session, sql).await.unwrap();
        assert_eq!(catalog.changed_rows(&table, before).unwrap().total(), rows, "{sql}");
    }
    let history = catalog.history(&place.identity(DEVELOPER), "main.sales.orders", 100).unwrap();
    let operations: Vec<&str> = history.iter().rev().map(|commit| commit.operation.as_str()).collect();
    assert_eq!(operations[..5], ["CREATE TABLE", "WRITE", "UPDATE", "DELETE", "MERGE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_changes_are_seen_by_the_engine() {
    let place = Place::new().await;
    place.make_table("orders");
    let (session, _lease) = place.session(DEVELOPER).await;
    let (catalog, developer) = (place.catalog(), place.identity(DEVELOPER));
    run(&session, "INSERT INTO main.sales.orders VALUES (1, 'a')").await.unwrap();
    let price = Column {
        comment: Some("in euro".to_owned()),
        ..Column::new("price", DataType::parse("DECIMAL(10,2)").unwrap())
    };
    let alter = |change| catalog.alter_table(&developer, "main.sales.orders", change).unwrap();
    alter(TableChange::AddColumns(vec![(price, Some("id".to_owned()))]));
    alter(TableChange::SetProperties(BTreeMap::from([("team".to_owned(), "blue".to_owned())])));
    alter(TableChange::AddCheck { name: "positive".to_owned(), expression: "id > 0".to_owned() });
    run(&session, "INSERT INTO main.sales.orders VALUES (2, 1.50, 'b')").await.unwrap();
    assert_eq!(
        run(&session, "SELECT id, price, name FROM main.sales.orders ORDER BY id").await.unwrap(),
        "1  a\n2 1.50 b"
    );
    assert!(run(&session, "INSERT INTO main.sales.orders VALUES (-2, 1.50, 'b')").await.is_err());
    alter(TableChange::DropConstraint { name: "Positive".to_owned(), if_exists: false });
    run(&session, "INSERT INTO main.sales.orders VALUES (-2, 1.50, 'b')").await.unwrap();
    let record = catalog.table_record("main.sales.orders").unwrap();
    assert_eq!(catalog.properties(&record).unwrap()["team"], "blue");
    assert_eq!(catalog.columns(&record).unwrap()[1].comment.as_deref(), Some("in euro"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_goes_back_and_is_made_anew() {
    let place = Place::new().await;
    place.make_table("orders");
    let (session, _lease) = place.session(DEVELOPER).await;
    let (catalog, developer) = (place.catalog(), place.identity(DEVELOPER));
    run(&session, "INSERT INTO main.sales.orders VALUES (1, 'a'), (2, 'b')").await.unwrap();
    run(&session, "DELETE FROM main.sales.orders WHERE id = 1").await.unwrap();
    run(&session, "INSERT INTO main.sales.orders VALUES (3, 'c')").await.unwrap();
    let ids = "SELECT array_join(array_sort(collect_list(id)), ',') FROM main.sales.orders";
    assert_eq!(run(&session, ids).await.unwrap(), "2,3");
    let restored = catalog.restore(&developer, "main.sales.orders", 1).unwrap();
    assert_eq!((restored.num_restored_files, restored.num_of_files_after_restore), (1, 1));
    assert_eq!(run(&session, ids).await.unwrap(), "1,2");
    assert_eq!(run(&session, &format!("{ids} VERSION AS OF 3")).await.unwrap(), "2,3");

    let table = NewTable {
        full_name: "main.sales.orders".to_owned(),
        columns: vec![Column::new("only", DataType::parse("TIMESTAMP_NTZ").unwrap())],
        replace: true,
        ..NewTable::default()
    };
    catalog.create_table(&developer, table).unwrap();
    assert_eq!(run(&session, "SELECT count(only) FROM main.sales.orders").await.unwrap(), "0");
    run(&session, "INSERT INTO main.sales.orders VALUES (timestamp_ntz'2026-01-01 00:00:00')").await.unwrap();
    assert_eq!(run(&session, "SELECT * FROM main.sales.orders").await.unwrap(), "2026-01-01T00:00:00");
    let detail = catalog.detail(&developer, "main.sales.orders").unwrap();
    assert_eq!((detail.num_files, detail.snapshot.version), (1, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_files_go_and_present_rows_stay() {
    let place = Place::new().await;
    place.make_table("orders");
    let (session, _lease) = place.session(DEVELOPER).await;
    let (catalog, developer) = (place.catalog(), place.identity(DEVELOPER));
    for sql in [
        "INSERT INTO main.sales.orders VALUES (1, 'a'), (2, 'b')",
        "INSERT OVERWRITE main.sales.orders SELECT 3, 'c'",
        "INSERT INTO main.sales.orders VALUES (4, 'd'), (5, 'e')",
        "DELETE FROM main.sales.orders WHERE id = 5",
    ] {
        run(&session, sql).await.unwrap();
    }
    let vacuum = |hours, dry_run| catalog.vacuum(&developer, "main.sales.orders", hours, dry_run);
    assert!(vacuum(Some(1), false).is_err());
    assert!(vacuum(None, false).unwrap().is_empty());
    place.workspace().clock().advance(jiff::SignedDuration::from_hours(24 * 8));
    assert_eq!(vacuum(None, true).unwrap().len(), 1);
    let removed = vacuum(None, false).unwrap();
    assert!(removed.len() == 1 && !removed[0].exists());
    assert_eq!(run(&session, "SELECT * FROM main.sales.orders ORDER BY id").await.unwrap(), "3 c\n4 d");
    assert!(catalog.restore(&developer, "main.sales.orders", 1).is_err());
    let history = catalog.history(&developer, "main.sales.orders", 1).unwrap();
    assert_eq!(history[0].operation, "VACUUM END");
}

/// Another implementation of Delta reads and writes what we and the engine wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_reader_understands_the_tables() {
    let place = Place::new().await;
    place.make_table("orders");
    let (session, _lease) = place.session(DEVELOPER).await;
    run(&session, "INSERT INTO main.sales.orders VALUES (1, 'a'), (2, 'b'), (3, 'c')").await.unwrap();
    run(&session, "DELETE FROM main.sales.orders WHERE id = 2").await.unwrap();
    place.catalog().restore(&place.identity(DEVELOPER), "main.sales.orders", 1).unwrap();
    run(&session, "DELETE FROM main.sales.orders WHERE id = 3").await.unwrap();
    let location = place.catalog().table_record("main.sales.orders").unwrap().location.unwrap();
    let script = r#"
import sys
from deltalake import DeltaTable, QueryBuilder
table = DeltaTable(sys.argv[1])
rows = QueryBuilder().register("t", table).execute("SELECT id, name FROM t ORDER BY id").read_all()
print([tuple(column.to_pylist()) for column in rows.columns], table.version(), [field.name for field in table.schema().fields])
"#;
    let make = || brickyard_testing::python_environment(&["deltalake==1.6.6"]).python();
    let python = tokio::task::spawn_blocking(make).await.unwrap();
    let output =
        tokio::process::Command::new(python).args(["-c", script]).arg(&location).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert_eq!(text(&output.stdout), "[(1, 2), ('a', 'b')] 4 ['id', 'name']", "{}", text(&output.stderr));
}
