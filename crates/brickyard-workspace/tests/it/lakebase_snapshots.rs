//! Snapshots and pooled hosts of Lakebase autoscaling, and what there is not, as the SDK and psycopg see them.

use crate::harness::{environment, start};
use crate::lakebase::{CLIENTS, developer_environment};

async fn run(part: &str) {
    let running = start().await;
    let variables = developer_environment(&running);
    let parts = include_str!("clients/lakebase_snapshots.py");
    let script =
        format!("{parts}\n\n{part}()\nw.postgres.delete_project('projects/shop').wait()\nprint('ok')\n");
    let output = running.python_with(&environment(CLIENTS).await, &variables, &script).await;
    assert_eq!(output.trim(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_kept_and_become_branches() {
    run("snapshots").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_begin_where_their_source_was() {
    run("history").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_begin_where_their_parent_was() {
    run("instance_history").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pooled_hosts_take_passwords_only() {
    run("pooled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_says_so() {
    run("absent").await;
}
