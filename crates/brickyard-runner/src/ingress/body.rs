//! Bodies: ours, or the app's passed through frame by frame.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Limited;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::pool::Lease;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An answer's body.
pub(super) enum Body {
    Ours(Option<Bytes>),
    App(Passing),
}

/// The app's body on its way out.
pub(super) struct Passing {
    body: Incoming,
    /// Given back to the pool once the body has ended.
    lease: Option<Lease>,
    deadline: Option<Instant>,
    /// Made only when the body has to wait: most never do.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Body {
    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        Self::Ours(Some(text.into()))
    }

    pub(super) fn empty() -> Self {
        Self::Ours(None)
    }

    pub(super) fn passing(body: Incoming, lease: Option<Lease>, deadline: Option<Instant>) -> Self {
        let mut passing = Passing { body, lease, deadline, alarm: None };
        passing.release_if_ended();
        Self::App(passing)
    }
}

impl Passing {
    /// The next part; the connection it comes from is driven here.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let ready @ Poll::Ready(_) = Pin::new(&mut self.body).poll_frame(context) {
            return ready;
        }
        if let Some(lease) = &mut self.lease {
            lease.poll(context);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn release_if_ended(&mut self) {
        if self.body.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Ours(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::App(passing) => match passing.poll_body(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    passing.release_if_ended();
                    Poll::Ready(Some(Ok(frame)))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => {
                    if let Some(lease) = passing.lease.take() {
                        lease.give_back();
                    }
                    Poll::Ready(None)
                }
                Poll::Pending => {
                    let Some(deadline) = passing.deadline else { return Poll::Pending };
                    let alarm = passing.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                    ready!(alarm.as_mut().poll(context));
                    Poll::Ready(Some(Err("the answer took longer than allowed".into())))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(bytes) => bytes.is_none(),
            Self::App(passing) => passing.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::App(passing) => passing.body.size_hint(),
        }
    }
}

/// A request's body on its way to the app.
pub(super) enum RequestBody {
    Whole(Incoming),
    Limited(Limited<Incoming>),
}

impl RequestBody {
    pub(super) fn new(body: Incoming, limit: Option<u64>) -> Self {
        match limit {
            Some(limit) => Self::Limited(Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX))),
            None => Self::Whole(body),
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                Pin::new(body).poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Self::Limited(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Limited(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Limited(body) => body.size_hint(),
        }
    }
}
