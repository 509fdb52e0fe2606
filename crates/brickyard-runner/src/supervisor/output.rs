//! The app's output, line by line into the log; the last lines are kept to explain a crash.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::logs::{LineReader, Logs, Source};

const KEPT_LINES: usize = 20;

/// The last lines of one run of the app.
#[derive(Debug, Clone, Default)]
pub(super) struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    pub(super) fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn keep(&self, line: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

/// Longest time that is waited for what an app has written.
const SETTLE: Duration = Duration::from_millis(500);

/// One stream of the app's output on its way into the log.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) task: JoinHandle<()>,
    /// The same pipe, to see whether something lies in it.
    pipe: Option<OwnedFd>,
    taken: Taken,
}

/// Whether all that was taken out of the pipe is in the log.
#[derive(Debug, Clone, Default)]
struct Taken(Arc<AtomicBool>);

/// A stream whose reader comes back only after it has put away what it got before.
struct Watched<R> {
    stream: R,
    taken: Taken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Before the pipe is looked into: whoever finds it empty must not find this still set.
        self.taken.0.store(false, Ordering::SeqCst);
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.taken.0.store(read.is_pending(), Ordering::SeqCst);
        read
    }
}

impl Output {
    /// Copies a stream until it ends.
    pub(super) fn follow<R>(stream: Option<R>, logs: Logs, last: LastLines) -> Self
    where
        R: AsyncRead + AsFd + Unpin + Send + 'static,
    {
        let pipe = stream.as_ref().and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        let taken = Taken::default();
        let stream = stream.map(|stream| Watched { stream, taken: taken.clone() });
        Self { task: tokio::spawn(copy(stream, logs, last)), pipe, taken }
    }

    fn is_in_the_log(&self) -> bool {
        let Some(pipe) = &self.pipe else { return true };
        let mut looked = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        let empty = poll(&mut looked, PollTimeout::ZERO).is_ok()
            && looked[0].revents().is_some_and(|events| !events.contains(PollFlags::POLLIN));
        empty && self.taken.0.load(Ordering::SeqCst) || self.task.is_finished()
    }
}

/// Waits until what the app has written so far is in the log; of an app that never stops writing, only for a while.
pub(super) async fn settle(output: &[Output]) {
    let settled = async {
        while !output.iter().all(Output::is_in_the_log) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let _never_silent = timeout(SETTLE, settled).await;
}

async fn copy(stream: Option<impl AsyncRead + Unpin>, logs: Logs, last: LastLines) {
    let Some(stream) = stream else { return };
    let mut reader = LineReader::new(stream);
    while let Some(line) = reader.next_line().await {
        logs.append(Source::App, &line);
        last.keep(line);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::process::Command;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_in_the_log_once_it_is_settled() {
        let mut child = Command::new("sh")
            .args(["-c", "printf 'one\ntwo\n'; exec sleep 60"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let logs = Logs::new(Arc::new(|| std::time::SystemTime::UNIX_EPOCH), None);
        let last = LastLines::default();
        let output = Output::follow(child.stdout.take(), logs, last.clone());
        // Nothing is read meanwhile: this thread is the only one.
        let mut looked = [PollFd::new(output.pipe.as_ref().unwrap().as_fd(), PollFlags::POLLIN)];
        poll(&mut looked, PollTimeout::NONE).unwrap();
        assert!(last.list().is_empty());
        settle(&[output]).await;
        assert_eq!(last.list(), ["one", "two"]);
    }
}
