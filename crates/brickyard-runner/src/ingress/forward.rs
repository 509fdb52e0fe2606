//! A request to the app and its answer back.

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;

use super::IngressConfig;
use super::app::App;
use super::body::{Body, RequestBody};
use super::headers::{Asked, strip_client, strip_hop, tell, without_cookies};
use super::pages::{not_up, page, unavailable};
use super::pool::Unanswered;
use super::session::{Sessions, Visitor};

/// Makes the request as the app shall see it.
pub(super) fn rewrite<B>(request: &mut Request<B>, visitor: &Visitor, asked: &Asked<'_>, inner: HeaderValue) {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    strip_hop(headers);
    strip_client(headers);
    without_cookies(headers, Sessions::is_cookie);
    // The app sees the name it is reached by inside, as behind the platform's own proxy; the outer one is X-Forwarded-Host.
    headers.insert(HOST, inner);
    tell(headers, visitor, asked);
}

pub(super) async fn forward(
    app: &App,
    config: &IngressConfig,
    visitor: &Visitor,
    asked: &Asked<'_>,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let lane = asked.caller.lane;
    let Some((place, mark)) = app.enter(lane) else {
        return unavailable(request.headers(), &app.name, &app.status());
    };
    if let Some(limit) = config.body_limit
        && announced(&request).is_some_and(|bytes| bytes > limit)
    {
        return too_large(limit);
    }
    rewrite(&mut request, visitor, asked, place.host);
    let request = request.map(|body| RequestBody::new(body, config.body_limit));
    let times = (asked.at, asked.at + config.request_timeout);
    match app.pool.send((lane, place.address), times, Some(mark), request).await {
        Ok((response, lease)) => {
            let deadline = config.stream_timeout.map(|longest| asked.at + longest);
            let (mut head, body) = response.into_parts();
            strip_hop(&mut head.headers);
            head.version = Version::HTTP_11;
            Response::from_parts(head, Body::passing(body, Some(lease), deadline))
        }
        Err(error) => unanswered(app, config, &error),
    }
}

pub(super) fn unanswered(app: &App, config: &IngressConfig, error: &Unanswered) -> Response<Body> {
    if matches!(error, Unanswered::Late) {
        return timed_out(config);
    }
    if let (Unanswered::Broken(source), Some(limit)) = (error, config.body_limit)
        && source.is_user()
    {
        return too_large(limit);
    }
    tracing::debug!(error = error as &dyn std::error::Error, app = app.name, "The app did not answer");
    not_up(&app.name, &app.status())
}

fn timed_out(config: &IngressConfig) -> Response<Body> {
    let seconds = config.request_timeout.as_secs();
    let body = format!("<p>The app did not answer within {seconds} s.</p>");
    page(StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout", &body, false)
}

fn too_large(limit: u64) -> Response<Body> {
    let body = format!("<p>The request's body is larger than {limit} bytes.</p>");
    page(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large", &body, false)
}

fn announced<B>(request: &Request<B>) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
