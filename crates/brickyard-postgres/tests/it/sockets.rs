//! Directories of sockets, which must not stay when their brickyard was killed.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use brickyard_postgres::{Account, Server, ServerConfig};

use crate::support::Ground;

/// A directory as a server of some earlier life left it, with what its lock file says.
fn left(parent: &Path, name: &str, mode: u32, lock: Option<&str>) -> PathBuf {
    let path = parent.join(format!("brickyard-lakebase-{name}"));
    std::fs::create_dir(&path).unwrap();
    if let Some(lock) = lock {
        std::fs::write(path.join(".s.PGSQL.5432.lock"), lock).unwrap();
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    if let Some(account) = Account::needed().unwrap() {
        chown(&path, Some(account.uid), Some(account.gid)).unwrap();
    }
    path
}

/// A program that works in a directory, as a server does in its data, until this is dropped.
struct Living(Child);

impl Living {
    fn start(directory: &Path) -> Self {
        Self(Command::new("sleep").arg("600").current_dir(directory).spawn().unwrap())
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_clears_what_the_dead_left_and_nothing_of_the_living() {
    let ground = Ground::new();
    let sockets = tempfile::tempdir().unwrap();
    std::fs::set_permissions(sockets.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = async |name: &str| {
        Server::new(ServerConfig { sockets: sockets.path().to_path_buf(), ..ground.config(name).await })
    };
    let first = server("one").await;
    let mut client = first.client("postgres").await.unwrap();

    let data = tempfile::tempdir().unwrap();
    let (mut ended, living) = (Living::start(data.path()), Living::start(data.path()));
    let lock = |process: &Living| format!("{}\n{}\n", process.0.id(), data.path().display());
    let dead = [
        left(sockets.path(), "stopped-by-its-warden", 0o700, None),
        left(sockets.path(), "killed", 0o700, Some(&lock(&ended))),
        left(sockets.path(), "number-of-another", 0o700, Some(&format!("{}\n/absent\n", living.0.id()))),
    ];
    ended.0.kill().unwrap();
    ended.0.wait().unwrap();
    let alive = [
        left(sockets.path(), "outlives-its-brickyard", 0o700, Some(&lock(&living))),
        left(sockets.path(), "nobody-of-ours", 0o755, None),
        first.socket().await.unwrap().parent().unwrap().to_path_buf(),
    ];

    let second = server("two").await;
    second.start().await.unwrap();
    let cleared = async {
        while dead.iter().any(|path| path.exists()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cleared).await.expect("the dead's are cleared");
    for path in alive {
        assert!(path.exists(), "{}", path.display());
    }
    client.query("SELECT 1").await.unwrap();
    first.client("postgres").await.unwrap();
    // One whose server dies is in nobody's way, and what a stop leaves is nothing.
    first.stop().await;
    second.stop().await;
    let kept = std::fs::read_dir(sockets.path()).unwrap().count();
    assert_eq!(kept, 2, "the stranger's and the one that outlives its brickyard");
    ground.stop().await;
}
