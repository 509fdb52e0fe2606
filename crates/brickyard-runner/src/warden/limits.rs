//! The limits of an app's compute size, set where the system lets us: a control group for the whole tree, else limits of
//! each process.

use std::ffi::OsString;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use super::control_group::ControlGroup;

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
        } else if ControlGroup::is_allowed() {
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
        #[cfg(target_os = "linux")]
        if let Some(cpus) = self.cpus
            && let Err(error) = pin(usize::try_from(cpus).unwrap_or(usize::MAX))
        {
            tracing::warn!(%error, "The processors could not be limited");
        }
        // Data rather than address space: runtimes reserve far more addresses than they use.
        let Some(bytes) = self.memory_bytes else { return };
        let hard = getrlimit(Resource::RLIMIT_DATA).map_or(bytes, |(_, hard)| hard.min(bytes));
        if let Err(error) = setrlimit(Resource::RLIMIT_DATA, hard, hard) {
            tracing::warn!(%error, "The memory limit could not be set");
        }
    }
}

/// Binds this process, and whatever it starts, to so many of the processors it may use now; which ones differs from process to
/// process, so that several apps do not crowd the first ones.
#[cfg(target_os = "linux")]
fn pin(cpus: usize) -> nix::Result<()> {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    let myself = Pid::from_raw(0);
    let allowed = sched_getaffinity(myself)?;
    let allowed: Vec<usize> =
        (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)).collect();
    if allowed.len() <= cpus {
        return Ok(());
    }
    let mut chosen = CpuSet::new();
    let first = usize::try_from(Pid::this().as_raw()).unwrap_or(0) * cpus;
    for cpu in allowed.iter().cycle().skip(first % allowed.len()).take(cpus) {
        chosen.set(*cpu)?;
    }
    sched_setaffinity(myself, &chosen)
}

/// How limits are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitsApplied {
    /// For the whole process tree, by a control group.
    ControlGroup,
    /// Without a control group: memory for each process by itself; processors by binding the tree to some of them (Linux), else
    /// not at all.
    PerProcess,
    /// Not at all: none were asked for.
    None,
}
