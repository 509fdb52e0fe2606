use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::account::Account;

/// Where `setpriv` stands on systems that have it.
const SETPRIV: [&str; 4] = ["/usr/bin/setpriv", "/bin/setpriv", "/usr/sbin/setpriv", "/sbin/setpriv"];

/// A command for a program of PostgreSQL: as `account` when given, below the caller's warden, in a clean environment.
///
/// The warden keeps our own rights, since its program may stand where `account` cannot read; the change of account comes
/// after it.
pub(crate) fn command(warden: &[String], account: Option<&Account>, program: &Path) -> Command {
    let setpriv = account.and_then(|account| {
        let program = SETPRIV.iter().map(Path::new).find(|path| path.is_file())?;
        Some((program.to_path_buf(), account))
    });
    let mut words: Vec<PathBuf> = warden.iter().map(PathBuf::from).collect();
    let mut switched = account.is_none();
    if let (Some((setpriv, account)), false) = (setpriv, words.is_empty()) {
        words.push(setpriv);
        words.push(format!("--reuid={}", account.uid).into());
        words.push(format!("--regid={}", account.gid).into());
        words.push("--clear-groups".into());
        words.push("--".into());
        switched = true;
    }
    words.push(program.to_path_buf());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    if let (Some(account), false) = (account, switched) {
        command.uid(account.uid).gid(account.gid);
    }
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .current_dir("/")
        .process_group(0)
        // A warden takes the end of its standard input for ours; without one nobody reads it.
        .stdin(if warden.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::null())
        // A warden that is killed leaves its program behind; one whose standard input ends does not.
        .kill_on_drop(warden.is_empty());
    command
}
