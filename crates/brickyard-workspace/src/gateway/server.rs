use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use brickyard_engine::Socket;
use futures_util::FutureExt;
use http::{Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::error::ApiError;
use crate::workspace::Workspace;

/// How long an idle connection, or one in the middle of a request head, is kept.
const HEAD_TIMEOUT: Duration = Duration::from_mins(2);

/// How long a stopped workspace waits for requests under way.
const GRACE: Duration = Duration::from_secs(2);

/// Longest body that is read at once, in bytes; longer ones stream.
const SMALL_BODY: u64 = 256 * 1024;

/// How long a small body may take.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// Through which door a request came, as a request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// TLS under the workspace's name.
    Gateway,
    /// The plain loopback listener.
    Plain,
}

/// Serves the REST API over plain HTTP/1.1 and h2c until the workspace stops.
pub(crate) async fn serve_plain(workspace: Workspace, listener: TcpListener, router: Router) {
    let cancellation = workspace.cancellation().clone();
    loop {
        let stream = tokio::select! {
            () = cancellation.cancelled() => return,
            accepted = accept(&listener) => accepted,
        };
        let (router, cancellation) = (router.clone(), cancellation.clone());
        workspace.tracker().spawn(serve_stream(stream, router, Via::Plain, cancellation));
    }
}

/// The next connection, without delays; errors of single connections (descriptors spent, say) are waited out.
pub(super) async fn accept(listener: &TcpListener) -> Socket {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Socket::new(stream),
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one connection; HTTP/1.1 or HTTP/2 as its first bytes say.
pub(super) async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    via: Via,
    cancellation: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(via);
        let router = router.clone();
        async move {
            let response = match with_small_body(request).await {
                Ok(request) => {
                    // A handler that panics answers 500: a broken connection would make clients try for minutes.
                    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
                        Ok(Ok(response)) => response,
                        Err(_) => {
                            let bug = std::io::Error::other("a handler panicked, which is a bug");
                            ApiError::internal(&bug).into_response()
                        }
                    }
                }
                Err(status) => status.into_response(),
            };
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(2 * 1024 * 1024)
        .initial_connection_window_size(8 * 1024 * 1024)
        .max_concurrent_streams(256)
        .max_header_list_size(64 * 1024);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancellation.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "A connection ended early: {error}");
    }
}

/// Reads a small body before anybody looks at the request.
///
/// A refusal (401, say) must not leave an unread body behind: the connection would have to be closed under a client
/// that is still sending, which then sees a broken connection and not the refusal.
async fn with_small_body(request: Request<Incoming>) -> Result<Request<Body>, StatusCode> {
    let length = request.body().size_hint().exact();
    let (parts, body) = request.into_parts();
    if !length.is_some_and(|length| (1..=SMALL_BODY).contains(&length)) {
        return Ok(Request::from_parts(parts, Body::new(body)));
    }
    let read = tokio::time::timeout(BODY_TIMEOUT, body.collect()).await;
    let bytes = read.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(Request::from_parts(parts, Body::from(bytes.to_bytes())))
}
