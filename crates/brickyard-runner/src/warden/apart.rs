//! A child apart: its own network namespace, with ways in and out through Unix sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Name of the socket that leads to the child.
pub(crate) const WAY_IN: &str = "in";

/// The network a child is put into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Apart {
    /// Directory of the sockets.
    pub(super) directory: PathBuf,
    /// Port the child listens on.
    pub(super) inside: u16,
    /// Addresses outside that it has to reach, found inside under the same address.
    pub(super) reach: Vec<SocketAddr>,
}

/// Name of the socket that leads to an address outside.
pub(crate) fn way_out(directory: &Path, address: SocketAddr) -> PathBuf {
    directory.join(address.to_string().replace([':', '[', ']'], "_"))
}

/// Bytes both ways until one side ends.
pub(crate) async fn pass(
    mut one: impl AsyncRead + AsyncWrite + Unpin,
    mut other: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    copy_bidirectional(&mut one, &mut other).await.map(drop)
}

impl Apart {
    /// Opens the inner ends; they live as long as this process.
    pub(super) async fn serve(&self) -> io::Result<()> {
        let listener = UnixListener::bind(self.directory.join(WAY_IN))?;
        let inside = self.inside;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // Whoever came sees the connection end.
                    let _ended = async {
                        pass(stream, TcpStream::connect((Ipv4Addr::LOCALHOST, inside)).await?).await
                    }
                    .await;
                });
            }
        });
        for address in &self.reach {
            let listener = TcpListener::bind(address).await?;
            let socket = way_out(&self.directory, *address);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let socket = socket.clone();
                    tokio::spawn(async move {
                        let _ended = async { pass(stream, UnixStream::connect(socket).await?).await }.await;
                    });
                }
            });
        }
        Ok(())
    }
}

/// Leaves the network of the machine; must be called while this process has one thread.
#[cfg(target_os = "linux")]
pub(super) fn enter() -> io::Result<()> {
    use nix::sched::{CloneFlags, unshare};
    use nix::unistd::{getegid, geteuid};
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
    // Nobody becomes anybody else in there (user_namespaces(7)).
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    raise_loopback()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn enter() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sets the flag `IFF_UP` of the first interface, which is loopback in a new namespace (rtnetlink(7)).
#[cfg(target_os = "linux")]
fn raise_loopback() -> io::Result<()> {
    use nix::sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
    };
    use std::os::fd::AsRawFd as _;
    const NEW_LINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x01 | 0x04;
    const UP: u32 = 1;
    const LOOPBACK: i32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes());
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    message.extend(1_u32.to_ne_bytes()); // sequence
    message.extend(0_u32.to_ne_bytes()); // port
    message.extend([0, 0]); // family, padding
    message.extend(0_u16.to_ne_bytes()); // type
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes()); // which flags change
    let netlink =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    sendto(netlink.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 1024];
    let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // nlmsghdr, then the negative error number of nlmsgerr; 0 acknowledges.
    let code = answer.get(16..20).filter(|_| length >= 20).and_then(|bytes| bytes.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}
