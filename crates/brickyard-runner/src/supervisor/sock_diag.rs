//! Listening sockets as the kernel tells them over netlink (`sock_diag(7)`).
//!
//! `/proc/net/tcp` tells the same, but walks the table of all connections for it: milliseconds each time, where this takes
//! microseconds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

use super::listeners::Listener;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const TCP: u8 = 6;
const TCP_LISTEN: u32 = 10;

/// Bytes of a netlink header, and of what is told of a socket (`struct inet_diag_msg`).
const HEADER: usize = 16;
const TOLD: usize = 72;

/// Every listening TCP socket of our own network.
pub(super) fn listeners() -> Result<Vec<Listener>, Errno> {
    let mut found = dump(AddressFamily::Inet)?;
    // A machine without IPv6 has none to tell.
    found.extend(dump(AddressFamily::Inet6).unwrap_or_default());
    Ok(found)
}

fn dump(family: AddressFamily) -> Result<Vec<Listener>, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkSockDiag)?;
    sendto(socket.as_raw_fd(), &request(family), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let (mut found, mut buffer) = (Vec::new(), vec![0; 32 * 1024]);
    loop {
        // What was asked for is there at once: the kernel answers in the call that asks.
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        let mut rest = &buffer[..length];
        while let Some((kind, payload, next)) = message(rest) {
            match kind {
                NLMSG_DONE => return Ok(found),
                NLMSG_ERROR => return Err(Errno::ENOTSUP),
                _ => found.extend(listener(payload)),
            }
            rest = next;
        }
        if length == 0 {
            return Err(Errno::ENODATA);
        }
    }
}

/// All listening sockets of a family (`struct nlmsghdr` and `struct inet_diag_req_v2`).
fn request(family: AddressFamily) -> [u8; HEADER + 56] {
    let mut request = [0; HEADER + 56];
    let length = u32::try_from(request.len()).unwrap_or_default();
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request[HEADER] = u8::try_from(family as i32).unwrap_or_default();
    request[HEADER + 1] = TCP;
    request[HEADER + 4..HEADER + 8].copy_from_slice(&(1_u32 << TCP_LISTEN).to_ne_bytes());
    request
}

/// The first message: what it is, what it holds, and what comes after it.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let payload = bytes.get(HEADER..length)?;
    Some((kind, payload, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

fn listener(told: &[u8]) -> Option<Listener> {
    let told: &[u8; TOLD] = told.get(..TOLD)?.try_into().ok()?;
    let port = u16::from_be_bytes([told[4], told[5]]);
    let host: [u8; 16] = told[8..24].try_into().ok()?;
    let address = match i32::from(told[0]) {
        family if family == AddressFamily::Inet as i32 => {
            IpAddr::from(Ipv4Addr::new(host[0], host[1], host[2], host[3]))
        }
        _ => IpAddr::from(Ipv6Addr::from(host)),
    };
    let inode = u32::from_ne_bytes(told[68..72].try_into().ok()?);
    Some(Listener { address: SocketAddr::new(address, port), inode: inode.into() })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::supervisor::listeners::tabled;

    #[test]
    fn netlink_and_the_tables_say_the_same() {
        let held: Vec<TcpListener> = ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"]
            .iter()
            .filter_map(|at| TcpListener::bind(at).ok())
            .collect();
        let ours = |found: Vec<Listener>| -> Vec<Listener> {
            let ports: Vec<u16> = held.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
            let mut found: Vec<_> =
                found.into_iter().filter(|listener| ports.contains(&listener.address.port())).collect();
            found.sort_by_key(|listener| listener.address);
            found
        };
        let told = ours(listeners().unwrap());
        assert_eq!(told.len(), held.len(), "{told:?}");
        assert_eq!(told, ours(tabled(nix::unistd::Pid::this())));
    }
}
