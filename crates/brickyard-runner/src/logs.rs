//! What an app and its runtime say: a bounded ring in memory, a bounded file on disk, and subscribers.

mod file;
mod line;

pub use file::LogFile;
pub use line::LineReader;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::Clock;

/// Lines kept in memory.
const RING_LINES: usize = 10_000;

/// Lines a slow subscriber may lag behind before it has to ask for what it missed.
const SUBSCRIBER_LINES: usize = 8_192;

/// Who wrote a line (facts: platform §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Source {
    /// The app's own stdout and stderr.
    App,
    /// The runtime around it.
    System,
    /// The environment builder.
    Build,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "APP",
            Self::System => "SYSTEM",
            Self::Build => "BUILD",
        })
    }
}

/// One line of a log; serialized as the platform's log stream does (facts: platform §7.1).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Who wrote it.
    pub source: Source,
    /// When, in seconds since 1970.
    pub timestamp: f64,
    /// What, without the end of line.
    #[serde(serialize_with = "as_text")]
    pub message: Arc<str>,
    /// Its place in the log since this process began, from 1 on without gaps.
    #[serde(skip)]
    pub number: u64,
}

/// The log of one app; clones share it.
#[derive(Clone)]
pub struct Logs {
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
    sender: broadcast::Sender<Line>,
}

struct Shared {
    ring: VecDeque<Line>,
    count: u64,
    file: Option<LogFile>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

impl Logs {
    /// An empty log, also written to `file` if there is one.
    pub fn new(clock: Clock, file: Option<LogFile>) -> Self {
        let (sender, _) = broadcast::channel(SUBSCRIBER_LINES);
        Self { clock, shared: Arc::new(Mutex::new(Shared { ring: VecDeque::new(), count: 0, file })), sender }
    }

    /// Adds a line; a text of several lines becomes several.
    pub fn append(&self, source: Source, message: &str) {
        let timestamp = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        for message in message.split('\n') {
            let message = message.trim_end_matches('\r').into();
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.count += 1;
            let line = Line { source, timestamp, message, number: shared.count };
            if shared.ring.len() == RING_LINES {
                shared.ring.pop_front();
            }
            shared.ring.push_back(line.clone());
            if let Some(file) = &mut shared.file
                && let Err(error) = file.write(&line)
            {
                tracing::warn!(%error, "The log file could not be written, and is given up");
                shared.file = None;
            }
            // Sent under the lock: a subscriber sees each line once, either in its backlog or in its stream.
            let _nobody = self.sender.send(line);
        }
    }

    /// The last `count` lines that contain `search` (all of them if it is empty; case does not matter).
    pub fn tail(&self, count: usize, search: &str) -> Vec<Line> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let search = search.to_lowercase();
        let mut found: Vec<Line> =
            shared.ring.iter().rev().filter(|line| line.contains(&search)).take(count).cloned().collect();
        found.reverse();
        found
    }

    /// The lines after the one of this number that are still in memory.
    pub fn since(&self, number: u64) -> Vec<Line> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let first = shared.count - shared.ring.len() as u64;
        let skip = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        shared.ring.iter().skip(skip).cloned().collect()
    }

    /// The lines so far, and every later one.
    pub fn follow(&self) -> (Vec<Line>, broadcast::Receiver<Line>) {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        (shared.ring.iter().cloned().collect(), self.sender.subscribe())
    }
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl Line {
    /// Whether the message contains a text given in lower case.
    pub fn contains(&self, lower_case: &str) -> bool {
        lower_case.is_empty() || self.message.to_lowercase().contains(lower_case)
    }

    /// When it was written.
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + std::time::Duration::try_from_secs_f64(self.timestamp).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Logs {
        Logs::new(Arc::new(|| UNIX_EPOCH + std::time::Duration::from_millis(1_500)), None)
    }

    #[test]
    fn speaks_the_stream_format() {
        let logs = logs();
        logs.append(Source::App, "hello");
        let text = serde_json::to_string(&logs.tail(1, "")[0]).unwrap();
        assert_eq!(text, r#"{"source":"APP","timestamp":1.5,"message":"hello"}"#);
    }

    #[test]
    fn stays_bounded_and_searches() {
        let logs = logs();
        for number in 0..RING_LINES + 5 {
            logs.append(Source::System, &format!("Line {number}"));
        }
        assert_eq!(logs.tail(usize::MAX, "").len(), RING_LINES);
        assert_eq!(&*logs.tail(1, "line 1000").pop().unwrap().message, "Line 10004");
    }

    #[test]
    fn a_follower_misses_nothing() {
        let logs = logs();
        logs.append(Source::App, "before");
        let (before, mut after) = logs.follow();
        logs.append(Source::App, "a\nb");
        assert_eq!(before.len(), 1);
        assert_eq!(logs.since(1).iter().map(|line| line.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(&*after.try_recv().unwrap().message, "a");
        assert_eq!(&*after.try_recv().unwrap().message, "b");
    }
}
