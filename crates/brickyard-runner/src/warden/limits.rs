//! The limits of an app's compute size, set where the system lets us: a control group (version 2) for the whole tree, else
//! limits of each process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// What an app may use; nothing said means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Processors.
    pub cpus: Option<u64>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
}

impl Limits {
    /// The platform's default size, Medium: 2 processors, 6 GB (facts: platform §2.1).
    pub const MEDIUM: Self = Self { cpus: Some(2), memory_bytes: Some(6 * 1024 * 1024 * 1024) };

    /// The platform's size Large: 4 processors, 12 GB.
    pub const LARGE: Self = Self { cpus: Some(4), memory_bytes: Some(12 * 1024 * 1024 * 1024) };

    pub(super) fn arguments(self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(cpus) = self.cpus {
            arguments.extend(["--cpus".into(), cpus.to_string().into()]);
        }
        if let Some(bytes) = self.memory_bytes {
            arguments.extend(["--memory".into(), bytes.to_string().into()]);
        }
        arguments
    }

    /// How these limits will be set on this system.
    pub fn applied(self) -> LimitsApplied {
        if self == Self::default() {
            LimitsApplied::None
        } else if ControlGroup::parent().is_some() {
            LimitsApplied::ControlGroup
        } else {
            LimitsApplied::PerProcess
        }
    }

    /// Sets the limits for this process and whatever it starts; the group lives as long as what is returned.
    pub(super) fn apply(self) -> Option<ControlGroup> {
        if self == Self::default() {
            return None;
        }
        let group = ControlGroup::enter(self);
        if group.is_none() {
            self.apply_per_process();
        }
        group
    }

    fn apply_per_process(self) {
        // Data rather than address space: runtimes reserve far more addresses than they use.
        let Some(bytes) = self.memory_bytes else { return };
        let hard = getrlimit(Resource::RLIMIT_DATA).map_or(bytes, |(_, hard)| hard.min(bytes));
        if let Err(error) = setrlimit(Resource::RLIMIT_DATA, hard, hard) {
            tracing::warn!(%error, "The memory limit could not be set");
        }
    }
}

/// How limits are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitsApplied {
    /// For the whole process tree, by a control group.
    ControlGroup,
    /// Memory only, for each process by itself; processors are not limited.
    PerProcess,
    /// Not at all: none were asked for.
    None,
}

/// A control group of our own; removed when dropped, once it is empty.
pub(super) struct ControlGroup {
    path: PathBuf,
    home: PathBuf,
}

impl ControlGroup {
    /// Our own group, if groups with both controllers can be made below it.
    fn parent() -> Option<PathBuf> {
        let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let path = Path::new("/sys/fs/cgroup").join(own.trim_start_matches('/'));
        let delegated = std::fs::read_to_string(path.join("cgroup.subtree_control")).ok()?;
        let both =
            ["cpu", "memory"].iter().all(|name| delegated.split_whitespace().any(|word| word == *name));
        let writable = nix::unistd::access(&path, nix::unistd::AccessFlags::W_OK).is_ok();
        (both && writable).then_some(path)
    }

    fn enter(limits: Limits) -> Option<Self> {
        let home = Self::parent()?;
        let path = home.join(format!("brickyard-{}", Pid::this()));
        std::fs::create_dir(&path).ok()?;
        let group = Self { path, home };
        let write = |name: &str, value: String| std::fs::write(group.path.join(name), value);
        let set = || {
            if let Some(cpus) = limits.cpus {
                write("cpu.max", format!("{} 100000", cpus * 100_000))?;
            }
            if let Some(bytes) = limits.memory_bytes {
                write("memory.max", bytes.to_string())?;
            }
            write("cgroup.procs", Pid::this().to_string())
        };
        set().ok().map(|()| group)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Best effort: a group left behind is empty and harmless.
        let _not_moved = std::fs::write(self.home.join("cgroup.procs"), Pid::this().to_string());
        let _not_removed = std::fs::remove_dir(&self.path);
    }
}
