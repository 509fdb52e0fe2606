//! Is the app up? Looked up in the kernel's tables where there are any, so that the app sees no stray connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::time::Instant;

use super::Diagnosis;
use super::listeners::{Listener, listeners, owned};
use crate::warden::descendants;

/// Wrong ports are looked for after this time, and then again in this rhythm.
const DIAGNOSE_INTERVAL: Duration = Duration::from_millis(1_500);

/// What a look at the app showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing yet.
    Waiting,
    /// Not up, and this is why.
    Wrong(Diagnosis),
    /// Up, with something to say about it or not.
    Up(SocketAddr, Option<Diagnosis>),
}

/// Looks at one run of the app again and again.
#[derive(Debug)]
pub(super) struct Probe {
    warden: Pid,
    port: u16,
    started: Instant,
    diagnosed: Instant,
    /// How long the last look took.
    looked: Duration,
}

impl Probe {
    pub(super) fn new(warden: Pid, port: u16) -> Self {
        let started = Instant::now();
        Self { warden, port, started, diagnosed: started, looked: Duration::ZERO }
    }

    /// How long to wait until the next look: short while a start is likely, longer later, and never so short that looking takes
    /// the app's processor.
    pub(super) fn pause(&self) -> Duration {
        let rhythm = match self.started.elapsed().as_secs() {
            0..3 => Duration::from_millis(5),
            3..20 => Duration::from_millis(25),
            _ => Duration::from_millis(200),
        };
        rhythm.max(self.looked * 4)
    }

    pub(super) async fn look(&mut self) -> Finding {
        if !cfg!(target_os = "linux") {
            return self.knock().await;
        }
        let begun = Instant::now();
        let all = listeners(self.warden);
        self.looked = begun.elapsed();
        let here: Vec<Listener> =
            all.iter().filter(|listener| listener.address.port() == self.port).copied().collect();
        if !here.is_empty() {
            let ours = owned(&here, &descendants(self.warden));
            return match reachable(&ours) {
                Some(address) => Finding::Up(address, loopback_only(&ours)),
                None => Finding::Wrong(Diagnosis::PortTaken { port: self.port }),
            };
        }
        if self.diagnosed.elapsed() < DIAGNOSE_INTERVAL {
            return Finding::Waiting;
        }
        self.diagnosed = Instant::now();
        let mut found: Vec<SocketAddr> =
            owned(&all, &descendants(self.warden)).iter().map(|listener| listener.address).collect();
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            return Finding::Waiting;
        }
        Finding::Wrong(Diagnosis::WrongPort { expected: self.port, found })
    }

    /// Where there are no tables: a connection tells.
    async fn knock(&self) -> Finding {
        for host in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            let address = SocketAddr::new(host, self.port);
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Finding::Up(address, None);
            }
        }
        Finding::Waiting
    }
}

/// The address to reach one of these listeners by: IPv4 if it can be.
fn reachable(listeners: &[Listener]) -> Option<SocketAddr> {
    let candidates = listeners.iter().map(|listener| match listener.address {
        SocketAddr::V4(address) if address.ip().is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())
        }
        SocketAddr::V6(address) if address.ip().is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port())
        }
        other => other,
    });
    candidates.min_by_key(SocketAddr::is_ipv6)
}

fn loopback_only(listeners: &[Listener]) -> Option<Diagnosis> {
    let all = listeners.iter().all(|listener| listener.address.ip().is_loopback());
    listeners.first().filter(|_| all).map(|listener| Diagnosis::LoopbackOnly { address: listener.address })
}
