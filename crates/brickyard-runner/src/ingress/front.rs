//! What happens to a request, in order: host, app, origin, our own paths, who, forward.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::app::App;
use super::body::Body;
use super::headers::{Asked, Caller};
use super::session::Visitor;
use super::{IngressConfig, Refusal, forward, headers, login, logz, pages, route, upgrade};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) config: IngressConfig,
    pub(super) apps: RwLock<BTreeMap<String, Arc<App>>>,
    pub(super) tasks: TaskTracker,
}

/// How a connection came in.
#[derive(Debug, Clone)]
pub(super) enum Via {
    /// By the port of one app.
    Port(Arc<App>),
    /// By the port all share; the host names the app.
    Name,
}

impl Front {
    pub(super) async fn answer(
        &self,
        via: &Via,
        caller: &Caller,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let at = Instant::now();
        let value = route::host(&request);
        let Some((value, host)) = value.as_ref().and_then(|value| Some((value, value.to_str().ok()?))) else {
            return pages::plain(StatusCode::BAD_REQUEST, "The request names no host");
        };
        let loopback = route::is_loopback(route::bare(host));
        let named = matches!(via, Via::Port(app) if app.is_named(route::bare(host)));
        if !named && !loopback {
            return pages::plain(
                StatusCode::FORBIDDEN,
                "This host name is not answered: only `localhost`, names below it and loopback addresses are",
            );
        }
        if request.method() == Method::CONNECT {
            return pages::plain(StatusCode::METHOD_NOT_ALLOWED, "This is not a proxy");
        }
        let upgrading = headers::is_upgrade(request.headers());
        let own = named.then_some(host);
        if route::is_foreign(request.method(), upgrading, request.headers(), own) {
            return pages::plain(StatusCode::FORBIDDEN, "A page of another origin must not send this");
        }
        let named_app;
        let app = match via {
            Via::Port(app) => app,
            Via::Name => {
                named_app = self.app(host);
                let Some(app) = &named_app else { return self.unknown(host) };
                app
            }
        };
        let path = request.uri().path();
        if path.starts_with(login::PREFIX) {
            let base = base(host, named);
            return Box::pin(login::answer(app, &base, request.uri(), request.headers())).await;
        }
        let kind = Kind::of(path);
        let visitor = match self.visitor(app, kind, (caller.lane, at), request.headers()).await {
            Ok(Some(visitor)) => visitor,
            Ok(None) if kind == Kind::Api => return pages::json(StatusCode::UNAUTHORIZED, "{}"),
            Ok(None) if path == logz::STREAM => return pages::json(StatusCode::UNAUTHORIZED, "{}"),
            Ok(None) => {
                let return_to = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
                return login::begin(app, &base(host, named), return_to.to_owned(), false);
            }
            Err(refusal) => return refused(&refusal, kind),
        };
        if kind == Kind::Logs {
            return logz::answer(self, app, visitor, caller.lane, request);
        }
        let asked = Asked { host: value, loopback, at, caller };
        if upgrading {
            Box::pin(upgrade::forward(self, app, &visitor, &asked, request)).await
        } else {
            forward::forward(app, &self.config, &visitor, &asked, request).await
        }
    }

    /// The app that a host names.
    fn app(&self, host: &str) -> Option<Arc<App>> {
        let name = route::app_name(route::bare(host))?;
        self.apps.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }

    /// No app of that name: the list of those there are.
    fn unknown(&self, host: &str) -> Response<Body> {
        let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let mut links = String::new();
        for name in apps.keys() {
            let (name, port) = (pages::escape(name), pages::escape(port));
            let _infallible = write!(links, "<li><a href=\"http://{name}.localhost:{port}/\">{name}</a>");
        }
        let (status, title) = if route::app_name(route::bare(host)).is_some() {
            (StatusCode::NOT_FOUND, "There is no such app")
        } else {
            (StatusCode::OK, "Apps")
        };
        pages::page(status, title, &format!("<ul>{links}</ul>"), false)
    }

    /// Who asks: by session, by bearer token where those count, or by `--as`.
    async fn visitor(
        &self,
        app: &App,
        kind: Kind,
        (lane, at): (usize, Instant),
        headers: &HeaderMap,
    ) -> Result<Option<Arc<Visitor>>, Refusal> {
        if kind != Kind::Page
            && let Some(token) = bearer(headers)
        {
            return match app.authority.verify(token.to_owned()).await {
                Ok(grant) => Ok(Some(Arc::new(Visitor::new(grant, &*app.authority)?))),
                // As on the platform, which sends such a token to sign in wherever it would send a person.
                Err(Refusal::Unauthenticated(_)) if kind == Kind::Agent => Ok(None),
                Err(refusal) => Err(refusal),
            };
        }
        if let Some(visitor) = app.sessions.find(headers) {
            // A session whose token cannot be renewed has ended.
            return match visitor.freshen((lane, at), &*app.authority).await {
                Ok(()) => Ok(Some(visitor)),
                Err(Refusal::Unavailable(reason)) => Err(Refusal::Unavailable(reason)),
                Err(_) => Ok(None),
            };
        }
        let Some(visitor) = app.automatic(lane).await? else { return Ok(None) };
        if visitor.freshen((lane, at), &*app.authority).await.is_err() {
            app.forget_automatic();
            return app.automatic(lane).await;
        }
        Ok(Some(visitor))
    }
}

/// Where a browser sees the app: TLS ends before us where the app has a name of its own.
fn base(host: &str, named: bool) -> String {
    if named { format!("https://{host}") } else { format!("http://{host}") }
}

/// First words of the paths that the platform's pages on agents and on MCP servers in apps call with a token: "Query an
/// agent deployed on Databricks" and "Host custom MCP servers using Databricks apps".
const AGENT_PATHS: [&str; 3] = ["responses", "invocations", "mcp"];

/// What a path is, for the question who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Below `/api/`: bearer tokens count, and nobody is sent to sign in.
    Api,
    /// Where agents and MCP servers answer programs: bearer tokens count, and who has none signs in.
    Agent,
    /// The log, for browsers and for programs.
    Logs,
    /// Everything else.
    Page,
}

impl Kind {
    fn of(path: &str) -> Self {
        if path.starts_with("/api/") {
            Self::Api
        } else if path.split('/').nth(1).is_some_and(|word| AGENT_PATHS.contains(&word)) {
            Self::Agent
        } else if path == logz::PAGE || path == logz::STREAM {
            Self::Logs
        } else {
            Self::Page
        }
    }
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refused(refusal: &Refusal, kind: Kind) -> Response<Body> {
    let status = login::status(refusal);
    match (kind, refusal) {
        (Kind::Api | Kind::Agent | Kind::Logs, Refusal::Unauthenticated(_) | Refusal::Forbidden(_)) => {
            pages::json(status, "{}")
        }
        _ => pages::plain(status, refusal.to_string()),
    }
}
