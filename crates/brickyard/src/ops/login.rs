//! `login`: a user signs in with a browser (authorization code with PKCE, RFC 7636, RFC 8252 §7.3).

use std::io::Write as _;
use std::time::Duration;

use brickyard_api::{Client, Credentials, Login, SignIn, http_client, workspace_address};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::target::{configuration, configuration_path, host_of, login};
use crate::failure::Failure;
use crate::settings::Settings;

/// Where the official command line listens for the browser; any free port when it is taken (platform §6.3).
const PORT: u16 = 8020;

/// How long a user may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A sign-in that waits for the browser.
pub(crate) struct Waiting {
    sign_in: SignIn,
    listener: TcpListener,
    login: Login,
    host: String,
    profile: String,
    /// The profile as it will be written, when it is new.
    fresh: Option<(std::path::PathBuf, String)>,
}

/// Who has signed in where.
#[derive(Debug, Serialize)]
pub(crate) struct SignedIn {
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) profile: String,
}

/// Listens for the browser and works out the address to sign in at.
pub(crate) async fn begin(
    settings: &Settings,
    profile: &str,
    host: Option<&str>,
) -> Result<Waiting, Failure> {
    if profile == "local" {
        return Err(Failure::user("The local workspace needs no sign-in")
            .hint("name the profile of a real workspace with `--target`"));
    }
    let known = host_of(settings, profile);
    let (host, fresh) = match (host, known) {
        (None, known) => (known?, None),
        (Some(host), known) => {
            let host = workspace_address(host);
            match known {
                Ok(before) if before == host => (host, None),
                Ok(before) => {
                    return Err(Failure::user(format!("Profile `{profile}` is one of {before}"))
                        .hint("name another profile with `--target`"));
                }
                Err(_) => {
                    let section = format!("[{profile}]\nhost      = {host}\nauth_type = databricks-cli\n");
                    let path = configuration_path(settings).ok_or_else(|| {
                        Failure::user("There is no home directory for a configuration file")
                    })?;
                    (host, Some((path, section)))
                }
            }
        }
    };
    let bound = match TcpListener::bind(("127.0.0.1", PORT)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await,
    };
    let listener = bound.map_err(|error| Failure::machine("Cannot listen for the browser").because(error))?;
    let port = listener
        .local_addr()
        .map_err(|error| Failure::machine("Cannot listen for the browser").because(error))?
        .port();
    let sign_in = Login::begin(&host, &format!("http://localhost:{port}"))?;
    // The file must be usable before anybody signs in.
    configuration(settings)?;
    Ok(Waiting {
        sign_in,
        listener,
        login: login(settings, profile),
        host,
        profile: profile.to_owned(),
        fresh,
    })
}

impl Waiting {
    /// Where the user signs in.
    pub(crate) fn url(&self) -> &str {
        &self.sign_in.url
    }

    /// Waits for the browser to come back, and keeps the tokens.
    pub(crate) async fn finish(self) -> Result<SignedIn, Failure> {
        let came_back = tokio::time::timeout(PATIENCE, came_back(&self.listener))
            .await
            .map_err(|_| Failure::user("Nobody signed in within ten minutes"))?
            .map_err(|error| Failure::machine("The browser could not be answered").because(error))?;
        let http = http_client(!self.host.starts_with("http://127.0.0.1"))
            .map_err(|error| Failure::machine("Cannot make an HTTP client").because(error))?;
        self.login.finish(&http, &self.host, self.sign_in, &came_back).await?;
        let me = Client::new(&self.host, Credentials::Login(self.login))?.me().await?;
        if let Some((path, section)) = &self.fresh {
            let cannot =
                |error| Failure::machine(format!("Cannot write `{}`", path.display())).because(error);
            let mut file =
                std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(cannot)?;
            let gap = if file.metadata().map_err(cannot)?.len() > 0 { "\n" } else { "" };
            write!(file, "{gap}{section}").map_err(cannot)?;
        }
        Ok(SignedIn { user: me.user_name, host: self.host, profile: self.profile })
    }
}

/// The path and query the browser asks for in the end; other requests, such as for an icon, are turned away.
async fn came_back(listener: &TcpListener) -> std::io::Result<String> {
    loop {
        let (stream, _) = listener.accept().await?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let ours = path.contains("state=") && line.starts_with("GET ");
        let (status, text) = if ours {
            ("200 OK", "You are signed in. You may close this page.")
        } else {
            ("404 Not Found", "")
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: \
             close\r\n\r\n{text}",
            text.len()
        );
        // Whoever sent it may have gone.
        let _ = stream.get_mut().write_all(answer.as_bytes()).await;
        if ours {
            return Ok(path);
        }
    }
}

/// Opens an address with the program of `BROWSER`, else the system's; `false` where there is none.
pub(crate) async fn open_browser(settings: &Settings, url: &str) -> bool {
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opener = settings.environment.text("BROWSER").unwrap_or(usual);
    let opened = tokio::process::Command::new(opener)
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .await;
    opened.is_ok_and(|status| status.success())
}
