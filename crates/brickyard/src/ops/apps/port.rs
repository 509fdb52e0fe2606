use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use brickyard_runner::ingress::{Port, Served};

/// Port of the platform (platform §0.1).
pub(crate) const PLATFORM_PORT: u16 = 8000;

/// Which port an app is told to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortPolicy {
    /// The platform's, or a free one when it is taken; a port pinned in the command is taken as the platform's, with a
    /// warning.
    Auto,
    /// As the platform does: a pinned port that differs makes the app unavailable.
    Strict,
    /// This one.
    Fixed(u16),
}

impl PortPolicy {
    /// The port for this command, and the pinned one if the command differs from the platform.
    pub(crate) fn choose(self, command: &[String], claims: &Claims) -> (u16, Option<u16>) {
        match self {
            Self::Fixed(port) => (port, None),
            Self::Strict => (claims.port(), None),
            Self::Auto => match pinned(command) {
                Some(port) if port != PLATFORM_PORT => (port, Some(port)),
                Some(port) => (port, None),
                None => (claims.port(), None),
            },
        }
    }
}

/// The port one version of an app has, held against other programs of ours until it is dropped: between finding a port
/// free and the app listening on it, nobody else takes it.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    /// One lock file a port, shared by all brickyards of the user.
    directory: PathBuf,
    claimed: Arc<Mutex<Claimed>>,
}

#[derive(Debug, Default)]
struct Claimed {
    port: Option<(u16, File)>,
    /// Ports that another program took before the app did.
    lost: Vec<u16>,
}

impl Claims {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, claimed: Arc::default() }
    }

    /// The platform's port if nobody has it, else any; the same one each time.
    fn port(&self) -> u16 {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((port, _)) = &claimed.port {
            return *port;
        }
        for wanted in std::iter::once(PLATFORM_PORT).chain(std::iter::repeat_n(0, 50)) {
            let Some(port) = free(wanted).filter(|port| !claimed.lost.contains(port)) else { continue };
            if let Some(lock) = self.lock(port) {
                claimed.port = Some((port, lock));
                return port;
            }
        }
        PLATFORM_PORT
    }

    /// Lets go of a port that another program has taken: the next one is another.
    pub(super) fn lost(&self, port: u16) {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.port = None;
        claimed.lost.push(port);
    }

    fn lock(&self, port: u16) -> Option<File> {
        std::fs::create_dir_all(&self.directory).ok()?;
        let file = File::create(self.directory.join(port.to_string())).ok()?;
        file.try_lock().ok()?;
        Some(file)
    }
}

/// A port written into the command: `--port 8080`, `--server.port=8080`, `-b 0.0.0.0:8080`.
fn pinned(command: &[String]) -> Option<u16> {
    const FLAGS: [&str; 7] =
        ["--port", "--server.port", "--server-port", "-p", "-b", "--bind", "--server_port"];
    let number = |text: &str| {
        text.rsplit(':').next().and_then(|text| text.trim().parse::<u16>().ok()).filter(|port| *port > 0)
    };
    let mut words = command.iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word.as_str(), None),
        };
        if FLAGS.contains(&flag) {
            return value.map_or_else(|| words.next().and_then(|next| number(next)), number);
        }
    }
    None
}

/// The port itself if nobody listens on it; for 0 any such port.
pub(super) fn free(port: u16) -> Option<u16> {
    let all = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).ok()?;
    Some(all.local_addr().ok()?.port())
}

/// The port in words.
pub(super) fn describe(port: Port) -> String {
    match port {
        Port::Exactly(0) => "any port".to_owned(),
        Port::Exactly(port) => format!("port {port}"),
        Port::From(port) => format!("port {port} or a later one"),
    }
}

/// Every address a browser may come back to after it signed in.
pub(super) fn addresses(served: &Served) -> Vec<String> {
    let mut addresses = vec![served.url.clone(), format!("http://127.0.0.1:{}", served.port)];
    addresses.extend(served.named_url.clone());
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn pinned_ports_are_found_in_every_form() {
        for (text, port) in [
            ("streamlit run app.py --server.port 8080", Some(8080)),
            ("streamlit run app.py --server.port=8080", Some(8080)),
            ("gunicorn app:app -w 4 -b 0.0.0.0:8080", Some(8080)),
            ("uvicorn app:app --host 0.0.0.0 --port 8000", Some(8000)),
            ("gunicorn app:app -b unix:/tmp/x", None),
            ("python app.py", None),
            ("uvicorn app:app --port", None),
        ] {
            assert_eq!(pinned(&command(text)), port, "{text}");
        }
    }

    #[test]
    fn a_pinned_port_is_told_unless_it_is_the_platforms() {
        let directory = tempfile::tempdir().unwrap();
        let claims = Claims::new(directory.path().to_owned());
        assert_eq!(PortPolicy::Auto.choose(&command("x --port 8080"), &claims), (8080, Some(8080)));
        assert_eq!(PortPolicy::Auto.choose(&command("x --port 8000"), &claims), (8000, None));
        assert_eq!(PortPolicy::Strict.choose(&command("x --port 8080"), &claims).1, None);
        assert_eq!(PortPolicy::Fixed(9000).choose(&command("x --port 8080"), &claims), (9000, None));
    }

    #[test]
    fn two_versions_never_get_the_same_port() {
        let directory = tempfile::tempdir().unwrap();
        let first = Claims::new(directory.path().to_owned());
        let second = Claims::new(directory.path().to_owned());
        assert_ne!(first.port(), second.port());
        assert_eq!(first.port(), first.clone().port());
        let before = first.port();
        first.lost(before);
        assert_ne!(first.port(), before);
    }
}
