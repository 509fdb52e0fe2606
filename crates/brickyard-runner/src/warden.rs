//! The small process that stands between us and a child: `brickyard warden [--grace SECONDS] -- COMMAND …`.
//!
//! Its standard input is a pipe whose other end we hold (or, for a child that keeps our terminal, a [`Lifeline`] by name). When
//! that end closes, because we closed it or because we were
//! killed, the warden stops everything below it: SIGTERM, a grace time, SIGKILL. On Linux it adopts orphans (child
//! subreaper) and finds every descendant through `/proc`; elsewhere it has the child's process group. It passes signals on
//! and ends as the child ended.

mod apart;
mod control_group;
mod descendants;
mod lifeline;
mod limits;

pub(crate) use apart::{WAY_IN, pass, way_out};
pub use descendants::{Family, descendants, kill_descendants};
pub use lifeline::Lifeline;
pub use limits::{Limits, LimitsApplied};

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

/// Between SIGTERM and SIGKILL, as on the platform (facts: platform §2.1).
pub const GRACE: Duration = Duration::from_secs(15);

/// How often the warden looks whether the last descendant has gone while it stops them.
const STOPPING_INTERVAL: Duration = Duration::from_millis(20);

/// Exit codes a shell uses for a command that cannot be run.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
const USAGE: u8 = 2;

/// Our own word for the second step of a start.
const TIED: &str = "--tied";

/// Tells whether a child could be put into a network of its own.
pub(crate) const CHECK_NETWORK: &str = "--check-network";

/// Directory with the ways into and out of a network of the child's own.
pub(crate) const NETWORK: &str = "--network";

/// Port the child listens on in there.
pub(crate) const INSIDE: &str = "--inside";

/// An address outside that it has to reach.
pub(crate) const REACH: &str = "--reach";

/// What a warden was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Orders {
    grace: Duration,
    limits: Limits,
    /// Hands what comes on standard input to the child.
    relay: bool,
    /// The child has our standard input and our place at the terminal; this pipe tells that the parent lives.
    attached: Option<PathBuf>,
    /// Puts the child into a network of its own.
    apart: Option<apart::Apart>,
    command: Vec<OsString>,
}

/// Arguments for a warden over the command that follows; put `--` and the command after them.
pub fn arguments(grace: Duration, limits: Limits) -> Vec<OsString> {
    let mut arguments = vec!["--grace-ms".into(), grace.as_millis().to_string().into()];
    arguments.extend(limits.arguments());
    arguments
}

/// Runs as a warden; `args` are those after `warden`.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let [first, parent, command @ ..] = args.as_slice()
        && first == TIED
        && !command.is_empty()
    {
        return become_tied(parent, command);
    }
    if args.first().is_some_and(|first| first == CHECK_NETWORK) {
        return if apart::enter().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let orders = match parse(args) {
        Ok(orders) => orders,
        Err(message) => return complain(USAGE, &message),
    };
    if orders.apart.is_some()
        && let Err(error) = apart::enter()
    {
        return complain(NOT_EXECUTABLE, &format!("The app cannot have a network of its own: {error}"));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(NOT_EXECUTABLE, &error.to_string()),
    };
    let ended = runtime.block_on(watch(&orders));
    // The thread that reads standard input may still block; it must not hold us.
    runtime.shutdown_background();
    match ended {
        Ok(status) => end_as(status),
        Err(error) => not_started(&orders.command[0], &error),
    }
}

fn complain(code: u8, message: &str) -> ExitCode {
    // A closed standard error leaves nobody to complain to.
    let _unheard = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Orders, String> {
    let mut args = args.into_iter();
    let mut orders = Orders {
        grace: GRACE,
        limits: Limits::default(),
        relay: false,
        attached: None,
        apart: None,
        command: Vec::new(),
    };
    while let Some(argument) = args.next() {
        if argument == "--" {
            orders.command = args.collect();
            break;
        }
        if argument == "--attached" {
            orders.attached = args.next().map(PathBuf::from);
            continue;
        }
        let value = args.next();
        if argument == NETWORK {
            let directory = value.ok_or("`--network` needs a directory")?.into();
            orders.apart.get_or_insert_default().directory = directory;
            continue;
        }
        if argument == REACH {
            let address = value.as_ref().and_then(|value| value.to_str()?.parse().ok());
            orders.apart.get_or_insert_default().reach.push(address.ok_or("`--reach` needs an address")?);
            continue;
        }
        let value = value.and_then(|value| value.to_str().and_then(|text| text.parse::<u64>().ok()));
        let value = value.ok_or_else(|| format!("`{}` needs a number", argument.to_string_lossy()))?;
        match argument.to_str() {
            Some("--grace-ms") => orders.grace = Duration::from_millis(value),
            Some("--cpus") => orders.limits.cpus = Some(value),
            Some("--memory") => orders.limits.memory_bytes = Some(value),
            Some("--relay") => orders.relay = value != 0,
            Some(INSIDE) => {
                let port = u16::try_from(value).map_err(|_| "`--inside` needs a port")?;
                orders.apart.get_or_insert_default().inside = port;
            }
            _ => return Err(format!("unknown argument `{}`", argument.to_string_lossy())),
        }
    }
    if orders.command.is_empty() { Err("a command is needed after `--`".into()) } else { Ok(orders) }
}

async fn watch(orders: &Orders) -> std::io::Result<ExitStatus> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    // Before the child starts, so that no signal and no end of it is missed.
    let mut ended = signal(SignalKind::child())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut user1 = signal(SignalKind::user_defined1())?;
    let mut user2 = signal(SignalKind::user_defined2())?;
    if let Some(apart) = &orders.apart {
        apart.serve().await?;
    }
    let cgroup = orders.limits.apply();
    let mut parent: Box<dyn AsyncRead + Unpin> = match &orders.attached {
        Some(path) => Box::new(lifeline::open(path)?),
        None => Box::new(tokio::io::stdin()),
    };
    let mut command = tied(&orders.command);
    if orders.attached.is_some() {
        // In our own group: a group in the background could not read from the terminal.
        command.stdin(Stdio::inherit());
    } else {
        command.stdin(if orders.relay { Stdio::piped() } else { Stdio::null() }).process_group(0);
    }
    let mut child = command.spawn()?;
    let mut relay = child.stdin.take();
    let group = Pid::from_raw(child.id().cast_signed());

    let mut buffer = [0_u8; 16 * 1024];
    let status = loop {
        if let Some(status) = reap(group) {
            break status;
        }
        let pass = tokio::select! {
            _ = ended.recv() => continue,
            read = parent.read(&mut buffer) => match read {
                Ok(read @ 1..) => {
                    // A child that no longer reads has its own reasons; what counts here is the end of the pipe.
                    if relay.as_mut().is_some_and(|child| child.write_all(&buffer[..read]).is_err()) {
                        relay = None;
                    }
                    continue;
                }
                _ => break stop(group, orders.grace).await,
            },
            _ = terminate.recv() => break stop(group, orders.grace).await,
            _ = interrupt.recv() => Signal::SIGINT,
            _ = hangup.recv() => Signal::SIGHUP,
            _ = quit.recv() => Signal::SIGQUIT,
            _ = user1.recv() => Signal::SIGUSR1,
            _ = user2.recv() => Signal::SIGUSR2,
        };
        // Who shares our terminal has been told by it; gone already is as good as told.
        let _gone = orders.attached.is_none().then(|| killpg(group, pass));
    };
    // What the child left running has no owner any more.
    stop_rest(group, orders.grace).await;
    drop(cgroup);
    Ok(status)
}

/// The command, tied to our own life: also when this very process is killed, the system kills the child. Only a process
/// can ask that for itself, so the child starts as ourselves and then becomes the command.
fn tied(command: &[OsString]) -> Command {
    if cfg!(target_os = "linux") {
        let mut tied = Command::new("/proc/self/exe");
        // As we were called, so that the subcommand is found again.
        let before = std::env::args_os()
            .skip(1)
            .take_while(|argument| !argument.as_encoded_bytes().starts_with(b"--"));
        tied.args(before).args([TIED, &Pid::this().to_string()]).args(command);
        return tied;
    }
    let mut plain = Command::new(&command[0]);
    plain.args(&command[1..]);
    plain
}

/// Becomes the command, after asking to be killed with the parent.
#[cfg(target_os = "linux")]
fn become_tied(parent: &OsStr, command: &[OsString]) -> ExitCode {
    let asked = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    // It may have died before we asked.
    if asked.is_err() || parent != OsStr::new(&Pid::parent().to_string()) {
        return ExitCode::from(NOT_EXECUTABLE);
    }
    not_started(&command[0], &Command::new(&command[0]).args(&command[1..]).exec())
}

#[cfg(not(target_os = "linux"))]
fn become_tied(_: &OsStr, command: &[OsString]) -> ExitCode {
    not_started(&command[0], &Command::new(&command[0]).args(&command[1..]).exec())
}

fn not_started(program: &OsStr, error: &std::io::Error) -> ExitCode {
    let code = if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    complain(code, &format!("`{}` could not be started: {error}", program.to_string_lossy()))
}

/// Stops the child and all below it; how the child ended.
async fn stop(group: Pid, grace: Duration) -> ExitStatus {
    terminate_all(group, Signal::SIGTERM);
    let deadline = Instant::now() + grace;
    let mut killing = false;
    loop {
        if let Some(status) = reap(group) {
            return status;
        }
        if killing || Instant::now() >= deadline {
            killing = true;
            terminate_all(group, Signal::SIGKILL);
        }
        tokio::time::sleep(STOPPING_INTERVAL).await;
    }
}

async fn stop_rest(group: Pid, grace: Duration) {
    let deadline = Instant::now() + grace;
    let mut told = false;
    loop {
        let _child_already_known = reap(group);
        if descendants::of_me(group).is_empty() {
            return;
        }
        if Instant::now() >= deadline {
            terminate_all(group, Signal::SIGKILL);
        } else if !told {
            told = true;
            terminate_all(group, Signal::SIGTERM);
        }
        tokio::time::sleep(STOPPING_INTERVAL).await;
    }
}

fn terminate_all(group: Pid, how: Signal) {
    let _gone = killpg(group, how);
    for pid in descendants::of_me(group) {
        let _gone = kill(pid, how);
    }
}

/// Takes every ended process below us off the system's list; the status of the child, if it is among them.
fn reap(child: Pid) -> Option<ExitStatus> {
    let mut found = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                found = Some(ExitStatus::from_raw(code << 8));
            }
            Ok(WaitStatus::Signaled(pid, how, _)) if pid == child => {
                found = Some(ExitStatus::from_raw(how as i32));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return found,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                tracing::warn!(%error, "Waiting for children failed");
                return found;
            }
        }
    }
}

/// Ends as the child ended: by the same signal, or with the same code.
fn end_as(status: ExitStatus) -> ExitCode {
    if let Some(how) = status.signal().and_then(|number| Signal::try_from(number).ok()) {
        let no_core = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
        // Tokio's handler stays installed for some signals; those end as a shell would tell them.
        if no_core.is_ok()
            && matches!(how, Signal::SIGKILL | Signal::SIGSEGV | Signal::SIGABRT | Signal::SIGBUS)
        {
            let _still_here = raise(how);
        }
        return ExitCode::from(128_u8.wrapping_add(how as u8));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code & 0xff).ok()).unwrap_or(1))
}

/// The whole command of a warden: our own program, `warden`, and what it needs to know.
pub fn command(program: &OsStr, grace: Duration, limits: Limits) -> Vec<OsString> {
    let mut command = vec![program.to_owned(), "warden".into()];
    command.extend(arguments(grace, limits));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn orders_are_read() {
        let orders = parse(words("--grace-ms 200 --cpus 2 -- python --grace-ms")).unwrap();
        assert_eq!(orders.grace, Duration::from_millis(200));
        assert_eq!(orders.limits.cpus, Some(2));
        assert_eq!(orders.command, words("python --grace-ms"));
    }

    #[test]
    fn a_child_may_keep_the_terminal() {
        let orders = parse(words("--grace-ms 200 --attached /tmp/pipe -- python")).unwrap();
        assert_eq!(orders.attached, Some(PathBuf::from("/tmp/pipe")));
    }

    #[test]
    fn a_network_is_read() {
        let orders = parse(words("--network /tmp/x --inside 8000 --reach 127.0.0.1:9 -- python")).unwrap();
        let apart = orders.apart.unwrap();
        assert_eq!((apart.inside, apart.reach), (8000, vec!["127.0.0.1:9".parse().unwrap()]));
        assert!(parse(words("--network /tmp/x --reach nowhere -- python")).is_err());
    }

    #[test]
    fn orders_without_command_are_refused() {
        assert!(parse(words("--grace-ms 200")).is_err());
        assert!(parse(words("--grace-ms x -- true")).is_err());
        assert!(parse(words("--what 1 -- true")).is_err());
    }
}
