//! Control groups of Linux: limits of a whole process tree, in version 2 and in version 1.

use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Pid, access};

use super::limits::Limits;

/// Where control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// Microseconds over which processor time is counted.
const PERIOD: u64 = 100_000;

/// A control group of our own, one directory for each hierarchy; removed when dropped, once it is empty.
#[derive(Debug)]
pub(super) struct ControlGroup {
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    /// Our directory.
    path: PathBuf,
    /// Where the process was before.
    home: PathBuf,
}

impl ControlGroup {
    /// Whether this process may make one.
    pub(super) fn is_allowed() -> bool {
        System::this().is_some_and(|system| system.room().is_some())
    }

    /// Makes one with these limits and puts this process into it.
    pub(super) fn enter(limits: Limits) -> Option<Self> {
        System::this()?.enter(limits, Pid::this())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Best effort: a group left behind is empty and harmless.
        for Place { path, home } in &self.places {
            let _not_moved = std::fs::write(home.join("cgroup.procs"), Pid::this().to_string());
            let _not_removed = std::fs::remove_dir(path);
        }
    }
}

/// The control groups of a system as a process sees them.
struct System {
    root: PathBuf,
    /// `/proc/self/cgroup`: a line `NUMBER:CONTROLLERS:PATH` for each hierarchy, without controllers for version 2.
    memberships: String,
}

/// Where groups of ours can be made.
#[derive(Debug, PartialEq, Eq)]
enum Room {
    /// One hierarchy with both controllers: the parent of our group, and where the process is.
    Unified { parent: PathBuf, home: PathBuf },
    /// One hierarchy for each controller; our groups are made where the process is.
    Separate { cpu: PathBuf, memory: PathBuf },
}

impl System {
    fn this() -> Option<Self> {
        let memberships = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        Some(Self { root: ROOT.into(), memberships })
    }

    fn room(&self) -> Option<Room> {
        self.unified()
            .or_else(|| Some(Room::Separate { cpu: self.separate("cpu")?, memory: self.separate("memory")? }))
    }

    /// Version 2: our own group, or the one above it, where a session of systemd gives its user room.
    fn unified(&self) -> Option<Room> {
        let home = self.memberships.lines().find_map(|line| line.strip_prefix("0::"))?;
        let home = self.root.join(home.trim_start_matches('/'));
        let above = home.parent().filter(|above| above.starts_with(&self.root)).map(Path::to_owned);
        let has_both = |path: &PathBuf| {
            let delegated = std::fs::read_to_string(path.join("cgroup.subtree_control")).unwrap_or_default();
            ["cpu", "memory"].iter().all(|name| delegated.split_whitespace().any(|word| word == *name))
        };
        let parent =
            std::iter::once(home.clone()).chain(above).find(|path| has_both(path) && is_ours(path))?;
        Some(Room::Unified { parent, home })
    }

    /// Version 1: where the process is in the hierarchy of a controller.
    fn separate(&self, controller: &str) -> Option<PathBuf> {
        let own = self.memberships.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then_some(path)
        })?;
        let hierarchy = self.root.join(controller);
        let inside = hierarchy.join(own.trim_start_matches('/'));
        // A container sees its own group as the root, under the name the machine gives it.
        Some(if inside.is_dir() { inside } else { hierarchy }).filter(|path| is_ours(path))
    }

    fn enter(&self, limits: Limits, process: Pid) -> Option<ControlGroup> {
        let name = format!("brickyard-{process}");
        let mut group = ControlGroup { places: Vec::new() };
        let mut enter =
            |parent: &Path, home: PathBuf, settings: &[(&str, Option<String>)]| -> io::Result<()> {
                let path = parent.join(&name);
                std::fs::create_dir(&path)?;
                group.places.push(Place { path: path.clone(), home });
                for (file, value) in settings {
                    if let Some(value) = value {
                        std::fs::write(path.join(file), value)?;
                    }
                }
                std::fs::write(path.join("cgroup.procs"), process.to_string())
            };
        let quota = limits.cpus.map(|cpus| cpus * PERIOD);
        let memory = limits.memory_bytes.map(|bytes| bytes.to_string());
        let entered = match self.room()? {
            Room::Unified { parent, home } => {
                let cpu = quota.map(|quota| format!("{quota} {PERIOD}"));
                enter(&parent, home, &[("cpu.max", cpu), ("memory.max", memory)])
            }
            Room::Separate { cpu, memory: place } => {
                let period = quota.map(|_| PERIOD.to_string());
                let quota = quota.map(|quota| quota.to_string());
                enter(&cpu, cpu.clone(), &[("cpu.cfs_period_us", period), ("cpu.cfs_quota_us", quota)])
                    .and_then(|()| enter(&place, place.clone(), &[("memory.limit_in_bytes", memory)]))
            }
        };
        entered.ok().map(|()| group)
    }
}

/// Whether groups can be made here and processes moved: moving one needs the right to it here too.
fn is_ours(path: &Path) -> bool {
    access(path, AccessFlags::W_OK).is_ok() && access(&path.join("cgroup.procs"), AccessFlags::W_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that looks like a hierarchy.
    fn group(path: &Path, delegated: &str) {
        std::fs::create_dir_all(path).unwrap();
        std::fs::write(path.join("cgroup.procs"), "").unwrap();
        std::fs::write(path.join("cgroup.subtree_control"), delegated).unwrap();
    }

    #[test]
    fn a_session_of_systemd_gives_room_beside_our_own_group() {
        let root = tempfile::tempdir().unwrap();
        let session = root.path().join("user.slice/session");
        group(&session, "cpu memory pids");
        group(&session.join("shell.scope"), "");
        let system = System {
            root: root.path().to_owned(),
            memberships: "0::/user.slice/session/shell.scope\n".into(),
        };
        assert_eq!(
            system.room(),
            Some(Room::Unified { parent: session.clone(), home: session.join("shell.scope") })
        );
        let entered = system.enter(Limits::MEDIUM, Pid::from_raw(7)).unwrap();
        let ours = session.join("brickyard-7");
        let read = |name: &str| std::fs::read_to_string(ours.join(name)).unwrap();
        assert_eq!(read("cpu.max"), "200000 100000");
        assert_eq!(read("memory.max"), "6442450944");
        assert_eq!(read("cgroup.procs"), "7");
        drop(entered);
        // Out of the group before it is removed.
        let home = std::fs::read_to_string(session.join("shell.scope/cgroup.procs")).unwrap();
        assert_eq!(home, Pid::this().to_string());
    }

    #[test]
    fn separate_hierarchies_are_both_needed() {
        let root = tempfile::tempdir().unwrap();
        group(&root.path().join("memory/box"), "");
        let memberships = "4:memory:/box\n2:cpuacct:/\n1:cpu:/of/the/machine\n0::/\n".to_owned();
        let system = System { root: root.path().to_owned(), memberships };
        assert_eq!(system.room(), None);
        group(&root.path().join("cpu"), "");
        let cpu = root.path().join("cpu");
        assert_eq!(
            system.room(),
            Some(Room::Separate { cpu: cpu.clone(), memory: root.path().join("memory/box") })
        );
        let _group = system.enter(Limits::LARGE, Pid::from_raw(7)).unwrap();
        let read = |path: &str| std::fs::read_to_string(root.path().join(path)).unwrap();
        assert_eq!(read("cpu/brickyard-7/cpu.cfs_quota_us"), "400000");
        assert_eq!(read("memory/box/brickyard-7/memory.limit_in_bytes"), "12884901888");
    }

    #[test]
    fn without_delegation_there_is_no_room() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), "pids");
        let system = System { root: root.path().to_owned(), memberships: "0::/\n".into() };
        assert_eq!(system.room(), None);
    }
}
