use std::path::Path;

use super::{DEVELOPER, Place, run};
use crate::catalog::Branch;

/// What a table holds, by a session of the developer.
async fn names(place: &Place, table: &str) -> String {
    let (session, _lease) = place.session(DEVELOPER).await;
    run(&session, &format!("SELECT name FROM main.sales.{table} ORDER BY name")).await.unwrap()
}

/// A branch of a table with a row of this name in it.
async fn branch_with(place: &Place, table: &str, folder: &Path, name: &str) -> Branch {
    let catalog = place.catalog();
    let record = catalog.table_record(&format!("main.sales.{table}")).unwrap();
    let branch = catalog.branch(&record, folder).unwrap();
    let (session, lease) = place.session(DEVELOPER).await;
    let insert = format!("INSERT INTO {} VALUES (1, '{name}')", branch.engine_name());
    assert!(run(&session, &insert).await.is_err(), "the engine knows a branch only where it is delegated");
    let _delegation = lease.delegate([branch.full_name()]);
    run(&session, &insert).await.unwrap();
    branch
}

const TABLES: [&str; 3] = ["left", "middle", "right"];

/// A branch of each table with a new row.
async fn branches(place: &Place) -> Vec<Branch> {
    let mut branches = Vec::new();
    for table in TABLES {
        let folder = place.catalog().branches_directory().join(table);
        branches.push(branch_with(place, table, &folder, "new").await);
    }
    branches
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_several_tables_that_a_crash_cut_off_is_whole_afterwards() {
    let mut place = Place::new().await;
    for table in TABLES {
        place.make_table(table);
    }
    branches(&place).await;
    // Cut off before the commit is decided: nothing of it is there, and its branches are gone.
    place = place.again().await;
    assert!(!place.catalog().branches_directory().exists());
    assert_eq!(names(&place, "left").await, "");

    let made = branches(&place).await;
    let entries = place.catalog().decide(&place.identity(DEVELOPER), "some-id", &made, false).unwrap();
    assert_eq!(names(&place, "left").await, "", "what is decided is not written yet");
    // Cut off after the log of one table: a new life writes the others, and does so once.
    place.catalog().carry_out("another id", &entries[..1]).unwrap();
    assert_eq!(
        (names(&place, "left").await, names(&place, "right").await),
        ("new".to_owned(), String::new())
    );
    // Somebody else's commit has taken the version of another.
    {
        let (session, _lease) = place.session(DEVELOPER).await;
        run(&session, "INSERT INTO main.sales.right VALUES (2, 'other')").await.unwrap();
    }
    for _ in 0..2 {
        place = place.again().await;
        assert!(!place.catalog().branches_directory().exists());
        assert_eq!(names(&place, "left").await, "new");
        assert_eq!(names(&place, "middle").await, "new");
        assert_eq!(names(&place, "right").await, "new\nother");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_gone_takes_the_whole_commit_with_it() {
    let place = Place::new().await;
    let (catalog, developer) = (place.catalog(), place.identity(DEVELOPER));
    let folder = catalog.branches_directory();
    let mut branches = Vec::new();
    for table in ["left", "right"] {
        place.make_table(table);
        branches.push(branch_with(&place, table, &folder.join(table), "new").await);
    }
    catalog.drop_table(&developer, "main.sales.right").unwrap();
    assert!(catalog.commit_branches(&developer, "some-id", &branches, false).is_err());
    assert_eq!(names(&place, "left").await, "");
}
