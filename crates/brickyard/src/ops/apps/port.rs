use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use brickyard_runner::ingress::{Port, Served};

use crate::failure::Failure;

/// Port of the platform (platform §0.1).
pub(crate) const PLATFORM_PORT: u16 = 8000;

/// Which port an app is told to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortPolicy {
    /// The platform's, or a free one when it is taken; a port pinned in the command is taken as the platform's, with a
    /// warning.
    Auto,
    /// The same for one app of several: a port that nobody needs for itself, and the platform's for an app that fixes it.
    Shared,
    /// As the platform does: a pinned port that differs makes the app unavailable.
    Strict,
    /// This one.
    Fixed(u16),
}

/// The port a version is told to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) port: u16,
    /// The port the command pins, where the platform would not serve it.
    pub(crate) pinned: Option<u16>,
    /// The command fixes the port: two versions cannot listen at once.
    pub(crate) fixed: bool,
}

impl PortPolicy {
    /// The port for this command; refused when the command fixes one that another app has.
    pub(crate) fn choose(self, command: &[String], claims: &Claims) -> Result<Chosen, Failure> {
        let free = |port| Chosen { port, pinned: None, fixed: false };
        let pinned = pinned(command);
        match (self, pinned) {
            (Self::Fixed(port), _) => Ok(free(port)),
            (Self::Strict, _) | (Self::Auto, None) => Ok(free(claims.port(Some(PLATFORM_PORT)))),
            (Self::Auto | Self::Shared, Some(port)) => {
                claims.fix(port)?;
                Ok(Chosen { port, pinned: (port != PLATFORM_PORT).then_some(port), fixed: true })
            }
            (Self::Shared, None) => Ok(free(claims.port(None))),
        }
    }

    /// Whether an app that insists on another port than it was told is served there.
    pub(crate) fn follows(self) -> bool {
        matches!(self, Self::Auto | Self::Shared)
    }
}

/// The port one version of an app has, held against other programs of ours until it is dropped: between finding a port
/// free and the app listening on it, nobody else takes it.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    /// One lock file a port, shared by all brickyards of the user; it says which app has the port.
    directory: PathBuf,
    app: String,
    claimed: Arc<Mutex<Claimed>>,
}

#[derive(Debug, Default)]
struct Claimed {
    port: Option<(u16, File)>,
    /// Ports that another program took before the app did.
    lost: Vec<u16>,
}

impl Claims {
    pub(crate) fn new(directory: PathBuf, app: &str) -> Self {
        Self { directory, app: app.to_owned(), claimed: Arc::default() }
    }

    /// The wanted port if nobody has it, else any; the same one each time.
    fn port(&self, wanted: Option<u16>) -> u16 {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((port, _)) = &claimed.port {
            return *port;
        }
        for wanted in wanted.into_iter().chain(std::iter::repeat_n(0, 50)) {
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

    /// Claims a port that the app has fixed.
    pub(crate) fn fix(&self, port: u16) -> Result<(), Failure> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.port.as_ref().is_some_and(|(known, _)| *known == port) {
            return Ok(());
        }
        let Some(lock) = self.lock(port) else {
            let holder =
                self.holder(port).map_or("another app".to_owned(), |name| format!("the app `{name}`"));
            return Err(Failure::app(format!("The app fixes port {port}, which {holder} has"))
                .hint("stop that one, or let the app listen on `DATABRICKS_APP_PORT`"));
        };
        claimed.port = Some((port, lock));
        Ok(())
    }

    /// Claims for another version of the same app.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(self.directory.clone(), &self.app)
    }

    /// Claims a port that the app listens on already.
    pub(crate) fn fix_held(&self, port: u16) -> bool {
        let Some(lock) = self.lock(port) else { return false };
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).port = Some((port, lock));
        true
    }

    /// The app that has a port, of those that brickyard runs.
    pub(crate) fn holder(&self, port: u16) -> Option<String> {
        let path = self.directory.join(port.to_string());
        let locked = File::open(&path).ok()?.try_lock().is_err();
        let name = std::fs::read_to_string(&path).ok()?;
        (locked && !name.is_empty() && name != self.app).then_some(name)
    }

    fn lock(&self, port: u16) -> Option<File> {
        std::fs::create_dir_all(&self.directory).ok()?;
        let path = self.directory.join(port.to_string());
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).ok()?;
        file.try_lock().ok()?;
        // Only who holds the lock writes.
        file.set_len(0).and_then(|()| file.write_all(self.app.as_bytes())).ok()?;
        Some(file)
    }
}

/// A port written into the command: `--port 8080`, `--server.port=8080`, `-b 0.0.0.0:8080`.
pub(super) fn pinned(command: &[String]) -> Option<u16> {
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
        let choose = |policy: PortPolicy, text: &str| {
            let claims = Claims::new(directory.path().to_owned(), "a");
            policy.choose(&command(text), &claims).map(|chosen| (chosen.port, chosen.pinned, chosen.fixed))
        };
        let port = free(0).unwrap();
        let pinned = format!("x --port {port}");
        assert_eq!(choose(PortPolicy::Auto, &pinned).unwrap(), (port, Some(port), true));
        assert_eq!(choose(PortPolicy::Strict, &pinned).unwrap().1, None);
        assert_eq!(choose(PortPolicy::Fixed(9000), &pinned).unwrap(), (9000, None, false));
        assert_ne!(choose(PortPolicy::Shared, "x").unwrap().0, PLATFORM_PORT);
    }

    #[test]
    fn who_fixes_a_port_that_another_app_has_is_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let claims = |app: &str| Claims::new(directory.path().to_owned(), app);
        let pinned = command(&format!("x --port {}", free(0).unwrap()));
        let first = claims("first");
        let port = PortPolicy::Shared.choose(&pinned, &first).unwrap().port;
        let refused = PortPolicy::Shared.choose(&pinned, &claims("second")).unwrap_err();
        assert_eq!(refused.to_string(), format!("The app fixes port {port}, which the app `first` has"));
        // The same version asked again has it already.
        assert!(PortPolicy::Shared.choose(&pinned, &first).is_ok());
        drop(first);
        assert!(PortPolicy::Shared.choose(&pinned, &claims("second")).is_ok());
    }

    #[test]
    fn two_versions_never_get_the_same_port() {
        let directory = tempfile::tempdir().unwrap();
        let first = Claims::new(directory.path().to_owned(), "a");
        let second = Claims::new(directory.path().to_owned(), "b");
        assert_ne!(first.port(Some(PLATFORM_PORT)), second.port(Some(PLATFORM_PORT)));
        assert_eq!(first.port(None), first.clone().port(None));
        let before = first.port(None);
        first.lost(before);
        assert_ne!(first.port(None), before);
    }
}
