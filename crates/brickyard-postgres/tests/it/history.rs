//! Earlier states of a server.

use std::os::unix::fs::PermissionsExt;

use brickyard_postgres::{Client, Microseconds, Point, Server, read_lsn};

use crate::support::Ground;

async fn one(client: &mut Client, sql: &str) -> String {
    client.query(sql).await.unwrap()[0][0].clone().unwrap()
}

async fn moment(client: &mut Client) -> Microseconds {
    let asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    one(client, asked).await.parse().unwrap()
}

/// What a table held at a point.
async fn was(ground: &Ground, server: &Server, name: &str, point: Point) -> Result<String, String> {
    let branch = ground.server(name).await;
    match server.restore_to(&branch, &point).await {
        Ok(Some(())) => {}
        Ok(None) => return Err("not kept".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let mut client = branch.client("postgres").await.unwrap();
    let rows = one(&mut client, "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM item").await;
    client.query("INSERT INTO item VALUES (99)").await.unwrap(); // it is a server like any other
    Ok(rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_brought_back_to_any_point_since_its_history_began() {
    let ground = Ground::new();
    let main = ground.server("main").await;
    let mut client = main.client("postgres").await.unwrap();
    client.query("CREATE TABLE item (id int); INSERT INTO item VALUES (0)").await.unwrap();
    let before = moment(&mut client).await;
    assert_eq!(was(&ground, &main, "none", Point::Time(before)).await, Err("not kept".to_owned()));
    main.keep_history(3600).await.unwrap();

    let began = moment(&mut client).await;
    client.query("INSERT INTO item VALUES (1)").await.unwrap();
    let (time, lsn) = (moment(&mut client).await, one(&mut client, "SELECT pg_current_wal_lsn()").await);
    client.query("SET synchronous_commit = off; INSERT INTO item VALUES (2)").await.unwrap();
    let late = moment(&mut client).await;
    // It is kept over a restart and a crash.
    main.stop().await;
    let mut client = main.client("postgres").await.unwrap();
    client.query("DELETE FROM item").await.unwrap();
    client.query("DROP TABLE item").await.unwrap();

    let main = &main;
    let was = async |name, point| was(&ground, main, name, point).await;
    assert_eq!(was("a", Point::Time(before)).await, Err("not kept".to_owned()));
    assert_eq!(was("b", Point::Time(began)).await.as_deref(), Ok("0"));
    assert_eq!(was("c", Point::Time(time)).await.as_deref(), Ok("0,1"));
    assert_eq!(was("d", Point::Lsn(read_lsn(&lsn).unwrap())).await.as_deref(), Ok("0,1"));
    assert_eq!(was("e", Point::Time(late)).await.as_deref(), Ok("0,1,2"));
    assert_eq!(one(&mut client, "SELECT count(*) FROM pg_class WHERE relname = 'item'").await, "0");

    // A server that was brought back has a history of its own.
    let branch = ground.server("c").await;
    let mut client = branch.client("postgres").await.unwrap();
    branch.keep_history(3600).await.unwrap();
    let time = moment(&mut client).await;
    client.query("DELETE FROM item").await.unwrap();
    let again = ground.server("again").await;
    branch.restore_to(&again, &Point::Time(time)).await.unwrap().expect("it is kept");
    let mut client = again.client("postgres").await.unwrap();
    assert_eq!(
        one(&mut client, "SELECT count(*) FROM item").await,
        "3",
        "0, 1 and what was written to the branch"
    );
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_asked_for_goes() {
    let ground = Ground::new();
    let open = std::fs::Permissions::from_mode(0o755); // so that the data is where it is wanted
    std::fs::set_permissions(ground.directory.path(), open).unwrap();
    let history = ground.directory.path().join("main/history");
    let main = ground.server("main").await;
    let mut client = main.client("postgres").await.unwrap();
    client.query("CREATE TABLE item (id int)").await.unwrap();
    main.keep_history(3600).await.unwrap();
    main.keep_history(3600).await.unwrap();
    let copies = || std::fs::read_dir(&history).unwrap().count();
    assert_eq!(copies(), 1, "the newest is young enough");
    let kept = "SELECT restart_lsn FROM pg_replication_slots";
    let first = read_lsn(&one(&mut client, kept).await).unwrap();
    let old = moment(&mut client).await;
    client.query("INSERT INTO item VALUES (1)").await.unwrap();
    main.keep_history(0).await.unwrap();
    assert_eq!(copies(), 1, "the first is needed no more");
    let second = moment(&mut client).await;
    client.query("INSERT INTO item VALUES (2)").await.unwrap();
    assert!(read_lsn(&one(&mut client, kept).await).unwrap() > first, "the log of before may go");
    assert_eq!(was(&ground, &main, "a", Point::Time(old)).await, Err("not kept".to_owned()));
    assert_eq!(was(&ground, &main, "b", Point::Time(second)).await.as_deref(), Ok("1"));
    main.forget_history().await.unwrap();
    assert_eq!(one(&mut client, "SELECT count(*) FROM pg_replication_slots").await, "0");
    assert_eq!(was(&ground, &main, "c", Point::Time(second)).await, Err("not kept".to_owned()));
    main.keep_history(3600).await.unwrap();
    main.destroy().await.unwrap();
    assert!(!history.parent().unwrap().exists(), "nothing of it is left");
    ground.stop().await;
}
