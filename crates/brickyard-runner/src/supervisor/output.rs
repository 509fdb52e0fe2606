//! The app's output, line by line into the log; the last lines are kept to explain a crash.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncRead;

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

/// Copies one stream until it ends.
pub(super) async fn copy(stream: Option<impl AsyncRead + Unpin>, logs: Logs, last: LastLines) {
    let Some(stream) = stream else { return };
    let mut reader = LineReader::new(stream);
    while let Some(line) = reader.next_line().await {
        logs.append(Source::App, &line);
        last.keep(line);
    }
}
