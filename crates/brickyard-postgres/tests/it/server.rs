use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use brickyard_postgres::{Account, Server, ServerConfig, ServerState, identifier, literal};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use crate::support::{Ground, POSTGRES, installation};

async fn postmaster(client: &mut brickyard_postgres::Client) -> Pid {
    // Every backend is a child of the postmaster, whose number stands in the first line of its file.
    let rows = client.query("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").await.unwrap();
    Pid::from_raw(rows[0][0].as_ref().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_on_first_use_and_keeps_what_was_committed() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    assert_eq!(server.state(), ServerState::Stopped);
    let mut client = server.client("postgres").await.unwrap();
    assert_eq!(server.state(), ServerState::Running);
    let rows = client
        .query("SHOW data_checksums; SHOW listen_addresses; SHOW fsync; SELECT datcollate FROM pg_database LIMIT 1; \
                SELECT upper('straße äöü')")
        .await
        .unwrap();
    assert_eq!(rows[0], [Some("on".to_owned())]);
    assert_eq!(rows[1], [Some(String::new())], "no TCP at all");
    assert_eq!(rows[2], [Some("on".to_owned())]);
    assert_eq!(rows[3], [Some("C.UTF-8".to_owned())]);
    assert_eq!(rows[4], [Some("STRAßE ÄÖÜ".to_owned())]);
    client.query("CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)").await.unwrap();
    let pid = postmaster(&mut client).await;
    server.stop().await;
    assert_eq!(server.state(), ServerState::Stopped);
    assert!(kill(pid, None).is_err(), "the process is gone");

    let mut client = server.client("postgres").await.unwrap();
    assert_eq!(client.query("SELECT x FROM kept").await.unwrap()[0], [Some("7".to_owned())]);
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_comes_back_with_its_data() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let mut client = server.client("postgres").await.unwrap();
    client.query("CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)").await.unwrap();
    let pid = postmaster(&mut client).await;
    kill(pid, Signal::SIGKILL).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let rows = loop {
        let attempt = async {
            server.connect().await.ok()?;
            server.client("postgres").await.ok()?.query("SELECT x FROM kept").await.ok()
        };
        if let Some(rows) = attempt.await {
            break rows;
        }
        assert!(Instant::now() < deadline, "never came back");
    };
    assert_eq!(rows[0], [Some("7".to_owned())]);
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_left_behind_by_another_brickyard_is_replaced() {
    let ground = Ground::new();
    let first = ground.server("one").await;
    let mut client = first.client("postgres").await.unwrap();
    client.query("CREATE TABLE kept (x int)").await.unwrap();
    let left = postmaster(&mut client).await;
    // Another brickyard on the same directory, while the first one's server still runs.
    let second = ground.server("one").await;
    let mut client = second.client("postgres").await.unwrap();
    assert_ne!(postmaster(&mut client).await, left);
    client.query("SELECT x FROM kept").await.unwrap();
    second.stop().await;
    ground.stop().await;
}

/// A server whose program waits before it begins, for ever; where the program's process number will stand.
async fn unnamed(ground: &Ground) -> (Server, PathBuf) {
    let (number, gate) = (ground.directory.path().join("number"), ground.directory.path().join("gate"));
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let program = r#"number=$0; gate=$1; shift; echo $$ > "$number.new"; mv "$number.new" "$number"; read line < "$gate"; exec "$@""#;
    // As the warden does, it ends its program when its standard input ends.
    let warden = format!(r#"sh -c '{program}' "$@" & cat > /dev/null; kill $!; wait"#);
    let words = ["sh", "-c", &warden, "warden", number.to_str().unwrap(), gate.to_str().unwrap()];
    let config = ServerConfig { warden: words.map(str::to_owned).to_vec(), ..ground.config("one").await };
    (Server::new(config), number)
}

async fn begun(number: &Path) -> Pid {
    loop {
        if let Ok(text) = std::fs::read_to_string(number) {
            return Pid::from_raw(text.trim().parse().unwrap());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// brickyard may stop between the start of a server and the file that names it: only the warden knows the process then.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_named_yet_is_not_left_behind() {
    let ground = Ground::new();
    let (server, number) = unnamed(&ground).await;
    let starting = tokio::spawn(async move { server.start().await });
    let pid = begun(&number).await;
    assert!(kill(pid, None).is_ok());
    tokio::time::timeout(Duration::from_secs(60), ground.stop()).await.expect("nothing is left to wait for");
    assert!(kill(pid, None).is_err(), "the process is gone");
    assert!(starting.await.unwrap().is_err());
}

/// brickyard may also end in the middle of a start, without waiting for anything.
#[test]
fn a_server_is_not_left_behind_by_who_waits_for_nothing() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (ground, ends) = (Ground::new(), runtime());
    let (server, number) = ends.block_on(unnamed(&ground));
    ends.spawn(async move { server.start().await });
    let pid = ends.block_on(begun(&number));
    ends.shutdown_background();
    let gone = async {
        while kill(pid, None).is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let gone = runtime().block_on(async { tokio::time::timeout(Duration::from_secs(30), gone).await });
    assert!(gone.is_ok(), "the process is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_the_number_of_an_old_server_is_left_alone() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let mut client = server.client("postgres").await.unwrap();
    let rows = client.query("SHOW data_directory").await.unwrap();
    let data = std::path::PathBuf::from(rows[0][0].clone().unwrap());
    server.stop().await;
    let own = std::process::id();
    std::fs::write(data.join("postmaster.pid"), format!("{own}\n{}\n", data.display())).unwrap();
    server.client("postgres").await.unwrap();
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_server_of_its_own() {
    let ground = Ground::new();
    let (main, branch) = (ground.server("main").await, ground.server("branch").await);
    let mut client = main.client("postgres").await.unwrap();
    let role = identifier("ada@example.com");
    client.query(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
    client.query(&format!("CREATE DATABASE shop OWNER {role}")).await.unwrap();
    let mut shop = main.client_as("ada@example.com", None, "shop").await.unwrap();
    shop.query("CREATE TABLE item AS SELECT generate_series(1, 1000) AS id").await.unwrap();
    main.copy_to(&branch).await.unwrap();
    shop.query("INSERT INTO item VALUES (0)").await.unwrap();

    let mut copy = branch.client_as("ada@example.com", None, "shop").await.unwrap();
    let count = "SELECT count(*) FROM item";
    assert_eq!(copy.query(count).await.unwrap()[0], [Some("1000".to_owned())]);
    copy.query("DELETE FROM item").await.unwrap();
    assert_eq!(shop.query(count).await.unwrap()[0], [Some("1001".to_owned())]);
    branch.destroy().await.unwrap();
    assert!(!branch.exists());
    ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_quotes_and_reports() {
    let ground = Ground::new();
    let server = ground.server("one").await;
    let mut client = server.client("postgres").await.unwrap();
    let nasty = "x\"; DROP ROLE y; -- \\ ' é";
    client.query(&format!("CREATE ROLE {}", identifier(nasty))).await.unwrap();
    let found = client
        .query(&format!("SELECT rolname FROM pg_roles WHERE rolname = {}", literal(nasty)))
        .await
        .unwrap();
    assert_eq!(found, [vec![Some(nasty.to_owned())]]);
    let error = client.query("SELECT * FROM nowhere").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42P01"));
    client.query("CREATE TABLE t (a int, b text)").await.unwrap();
    client.copy("COPY t FROM STDIN", bytes::Bytes::from_static(b"1\tx\n2\t\\N\n")).await.unwrap();
    let rows = client.query("SELECT b FROM t ORDER BY a").await.unwrap();
    assert_eq!(rows, [vec![Some("x".to_owned())], vec![None]]);
    ground.stop().await;
}

/// Matters when the tests run as root, as in a container: the server's account cannot enter a private directory.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_directory_of_root_is_no_obstacle() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::new();
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(ground.directory.path(), private).unwrap();
    let server = ground.server("one").await;
    server.client("postgres").await.unwrap().query("CREATE TABLE kept (x int)").await.unwrap();
    server.stop().await;
    server.client("postgres").await.unwrap().query("SELECT x FROM kept").await.unwrap();
    server.destroy().await.unwrap();
    assert!(!server.exists());
    ground.stop().await;
}

/// The other tests show what they show for whoever runs them; where that is root, this one is somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_root_has_a_server_too() {
    let Some(account) = Account::needed().unwrap() else { return };
    let ground = tempfile::tempdir().unwrap();
    let run = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir("/").env("TMPDIR", ground.path()).uid(account.uid).gid(account.gid);
        command
    };
    let copy = |from: &Path, to: &Path| {
        assert!(Command::new("cp").arg("-rL").args([from, to]).status().unwrap().success());
    };
    // A home of root's, where these tests may lie, is closed to others.
    let tests = ground.path().join("tests");
    copy(&std::env::current_exe().unwrap(), &tests);
    let mut programs: PathBuf = installation().await.directory;
    let reachable = run(&programs.join("postgres")).arg("--version").output();
    if !reachable.is_ok_and(|output| output.status.success()) {
        copy(programs.parent().unwrap(), &ground.path().join("postgres"));
        programs = ground.path().join("postgres").join(programs.file_name().unwrap());
    }
    let owner = format!("{}:{}", account.uid, account.gid);
    assert!(Command::new("chown").args(["-R", &owner]).arg(ground.path()).status().unwrap().success());
    let name = "server::starts_on_first_use_and_keeps_what_was_committed";
    let output = run(&tests).args(["--exact", name]).env(POSTGRES, &programs).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{failed}");
}
