use std::sync::Arc;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::failure::Failure;
use crate::ops::deploy::Tell;

/// What a call tells while it works: lines go to the client as progress, where the client asked for it.
pub(super) struct Notices {
    lines: UnboundedReceiver<String>,
    sender: UnboundedSender<String>,
    to: Option<(Peer<RoleServer>, ProgressToken)>,
    count: u32,
}

impl Notices {
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let (sender, lines) = unbounded_channel();
        let to = context.meta.get_progress_token().map(|token| (context.peer.clone(), token));
        Self { lines, sender, to, count: 0 }
    }

    /// Where the work tells of itself.
    pub(super) fn tell(&self) -> Tell {
        if self.to.is_none() {
            return Arc::new(|line: &str| tracing::info!("{line}"));
        }
        let sender = self.sender.clone();
        Arc::new(move |line: &str| {
            // Whoever hears nothing any more has gone.
            let _ = sender.send(line.to_owned());
        })
    }

    /// Does the work and passes on what it tells, in order and before the result; a cancelled call is dropped where it is.
    pub(super) async fn during<T>(
        mut self,
        work: impl Future<Output = Result<T, Failure>>,
        cancelled: tokio_util::sync::CancellationToken,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        let outcome = loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => {
                    let failure = Failure::user("The call was cancelled");
                    return Err(failure.hint("what is missing is done by the same call again"));
                }
                Some(line) = self.lines.recv() => self.send(line).await,
                outcome = &mut work => break outcome,
            }
        };
        while let Ok(line) = self.lines.try_recv() {
            self.send(line).await;
        }
        outcome
    }

    async fn send(&mut self, line: String) {
        let Some((peer, token)) = &self.to else { return };
        self.count += 1;
        let progress =
            ProgressNotificationParam::new(token.clone(), f64::from(self.count)).with_message(line);
        if let Err(error) = peer.notify_progress(progress).await {
            tracing::debug!("The client hears no progress: {error}");
        }
    }
}
