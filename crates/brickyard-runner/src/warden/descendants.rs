//! The processes below one, from `/proc`; where there is none, the process group has to do.

use std::collections::HashMap;
use std::path::Path;

use nix::unistd::Pid;

/// Every living process below `root`, not itself, nearest first.
pub fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, parent) in processes() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut next = vec![root.as_raw()];
    while let Some(pid) = next.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            found.push(Pid::from_raw(child));
            next.push(child);
        }
    }
    found
}

/// A child that stands above others, such as a warden: when nobody waits for it any more, all of them are killed with it.
#[derive(Debug)]
pub struct Family(pub tokio::process::Child);

impl Drop for Family {
    fn drop(&mut self) {
        // Not waited for yet, so the number is still that process's.
        if let Some(id) = self.0.id() {
            let head = Pid::from_raw(id.cast_signed());
            kill_below(head);
            let _gone = nix::sys::signal::kill(head, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// Kills every process below us at once, wardens included: nothing is left that could end softly.
pub fn kill_descendants() {
    kill_below(Pid::this());
}

fn kill_below(root: Pid) {
    let mut before = Vec::new();
    loop {
        let now = descendants(root);
        // Those we cannot kill stay; whoever was started meanwhile goes too.
        if now.is_empty() || now == before {
            return;
        }
        for pid in &now {
            let _gone = nix::sys::signal::kill(*pid, nix::sys::signal::Signal::SIGKILL);
        }
        before = now;
    }
}

/// What a warden has below it. Without `/proc`: the members of the child's group, as one entry while there are any.
pub(super) fn of_me(group: Pid) -> Vec<Pid> {
    if cfg!(target_os = "linux") {
        return descendants(Pid::this());
    }
    let alive = nix::sys::signal::killpg(group, None).is_ok();
    if alive { vec![Pid::from_raw(-group.as_raw())] } else { Vec::new() }
}

/// Living processes with their parents; zombies are gone but for the asking.
fn processes() -> impl Iterator<Item = (i32, i32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
        parent_of(&stat).map(|parent| (pid, parent))
    })
}

/// The parent in a line of `/proc/PID/stat`, unless the process is a zombie. The name may hold spaces and brackets.
fn parent_of(stat: &str) -> Option<i32> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(parent_of("7 (a) b (c) S 5 7 7 0"), Some(5));
        assert_eq!(parent_of("7 (gone) Z 5 7 7 0"), None);
        assert_eq!(parent_of("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn finds_a_child() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        assert!(descendants(Pid::this()).contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!descendants(Pid::this()).contains(&pid));
    }
}
