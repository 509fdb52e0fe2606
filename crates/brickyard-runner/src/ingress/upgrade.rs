//! `WebSocket`s, and whatever else leaves HTTP: a connection of its own to the app, then bytes both ways until one side ends.

use std::sync::Arc;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;

use super::app::App;
use super::body::{Body, RequestBody};
use super::forward::{rewrite, unanswered};
use super::front::Front;
use super::headers::{Asked, strip_hop};
use super::pages::unavailable;
use super::pool::Pool;
use super::session::Visitor;

/// Of each direction; small, since thousands of idle `WebSocket`s are usual.
const TUNNEL_BUFFER: usize = 4 * 1024;

pub(super) async fn forward(
    front: &Front,
    app: &Arc<App>,
    visitor: &Visitor,
    asked: &Asked<'_>,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let lane = asked.caller.lane;
    let Some(place) = app.place(lane) else {
        return unavailable(request.headers(), &app.name, &app.status());
    };
    let protocol = request.headers().get(UPGRADE).cloned();
    let client = hyper::upgrade::on(&mut request);
    rewrite(&mut request, visitor, asked, place.host);
    ask_to_upgrade(request.headers_mut(), protocol);
    // An empty pool: this connection is never given back.
    let pool = Pool::default();
    let times = (asked.at, asked.at + front.config.request_timeout);
    let request = request.map(|body| RequestBody::new(body, front.config.body_limit));
    let (mut response, lease) = match pool.send((lane, place.address), times, None, request).await {
        Ok(answered) => answered,
        Err(error) => return unanswered(app, &front.config, &error),
    };
    let protocol = response.headers().get(UPGRADE).cloned();
    let upgraded =
        (response.status() == StatusCode::SWITCHING_PROTOCOLS).then(|| hyper::upgrade::on(&mut response));
    let (mut head, body) = response.into_parts();
    strip_hop(&mut head.headers);
    let Some(server) = upgraded else {
        return Response::from_parts(head, Body::passing(body, Some(lease), None));
    };
    ask_to_upgrade(&mut head.headers, protocol);
    let end = app.end.clone();
    front.tasks.spawn(async move {
        let tunnelled = async { tokio::join!(lease.hand_over(), tunnel(client, server)).1 };
        if let Some(Err(error)) = end.run_until_cancelled(tunnelled).await {
            tracing::debug!(%error, "A tunnel ended badly");
        }
    });
    Response::from_parts(head, Body::empty())
}

fn ask_to_upgrade(headers: &mut http::HeaderMap, protocol: Option<HeaderValue>) {
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

async fn tunnel(client: OnUpgrade, server: OnUpgrade) -> Result<(), super::body::BoxError> {
    let (client, server) = tokio::try_join!(client, server)?;
    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
    copy_bidirectional_with_sizes(&mut client, &mut server, TUNNEL_BUFFER, TUNNEL_BUFFER).await?;
    Ok(())
}
