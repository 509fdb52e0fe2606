//! Ends a child in which a cancelled statement goes on.
//!
//! Sail takes an interrupt at once, but an operator that does not yield (a nested-loop join with a costly condition, say)
//! computes on, for days if need be. Nothing but the end of the process stops it; a new one is there in part of a second.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::child::Child;

/// Length of one look at the child.
const WINDOW: Duration = Duration::from_secs(1);

/// Looks in a row in which a child without statements must compute before it is ended.
const LOOKS: u32 = 3;

/// Share of one processor below which a child rests, unless it waits for a processor that others have.
const REST: f64 = 0.05;

/// Time after which a child is ended although other statements run in it, if one of its threads has computed without a
/// pause since the cancellation. Such a thread holds the other statements up as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at the child after every cancellation, until `stop`.
pub(crate) async fn guard(child: Child, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = child.exit() => return,
            () = child.work().suspected() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = child.exit() => return,
            runs_away = runs_away(&child) => if runs_away {
                tracing::warn!("The SQL engine goes on with a cancelled statement and is started again");
                child.kill();
                return;
            }
        }
    }
}

/// Whether something that nobody waits for computes in the child; ends when the child rests.
async fn runs_away(child: &Child) -> bool {
    let (mut looks, began, at_first) = (0, Instant::now(), Threads::of(child.process));
    loop {
        let (before, work) = (Threads::of(child.process), child.work().seen());
        tokio::time::sleep(WINDOW).await;
        let after = Threads::of(child.process);
        let load = (after.time().saturating_sub(before.time())).as_secs_f64() / WINDOW.as_secs_f64();
        if load < REST && !after.wants_to_run() {
            return false;
        }
        let alone = work == child.work().seen() && child.work().is_none();
        looks = if alone { looks + 1 } else { 0 };
        if looks >= LOOKS || began.elapsed() > PATIENCE && after.has_one_without_pause_since(&at_first) {
            return true;
        }
    }
}

/// Threads of a process group.
#[derive(Default)]
struct Threads(HashMap<u32, Thread>);

/// A thread: what it has computed, how often it has paused by itself, and whether it runs or waits for its turn.
struct Thread {
    time: Duration,
    pauses: u64,
    runs: bool,
}

impl Threads {
    /// Reads them; there are none where the system has no `/proc`.
    fn of(group: u32) -> Self {
        let mut threads = HashMap::new();
        for process in self::group(group) {
            for thread in numbers(&format!("/proc/{process}/task")) {
                threads.extend(read(process, thread).map(|found| (thread, found)));
            }
        }
        Self(threads)
    }

    fn time(&self) -> Duration {
        self.0.values().map(|thread| thread.time).sum()
    }

    /// Whether a thread computes, or would if it had a processor.
    fn wants_to_run(&self) -> bool {
        self.0.values().any(|thread| thread.runs)
    }

    /// Whether a thread has computed for most of the time since an earlier look and has never paused.
    fn has_one_without_pause_since(&self, earlier: &Self) -> bool {
        self.0.iter().any(|(number, now)| {
            earlier.0.get(number).is_some_and(|then| {
                then.pauses == now.pauses && now.time.saturating_sub(then.time) > PATIENCE.mul_f64(REST)
            })
        })
    }
}

/// The processes of a group.
pub(crate) fn group(of: u32) -> Vec<u32> {
    let mut processes = numbers("/proc");
    processes.retain(|process| {
        let stat = stat(&format!("/proc/{process}/stat"));
        stat.is_some_and(|stat| stat.get(2).is_some_and(|found| found.parse() == Ok(of)))
    });
    processes
}

fn read(process: u32, thread: u32) -> Option<Thread> {
    let place = format!("/proc/{process}/task/{thread}");
    let stat = stat(&format!("{place}/stat"))?;
    let runs = stat.first().is_some_and(|state| state == "R");
    let ticks: u64 = stat.get(11)?.parse::<u64>().ok()? + stat.get(12)?.parse::<u64>().ok()?;
    let status = std::fs::read_to_string(format!("{place}/status")).ok()?;
    let pauses = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    // Linux tells times in hundredths of a second, whatever its own clock does.
    Some(Thread { time: Duration::from_millis(ticks * 10), pauses: pauses.trim().parse().ok()?, runs })
}

/// The fields of a `stat` file behind the program's name, which may hold anything.
fn stat(path: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(path).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn numbers(directory: &str) -> Vec<u32> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_threads_of_a_group_are_found() {
        let group = nix::unistd::getpgrp().as_raw().unsigned_abs();
        let first = Threads::of(group);
        assert!(first.0.len() > 1, "this test runs in a thread of its own");
        let mut sum = 0_u64;
        while Threads::of(group).time() <= first.time() {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        assert!(sum != 1);
        assert!(!Threads::of(group).has_one_without_pause_since(&Threads::default()));
        assert!(Threads::of(group).wants_to_run(), "the thread that looks is running");
    }

    /// A child that gets no processor for a while, since others have them all, does not rest.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_group_that_sleeps_does_not_want_to_run() {
        use std::os::unix::process::CommandExt;
        let mut child = std::process::Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while Threads::of(child.id()).0.is_empty() || Threads::of(child.id()).wants_to_run() {
            assert!(Instant::now() < deadline, "a program that sleeps wants to run");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
