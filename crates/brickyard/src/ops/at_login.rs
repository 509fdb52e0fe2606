//! The workspace in the background at every login: a unit of the user's systemd on Linux, a launchd agent on macOS.

mod launchd;
mod systemd;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::failure::Failure;
use crate::settings::Settings;

/// Variables the service gets beside brickyard's own: where programs are, and how the network is reached.
const VARIABLES: [&str; 9] = [
    "PATH",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "XDG_CACHE_HOME",
];

/// Families of variables it gets too.
const FAMILIES: [&str; 3] = ["BRICKYARD_", "UV_", "PIP_"];

/// The service as the system's keeper of services is told it.
struct Start {
    /// Program and arguments.
    command: Vec<String>,
    state_directory: String,
    variables: Vec<(String, String)>,
}

/// What the system is told to start at login.
#[derive(Debug, Clone)]
pub(crate) struct Installed {
    /// The unit or agent.
    pub(crate) file: PathBuf,
    /// State directory of the workspace it starts.
    pub(crate) state_directory: PathBuf,
    /// Whether the system takes it up.
    pub(crate) enabled: bool,
}

/// What came of an installation.
#[derive(Debug)]
pub(crate) struct Done {
    /// The unit or agent.
    pub(crate) file: PathBuf,
    /// What remains to be run, where the system's program for it is not here.
    pub(crate) remaining: Vec<String>,
}

/// The keeper of services this system has.
#[derive(Clone, Copy)]
enum Keeper {
    Systemd,
    Launchd,
}

impl Keeper {
    fn of_this_system() -> Self {
        if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd }
    }

    fn file(self, settings: &Settings) -> Result<PathBuf, Failure> {
        let home = settings.environment.path("HOME");
        let configuration = || {
            let named = settings.environment.path("XDG_CONFIG_HOME");
            named.or_else(|| Some(home.as_ref()?.join(".config")))
        };
        let file = match self {
            Self::Systemd => configuration().map(|folder| folder.join("systemd/user").join(systemd::NAME)),
            Self::Launchd => home.as_ref().map(|home| home.join("Library/LaunchAgents").join(launchd::NAME)),
        };
        file.ok_or_else(|| {
            Failure::user("There is no home directory to install anything for").hint("set `HOME`")
        })
    }

    fn text(self, start: &Start) -> String {
        match self {
            Self::Systemd => systemd::unit(start),
            Self::Launchd => launchd::agent(start),
        }
    }

    fn read(self, file: &Path, text: &str) -> Option<(PathBuf, bool)> {
        match self {
            Self::Systemd => Some((systemd::state_directory(text)?, systemd::link(file).is_symlink())),
            Self::Launchd => Some((launchd::state_directory(text)?, true)),
        }
    }

    /// What makes the system take the file up.
    fn take_up(self) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => systemd::take_up(),
            Self::Launchd => launchd::take_up(),
        }
    }
}

/// What this user's system is told to start; none when nothing was installed.
pub(crate) fn find(settings: &Settings) -> Option<Installed> {
    let keeper = Keeper::of_this_system();
    let file = keeper.file(settings).ok()?;
    let text = std::fs::read_to_string(&file).ok()?;
    let (state_directory, enabled) = keeper.read(&file, &text)?;
    Some(Installed { file, state_directory, enabled })
}

/// Makes the system start the service at every login, in place of what it was told before.
pub(crate) async fn install(settings: &Settings, project: Option<&Path>) -> Result<Done, Failure> {
    let keeper = Keeper::of_this_system();
    let file = keeper.file(settings)?;
    if file.exists() && find(settings).is_none() {
        return Err(Failure::user(format!("`{}` is there, and not by brickyard", file.display()))
            .hint("give it another name, or remove it"));
    }
    let text = keeper.text(&start(settings, project)?);
    write(&file, &text)
        .map_err(|error| Failure::machine(format!("Cannot write `{}`", file.display())).because(error))?;
    let remaining = run_all(settings, keeper.take_up()).await.map_err(|failure| {
        let hint = format!(
            "`{}` is written; run that command when the user's services can be reached",
            file.display()
        );
        failure.hint(hint)
    })?;
    Ok(Done { file, remaining })
}

/// Takes that back; none when nothing was installed.
pub(crate) async fn remove(settings: &Settings) -> Result<Option<PathBuf>, Failure> {
    let keeper = Keeper::of_this_system();
    let Some(Installed { file, .. }) = find(settings) else { return Ok(None) };
    let mut gone = vec![file.clone()];
    let after = match keeper {
        Keeper::Systemd => {
            gone.insert(0, systemd::link(&file));
            systemd::let_go()
        }
        Keeper::Launchd => launchd::let_go(),
    };
    for path in &gone {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::machine(format!("Cannot remove `{}`", path.display())).because(error));
            }
            _ => {}
        }
    }
    // Without its file nothing is started, whatever the keeper makes of this.
    let _ = run_all(settings, after).await;
    Ok(Some(file))
}

/// What is started: the service in the foreground, with this terminal's idea of where programs are.
fn start(settings: &Settings, project: Option<&Path>) -> Result<Start, Failure> {
    let text = |word: OsString| {
        word.into_string().map_err(|word| {
            Failure::user(format!("`{}` is not UTF-8, which the system's services need", word.display()))
        })
    };
    let program = settings.executable.clone().into_os_string();
    let arguments = super::service::foreground(settings, project);
    let command = std::iter::once(program).chain(arguments).map(text).collect::<Result<Vec<_>, _>>()?;
    let state_directory = text(settings.service_directory().into_os_string())?;
    let kept =
        |name: &str| VARIABLES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family));
    let all = settings.environment.iter().filter(|(name, value)| kept(name) && !value.is_empty());
    let mut variables: Vec<(String, String)> =
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if let Some(engine) = &settings.engine {
        variables.retain(|(name, _)| name != crate::environment::ENGINE);
        variables.push((crate::environment::ENGINE.to_owned(), engine.clone()));
    }
    Ok(Start { command, state_directory, variables })
}

/// Writes the file for its owner alone: variables may hold passwords.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder)?;
    let mut made = tempfile::NamedTempFile::new_in(folder)?;
    made.write_all(text.as_bytes())?;
    made.persist(file)?;
    Ok(())
}

/// Runs commands in their order; gives back, as lines to type, those whose program is not here.
async fn run_all(settings: &Settings, commands: Vec<Vec<String>>) -> Result<Vec<String>, Failure> {
    let mut remaining = Vec::new();
    for command in commands {
        let (program, arguments) = command.split_first().expect("a command has a program");
        let line = command.join(" ");
        let found = settings.environment.search_path().into_iter().map(|folder| folder.join(program));
        let Some(program) = found.into_iter().find(|path| path.is_file()) else {
            remaining.push(line);
            continue;
        };
        let ran = tokio::process::Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
        let output = ran.map_err(|error| Failure::machine(format!("Cannot run `{line}`")).because(error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::machine(format!("`{line}` failed ({})", output.status)).because(said));
        }
    }
    Ok(remaining)
}
