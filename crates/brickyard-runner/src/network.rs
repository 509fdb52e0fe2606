//! A network of its own for one app (Linux): the app may fix any port, though another app fixes the same one.
//!
//! The warden enters new user and network namespaces, which need no privilege where the system allows them. Inside there is
//! loopback and nothing else; what the app has to reach (the workspace's proxy, its database) is passed through Unix
//! sockets, and so are the requests to it. Everything beyond goes through the workspace's proxy or nowhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::process::Command;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::warden;

/// What the names of the directories of sockets begin with.
const PREFIX: &str = "brickyard-network-";

/// A directory may be so old before it is locked.
const YOUNG: Duration = Duration::from_secs(60);

/// The ways in and out of an app's own network, as long as it lives.
#[derive(Debug)]
pub struct Network {
    directory: TempDir,
    /// Locked as long as we live, so that whoever comes after a `kill -9` knows that nobody needs the directory.
    _held: File,
    /// The port the app listens on inside.
    inside: u16,
    reach: Vec<SocketAddr>,
    outside: SocketAddr,
    _end: DropGuard,
}

impl Network {
    /// Whether this system lets an ordinary process make such a network; `program` is our own.
    pub async fn is_allowed(program: &OsStr) -> bool {
        if !cfg!(target_os = "linux") {
            return false;
        }
        let asked = Command::new(program)
            .args(["warden", warden::CHECK_NETWORK])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        let asked = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await;
        matches!(asked, Ok(Ok(status)) if status.success())
    }

    /// Opens the ways: one in, to the app's port, and one out to each address of this machine that it has to reach.
    pub async fn open(inside: u16, reach: Vec<SocketAddr>) -> io::Result<Self> {
        // Names of sockets are short: not below a directory of the user's choice.
        sweep();
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        let held = File::open(directory.path())?;
        held.lock()?;
        let end = CancellationToken::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let outside = listener.local_addr()?;
        let way_in = directory.path().join(warden::WAY_IN);
        let ended = end.clone();
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = ended.run_until_cancelled(listener.accept()).await {
                let (way_in, ended) = (way_in.clone(), ended.clone());
                tokio::spawn(async move {
                    let passing = async {
                        // A socket that cannot be tuned still works.
                        let _untuned = stream.set_nodelay(true);
                        warden::pass(stream, UnixStream::connect(way_in).await?).await
                    };
                    if let Some(Err(error)) = ended.run_until_cancelled(passing).await {
                        tracing::debug!(%error, "A connection into an app's network ended badly");
                    }
                });
            }
        });
        for address in &reach {
            let listener = UnixListener::bind(warden::way_out(directory.path(), *address))?;
            let (address, ended) = (*address, end.clone());
            tokio::spawn(async move {
                while let Some(Ok((stream, _))) = ended.run_until_cancelled(listener.accept()).await {
                    let ended = ended.clone();
                    tokio::spawn(async move {
                        let passing =
                            async { warden::pass(stream, TcpStream::connect(address).await?).await };
                        if let Some(Err(error)) = ended.run_until_cancelled(passing).await {
                            tracing::debug!(%error, "A connection out of an app's network ended badly");
                        }
                    });
                }
            });
        }
        Ok(Self { directory, _held: held, inside, reach, outside, _end: end.drop_guard() })
    }

    /// Where the app is reached from outside.
    pub fn outside(&self) -> SocketAddr {
        self.outside
    }

    /// The words that tell a warden to put its child there.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut words = vec![
            OsString::from(warden::NETWORK),
            self.directory.path().as_os_str().to_owned(),
            OsString::from(warden::INSIDE),
            OsString::from(self.inside.to_string()),
        ];
        for address in &self.reach {
            words.extend([OsString::from(warden::REACH), OsString::from(address.to_string())]);
        }
        words
    }

    /// The directory of its sockets.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes the directories of networks whose brickyard was killed; the system keeps us from those of other users.
fn sweep() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let named = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let old = |file: &File| {
            let made = file.metadata().and_then(|metadata| metadata.modified());
            made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > YOUNG))
        };
        if let Some(held) = named.then(|| File::open(entry.path()).ok()).flatten()
            && old(&held)
            && held.try_lock().is_ok()
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_killed_one_left_is_cleared_and_what_lives_is_not() {
        let living = Network::open(8000, Vec::new()).await.unwrap();
        let made = std::fs::metadata(living.directory()).unwrap().modified().unwrap();
        let long_ago = made - Duration::from_secs(600);
        let left = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap().keep();
        let young = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        for old in [living.directory(), &left] {
            File::open(old).unwrap().set_modified(long_ago).unwrap();
        }
        let _next = Network::open(8000, Vec::new()).await.unwrap();
        assert!(!left.exists());
        assert!(living.directory().exists() && young.path().exists());
    }
}
