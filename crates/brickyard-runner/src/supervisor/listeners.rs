//! Which sockets listen, and whose they are.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use nix::unistd::Pid;

/// The state `LISTEN` in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// A listening TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) inode: u64,
}

/// Every listening TCP socket in a process's network, which is the machine's unless it has its own; empty where the
/// system does not tell.
pub(super) fn listeners(process: Pid) -> Vec<Listener> {
    #[cfg(target_os = "linux")]
    if is_our_network(process)
        && let Ok(found) = super::sock_diag::listeners()
    {
        return found;
    }
    tabled(process)
}

#[cfg(target_os = "linux")]
fn is_our_network(process: Pid) -> bool {
    let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    network("self").is_some_and(|ours| network(&process.to_string()) == Some(ours))
}

/// What the tables in `/proc` say.
pub(super) fn tabled(process: Pid) -> Vec<Listener> {
    let folder = Path::new("/proc").join(process.to_string()).join("net");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
    let (four, six) = (read("tcp"), read("tcp6"));
    four.lines().chain(six.lines()).filter_map(parse).collect()
}

/// Those of `listeners` that belong to a process of `tree`.
pub(super) fn owned(listeners: &[Listener], tree: &[Pid]) -> Vec<Listener> {
    let sockets: HashSet<u64> = tree.iter().flat_map(|pid| sockets(*pid)).collect();
    listeners.iter().filter(|listener| sockets.contains(&listener.inode)).copied().collect()
}

fn sockets(pid: Pid) -> Vec<u64> {
    let folder = Path::new("/proc").join(pid.to_string()).join("fd");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
        })
        .collect()
}

fn parse(line: &str) -> Option<Listener> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if *fields.get(3)? != LISTEN {
        return None;
    }
    let (host, port) = fields.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Listener { address: SocketAddr::new(address(host)?, port), inode: fields.get(9)?.parse().ok()? })
}

/// An address as the kernel prints it: 32-bit words in the machine's own byte order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).into());
    }
    let mut bytes = [0; 16];
    for (number, chunk) in bytes.chunks_mut(4).enumerate() {
        chunk.copy_from_slice(&word(number * 8)?);
    }
    Some(Ipv6Addr::from(bytes).into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn finds_our_own_sockets() {
        let four = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = four.local_addr().unwrap();
        let ours = owned(&listeners(Pid::this()), &[Pid::this()]);
        assert!(ours.iter().any(|listener| listener.address == address), "{ours:?}");
        assert!(owned(&listeners(Pid::this()), &[]).is_empty());
    }

    #[test]
    fn reads_both_families() {
        assert_eq!(address("0100007F"), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(address("00000000000000000000000001000000"), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(address("zz"), None);
    }
}
